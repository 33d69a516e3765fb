package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/labstack/echo/v4"
)

// exchange sends a request to a handler.
func exchange(t *testing.T, handler echo.HandlerFunc, method, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	e.Any("/static/*", handler)
	e.Any("/page", handler)
	req := httptest.NewRequest(method, path, nil)
	if accept != "" {
		req.Header.Set("Accept-Encoding", accept)
	}
	out := httptest.NewRecorder()
	e.ServeHTTP(out, req)
	return out
}

// unpack reads a body as a browser does.
func unpack(t *testing.T, out *httptest.ResponseRecorder) string {
	t.Helper()
	var reader io.Reader = out.Body
	var err error
	switch encoding := out.Header().Get("Content-Encoding"); encoding {
	case "":
	case "br":
		reader = brotli.NewReader(out.Body)
	case "gzip":
		reader, err = gzip.NewReader(out.Body)
	case "zstd":
		reader, err = zstd.NewReader(out.Body)
	default:
		t.Fatalf("encoding %q", encoding)
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func pageOf(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, text); return err })
}

// TestPagesAreSentAsBrowsersTakeThem: packed as they ask for it, and never as they refuse it.
func TestPagesAreSentAsBrowsersTakeThem(t *testing.T) {
	renderer, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	long, short := strings.Repeat("a field with its value, ", 400), strings.Repeat("x", minCompressed-1)
	for _, tt := range []struct{ accept, text, want string }{
		{"", long, ""}, {"identity", long, ""}, {"br", long, ""},
		{"gzip", long, "gzip"}, {"gzip, deflate, br, zstd", long, "zstd"}, {"zstd", long, "zstd"}, {"GZIP", long, "gzip"},
		{"zstd;q=0, gzip", long, "gzip"}, {"gzip;q=0", long, ""}, {"gzip; q=0.000, zstd;q=0", long, ""}, {"zstd;q=0.1, gzip;q=0.9", long, "zstd"},
		{"gzip;q=nonsense", long, ""}, {"gzipped", long, ""},
		{"gzip, zstd", short, ""}, {"gzip, zstd", "", ""},
	} {
		for range 2 { // the second one uses the first one's buffers
			out := exchange(t, func(c echo.Context) error { return renderer.Render(c, http.StatusTeapot, pageOf(tt.text)) }, http.MethodGet, "/page", tt.accept)
			if got := out.Header().Get("Content-Encoding"); got != tt.want || out.Code != http.StatusTeapot || out.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%q: %q, want %q; status %d, Vary %q", tt.accept, got, tt.want, out.Code, out.Header().Get("Vary"))
			}
			if out.Header().Get("Content-Length") != strconv.Itoa(out.Body.Len()) || tt.want != "" && out.Body.Len() > len(tt.text)/10 {
				t.Errorf("%q: %s of %d bytes", tt.accept, out.Header().Get("Content-Length"), out.Body.Len())
			}
			if got := unpack(t, out); got != tt.text {
				t.Errorf("%q: another text comes out, of %d bytes", tt.accept, len(got))
			}
		}
		head := exchange(t, func(c echo.Context) error { return renderer.Render(c, http.StatusOK, pageOf(tt.text)) }, http.MethodHead, "/page", tt.accept)
		if head.Body.Len() != 0 || head.Header().Get("Content-Encoding") != tt.want {
			t.Errorf("HEAD, %q: %d bytes, %q", tt.accept, head.Body.Len(), head.Header().Get("Content-Encoding"))
		}
	}
}

// TestAPageThatFailsIsNoHalfPage: nothing of it is sent.
func TestAPageThatFailsIsNoHalfPage(t *testing.T) {
	renderer, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	broken := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "half a page")
		return errors.New("broken")
	})
	out := exchange(t, func(c echo.Context) error { return renderer.Render(c, http.StatusOK, broken) }, http.MethodGet, "/page", "gzip")
	if out.Code != http.StatusInternalServerError || strings.Contains(out.Body.String(), "half") {
		t.Errorf("status %d, %s", out.Code, out.Body)
	}
}

// TestStaticFilesArePackedAndKept: what is packed is what is plain, and its address names it.
func TestStaticFilesArePackedAndKept(t *testing.T) {
	static, err := NewStatic()
	if err != nil {
		t.Fatal(err)
	}
	if len(static.files) < 4 {
		t.Fatalf("%d files", len(static.files))
	}
	for name := range static.files {
		plain, err := packed.ReadFile("packed/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct{ accept, want string }{
			{"", ""}, {"gzip, deflate, br, zstd", "br"}, {"gzip", "gzip"}, {"br;q=0, gzip", "gzip"}, {"br;q=0, gzip;q=0", ""}, {"zstd", ""},
		} {
			out := exchange(t, static.Serve, http.MethodGet, static.Address(name), tt.accept)
			h := out.Header()
			length, encoding := out.Body.Len(), h.Get("Content-Encoding")
			if out.Code != http.StatusOK || h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Vary") != "Accept-Encoding" || h.Get("Content-Type") == "" {
				t.Errorf("%s: status %d, %v", name, out.Code, h)
			}
			if encoding != tt.want || encoding != "" && length >= len(plain) || h.Get("Content-Length") != strconv.Itoa(length) {
				t.Errorf("%s, %q: %q of %d bytes, plain %d", name, tt.accept, encoding, length, len(plain))
			}
			if got := unpack(t, out); !bytes.Equal([]byte(got), plain) {
				t.Errorf("%s, %q: packed is another text than plain; `go generate ./web` packs it anew", name, tt.accept)
			}
			if head := exchange(t, static.Serve, http.MethodHead, static.Address(name), tt.accept); head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(length) {
				t.Errorf("HEAD of %s: status %d, %d bytes, Content-Length %s", name, head.Code, head.Body.Len(), head.Header().Get("Content-Length"))
			}
		}
	}
	for _, path := range []string{"/static/", "/static/nothing.js", "/static/../static.go", "/static/packed/app.js.br", "/static/" + static.version + "/item.js.br", "/static/" + static.version + "/sources"} {
		if out := exchange(t, static.Serve, http.MethodGet, path, ""); out.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, out.Code)
		}
	}
	if static.Address("nothing.js") != "" {
		t.Error("an address of nothing")
	}
	// A page from before an update finds the file, which is not to be kept under the older address.
	if out := exchange(t, static.Serve, http.MethodGet, "/static/0123456789ab/item.js", ""); out.Code != http.StatusOK || out.Header().Get("Cache-Control") != "" {
		t.Errorf("an address of another version: status %d, %v", out.Code, out.Header())
	}
}
