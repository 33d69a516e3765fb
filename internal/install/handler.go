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
	e.GET("/install", h.outside)
	e.POST("/events", h.event)
	e.GET("/events", h.outside)
	e.GET("/oauth/start", h.start)
	e.GET("/oauth/callback", h.callback)
}

// outside explains the app to somebody, or some program, that asks whether an address answers.
func (h *Handler) outside(c echo.Context) error {
	page := h.Page(c.QueryParam("LANG"))
	page.Title, page.LibraryJS = page.L.T("outside.title"), ""
	return h.Render(c, http.StatusOK, templates.Outside(page))
}

const stateCookie = "itemlens_oauth_state"

// start sends a browser to its portal to agree to the app. The state ties the way back to this browser and to that portal:
// the cookie, which holds both, is sent with the top-level navigation from the portal, and to nothing else.
//
// Anybody can write a link to this page. A host that is neither a portal that we know nor one of Bitrix24's own cloud is
// therefore named first, and people go there by a click of theirs.
func (h *Handler) start(c echo.Context) error {
	origin, err := bitrix24.PortalOrigin(c.QueryParam("portal"), h.AllowPrivate)
	if err != nil {
		return &bitrix24.FormError{Field: "portal", Reason: "must be the address of a Bitrix24, such as acme.bitrix24.com"}
	}
	state, host := rand.Text(), bitrix24.EndpointHost(origin)
	known := bitrix24.IsCloudHost(host)
	if !known {
		if known, err = h.Service.Store.KnowsHost(c.Request().Context(), host); err != nil {
			return err
		}
	}
	address := h.Service.Server.AuthorizeURL(origin, state)
	c.SetCookie(h.cookie(state+stateSeparator+host, int((10*time.Minute)/time.Second)))
	if known {
		return c.Redirect(http.StatusFound, address)
	}
	page := h.Page(c.QueryParam("LANG"))
	page.Title, page.LibraryJS = page.L.T("away.title"), ""
	return h.Render(c, http.StatusOK, templates.Away(page, host, address))
}

// stateSeparator stands between the state and the host in the cookie; neither can hold it.
const stateSeparator = "|"

func (h *Handler) callback(c echo.Context) error {
	code, posted := secret.New(c.QueryParam("code")), secret.New(c.QueryParam("state"))
	if code.IsZero() && posted.IsZero() {
		return h.outside(c) // nobody comes back from anywhere
	}
	cookie, err := c.Cookie(stateCookie)
	if err != nil {
		return portal.Problemf(portal.Unverified, "the browser brings no state")
	}
	state, host, _ := strings.Cut(cookie.Value, stateSeparator)
	if !secret.New(state).Equal(posted) {
		return portal.Problemf(portal.Unverified, "the state does not belong to this browser")
	}
	c.SetCookie(h.cookie("", -1))
	if code.IsZero() {
		return &bitrix24.FormError{Field: "code", Reason: "is missing"}
	}
	p, report, err := h.Service.Connect(c.Request().Context(), c.QueryParam("server_domain"), host, code)
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
