// Package web embeds the static files and sends pages. What pages look like is in web/templates, what they say in
// web/locales.
package web

import (
	"github.com/labstack/echo/v4"

	"itemlens/internal/i18n"
	"itemlens/web/templates"
)

//go:generate go run ./precompress

// Site is what every handler of pages needs.
type Site struct {
	Catalog   *i18n.Catalog
	LibraryJS string // address of the platform's JS library
	Static    *Static
	*Renderer
	// Framed allows a portal's pages, of these origins, to show the answer in an iframe.
	Framed func(c echo.Context, origins string)
}

// Page starts a page in the language of a request (the platform's code).
func (s Site) Page(lang string) templates.Page {
	return templates.Page{L: s.Catalog.For(lang), LibraryJS: s.LibraryJS, Assets: s.Static.Address, Modules: s.Static.Modules}
}
