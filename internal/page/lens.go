package page

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
)

// lensView reads what a view of an item needs, as the user who looks, with one batch, and makes it ready to be drawn.
// Nothing of it is kept or shared between users. Errors are problems for people.
type lensView func(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref) (templ.Component, error)

// lens answers a view of an item as HTML, for the page that has opened it.
func (h *Handler) lens(make lensView) echo.HandlerFunc {
	return func(c echo.Context) error {
		var req itemRequest
		visit, l, ref, err := h.resumeItem(c, &req)
		if err != nil {
			return err
		}
		view, err := make(c.Request().Context(), visit, l, ref)
		if err != nil {
			return err
		}
		return h.Render(c, http.StatusOK, view)
	}
}
