package page

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/web/templates"
)

// resume admits a request of an open page.
func (h *Handler) resume(c echo.Context, into any) (*gate.Visit, *i18n.Printer, error) {
	visit, l, err := h.Resume(c, into)
	if err != nil {
		return nil, nil, err
	}
	if zone := visit.User.TimeZone; zone != h.Cards.Views.Of(visit).Zone {
		h.Cards.Views.tell(visit, func(v *View) { v.Zone = zone })
	}
	return visit, l, nil
}

// itemRequest names an item.
type itemRequest struct {
	EntityTypeID int   `json:"entityTypeId"`
	ID           int64 `json:"id"`
}

func (r itemRequest) ref() (crm.Ref, error) {
	if r.EntityTypeID <= 0 || r.ID <= 0 {
		return crm.Ref{}, &bitrix24.FormError{Field: "entityTypeId, id", Reason: "must be positive whole numbers"}
	}
	return crm.Ref(r), nil
}

// resumeItem is resume for a request that names an item.
func (h *Handler) resumeItem(c echo.Context, into interface{ ref() (crm.Ref, error) }) (*gate.Visit, *i18n.Printer, crm.Ref, error) {
	visit, l, err := h.resume(c, into)
	if err != nil {
		return nil, nil, crm.Ref{}, err
	}
	ref, err := into.ref()
	return visit, l, ref, err
}

// item answers the card of an item as HTML: to refresh a page in place, and to open an item from the app's own page.
func (h *Handler) item(c echo.Context) error {
	var req itemRequest
	visit, l, ref, err := h.resumeItem(c, &req)
	if err != nil {
		return err
	}
	lens, err := h.Cards.Load(c.Request().Context(), visit, ref, l)
	if err != nil {
		return err
	}
	lens.Show(h.Cards.Views.Of(visit).Open)
	return h.Render(c, http.StatusOK, templates.Card(l, lens))
}

// namesRequest asks for names by their keys, and for all product rows of an item where its card shows the first alone.
type namesRequest struct {
	Names    []string `json:"names"`
	Products *struct {
		itemRequest
		Count int `json:"count"`
	} `json:"products"`
}

// names answers what the ids of a page stand for.
func (h *Handler) names(c echo.Context) error {
	var req namesRequest
	visit, l, err := h.resume(c, &req)
	if err != nil {
		return err
	}
	var products *crm.ProductsRequest
	if req.Products != nil {
		ref, err := req.Products.ref()
		if err != nil {
			return err
		}
		products = &crm.ProductsRequest{Ref: ref, Count: req.Products.Count}
	}
	found, rows, err := h.Cards.Names(c.Request().Context(), visit, l, req.Names, products)
	if err != nil {
		return err
	}
	answer := struct {
		Names    map[string]Name `json:"names"`
		Products string          `json:"products,omitempty"`
	}{Names: found}
	if rows != nil {
		if answer.Products, err = h.Text(c, templates.Products(l, rows)); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, answer)
}

// maxQuery is how long a search may be, in bytes.
const maxQuery = 400

// items answers the newest items of a type, or those that a search finds, as HTML.
func (h *Handler) items(c echo.Context) error {
	var req struct {
		EntityTypeID int    `json:"entityTypeId"`
		Query        string `json:"query"`
		Mine         bool   `json:"mine"`
		Before       int64  `json:"before"`
	}
	visit, l, err := h.resume(c, &req)
	if err != nil {
		return err
	}
	if req.EntityTypeID <= 0 || req.Before < 0 || len(req.Query) > maxQuery {
		return &bitrix24.FormError{Field: "entityTypeId, before, query", Reason: "must be positive whole numbers, and short"}
	}
	list, err := h.Cards.List(c.Request().Context(), visit, l, crm.ListRequest{EntityTypeID: req.EntityTypeID, Query: req.Query, Mine: req.Mine, Before: req.Before})
	if err != nil {
		return err
	}
	return h.Render(c, http.StatusOK, templates.Items(l, list))
}

// view remembers how a user wants to see cards, so that the next page is drawn so.
func (h *Handler) view(c echo.Context) error {
	var req struct {
		Empty *bool  `json:"empty"`
		Codes *bool  `json:"codes"`
		View  string `json:"view"`
	}
	visit, _, err := h.resume(c, &req)
	if err != nil {
		return err
	}
	if req.View != "" && !card.IsView(req.View) {
		return &bitrix24.FormError{Field: "view", Reason: "is none of a card"}
	}
	h.Cards.Views.tell(visit, func(v *View) { v.Empty, v.Codes, v.Open = req.Empty, req.Codes, req.View })
	return c.NoContent(http.StatusNoContent)
}
