package server_test

import (
	"net/http"
	"strings"
	"testing"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// TestTheAppLivesWithEitherReading walks through an app's life with each of the simulator's switches turned off: where the
// documentation and the platform's code differ, people have to see the same.
func TestTheAppLivesWithEitherReading(t *testing.T) {
	for _, name := range portalsim.TruthNames() {
		t.Run(name, func(t *testing.T) {
			truth, err := portalsim.ParseTruth("all,-" + name)
			if err != nil {
				t.Fatal(err)
			}
			app := apptest.Start(t, &cluster, func(o *stack.Options) { o.Simulator.Truth = truth })
			for range 60 { // more entries than a page holds
				app.Portal.AddStatus("SOURCE", "Further source")
			}
			app.Install()
			inOrder(t, app.Open(2, "CRM_DEAL_DETAIL_TAB", 20).Body, "In progress", "Floor scale")
			inOrder(t, app.Open(2, "CRM_LEAD_DETAIL_TAB", 250).Body, "Exhibition")
			wantProblem(t, app.Open(3, "CRM_LEAD_DETAIL_TAB", 250), 403, "access_denied")
			wantProblem(t, app.Open(4, "CRM_LEAD_DETAIL_TAB", 250), 403, "extranet_user")
			wantProblem(t, app.Open(1, "CRM_LEAD_DETAIL_TAB", 9999), 404, "not_found")
			admin := app.Open(1, "DEFAULT", nil)
			if answer := app.Ask(admin, "/in/settings", `{}`); answer.Status != http.StatusOK {
				t.Errorf("settings: status %d\n%s", answer.Status, answer.Body)
			}
			if answer := app.Ask(app.Open(3, "DEFAULT", nil), "/in/items", `{"entityTypeId":2,"query":""}`); answer.Status >= 500 || strings.Contains(answer.Body, "Scales") {
				t.Errorf("a list without rights: status %d\n%s", answer.Status, answer.Body)
			}
			for _, status := range []struct {
				problem    string
				code       int
				begin, end func()
			}{
				{"payment_required", 402, func() { app.Portal.SetPlan("free") }, func() { app.Portal.SetPlan("std") }},
				{"missing_scope", 403, func() { app.Portal.GrantScope(stack.ClientID, "placement") }, func() { app.Portal.GrantScope(stack.ClientID, app.App.Scope...) }},
				{"portal_deleted", 410, func() { app.Portal.SetDeleted(true) }, func() { app.Portal.SetDeleted(false) }},
				{"no_app_access", 403, func() { app.Portal.ChangeUser(2, func(u *portalsim.User) { u.NoApp = true }) }, func() { app.Portal.ChangeUser(2, func(u *portalsim.User) { u.NoApp = false }) }},
			} {
				status.begin()
				wantProblem(t, app.Open(2, "CRM_LEAD_DETAIL_TAB", 250), status.code, status.problem)
				status.end()
			}
			page := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
			app.Portal.Uninstall(stack.ClientID, false)
			if app.Sim.Deliveries(); app.Rows("tokens") != 0 {
				t.Error("the removal was not believed")
			}
			if answer := app.Ask(page, "/in/item", `{"entityTypeId":1,"id":250}`); answer.Status != http.StatusForbidden && answer.Status != http.StatusUnauthorized {
				t.Errorf("an open page after the removal: status %d\n%s", answer.Status, answer.Body)
			}
			app.Install()
			inOrder(t, app.Open(2, "CRM_LEAD_DETAIL_TAB", 250).Body, "Exhibition")
			app.Portal.Uninstall(stack.ClientID, true)
			if app.Sim.Deliveries(); app.Rows("portals") != 0 {
				t.Error("the second removal was not believed")
			}
		})
	}
}
