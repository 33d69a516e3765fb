package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// TestAPortalThatPlainUsersRegisteredCanBeRemoved: it has no application_token, so its uninstall event proves nothing.
func TestAPortalThatPlainUsersRegisteredCanBeRemoved(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Forget()
	if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK || app.Rows("tokens") != 1 {
		t.Fatalf("status %d, %d tokens", answer.Status, app.Rows("tokens"))
	}
	forged := eventForm(app.Portal, "ONAPPUNINSTALL", portalsim.Opening{}, nil)
	forged.Set("auth[application_token]", "forged")
	if answer := app.Post("/events", forged); answer.Status != http.StatusForbidden {
		t.Errorf("a forged event: status %d", answer.Status)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(app.Log.String(), "still installed"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody was asked whether it is true")
		}
	}
	if app.Rows("tokens") != 1 {
		t.Fatal("a forged event removed a portal")
	}
	app.Forget() // the next question would wait for hours
	app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	app.Portal.Uninstall(stack.ClientID, true)
	app.Sim.Deliveries()
	for deadline := time.Now().Add(20 * time.Second); app.Rows("tokens") != 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the portal's tokens are kept for ever")
		}
	}
}

// TestAfterRemovalWithDataNoTableNamesThePortal, after everything that an installation leaves.
func TestAfterRemovalWithDataNoTableNamesThePortal(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	wantVersion(t, save(app, admin, 0, `{"titles":{"en":"Details"},"tabsOff":[7]}`), 1)
	wantTabs(t, app, without(allTabs, "CRM_QUOTE_DETAIL_TAB")...)
	app.Portal.SetPayment(stack.ClientID, "P", false)
	app.Portal.AddSmartProcess(2000, "Process")
	app.Sim.Deliveries()
	for _, text := range []string{app.Portal.MemberID, app.Portal.Domain()} {
		if len(apptest.Find(t, app.DatabaseURL, text)) == 0 {
			t.Fatal("the test shows nothing")
		}
	}
	app.Portal.Uninstall(stack.ClientID, true)
	app.Sim.Deliveries()
	time.Sleep(300 * time.Millisecond) // jobs that ran at that moment end
	for _, text := range []string{app.Portal.MemberID, app.Portal.Domain()} {
		if found := apptest.Find(t, app.DatabaseURL, text); len(found) > 0 {
			t.Errorf("%s stands in %v", text, found)
		}
	}
}

// TestAnErasedPortalIsNotRegisteredByPlainUsers: the app stays installed there, and its pages go on being opened.
func TestAnErasedPortalIsNotRegisteredByPlainUsers(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	if answer := app.Ask(admin, "/in/settings/erase", `{"confirm":"`+app.Portal.Domain()+`"}`); answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	for range 2 {
		wantProblem(t, app.Open(2, "CRM_LEAD_DETAIL_TAB", 250), 403, "not_installed")
	}
	if app.Rows("portals") != 0 {
		t.Fatal("a plain user brought the portal back")
	}
	if answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK || app.Rows("portals") != 1 {
		t.Fatalf("an administrator: status %d, %d portals", answer.Status, app.Rows("portals"))
	}
	if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
		t.Errorf("a plain user after that: status %d", answer.Status)
	}
}

// TestAFloodOfEventsIsRefusedAndItsEndIsNot.
func TestAFloodOfEventsIsRefusedAndItsEndIsNot(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	form := eventForm(app.Portal, "ONCRMCURRENCYADD", portalsim.Opening{}, nil)
	var refused apptest.Answer
	for range 5000 {
		if refused = app.Post("/events", form); refused.Status != http.StatusOK {
			break
		}
	}
	if refused.Status != http.StatusTooManyRequests || !strings.Contains(refused.Body, `"error":"too_many_events"`) || refused.Header.Get("Retry-After") == "" {
		t.Fatalf("status %d\n%s", refused.Status, refused.Body)
	}
	if !strings.Contains(app.Log.String(), `"problem":"too_many_events"`) {
		t.Error("the log does not tell it")
	}
	if answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
		t.Errorf("the portal's pages: status %d", answer.Status)
	}
	uninstall := eventForm(app.Portal, "ONAPPUNINSTALL", portalsim.Opening{}, nil)
	uninstall.Set("data[CLEAN]", "1")
	if answer := app.Post("/events", uninstall); answer.Status != http.StatusOK || app.Rows("portals") != 0 {
		t.Errorf("its uninstall: status %d, %d portals", answer.Status, app.Rows("portals"))
	}
}

// TestTheRateOfEventsGoesWithThePortal: what it sent counts for nothing once it has removed the app.
func TestTheRateOfEventsGoesWithThePortal(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	hint := eventForm(app.Portal, "ONAPPPAYMENT", portalsim.Opening{}, func(form url.Values) { form.Del("auth[application_token]") })
	flood := func() (taken int) {
		for taken < 50 && app.Post("/events", hint).Status == http.StatusOK {
			taken++
		}
		return taken
	}
	if taken := flood(); taken != 50 {
		t.Fatalf("%d hints were taken", taken)
	}
	app.Portal.Uninstall(stack.ClientID, false)
	app.Sim.Deliveries()
	app.Install()
	if taken := flood(); taken != 50 {
		t.Errorf("after it came back, %d hints were taken", taken)
	}
}

// TestTextsThatPostgresDoesNotTake: NUL in settings is the sender's mistake, in a user's name nobody's.
func TestTextsThatPostgresDoesNotTake(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	for _, settings := range []string{`{"cards":{"2":{"hidden":["fm.\u0000"]}}}`, `{"titles":{"en":"a\u0000"}}`} {
		wantJSONProblem(t, save(app, admin, 0, settings), 400, "bad_request")
		wantJSONProblem(t, app.Ask(admin, "/in/settings/preview", `{"entityTypeId":2,"id":20,"settings":`+settings+`}`), 400, "bad_request")
	}
	wantJSONProblem(t, save(app, admin, 0, `{"cards":{"2":{"hidden":["fm.FAX"]}}}`), 422, "invalid_settings")
	app.Portal.ChangeUser(1, func(u *portalsim.User) { u.Name = "An\x00n" })
	wantVersion(t, save(app, admin, 0, `{"cards":{"3":{"hidden":["fm.PHONE"]}}}`), 1)
	wantVersion(t, app.Ask(admin, "/in/settings/undo", `{"version":1}`), 2)
	if answer := app.Ask(admin, "/in/settings", `{}`); answer.Status != http.StatusOK || !strings.Contains(answer.Body, "An n") {
		t.Errorf("status %d\n%.2000s", answer.Status, answer.Body)
	}
}
