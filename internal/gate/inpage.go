package gate

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
)

// sessionHeader carries the next session to the page.
const sessionHeader = "X-Session"

// zoneHeader is the time zone of the page's browser. It counts where the portal does not know its user's, which is so for
// everybody whose zone is found out by the browser.
const zoneHeader = "X-Time-Zone"

// ResumePage admits a request that an open page makes, and reads what it posts into a value.
func (g *Gate) ResumePage(c echo.Context, into any) (*Visit, error) {
	visit, err := g.Resume(c.Request().Context(), c.Request())
	if err != nil {
		return nil, err
	}
	visit.browserZone = c.Request().Header.Get(zoneHeader)
	visit.User.TimeZone = cmp.Or(visit.User.TimeZone, visit.browserZone)
	c.Set("portal", visit.Portal.MemberID)
	c.Set("user", visit.User.ID)
	c.Set("lang", visit.Lang)
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, &bitrix24.FormError{Field: "body", Reason: "cannot be read"}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, &bitrix24.FormError{Field: "body", Reason: "is no JSON object of this request"}
	}
	// A session goes on where the portal has answered to its user's token, and nowhere else: who was dismissed must not
	// keep one alive.
	c.Response().Before(func() {
		if !visit.answered {
			return
		}
		if session, err := visit.Session(); err == nil {
			c.Response().Header().Set(sessionHeader, session.Reveal())
		}
	})
	return visit, nil
}
