// Package page serves the pages that portals open in their iframe, and what those pages ask for once they are open: admit
// who looks, read what the portal says, make the card, draw it.
package page

import (
	"cmp"
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/inpage"
	"itemlens/internal/portal"
	"itemlens/web/templates"
)

// Handler serves the pages.
type Handler struct {
	inpage.Site
	Cards *Cards
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/", h.open)
	e.GET("/", h.outside)
	e.POST("/in/item", h.item)
	e.POST("/in/names", h.names)
	e.POST("/in/items", h.items)
	e.POST("/in/view", h.view)
	e.POST("/in/lens/history", h.lens(h.Cards.History))
	e.POST("/in/lens/around", h.lens(h.Cards.Around))
	e.POST("/in/lens/compare", h.compare)
	e.POST("/in/lens/rest", h.lens(h.Cards.Request))
	e.POST("/in/lens/history/further", h.timeline)
}

// outside explains the app to somebody who opens its address in a browser.
func (h *Handler) outside(c echo.Context) error {
	page := h.Page(c.QueryParam("LANG"))
	page.Title, page.LibraryJS = page.L.T("outside.title"), ""
	return h.Render(c, http.StatusOK, templates.Outside(page))
}

// open shows the item whose card is open, or the app's own page.
func (h *Handler) open(c echo.Context) error {
	ctx := c.Request().Context()
	req, err := bitrix24.ParseAppRequest(c.Request())
	if err != nil {
		return err
	}
	c.Set("portal", portal.MemberID(req.MemberID))
	ref, err := itemRef(req)
	if err != nil {
		return err
	}
	c.Set("own_page", ref == nil)
	visit, err := h.Gate.Admit(ctx, req)
	if err != nil {
		return err
	}
	page := h.Page(cmp.Or(visit.Portal.Settings.Language, req.Lang))
	var lens *card.Card
	var home *templates.HomeView
	if ref != nil {
		lens, err = h.Cards.Load(ctx, visit, *ref, page.L)
	} else {
		home, err = h.Cards.Home(ctx, visit, page.L)
	}
	if err != nil {
		return err
	}
	c.Set("user", visit.User.ID)
	session, err := visit.Session()
	if err != nil {
		return err
	}
	page.Session = session.Reveal()
	h.look(&page, visit, lens)
	h.Framed(c, bitrix24.PageOrigins(visit.Portal.ClientEndpoint, visit.Portal.Domain))
	if lens != nil {
		page.Title = lens.Head.Title
		return h.Render(c, http.StatusOK, templates.Item(page, lens))
	}
	page.Title = page.L.T("home.title")
	return h.Render(c, http.StatusOK, templates.Home(page, *home))
}

// look draws a page as its user wants pages, as far as that is known before its script runs.
func (h *Handler) look(page *templates.Page, visit *gate.Visit, lens *card.Card) {
	view := h.Cards.Views.Of(visit)
	if visit.User.TimeZone == "" {
		page.Zone = &view.Zone
	}
	page.Empty, page.Codes, page.Reader = view.Empty, view.Codes, visit.User.Name
	if lens == nil {
		return
	}
	page.Classes = append(page.Classes, "tab")
	lens.Show(view.Open)
	if view.Empty == nil && lens.ShowAll || view.Empty != nil && *view.Empty {
		page.Classes = append(page.Classes, "show-empty")
	}
	if lens.Codes && view.Codes != nil && *view.Codes {
		page.Classes = append(page.Classes, "show-codes")
	}
}

// itemRef reads which item a placement shows; nil for the app's own page.
func itemRef(req *bitrix24.AppRequest) (*crm.Ref, error) {
	if req.Placement == bitrix24.DefaultPlacement {
		return nil, nil
	}
	entityTypeID, ok := bitrix24.EntityTypeOf(req.Placement)
	if !ok {
		return nil, &bitrix24.FormError{Field: "PLACEMENT", Reason: "is none of this app's"}
	}
	id, err := req.ItemID()
	if err != nil {
		return nil, err
	}
	return &crm.Ref{EntityTypeID: entityTypeID, ID: id}, nil
}
