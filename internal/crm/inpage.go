package crm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/web"
)

// sessionHeader carries the next session to the page: each use prolongs it.
const sessionHeader = "X-Session"

// resume is Resume for a reader.
func (h *Handler) resume(c echo.Context, into any) (*gate.Visit, Reader, error) {
	visit, l, err := Resume(c, h.Gate, h.Catalog, into)
	if err != nil {
		return nil, Reader{}, err
	}
	return visit, Reader{visit.Lang, l}, nil
}

// Resume admits a request that a page makes, and reads what it posts into a value.
func Resume(c echo.Context, g *gate.Gate, catalog *i18n.Catalog, into any) (*gate.Visit, *i18n.Printer, error) {
	visit, err := g.Resume(c.Request().Context(), c.Request())
	if err != nil {
		return nil, nil, err
	}
	c.Set("portal", visit.Portal.MemberID)
	c.Set("user", visit.User.ID)
	c.Set("lang", visit.Lang)
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, nil, err
		}
		return nil, nil, &bitrix24.FormError{Field: "body", Reason: "cannot be read"}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, nil, &bitrix24.FormError{Field: "body", Reason: "is no JSON object of this request"}
	}
	session, err := visit.Session()
	if err != nil {
		return nil, nil, err
	}
	c.Response().Header().Set(sessionHeader, session.Reveal())
	return visit, catalog.For(cmp.Or(visit.Portal.Settings.Language, visit.Lang)), nil
}

// itemRequest names an item.
type itemRequest struct {
	EntityTypeID int   `json:"entityTypeId"`
	ID           int64 `json:"id"`
}

func (r itemRequest) ref() (Ref, error) {
	if r.EntityTypeID <= 0 || r.ID <= 0 {
		return Ref{}, &bitrix24.FormError{Field: "entityTypeId, id", Reason: "must be positive whole numbers"}
	}
	return Ref(r), nil
}

// item answers the card of an item as HTML: to refresh a page in place, and to open an item from the app's own page.
func (h *Handler) item(c echo.Context) error {
	var req itemRequest
	visit, reader, err := h.resume(c, &req)
	if err != nil {
		return err
	}
	ref, err := req.ref()
	if err != nil {
		return err
	}
	card, err := h.Cards.Load(c.Request().Context(), visit, ref, reader)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, "item#card", web.Page{L: reader.L, Data: card})
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
	visit, reader, err := h.resume(c, &req)
	if err != nil {
		return err
	}
	var rows *Rows
	if req.Products != nil {
		ref, err := req.Products.ref()
		if err != nil {
			return err
		}
		rows = &Rows{ref, req.Products.Count}
	}
	answer, err := h.Cards.Names(c.Request().Context(), visit, reader, req.Names, rows)
	if err != nil {
		return err
	}
	out := struct {
		Names    map[string]Name `json:"names"`
		Products string          `json:"products,omitempty"`
	}{Names: answer.Names}
	if answer.Products != nil {
		var html bytes.Buffer
		if err := c.Echo().Renderer.Render(&html, "item#products", web.Page{L: reader.L, Data: answer.Products}, c); err != nil {
			return err
		}
		out.Products = html.String()
	}
	return c.JSON(http.StatusOK, out)
}

// items answers the newest items of a type, or those that a search finds, as HTML.
func (h *Handler) items(c echo.Context) error {
	var req struct {
		EntityTypeID int    `json:"entityTypeId"`
		Query        string `json:"query"`
	}
	visit, reader, err := h.resume(c, &req)
	if err != nil {
		return err
	}
	if req.EntityTypeID <= 0 || len(req.Query) > 400 {
		return &bitrix24.FormError{Field: "entityTypeId, query", Reason: "must be a positive whole number, and short"}
	}
	list, err := h.Cards.List(c.Request().Context(), visit, reader, req.EntityTypeID, req.Query)
	if err != nil {
		return err
	}
	return c.Render(http.StatusOK, "home#items", web.Page{L: reader.L, Data: list})
}
