package page

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/lens"
	"itemlens/web/templates"
)

// Around makes the view of what hangs on an item.
func (c *Cards) Around(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref) (templ.Component, error) {
	read, err := c.Source.Around(ctx, viewerOf(visit, l), ref)
	if err != nil {
		return nil, gate.Problem(err)
	}
	return inTurn(ctx, c, visit, func() (templ.Component, error) {
		around, err := lens.NewAround(ctx, read, c.reader(visit, l), visit.Portal.Settings)
		return templates.Around(l, around), err
	})
}

// compare answers what an item can be compared with, or both items side by side once another one is chosen.
func (h *Handler) compare(c echo.Context) error {
	var req struct {
		itemRequest
		Other int64  `json:"other"`
		Query string `json:"query"`
	}
	visit, l, ref, err := h.resumeItem(c, &req)
	if err != nil {
		return err
	}
	if req.Other < 0 || req.Other == ref.ID || len(req.Query) > maxQuery {
		return &bitrix24.FormError{Field: "other, query", Reason: "must be another item's id, and short"}
	}
	var view templ.Component
	if req.Other > 0 {
		view, err = h.Cards.Compare(c.Request().Context(), visit, l, ref, crm.Ref{EntityTypeID: ref.EntityTypeID, ID: req.Other})
	} else {
		view, err = h.Cards.Candidates(c.Request().Context(), visit, l, ref, req.Query)
	}
	if err != nil {
		return err
	}
	return h.Render(c, http.StatusOK, view)
}

// Compare makes the view of two items side by side; both are read as the user who looks.
func (c *Cards) Compare(ctx context.Context, visit *gate.Visit, l *i18n.Printer, a, b crm.Ref) (templ.Component, error) {
	var read [2]*crm.Reading
	for i, ref := range []crm.Ref{a, b} {
		reading, err := c.Source.Item(ctx, viewerOf(visit, l), ref)
		if err != nil {
			return nil, gate.Problem(err)
		}
		read[i] = reading
	}
	return inTurn(ctx, c, visit, func() (templ.Component, error) {
		compare, err := lens.NewCompare(ctx, read[0], read[1], c.reader(visit, l), visit.Portal.Settings)
		return templates.Compare(l, compare), err
	})
}

// Candidates makes the choice of items to compare one with.
func (c *Cards) Candidates(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref, query string) (templ.Component, error) {
	read, err := c.Source.Candidates(ctx, viewerOf(visit, l), ref, query)
	if err != nil {
		return nil, gate.Problem(err)
	}
	return templates.Candidates(l, lens.NewCandidates(read, c.reader(visit, l), visit.Portal.Settings)), nil
}
