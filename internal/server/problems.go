package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/portal"
	"itemlens/web"
	"itemlens/web/templates"
)

// statuses are the HTTP statuses of problems; what is not listed is 500.
var statuses = map[portal.Problem]int{
	portal.BadRequest:       http.StatusBadRequest,
	portal.TooLarge:         http.StatusRequestEntityTooLarge,
	portal.UnknownPage:      http.StatusNotFound,
	portal.Unverified:       http.StatusForbidden,
	portal.NotAdministrator: http.StatusForbidden,
	portal.NotInstalled:     http.StatusForbidden,
	portal.AccessDenied:     http.StatusForbidden,
	portal.NotFound:         http.StatusNotFound,
	portal.ExtranetUser:     http.StatusForbidden,
	portal.NoAppAccess:      http.StatusForbidden,
	portal.MissingScope:     http.StatusForbidden,
	portal.TokenExpired:     http.StatusUnauthorized,
	portal.PaymentRequired:  http.StatusPaymentRequired,
	portal.PortalDeleted:    http.StatusGone,
	portal.PortalBusy:       http.StatusServiceUnavailable,
	portal.Unreachable:      http.StatusBadGateway,
	portal.OAuthUnreachable: http.StatusBadGateway,
	portal.InstallFailed:    http.StatusBadGateway,
	portal.WrongClient:      http.StatusBadGateway,
	portal.StorageDown:      http.StatusServiceUnavailable,
	portal.SettingsConflict: http.StatusConflict,
	portal.InvalidSettings:  http.StatusUnprocessableEntity,
	portal.NothingToUndo:    http.StatusConflict,
	portal.AdminOnly:        http.StatusForbidden,
}

// retryable are the problems where trying again in place makes sense.
var retryable = map[portal.Problem]bool{
	portal.PortalBusy: true, portal.Unreachable: true, portal.OAuthUnreachable: true, portal.InstallFailed: true,
	portal.StorageDown: true, portal.Internal: true, portal.TokenExpired: true, portal.Unverified: true,
}

// problemPages turns every error into a page or JSON: status, message in the reader's language, what to do, and the
// name of the request under which the log tells the whole cause.
type problemPages struct {
	web.Site
	log *slog.Logger
}

func (p *problemPages) handle(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	problem, detail := classify(err)
	status, ok := statuses[problem]
	if !ok {
		status = http.StatusInternalServerError
	}
	c.Set("problem", string(problem))
	c.Set("reason", err.Error())
	if problem == portal.PortalBusy || problem == portal.StorageDown {
		wait := 5 * time.Second
		var busy *bitrix24.BusyError
		if errors.As(err, &busy) {
			wait = max(time.Second, busy.RetryAfter)
		}
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	}
	lang := c.QueryParam("LANG")
	if known, ok := c.Get("lang").(string); ok { // of the session of a page
		lang = known
	}
	frame := p.Page(lang)
	l := frame.L
	page := templates.ProblemView{
		Code:      problem,
		Title:     l.T("problem." + string(problem) + ".title"),
		Text:      l.T("problem." + string(problem) + ".text"),
		Todo:      l.T("problem." + string(problem) + ".todo"),
		Retry:     retryable[problem],
		RequestID: c.Response().Header().Get(echo.HeaderXRequestID),
	}
	if own, _ := c.Get("own_page").(bool); own && problem == portal.ExtranetUser {
		page.Todo = l.T("problem.extranet_user.todo_own") // there is no item that somebody could show
	}
	switch {
	case detail == "":
	case problem == portal.InvalidSettings: // names of fields and types, the same in every language
		page.Detail = detail
	default:
		page.Detail = l.T("step.one", "Step", detail)
		if l.Has("step." + detail) {
			page.Detail = l.T("step." + detail)
		}
	}
	if c.Path() == "/events" || inPage(c) {
		err = c.JSON(status, map[string]string{
			"error": string(problem), "message": page.Title, "text": page.Text, "todo": page.Todo, "detail": page.Detail, "reference": page.RequestID,
		})
	} else {
		frame.Title = page.Title
		// The request's time may be over; the page that says so is still to be drawn.
		c.SetRequest(c.Request().WithContext(context.WithoutCancel(c.Request().Context())))
		err = p.Render(c, status, templates.Problem(frame, page))
	}
	if err != nil {
		p.log.Error("error page failed", "error", err.Error())
	}
}

// inPage reports whether a page asks for more, rather than a portal for a page.
func inPage(c echo.Context) bool { return strings.HasPrefix(c.Path(), "/in/") }

// classify finds the problem in an error. A field of a form is told to its sender; it names the field, never its content.
func classify(err error) (portal.Problem, string) {
	var form *bitrix24.FormError
	var tooLarge *http.MaxBytesError
	var routing *echo.HTTPError
	switch {
	case errors.As(err, &form):
		return portal.BadRequest, ""
	case errors.As(err, &tooLarge):
		return portal.TooLarge, ""
	case errors.As(err, &routing) && (routing.Code == http.StatusNotFound || routing.Code == http.StatusMethodNotAllowed):
		return portal.UnknownPage, ""
	}
	var known *portal.Error
	if errors.As(gate.Problem(err), &known) {
		return known.Problem, strings.TrimSpace(known.Detail)
	}
	return portal.Internal, ""
}
