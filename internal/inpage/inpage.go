// Package inpage is what all handlers share that serve pages in a portal's iframe, and what such pages ask for once they are
// open.
package inpage

import (
	"cmp"

	"github.com/labstack/echo/v4"

	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/web"
)

// Site is a site whose pages portals open.
type Site struct {
	web.Site
	Gate *gate.Gate
}

// Resume admits a request that an open page makes, and reads what it posts into a value. The printer writes in the language
// that the portal's administrator chose, or else in the user's.
func (s Site) Resume(c echo.Context, into any) (*gate.Visit, *i18n.Printer, error) {
	visit, err := s.Gate.ResumePage(c, into)
	if err != nil {
		return nil, nil, err
	}
	return visit, s.Catalog.For(cmp.Or(visit.Portal.Settings.Language, visit.Lang)), nil
}
