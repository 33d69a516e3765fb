package install

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/web"
	"itemlens/web/templates"
)

// Handler serves the install page and the events.
type Handler struct {
	web.Site
	Service      *Service
	AllowPrivate bool // see bitrix24.Options
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/install", h.install)
	e.POST("/events", h.event)
	e.GET("/oauth/start", h.start)
	e.GET("/oauth/callback", h.callback)
}

const stateCookie = "itemlens_oauth_state"

// start sends a browser to its portal to agree to the app. The state ties the way back to this browser: the cookie is
// sent with the top-level navigation from the portal, and to nothing else.
func (h *Handler) start(c echo.Context) error {
	origin, err := bitrix24.PortalOrigin(c.QueryParam("portal"), h.AllowPrivate)
	if err != nil {
		return &bitrix24.FormError{Field: "portal", Reason: "must be the address of a Bitrix24, such as acme.bitrix24.com"}
	}
	state := rand.Text()
	c.SetCookie(h.cookie(state, int((10*time.Minute)/time.Second)))
	return c.Redirect(http.StatusFound, h.Service.Server.AuthorizeURL(origin, state))
}

func (h *Handler) callback(c echo.Context) error {
	cookie, err := c.Cookie(stateCookie)
	if err != nil || !secret.New(cookie.Value).Equal(secret.New(c.QueryParam("state"))) {
		return portal.Problemf(portal.Unverified, "the state does not belong to this browser")
	}
	c.SetCookie(h.cookie("", -1))
	code := secret.New(c.QueryParam("code"))
	if code.IsZero() {
		return &bitrix24.FormError{Field: "code", Reason: "is missing"}
	}
	p, report, err := h.Service.Connect(c.Request().Context(), c.QueryParam("server_domain"), code)
	if err != nil {
		return err
	}
	c.Set("portal", p.MemberID)
	page := h.Page(c.QueryParam("LANG"))
	page.Title, page.LibraryJS = page.L.T("connected.title"), ""
	return h.Render(c, http.StatusOK, templates.Connected(page, report != nil))
}

func (h *Handler) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: stateCookie, Value: value, Path: "/oauth/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(h.Service.PublicURL, "https://"),
	}
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
	page.Title = page.L.T("install.title")
	view := templates.InstallView{Skipped: report.Skipped}
	for _, t := range report.Types {
		view.Types = append(view.Types, t.Title)
	}
	return h.Render(c, http.StatusOK, templates.Install(page, view))
}

func (h *Handler) event(c echo.Context) error {
	event, err := bitrix24.ParseEvent(c.Request())
	if err != nil {
		return err
	}
	c.Set("portal", portal.MemberID(event.Auth.MemberID))
	c.Set("event", event.Name)
	err = h.Service.Handle(c.Request().Context(), event)
	var tooMany *TooManyEventsError
	if errors.As(err, &tooMany) {
		// Only a program reads it, so it is no problem with a page.
		c.Set("problem", "too_many_events")
		c.Set("reason", tooMany.Error())
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(tooMany.RetryAfter.Seconds())))
		return c.JSON(http.StatusTooManyRequests, map[string]string{
			"error": "too_many_events", "message": "This portal sends more events than are taken from one. Send less, or later.",
		})
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]bool{"ok": true})
}
