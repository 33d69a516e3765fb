package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/yuin/goldmark"

	"itemlens/internal/i18n"
)

// Legal serves the privacy policy and the licence agreement, which the marketplace demands as pages.
type Legal struct {
	texts map[string]template.HTML // by "privacy.en"
}

// NewLegal reads legal/<document>.<language>.md: texts of our own, in Markdown.
func NewLegal(files fs.FS) (*Legal, error) {
	legal := &Legal{texts: map[string]template.HTML{}}
	names, err := fs.Glob(files, "legal/*.md")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no texts in legal/: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		var html bytes.Buffer
		if err := goldmark.Convert(text, &html); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		legal.texts[strings.TrimSuffix(path.Base(name), ".md")] = template.HTML(html.String())
	}
	return legal, nil
}

// Register adds the routes.
func (p *Legal) Register(e *echo.Echo, catalog *i18n.Catalog) {
	for _, document := range []string{"privacy", "license"} {
		e.GET("/"+document, func(c echo.Context) error {
			l := catalog.For(c.QueryParam("LANG"))
			text, ok := p.texts[document+"."+l.Lang()]
			if !ok {
				l = catalog.For("en")
				text = p.texts[document+".en"]
			}
			return c.Render(http.StatusOK, "legal", Page{L: l, Title: l.T("legal." + document), Data: text})
		})
	}
}
