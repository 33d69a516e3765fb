package install

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/web"
)

// Handler serves the install page and the events.
type Handler struct {
	web.Site
	Service *Service
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
	h.Framed(c, bitrix24.PageOrigins(p.ClientEndpoint, p.Domain))
	c.Set("portal", p.MemberID)
	c.Set("user", p.InstallerID)
	page := h.Page(req.Lang)
	page.Title, page.Data = page.L.T("install.title"), report
	return c.Render(http.StatusOK, "install", page)
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
