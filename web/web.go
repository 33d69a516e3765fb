// Package web embeds what browsers get (templates, static files) and what people read (locales), and renders pages.
// There is no HTML anywhere else.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"itemlens/internal/i18n"
)

//go:embed templates/*.html static/* locales/*.json
var files embed.FS

// Files holds templates/, static/ and locales/.
func Files() fs.FS { return files }

// Page is what every page needs beside its own data.
type Page struct {
	L         *i18n.Printer
	Title     string
	LibraryJS string // address of the platform's JS library; empty on pages that do without
	Session   string // with which the page asks for more; empty on pages that do not
	Data      any
}

// Site is what every handler of pages needs.
type Site struct {
	Catalog   *i18n.Catalog
	LibraryJS string // address of the platform's JS library
	// Framed allows a portal's pages, of these origins, to show the answer in an iframe.
	Framed func(c echo.Context, origins string)
}

// Page starts a page in the language of a request (the platform's code).
func (s Site) Page(lang string) Page { return Page{L: s.Catalog.For(lang), LibraryJS: s.LibraryJS} }

// Renderer renders templates/<name>.html inside templates/layout.html.
type Renderer struct {
	pages map[string]*template.Template
}

// NewRenderer parses every template.
func NewRenderer() (*Renderer, error) {
	versions, err := assetVersions()
	if err != nil {
		return nil, err
	}
	functions := template.FuncMap{"asset": func(name string) (string, error) {
		version, ok := versions[name]
		if !ok {
			return "", fmt.Errorf("no static file %q", name)
		}
		return "/static/" + name + "?v=" + version, nil
	}, "link": link, "json": func(value any) (string, error) {
		text, err := json.MarshalIndent(value, "", "  ")
		return string(text), err
	}, "in": func(l *i18n.Printer, data any) Page { return Page{L: l, Data: data} }}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	r := &Renderer{pages: map[string]*template.Template{}}
	for _, name := range names {
		base := path.Base(name)
		if base == "layout.html" || base == "card.html" {
			continue
		}
		t, err := template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/card.html", name)
		if err != nil {
			return nil, fmt.Errorf("parse template %s: %w", base, err)
		}
		r.pages[base] = t
	}
	return r, nil
}

// Render writes the page; data is a Page. "item#card" writes the block "card" alone, for
// a page that is open already.
func (r *Renderer) Render(w io.Writer, name string, data any, _ echo.Context) error {
	name, block, part := strings.Cut(name, "#")
	t, ok := r.pages[name+".html"]
	if !ok {
		return fmt.Errorf("no template %q", name)
	}
	if part {
		return t.ExecuteTemplate(w, block, data)
	}
	return t.Execute(w, data)
}

// link lets the schemes pass that pages use; html/template itself does not know tel.
func link(address string) template.URL {
	for _, scheme := range []string{"https://", "http://", "mailto:", "tel:"} {
		if strings.HasPrefix(address, scheme) {
			return template.URL(address)
		}
	}
	return "#"
}

// assetVersions names each static file by its content, so that browsers may keep it for ever.
func assetVersions() (map[string]string, error) {
	versions := map[string]string{}
	err := fs.WalkDir(files, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		versions[name[len("static/"):]] = hex.EncodeToString(sum[:6])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read static files: %w", err)
	}
	return versions, nil
}
