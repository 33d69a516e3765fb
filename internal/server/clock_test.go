package server_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// TestOurClockJumps moves the app's own clock by hours, forward and back, while people work: as when a machine was paused,
// or its time was wrong. Pages open at any time, pages that are open go on or say what to do, and no token is lost.
func TestOurClockJumps(t *testing.T) {
	var offset atomic.Int64
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) {
		// Without a monotonic reading, as after a jump.
		c.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())).Round(0) }
	}))
	app.Install()
	old := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	ask := func(page apptest.Answer) int {
		t.Helper()
		return app.Ask(page, "/in/item", `{"entityTypeId":1,"id":250}`).Status
	}
	var opened []apptest.Answer
	for _, jump := range []time.Duration{0, 6 * time.Hour, -6 * time.Hour, 0, 30 * time.Hour, -30 * time.Hour, 0} {
		offset.Store(int64(jump))
		page := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250)
		if page.Status != http.StatusOK || ask(page) != http.StatusOK {
			t.Errorf("at %v: status %d, and %d for what it asks", jump, page.Status, ask(page))
		}
		fresh := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
		app.Sim.ExpireAccessTokens()
		if answer := app.Post(fresh.URL, fresh.Form); answer.Status != http.StatusOK {
			t.Errorf("at %v, with an expired token: status %d", jump, answer.Status)
		}
		// A used refresh token leads to what came of it for five minutes; then whoever shows it has to open the app anew.
		if answer := app.Post(old.URL, old.Form); answer.Status != http.StatusOK {
			wantProblem(t, answer, http.StatusUnauthorized, "token_expired")
		}
		for _, earlier := range opened { // its time is over, as it seems, or it goes on
			answer := app.Ask(earlier, "/in/item", `{"entityTypeId":1,"id":250}`)
			if answer.Status != http.StatusOK {
				wantJSONProblem(t, answer, http.StatusUnauthorized, "token_expired")
			}
		}
		opened = append(opened, page)
		app.Portal.Emit(stack.ClientID, "ONCRMTYPEADD", nil, 1)
		for _, d := range app.Sim.Deliveries() {
			if d.Status != http.StatusOK {
				t.Errorf("at %v: the event %s got status %d", jump, d.Event, d.Status)
			}
		}
	}
	if n := app.Sim.SpentTwice(); n > 0 {
		t.Errorf("%d refresh tokens were spent twice", n)
	}
	if app.Rows("tokens") != 2 {
		t.Errorf("%d users have tokens, want 2", app.Rows("tokens"))
	}
	for user := 1; user <= 2; user++ {
		app.Sim.ExpireAccessTokens()
		if answer := app.Open(user, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
			t.Errorf("user %d in the end: status %d", user, answer.Status)
		}
	}
	offset.Store(int64(6 * time.Hour)) // the event about the removal seems to be from before
	removedFor(t, app.Portal, app)
}

// removedFor removes the app and waits until that is believed.
func removedFor(t *testing.T, p *portalsim.Portal, app *apptest.App) {
	t.Helper()
	p.Uninstall(stack.ClientID, true)
	app.Sim.Deliveries()
	for deadline := time.Now().Add(20 * time.Second); app.Rows("portals") != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the removal was never believed")
		}
	}
}
