package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"

	"github.com/labstack/echo/v4"
)

//go:embed static/* packed/*
var staticFiles embed.FS

// Static serves the static files. Each has an address that names its content, so that browsers may keep it for ever.
type Static struct {
	files map[string]staticFile
}

type staticFile struct {
	address string
	media   string
	content map[string][]byte // by encoding; "" is the plain one
}

// NewStatic reads the files that the binary holds, plain and packed.
func NewStatic() (*Static, error) {
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		return nil, fmt.Errorf("read static files: %w", err)
	}
	s := &Static{files: map[string]staticFile{}}
	for _, entry := range entries {
		name := entry.Name()
		plain, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("read static files: %w", err)
		}
		sum := sha256.Sum256(plain)
		file := staticFile{
			address: "/static/" + name + "?v=" + hex.EncodeToString(sum[:6]),
			media:   mime.TypeByExtension(path.Ext(name)),
			content: map[string][]byte{"": plain},
		}
		for encoding, ending := range map[string]string{"br": ".br", "gzip": ".gz"} {
			packed, err := staticFiles.ReadFile("packed/" + name + ending)
			if err != nil {
				return nil, fmt.Errorf("read static files (`go generate ./web` packs them): %w", err)
			}
			if len(packed) < len(plain) {
				file.content[encoding] = packed
			}
		}
		s.files[name] = file
	}
	return s, nil
}

// Address is where a file is served; "" where there is none of that name.
func (s *Static) Address(name string) string { return s.files[name].address }

// Serve answers a file by its name.
func (s *Static) Serve(c echo.Context) error {
	file, ok := s.files[c.Param("*")]
	if !ok {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	h.Set(echo.HeaderContentType, file.media)
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	encoding := preferred(c.Request().Header.Get(echo.HeaderAcceptEncoding), "br", "gzip")
	content, packed := file.content[encoding]
	if !packed {
		content, encoding = file.content[""], ""
	}
	if encoding != "" {
		h.Set(echo.HeaderContentEncoding, encoding)
	}
	return write(c, http.StatusOK, content)
}
