package page

import (
	"testing"
	"testing/synctest"
	"time"

	"itemlens/internal/gate"
	"itemlens/internal/portal"
)

// TestViewsAreForgottenByAgeAndByPortal: a process that does not hear of a removal keeps no user of that portal for longer
// than a day, and one that hears of it keeps none at all.
func TestViewsAreForgottenByAgeAndByPortal(t *testing.T) { synctest.Test(t, testForgottenViews) }

func testForgottenViews(t *testing.T) {
	views := NewViews()
	defer views.Close()
	visit := func(id portal.MemberID, user portal.UserID) *gate.Visit {
		v := &gate.Visit{}
		v.Portal.MemberID, v.User.ID = id, user
		return v
	}
	here, there := visit("here", 1), visit("there", 1)
	for _, v := range []*gate.Visit{here, there} {
		views.tell(v, func(view *View) { view.Zone = "Europe/Berlin" })
	}

	time.Sleep(viewLife - time.Minute)
	if views.Of(here).Zone == "" { // whose next day begins now
		t.Error("a user is forgotten within a day")
	}
	time.Sleep(2 * time.Minute)
	if views.Of(here).Zone == "" {
		t.Error("a user who looks every day is forgotten")
	}
	if views.Of(there).Zone != "" {
		t.Error("a user whom nobody has seen for a day is remembered")
	}
	synctest.Wait()
	if n := views.known.EstimatedSize(); n != 1 {
		t.Errorf("%d users are kept in memory, want 1", n)
	}

	views.Forget("here")
	if views.Of(here).Zone != "" {
		t.Error("a user of a removed portal is remembered")
	}
}
