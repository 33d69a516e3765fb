package crm

import (
	"cmp"
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/portal"
	"itemlens/web"
)

// Handler serves the pages that portals open in their iframe, and what those pages ask for.
type Handler struct {
	web.Site
	Gate  *gate.Gate
	Cards *Cards
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/", h.open)
	e.GET("/", h.outside)
	e.POST("/in/item", h.item)
	e.POST("/in/names", h.names)
	e.POST("/in/items", h.items)
}

// outside explains the app to somebody who opens its address in a browser.
func (h *Handler) outside(c echo.Context) error {
	l := h.Catalog.For(c.QueryParam("LANG"))
	return c.Render(http.StatusOK, "outside", web.Page{L: l, Title: l.T("outside.title")})
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
	visit, err := h.Gate.Admit(ctx, req)
	if err != nil {
		return err
	}
	page := h.Page(cmp.Or(visit.Portal.Settings.Language, req.Lang))
	reader := Reader{req.Lang, page.L}
	name := "home"
	if ref != nil {
		name = "item"
		card, err := h.Cards.Load(ctx, visit, *ref, reader)
		if err != nil {
			return err
		}
		page.Title, page.Data = card.Head.Title, card
	} else {
		home, err := h.Cards.Home(ctx, visit, reader)
		if err != nil {
			return err
		}
		page.Title, page.Data = page.L.T("home.title"), home
	}
	c.Set("user", visit.User.ID)
	session, err := visit.Session()
	if err != nil {
		return err
	}
	page.Session = session.Reveal()
	h.Framed(c, bitrix24.PageOrigins(visit.Portal.ClientEndpoint, visit.Portal.Domain))
	return c.Render(http.StatusOK, name, page)
}

// itemRef reads which item a placement shows; nil for the app's own page.
func itemRef(req *bitrix24.AppRequest) (*Ref, error) {
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
	return &Ref{entityTypeID, id}, nil
}
