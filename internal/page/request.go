package page

import (
	"context"

	"github.com/a-h/templ"

	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/lens"
	"itemlens/internal/portal"
	"itemlens/web/templates"
)

// Request makes the view of how an item is read through REST. It is for those who may see field codes: where these are
// administrators alone, the portal says with the same request whether the user is one.
func (c *Cards) Request(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref) (templ.Component, error) {
	settings := visit.Portal.Settings
	administrators := settings.CodesFor == portal.Administrators
	if administrators {
		visit.AskWho()
	}
	read, err := c.Source.Request(ctx, viewerOf(visit, l), ref)
	if err != nil {
		return nil, gate.Problem(err)
	}
	if administrators && !visit.User.Admin {
		return nil, portal.Problemf(portal.AdminOnly, "the user may not see field codes")
	}
	return inTurn(ctx, c, visit, func() (templ.Component, error) {
		view, err := lens.NewRequest(ctx, read, c.reader(visit, l), settings, visit.Portal.ClientEndpoint)
		return templates.Request(l, view), err
	})
}
