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

// History makes the view of how an item came to be.
func (c *Cards) History(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref) (templ.Component, error) {
	reading, err := c.Source.History(ctx, viewerOf(visit, l), ref)
	if err != nil {
		return nil, gate.Problem(err)
	}
	return inTurn(ctx, c, visit, func() (templ.Component, error) {
		history, err := lens.NewHistory(ctx, reading, c.reader(visit, l), visit.Portal.Settings)
		return templates.History(l, history), err
	})
}

// timeline answers a further part of an item's timeline as HTML.
func (h *Handler) timeline(c echo.Context) error {
	var req struct {
		itemRequest
		crm.TimelinePlace
	}
	visit, l, ref, err := h.resumeItem(c, &req)
	if err != nil {
		return err
	}
	if req.Comments < 0 || req.Activities < 0 {
		return &bitrix24.FormError{Field: "comments, activities", Reason: "must be whole numbers from 0 on"}
	}
	timeline, err := h.Cards.Timeline(c.Request().Context(), visit, l, ref, req.TimelinePlace)
	if err != nil {
		return err
	}
	return h.Render(c, http.StatusOK, templates.Timeline(l, timeline))
}

// Timeline makes a further part of an item's timeline.
func (c *Cards) Timeline(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref, at crm.TimelinePlace) (*lens.Timeline, error) {
	reading, timeline, err := c.Source.TimelineOf(ctx, viewerOf(visit, l), ref, at)
	if err != nil {
		return nil, gate.Problem(err)
	}
	return inTurn(ctx, c, visit, func() (*lens.Timeline, error) {
		return lens.NewTimeline(ctx, reading, timeline, c.reader(visit, l))
	})
}
