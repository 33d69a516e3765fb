package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/labstack/echo/v4"
)

// minCompressed is the size below which compressing saves nothing; maxPooled is how large a buffer may be that is kept
// for the next page.
const (
	minCompressed = 1 << 10
	maxPooled     = 8 << 20
)

// Renderer draws pages and sends them compressed.
//
// Pages hold a session, and compressing a secret beside text that an attacker chooses can give it away by the length of
// the answer (BREACH). It does not here: a session is sealed anew for every answer, so that no two answers hold the same
// secret; and a page repeats nothing of its address or of the form that asks for it.
type Renderer struct {
	pages  sync.Pool // *bytes.Buffer
	packed sync.Pool // *[]byte, for zstd
	gzips  sync.Pool // *gzipPacker
	zstd   *zstd.Encoder
}

type gzipPacker struct {
	writer *gzip.Writer
	out    bytes.Buffer
}

// NewRenderer makes a renderer.
func NewRenderer() (*Renderer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	return &Renderer{
		pages:  sync.Pool{New: func() any { return new(bytes.Buffer) }},
		packed: sync.Pool{New: func() any { return new([]byte) }},
		gzips: sync.Pool{New: func() any {
			p := &gzipPacker{}
			p.writer, _ = gzip.NewWriterLevel(&p.out, gzip.BestSpeed)
			return p
		}},
		zstd: encoder,
	}, nil
}

// Render draws a page, or a part of one, and sends it. It is drawn as a whole before any of it is sent, so that one that
// fails is an error page and not half a page.
func (r *Renderer) Render(c echo.Context, status int, component templ.Component) error {
	buffer, _ := r.pages.Get().(*bytes.Buffer)
	buffer.Reset()
	defer func() {
		if buffer.Cap() <= maxPooled {
			r.pages.Put(buffer)
		}
	}()
	if err := component.Render(c.Request().Context(), buffer); err != nil {
		return fmt.Errorf("draw the page: %w", err)
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	encoding := ""
	if buffer.Len() >= minCompressed {
		encoding = preferred(c.Request().Header.Get(echo.HeaderAcceptEncoding), "zstd", "gzip")
	}
	if encoding == "" {
		return write(c, status, buffer.Bytes())
	}
	h.Set(echo.HeaderContentEncoding, encoding)
	packed, release := r.compress(encoding, buffer.Bytes())
	defer release()
	return write(c, status, packed)
}

// Text draws a part of a page as text.
func (r *Renderer) Text(c echo.Context, component templ.Component) (string, error) {
	var out bytes.Buffer
	if err := component.Render(c.Request().Context(), &out); err != nil {
		return "", fmt.Errorf("draw a part of the page: %w", err)
	}
	return out.String(), nil
}

// compress packs a body. What it returns is good until release is called.
func (r *Renderer) compress(encoding string, body []byte) (packed []byte, release func()) {
	if encoding == "zstd" {
		buffer, _ := r.packed.Get().(*[]byte)
		*buffer = r.zstd.EncodeAll(body, (*buffer)[:0])
		return *buffer, func() {
			if cap(*buffer) <= maxPooled {
				r.packed.Put(buffer)
			}
		}
	}
	p, _ := r.gzips.Get().(*gzipPacker)
	p.out.Reset()
	p.writer.Reset(&p.out)
	_, _ = p.writer.Write(body) // into memory
	_ = p.writer.Close()
	return p.out.Bytes(), func() {
		if p.out.Cap() <= maxPooled {
			r.gzips.Put(p)
		}
	}
}

// write sends a body whose headers stand.
func write(c echo.Context, status int, body []byte) error {
	c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := c.Response().Write(body)
	return err
}

// preferred is the first of the encodings that a browser takes; "" where it takes none of them.
func preferred(accept string, encodings ...string) string {
	for _, encoding := range encodings {
		for part := range strings.SplitSeq(accept, ",") {
			name, quality, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(name), encoding) {
				continue
			}
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(quality, " ", ""), "q="), 64)
			if quality == "" || err == nil && q > 0 {
				return encoding
			}
		}
	}
	return ""
}
