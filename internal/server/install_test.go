package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
	"itemlens/internal/portal"
)

var allTabs = []string{
	"CRM_LEAD_DETAIL_TAB", "CRM_DEAL_DETAIL_TAB", "CRM_CONTACT_DETAIL_TAB", "CRM_COMPANY_DETAIL_TAB", "CRM_QUOTE_DETAIL_TAB",
	"CRM_SMART_INVOICE_DETAIL_TAB", "CRM_DYNAMIC_1038_DETAIL_TAB",
}

// wantBound waits until everything is bound: after an event the queue does it.
func wantBound(t *testing.T, app *apptest.App) {
	t.Helper()
	wantTabs := slices.Sorted(slices.Values(allTabs))
	wantEvents := slices.Sorted(slices.Values(append(bitrix24.SchemaEvents(), "ONAPPINSTALL", "ONAPPPAYMENT", "ONAPPUNINSTALL", "ONAPPUPDATE")))
	var tabs, events []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		tabs, events = app.Portal.Placements(stack.ClientID), app.Portal.Handlers(stack.ClientID)
		slices.Sort(tabs)
		slices.Sort(events)
		if slices.Equal(tabs, wantTabs) && slices.Equal(events, wantEvents) {
			return
		}
	}
	t.Errorf("placements %v, want %v; events %v, want %v", tabs, wantTabs, events, wantEvents)
}

func TestInstallPageRegistersThePortal(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	answer := app.Open(1, "DEFAULT", nil)
	if answer.Status != http.StatusOK || !strings.Contains(answer.Body, "Item Lens is installed") || !strings.Contains(answer.Body, "Equipment") {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	if !strings.Contains(answer.Body, "data-install-finish") || !strings.Contains(answer.Body, app.Sim.JSLibraryURL()) {
		t.Error("the page does not finish the installation through the JS library")
	}
	wantBound(t, app)
	if app.Rows("portals") != 1 || app.Rows("tokens") != 1 {
		t.Errorf("%d portals, %d tokens", app.Rows("portals"), app.Rows("tokens"))
	}
	if got := app.Portal.Requests(""); got != 2 {
		t.Errorf("installing took %d requests to the portal, want 2", got)
	}
	dump := app.Dump()
	for _, secret := range app.Sim.Issued() {
		if strings.Contains(dump, secret) || strings.Contains(dump, fmt.Sprintf("%x", secret)) {
			t.Error("a token stands unsealed in the database")
		}
	}

	app.Portal.FinishInstall(stack.ClientID)
	deliveries := app.Sim.Deliveries()
	if len(deliveries) == 0 {
		t.Error("no event was delivered")
	}
	for _, d := range deliveries { // the queue may repeat
		if d.Event != "ONAPPINSTALL" || d.Status != http.StatusOK {
			t.Errorf("%s: status %d", d.Event, d.Status)
		}
	}
	wantBound(t, app)
}

func TestInstallingAgainChangesNothing(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	opening, err := app.Portal.Open(stack.ClientID, 1, "DEFAULT", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one is the same form again, as when the page is reloaded
		answer := app.Post(strings.Replace(opening.URL, app.AppURL+"/?", app.AppURL+"/install?", 1), opening.Form)
		if answer.Status != http.StatusOK {
			t.Fatalf("status %d\n%s", answer.Status, answer.Body)
		}
	}
	wantBound(t, app)
	if app.Portal.Commands("placement.bind") != len(allTabs) {
		t.Errorf("%d bindings, want %d", app.Portal.Commands("placement.bind"), len(allTabs))
	}
}

func TestInstallByEventAlone(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	opening := app.Opening(1, "DEFAULT", nil)
	form := eventForm(app.Portal, "ONAPPINSTALL", opening, nil)
	if answer := app.Post("/events", form); answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	wantBound(t, app)
}

// eventForm makes an event with the tokens of an opening.
func eventForm(p *portalsim.Portal, event string, opening portalsim.Opening, change func(url.Values)) url.Values {
	form := url.Values{
		"event": {event}, "ts": {fmt.Sprint(time.Now().Unix())}, "data[VERSION]": {"1"},
		"auth[member_id]": {p.MemberID}, "auth[domain]": {p.Host()}, "auth[client_endpoint]": {p.Endpoint()},
		"auth[application_token]": {p.ApplicationToken(stack.ClientID)},
	}
	if opening.Form != nil {
		form.Set("auth[access_token]", opening.Form.Get("AUTH_ID"))
		form.Set("auth[refresh_token]", opening.Form.Get("REFRESH_ID"))
	}
	if change != nil {
		change(form)
	}
	return form
}

// TestUpdatesInEveryWay: the platform's code hides tabs and handlers and tells nobody, the documentation erases them, and an
// older page of it sends ONAPPUPDATE with a new application_token. Pages that are open go on meanwhile, the app is not taken
// for removed, and after the update everything stands and the portal's events are believed.
func TestUpdatesInEveryWay(t *testing.T) {
	for _, way := range []string{portalsim.UpdateHidden, portalsim.UpdateErased, portalsim.UpdateTold} {
		t.Run(way, func(t *testing.T) {
			app := apptest.Start(t, &cluster)
			app.Install()
			page := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
			old := app.Portal.ApplicationToken(stack.ClientID)
			app.Portal.UpdateAs(stack.ClientID, way)
			if answer := app.Ask(page, "/in/item", `{"entityTypeId":1,"id":250}`); answer.Status != http.StatusOK {
				t.Errorf("an open page meanwhile: status %d\n%s", answer.Status, answer.Body)
			}
			if told := way == portalsim.UpdateTold; told != app.Portal.Finished(stack.ClientID) {
				t.Fatal("the test shows nothing")
			}
			if !app.Portal.Finished(stack.ClientID) {
				answer := app.Open(1, "DEFAULT", nil)
				if answer.Status != http.StatusOK || !strings.Contains(answer.Body, "data-install-finish") {
					t.Fatalf("the install page: status %d\n%s", answer.Status, answer.Body)
				}
				app.Portal.FinishInstall(stack.ClientID)
			}
			for _, d := range app.Sim.Deliveries() {
				if d.Status != http.StatusOK {
					t.Errorf("%s: status %d", d.Event, d.Status)
				}
			}
			wantBound(t, app)
			if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
				t.Errorf("a tab: status %d\n%s", answer.Status, answer.Body)
			}
			if old != app.Portal.ApplicationToken(stack.ClientID) {
				uninstall := eventForm(app.Portal, "ONAPPUNINSTALL", portalsim.Opening{}, func(f url.Values) { f.Set("auth[application_token]", old) })
				if answer := app.Post("/events", uninstall); answer.Status != http.StatusForbidden {
					t.Errorf("the old application_token still works: status %d", answer.Status)
				}
			}
			app.Portal.Uninstall(stack.ClientID, true)
			if app.Sim.Deliveries(); app.Rows("portals") != 0 {
				t.Error("the uninstall event was not believed")
			}
		})
	}
}

// TestAnUpdateThatNobodyFinishesIsNoRemoval: the OAuth server says "not installed" meanwhile.
func TestAnUpdateThatNobodyFinishesIsNoRemoval(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Portal.UpdateAs(stack.ClientID, portalsim.UpdateHidden)
	hint := url.Values{"event": {"ONAPPPAYMENT"}, "auth[member_id]": {app.Portal.MemberID}}
	if answer := app.Post("/events", hint); answer.Status != http.StatusOK {
		t.Fatalf("status %d", answer.Status)
	}
	wantLog(t, app, "the platform says that the app is not installed")
	forged := eventForm(app.Portal, "ONAPPUNINSTALL", portalsim.Opening{}, func(f url.Values) { f.Set("auth[application_token]", "forged") })
	if answer := app.Post("/events", forged); answer.Status != http.StatusForbidden {
		t.Errorf("status %d", answer.Status)
	}
	wantLog(t, app, "the app is still installed") // the portal itself was asked
	if app.Rows("portals") != 1 || app.Rows("tokens") != 1 {
		t.Error("an update was taken for a removal")
	}
}

// wantLog waits for a line of the app's log.
func wantLog(t *testing.T, app *apptest.App, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(app.Log.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q", text)
		}
	}
}

// TestAnUpdateWithoutItsPageIsBoundByItsEvent: where ONAPPINSTALL comes and nothing was bound lately, tabs may be gone.
func TestAnUpdateWithoutItsPageIsBoundByItsEvent(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	opening := app.Opening(1, "DEFAULT", nil)
	app.Portal.Unbind(stack.ClientID, "CRM_LEAD_DETAIL_TAB")
	app.SQL(`UPDATE portals SET bound_at = bound_at - interval '11 minutes'`)
	if answer := app.Post("/events", eventForm(app.Portal, "ONAPPINSTALL", opening, nil)); answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	wantBound(t, app)
}

// TestARemovalThatNobodyTellsIsFoundByAnOpenPage: no event reaches an app whose time is over, not even its removal.
func TestARemovalThatNobodyTellsIsFoundByAnOpenPage(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	app.Portal.SetPayment(stack.ClientID, "T", true)
	app.Portal.Uninstall(stack.ClientID, true)
	for _, d := range app.Sim.Deliveries() {
		if d.Event == "ONAPPUNINSTALL" {
			t.Fatal("the test shows nothing")
		}
	}
	wantJSONProblem(t, app.Ask(page, "/in/item", `{"entityTypeId":1,"id":250}`), 403, "not_installed")
	if jobs := app.Jobs("removal"); len(jobs) != 1 || !strings.Contains(jobs[0], app.Portal.MemberID) {
		t.Errorf("planned: %v", jobs)
	}
	if app.Rows("tokens") != 2 {
		t.Error("one answer is believed at once")
	}
	// As if the grace period was over, and the queue's time had come.
	app.SQL(`UPDATE portals SET missing_since = missing_since - interval '26 hours'`)
	app.SQL(`UPDATE river_job SET scheduled_at = now() WHERE kind = 'removal'`)
	for deadline := time.Now().Add(20 * time.Second); app.Rows("tokens") != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the portal's tokens are kept for ever")
		}
	}
}

// TestAnAdministratorsPageBringsTheApplicationToken, in place of another one: the event that told of it may have been lost.
func TestAnAdministratorsPageBringsTheApplicationToken(t *testing.T) {
	app := apptest.Start(t, &cluster, func(o *stack.Options) { o.Simulator.Vary = false }) // no page without it
	app.Install()
	app.Portal.NewApplicationToken(stack.ClientID)
	uninstall := eventForm(app.Portal, "ONAPPUNINSTALL", portalsim.Opening{}, nil)
	app.Open(2, "CRM_LEAD_DETAIL_TAB", 250) // a plain user's page teaches nothing
	if answer := app.Post("/events", uninstall); answer.Status != http.StatusForbidden {
		t.Fatalf("after a plain user's page: status %d", answer.Status)
	}
	app.Open(1, "CRM_LEAD_DETAIL_TAB", 250)
	if answer := app.Post("/events", uninstall); answer.Status != http.StatusOK || app.Rows("tokens") != 0 {
		t.Errorf("after an administrator's page: status %d", answer.Status)
	}
}

// TestThePlanDecidesHowMuchAPortalIsAsked (limits.md): it is told by the portal's own app.info.
func TestThePlanDecidesHowMuchAPortalIsAsked(t *testing.T) {
	family := func(app *apptest.App) string {
		p, err := app.Store.Portal(t.Context(), portal.MemberID(app.Portal.MemberID))
		if err != nil {
			t.Fatal(err)
		}
		return p.LicenseFamily
	}
	app := apptest.Start(t, &cluster, func(o *stack.Options) { o.Simulator.Vary = false }, // every page brings the application_token
		apptest.Configure(func(c *config.Config) { c.PortalRate, c.PortalBurst, c.PortalWait = 0, 0, 0 }))
	app.Portal.SetPlan("enterprise")
	app.Install()
	if got := family(app); got != "ent" {
		t.Fatalf("family %q", got)
	}
	pages := func() (served int, took time.Duration) {
		began := time.Now()
		for range 70 {
			if app.Open(2, "CRM_LEAD_DETAIL_TAB", 250).Status == http.StatusOK {
				served++
			}
		}
		return served, time.Since(began)
	}
	if got, _ := pages(); got != 70 {
		t.Errorf("%d of 70 pages of an Enterprise portal", got)
	}
	app.Portal.SetPlan("std")
	admin := app.Open(1, "DEFAULT", nil)
	app.Ask(admin, "/in/settings", `{}`) // the settings look at what stands in the portal, and at its plan
	if got := family(app); got != "std" {
		t.Fatalf("family %q after the plan has changed", got)
	}
	if got, took := pages(); got > 50+int(2*took.Seconds()) {
		t.Errorf("%d of 70 pages of a smaller portal in %s", got, took)
	}
}

// TestUpdateIsBoundThoughThePortalFailsAtFirst: the platform sends the event once.
func TestUpdateIsBoundThoughThePortalFailsAtFirst(t *testing.T) {
	app := apptest.Start(t, &cluster, func(o *stack.Options) { o.Simulator.Vary = false }) // one event, one try at a time
	app.Install()
	app.Portal.FailCommand("placement.bind", "INTERNAL_SERVER_ERROR", 7)
	app.Portal.UpdateAs(stack.ClientID, portalsim.UpdateTold)
	for _, d := range app.Sim.Deliveries() {
		if d.Status != http.StatusOK {
			t.Errorf("%s: status %d", d.Event, d.Status)
		}
	}
	wantBound(t, app)
	if !strings.Contains(app.Log.String(), `"msg":"binding failed"`) {
		t.Error("the first try did not fail, so the test shows nothing")
	}
}

func TestUninstall(t *testing.T) {
	for _, clean := range []bool{true, false} {
		t.Run(fmt.Sprint("clean=", clean), func(t *testing.T) {
			app := apptest.Start(t, &cluster)
			app.Install()
			app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
			if app.Rows("tokens") != 2 {
				t.Fatalf("%d tokens before", app.Rows("tokens"))
			}
			opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
			app.Portal.Uninstall(stack.ClientID, clean)
			app.Sim.Deliveries()
			if app.Rows("tokens") != 0 {
				t.Error("tokens are left")
			}
			if want := map[bool]int{true: 0, false: 1}[clean]; app.Rows("portals") != want {
				t.Errorf("%d portals, want %d", app.Rows("portals"), want)
			}
			for _, token := range app.Sim.Issued() {
				if strings.Contains(app.Dump(), token) {
					t.Error("a token is left")
				}
			}
			if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusForbidden || !strings.Contains(answer.Body, `data-problem="unverified"`) {
				t.Errorf("a page opened before the removal: status %d\n%s", answer.Status, answer.Body)
			}
			app.Install() // and again
			if answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
				t.Errorf("after reinstalling: status %d", answer.Status)
			}
		})
	}
}

func TestForgedUninstallsAreRefused(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	for name, change := range map[string]func(url.Values){
		"invented application_token": func(f url.Values) { f.Set("auth[application_token]", strings.Repeat("a", 32)) },
		"empty application_token":    func(f url.Values) { f.Set("auth[application_token]", "") },
		"no application_token":       func(f url.Values) { f.Del("auth[application_token]") },
		"access token in its place":  func(f url.Values) { f.Set("auth[application_token]", opening.Form.Get("AUTH_ID")) },
		"from before the install":    func(f url.Values) { f.Set("ts", fmt.Sprint(time.Now().Add(-2*time.Hour).Unix())) },
	} {
		form := eventForm(app.Portal, "ONAPPUNINSTALL", opening, change)
		if answer := app.Post("/events", form); answer.Status != http.StatusForbidden {
			t.Errorf("%s: status %d", name, answer.Status)
		}
	}
	for name, body := range map[string]string{"empty": "", "no member_id": "event=ONAPPUNINSTALL", "no form": "{}"} {
		contentType := "application/x-www-form-urlencoded"
		if name == "no form" {
			contentType = "application/json"
		}
		if answer := app.Send(http.MethodPost, "/events", contentType, body); answer.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, answer.Status)
		}
	}
	if app.Rows("portals") != 1 || app.Rows("tokens") != 1 {
		t.Error("a refused event changed something")
	}

	app.Portal.Uninstall(stack.ClientID, false)
	deliveries := app.Sim.Deliveries()
	replay := deliveries[len(deliveries)-1].Form
	if answer := app.Post("/events", replay); answer.Status != http.StatusForbidden {
		t.Errorf("the same event again: status %d", answer.Status)
	}
	time.Sleep(1100 * time.Millisecond) // events tell whole seconds
	app.Install()
	// Its application_token is right: it outlives a removal.
	if answer := app.Post("/events", replay); answer.Status != http.StatusForbidden || app.Rows("tokens") != 1 {
		t.Errorf("the event replayed after reinstalling: status %d, %d tokens", answer.Status, app.Rows("tokens"))
	}
}

func TestForgedInstallsAreRefused(t *testing.T) {
	app := apptest.Start(t, &cluster)
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	foreign := portalsim.App{ClientID: "app.foreign", ClientSecret: "x", Name: "Foreign", URL: app.AppURL + "/", InstallURL: app.AppURL + "/install", Scope: app.App.Scope}
	app.Sim.RegisterApp(foreign)
	for _, install := range []struct {
		p      *portalsim.Portal
		client string
	}{{app.Portal, stack.ClientID}, {other, stack.ClientID}, {app.Portal, foreign.ClientID}} {
		if err := install.p.Install(install.client, 1); err != nil {
			t.Fatal(err)
		}
	}
	open := func(p *portalsim.Portal, client string) portalsim.Opening {
		o, err := p.Open(client, 1, "DEFAULT", "")
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	with := func(o portalsim.Opening, name, value string) portalsim.Opening { o.Form.Set(name, value); return o }
	tests := map[string]struct {
		opening portalsim.Opening
		problem string
		status  int
	}{
		"invented tokens":                  {with(with(open(app.Portal, stack.ClientID), "AUTH_ID", strings.Repeat("b", 70)), "REFRESH_ID", "c"), "unverified", 403},
		"invented access token":            {with(open(app.Portal, stack.ClientID), "AUTH_ID", strings.Repeat("b", 70)), "unverified", 403},
		"invented refresh token":           {with(open(app.Portal, stack.ClientID), "REFRESH_ID", strings.Repeat("b", 70)), "unverified", 403},
		"no refresh token":                 {with(open(app.Portal, stack.ClientID), "REFRESH_ID", ""), "unverified", 403},
		"tokens of another portal":         {with(open(other, stack.ClientID), "member_id", app.Portal.MemberID), "unverified", 403},
		"refresh token of another portal":  {with(open(app.Portal, stack.ClientID), "REFRESH_ID", open(other, stack.ClientID).Form.Get("REFRESH_ID")), "unverified", 403},
		"tokens of another app":            {open(app.Portal, foreign.ClientID), "unverified", 403},
		"another app's refresh token":      {with(open(app.Portal, stack.ClientID), "REFRESH_ID", open(app.Portal, foreign.ClientID).Form.Get("REFRESH_ID")), "unverified", 403},
		"a posted OAuth server is ignored": {with(with(open(app.Portal, stack.ClientID), "SERVER_ENDPOINT", "http://evil.example/rest/"), "AUTH_ID", "x"), "unverified", 403},
	}
	moved := open(app.Portal, stack.ClientID)
	moved.URL = strings.Replace(moved.URL, "DOMAIN="+url.QueryEscape(app.Portal.Host()), "DOMAIN="+url.QueryEscape(other.Host()), 1)
	tests["DOMAIN of another portal"] = struct {
		opening portalsim.Opening
		problem string
		status  int
	}{moved, "unverified", 403}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, target := range []string{tt.opening.URL, ""} {
				answer := app.Post(orEvents(target), formFor(target, tt.opening))
				if target == "" && answer.Status == http.StatusOK {
					// Taken, and looked into by the queue.
					wantSettled(t, app)
					continue
				}
				if answer.Status != tt.status || !strings.Contains(answer.Body, tt.problem) {
					t.Errorf("%s: status %d\n%s", orEvents(target), answer.Status, answer.Body)
				}
			}
		})
	}
	if app.Rows("portals") != 0 || app.Rows("tokens") != 0 {
		t.Errorf("stored %d portals and %d tokens", app.Rows("portals"), app.Rows("tokens"))
	}
	if got := app.Portal.Commands("placement.bind") + other.Commands("placement.bind"); got != 0 {
		t.Errorf("%d placements were bound", got)
	}
}

// wantSettled waits until no event waits to be looked into.
func wantSettled(t *testing.T, app *apptest.App) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); app.Rows("event_claims") > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("an event is not looked into")
		}
	}
}

// orEvents and formFor send an opening's claim to the events endpoint too, as ONAPPINSTALL.
func orEvents(target string) string {
	if target == "" {
		return "/events"
	}
	return target
}

func formFor(target string, o portalsim.Opening) url.Values {
	if target != "" {
		return o.Form
	}
	query, _ := url.Parse(o.URL)
	return url.Values{
		"event": {"ONAPPINSTALL"}, "auth[member_id]": {o.Form.Get("member_id")}, "auth[domain]": {query.Query().Get("DOMAIN")},
		"auth[access_token]": {o.Form.Get("AUTH_ID")}, "auth[refresh_token]": {o.Form.Get("REFRESH_ID")},
		"auth[application_token]": {o.Form.Get("APPLICATION_TOKEN")},
	}
}

func TestOnlyAnAdministratorInstalls(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	opening := app.Opening(1, "DEFAULT", nil)
	app.Portal.ChangeUser(1, func(u *portalsim.User) { u.Admin = false })
	answer := app.Post(opening.URL, opening.Form)
	if answer.Status != http.StatusForbidden || !strings.Contains(answer.Body, `data-problem="not_administrator"`) {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	if app.Rows("portals") != 0 || len(app.Portal.Placements(stack.ClientID)) != 0 {
		t.Error("something was stored or bound")
	}
}

func TestAPlainUserCannotReplaceTheApplicationToken(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	form := eventForm(app.Portal, "ONAPPUPDATE", opening, func(f url.Values) { f.Set("auth[application_token]", "planted-by-user-2") })
	if answer := app.Post("/events", form); answer.Status != http.StatusOK { // looked into by the queue
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	wantSettled(t, app)
	wantLog(t, app, `"msg":"event not believed"`)
	form = eventForm(app.Portal, "ONAPPUNINSTALL", portalsim.Opening{}, func(f url.Values) { f.Set("auth[application_token]", "planted-by-user-2") })
	if answer := app.Post("/events", form); answer.Status != http.StatusForbidden || app.Rows("portals") != 1 {
		t.Fatalf("status %d", answer.Status)
	}
}

func TestFailedStepIsToldAndTryingAgainWorks(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	app.Portal.FailCommand("placement.bind", "ERROR_CORE", 3)
	opening := app.Opening(1, "DEFAULT", nil)
	answer := app.Post(opening.URL, opening.Form)
	if answer.Status != http.StatusBadGateway || !strings.Contains(answer.Body, "placement.bind CRM_") || strings.Contains(answer.Body, "data-install-finish") {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	for _, again := range []portalsim.Opening{opening, app.Opening(1, "DEFAULT", nil)} { // reloaded, and opened anew
		if answer := app.Post(again.URL, again.Form); answer.Status != http.StatusOK {
			t.Fatalf("again: status %d\n%s", answer.Status, answer.Body)
		}
	}
	wantBound(t, app)
}

func TestManySmartProcessTypesTakeMoreBatches(t *testing.T) {
	app := apptest.Start(t, &cluster)
	for i := range 230 {
		app.Portal.AddSmartProcess(2000+i, fmt.Sprint("Process ", i))
	}
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	if answer := app.Open(1, "DEFAULT", nil); answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	if got := len(app.Portal.Placements(stack.ClientID)); got != len(allTabs)+230 {
		t.Errorf("%d placements", got)
	}
	if got := app.Portal.Requests("batch"); got != 8 { // 4 pages of types and who installs, 1 more page, 271 bindings in 6
		t.Errorf("%d batches, want 8", got)
	}
}

func TestPortalWithoutAPlacementInstallsTheRest(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Portal.RemoveType(7)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	answer := app.Open(1, "DEFAULT", nil)
	if answer.Status != http.StatusOK || !strings.Contains(answer.Body, "<code>CRM_QUOTE_DETAIL_TAB</code>") {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
}

func TestMissingScopeIsTold(t *testing.T) {
	app := apptest.Start(t, &cluster)
	less := app.App
	less.Scope = []string{"crm"}
	app.Sim.RegisterApp(less)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	if answer := app.Open(1, "DEFAULT", nil); answer.Status != http.StatusForbidden || !strings.Contains(answer.Body, `data-problem="missing_scope"`) {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
}

func TestOnPremisePortalAtAPathOfItsOwn(t *testing.T) {
	app := apptest.Start(t, &cluster)
	p, err := app.Sim.AddPortalWith("local", portalsim.PortalOptions{Path: "/crm24", OnPrem: true})
	if err != nil {
		t.Fatal(err)
	}
	app.InstallIn(p)
	opening, err := p.Open(stack.ClientID, 2, "CRM_LEAD_DETAIL_TAB", `{"ID":"250"}`)
	if err != nil {
		t.Fatal(err)
	}
	answer := app.Post(opening.URL, opening.Form)
	if answer.Status != http.StatusOK || !strings.Contains(answer.Body, "Lead #250") || !strings.Contains(answer.Header.Get("Content-Security-Policy"), "frame-ancestors "+p.URL()) {
		t.Errorf("status %d\n%s", answer.Status, answer.Body)
	}
	p.SetPayment(stack.ClientID, "T", true)
	opening, err = p.Open(stack.ClientID, 2, "CRM_LEAD_DETAIL_TAB", `{"ID":"250"}`)
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, app.Post(opening.URL, opening.Form), 402, "payment_required")
}

// TestPortalWhosePagesHaveAnotherHostThanItsREST is about what a sample of the official PHP SDK shows.
func TestPortalWhosePagesHaveAnotherHostThanItsREST(t *testing.T) {
	app := apptest.Start(t, &cluster)
	p, err := app.Sim.AddPortalWith("alias", portalsim.PortalOptions{Domain: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	app.InstallIn(p)
	before := app.Sim.OAuthRequests("app.info")
	opening, err := p.Open(stack.ClientID, 2, "CRM_LEAD_DETAIL_TAB", `{"ID":"250"}`)
	if err != nil {
		t.Fatal(err)
	}
	answer := app.Post(opening.URL, opening.Form)
	csp := answer.Header.Get("Content-Security-Policy")
	if answer.Status != http.StatusOK || !strings.HasSuffix(csp, "frame-ancestors "+p.URL()+" http://"+p.Domain()) {
		t.Errorf("status %d, CSP %s", answer.Status, csp)
	}
	if app.Sim.OAuthRequests("app.info") != before {
		t.Error("the page asked the OAuth server")
	}
}

func TestPaymentEventMakesUsAskTheOAuthServer(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	status := func() string {
		p, err := app.Store.Portal(t.Context(), portal.MemberID(app.Portal.MemberID))
		if err != nil {
			t.Fatal(err)
		}
		return p.Status
	}
	paid := app.App
	paid.Status = "P"
	app.Sim.RegisterApp(paid)
	forged := url.Values{"event": {"ONAPPPAYMENT"}, "data[STATUS]": {"S"}, "auth[member_id]": {app.Portal.MemberID}}
	for range 20 {
		if answer := app.Post("/events", forged); answer.Status != http.StatusOK {
			t.Fatalf("status %d", answer.Status)
		}
	}
	before := app.Sim.OAuthRequests("app.info")
	for deadline := time.Now().Add(time.Minute); status() != "P" && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
	}
	if got := status(); got != "P" {
		t.Errorf("status %q, want what the OAuth server says", got)
	}
	if got := app.Sim.OAuthRequests("app.info") - before; got > 1 {
		t.Errorf("%d questions for 20 hints", got)
	}
	forged.Set("auth[member_id]", strings.Repeat("e", 32))
	if answer := app.Post("/events", forged); answer.Status != http.StatusOK { // strangers do not learn who is a customer
		t.Errorf("of an unknown portal: %d", answer.Status)
	}
}
