package install

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
	"itemlens/web"
)

// Handler serves the install page and the events.
type Handler struct {
	Service   *Service
	Catalog   *i18n.Catalog
	LibraryJS string
	// Framed allows a portal's pages to show the answer in an iframe.
	Framed func(c echo.Context, origin string)
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/install", h.install)
	e.POST("/events", h.event)
}

func (h *Handler) install(c echo.Context) error {
	req, err := bitrix24.ParseAppRequest(c.Request())
	if err != nil {
		return err
	}
	p, report, err := h.Service.Install(c.Request().Context(), req)
	if err != nil {
		return err
	}
	h.Framed(c, bitrix24.EndpointOrigin(p.ClientEndpoint))
	c.Set("portal", p.MemberID)
	l := h.Catalog.For(req.Lang)
	return c.Render(http.StatusOK, "install", web.Page{L: l, Title: l.T("install.title"), LibraryJS: h.LibraryJS, Data: report})
}

func (h *Handler) event(c echo.Context) error {
	event, err := bitrix24.ParseEvent(c.Request())
	if err != nil {
		return err
	}
	c.Set("portal", portal.MemberID(event.Auth.MemberID))
	c.Set("event", event.Name)
	if err := h.Service.Handle(c.Request().Context(), event); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]bool{"ok": true})
}
