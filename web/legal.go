package web

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/yuin/goldmark"

	"itemlens/web/templates"
)

// Legal serves the privacy policy and the licence agreement, which the marketplace demands as pages.
type Legal struct {
	texts  map[string]string // by "privacy.en"
	vendor templates.Vendor
}

// NewLegal reads legal/<document>.<language>.md: texts of our own, in Markdown. Below each stands who offers the app, if the
// operator says so: vendor is a name, support an e-mail address or an https address; the marketplace demands a licensor's
// name in the license agreement (market/preparing-to-publish/common-requirements.md).
func NewLegal(files fs.FS, vendor, support string) (*Legal, error) {
	legal := &Legal{texts: map[string]string{}, vendor: templates.Vendor{Name: vendor, Support: support, Link: support}}
	if support != "" && !strings.HasPrefix(support, "https://") {
		legal.vendor.Link = "mailto:" + url.PathEscape(support)
	}
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
		legal.texts[strings.TrimSuffix(path.Base(name), ".md")] = html.String()
	}
	return legal, nil
}

// Register adds the routes.
func (p *Legal) Register(e *echo.Echo, site Site) {
	for _, document := range []string{"privacy", "license"} {
		e.GET("/"+document, func(c echo.Context) error {
			page := site.Page(c.QueryParam("LANG"))
			text, ok := p.texts[document+"."+page.L.Lang()]
			if !ok {
				page = site.Page("en")
				text = p.texts[document+".en"]
			}
			page.Title, page.LibraryJS = page.L.T("legal."+document), ""
			return site.Render(c, http.StatusOK, templates.Legal(page, text, p.vendor))
		})
	}
}
