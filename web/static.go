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
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// packed is what precompress made of static/: what is served, plain and compressed.
//
//go:embed packed/*
var packed embed.FS

// Static serves the static files. Their address names the content of all of them together, so that browsers may keep them
// for ever and modules, which import each other by "./name.js", always meet those that they were made with.
type Static struct {
	version string
	files   map[string]staticFile
}

type staticFile struct {
	media   string
	content map[string][]byte // by encoding; "" is the plain one
	imports []string          // of a module: what it imports at once, and what that imports
}

// NewStatic reads the files that the binary holds, plain and packed.
func NewStatic() (*Static, error) {
	entries, err := fs.ReadDir(packed, "packed")
	if err != nil {
		return nil, fmt.Errorf("read static files: %w", err)
	}
	s := &Static{files: map[string]staticFile{}}
	sum := sha256.New()
	for _, entry := range entries {
		name := entry.Name()
		if ending := path.Ext(name); ending == "" || ending == ".br" || ending == ".gz" {
			continue
		}
		plain, err := packed.ReadFile("packed/" + name)
		if err != nil {
			return nil, fmt.Errorf("read static files: %w", err)
		}
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", name, len(plain), plain) // a hash takes everything
		file := staticFile{media: mime.TypeByExtension(path.Ext(name)), content: map[string][]byte{"": plain}}
		for encoding, ending := range map[string]string{"br": ".br", "gzip": ".gz"} {
			small, err := packed.ReadFile("packed/" + name + ending)
			if err != nil {
				return nil, fmt.Errorf("read static files (`go generate ./web/...` packs them): %w", err)
			}
			if len(small) < len(plain) {
				file.content[encoding] = small
			}
		}
		s.files[name] = file
	}
	s.version = hex.EncodeToString(sum.Sum(nil)[:6])
	for name, file := range s.files {
		if path.Ext(name) == ".js" {
			file.imports = s.imports(name, nil)
			s.files[name] = file
		}
	}
	return s, nil
}

// imported finds what a module imports at once. What it imports only when it is needed has parentheses.
var imported = regexp.MustCompile(`(?:^|[;}\s])(?:import|export)\b[^"'(;]*["']\./([^"']+)["']`)

// imports adds what a module imports to what was found before, in the order in which it runs.
func (s *Static) imports(name string, found []string) []string {
	for _, match := range imported.FindAllSubmatch(s.files[name].content[""], -1) {
		if next := string(match[1]); !slices.Contains(found, next) {
			found = s.imports(next, append(found, next))
		}
	}
	return found
}

// Address is where a file is served; "" where there is none of that name.
func (s *Static) Address(name string) string {
	if _, ok := s.files[name]; !ok {
		return ""
	}
	return "/static/" + s.version + "/" + name
}

// Modules are the addresses of all modules that one imports, its own not included: a page names them, so that a browser
// fetches them together and not one after the other.
func (s *Static) Modules(name string) []string {
	addresses := make([]string, len(s.files[name].imports))
	for i, module := range s.files[name].imports {
		addresses[i] = s.Address(module)
	}
	return addresses
}

// Serve answers a file by its address. A page of another version, before or after an update, gets the file of this one; it
// is not to be kept under that address, nor is one that is asked for without any version.
func (s *Static) Serve(c echo.Context) error {
	version, name, versioned := strings.Cut(c.Param("*"), "/")
	if !versioned {
		version, name = "", version
	}
	file, ok := s.files[name]
	if !ok {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	if version == s.version {
		h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	h.Set(echo.HeaderContentType, file.media)
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	encoding := preferred(c.Request().Header.Get(echo.HeaderAcceptEncoding), "br", "gzip")
	content, ok := file.content[encoding]
	if !ok {
		content, encoding = file.content[""], ""
	}
	if encoding != "" {
		h.Set(echo.HeaderContentEncoding, encoding)
	}
	return write(c, http.StatusOK, content)
}
