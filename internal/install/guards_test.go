package install_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/install"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// TestWhyAnErasedPortalStaysErased: whom the platform does not vouch for brings nothing back, and trouble of the platform is
// told as such.
func TestWhyAnErasedPortalStaysErased(t *testing.T) {
	w := setup(t)
	w.register()
	if err := w.store.ErasePortal(t.Context(), removedPortal); err != nil {
		t.Fatal(err)
	}
	w.exchange = w.renewal()
	genuine := w.info(true, 1)
	other := genuine
	other.body = strings.Replace(other.body, string(removedPortal), "other000", 1)
	for name, tt := range map[string]struct {
		access        string
		appInfo, rest answer
		want          portal.Problem
		asked         int
	}{
		"no token":                          {"", genuine, profile(1, true), portal.NotInstalled, 0},
		"a token that nobody knows":         {"a1", refusal("invalid_token", ""), profile(1, true), portal.NotInstalled, 1},
		"a token of another portal":         {"a1", other, profile(1, true), portal.NotInstalled, 1},
		"an OAuth server in trouble":        {"a1", answer{http.StatusBadGateway, ""}, profile(1, true), portal.OAuthUnreachable, 1},
		"a portal in trouble":               {"a1", genuine, answer{http.StatusBadGateway, ""}, portal.Unreachable, 2},
		"an administrator who is not asked": {"a1", genuine, profile(7, true), portal.NotInstalled, 2},
		"a plain user":                      {"a1", genuine, profile(1, false), portal.NotInstalled, 2},
	} {
		w.appInfo, w.rest, w.asked = tt.appInfo, tt.rest, 0
		_, _, err := w.service.Adopt(t.Context(), &bitrix24.AppRequest{
			MemberID: string(removedPortal), Domain: "127.0.0.1", ServerEndpoint: w.server.URL + "/rest/", Access: secret.New(tt.access), Refresh: secret.New("r1"),
		})
		if portal.ProblemOf(err) != tt.want || w.state() != "nothing" || w.asked != tt.asked {
			t.Errorf("%s: %v, %s, %d requests", name, err, w.state(), w.asked)
		}
	}
}

// TestAStatusOfAnotherPortalIsNotBelieved.
func TestAStatusOfAnotherPortalIsNotBelieved(t *testing.T) {
	w := setup(t)
	w.register()
	w.appInfo.body = strings.Replace(strings.Replace(w.appInfo.body, string(removedPortal), "other000", 1), `"status":"F"`, `"status":"P"`, 1)
	err := w.service.RefreshStatus(t.Context(), removedPortal)
	stored, readErr := w.store.Portal(t.Context(), removedPortal)
	if portal.ProblemOf(err) != portal.Unverified || readErr != nil || stored.Status != "F" {
		t.Errorf("%v, status %s, %v", err, stored.Status, readErr)
	}
}

// TestABindingLeavesWordOfItself: what came of it, and that its installer is no administrator any more.
func TestABindingLeavesWordOfItself(t *testing.T) {
	w := setup(t)
	w.register()
	ctx := t.Context()
	orphaned := func() bool {
		t.Helper()
		visit, err := w.store.Visit(ctx, removedPortal, nil)
		if err != nil {
			t.Fatal(err)
		}
		return visit.Orphaned
	}
	w.rest = answer{http.StatusBadGateway, ""}
	if err := w.service.Rebind(ctx, removedPortal); portal.ProblemOf(err) != portal.Unreachable || orphaned() {
		t.Errorf("a portal in trouble: %v, orphaned %t", err, orphaned())
	}
	w.rest = profile(1, false)
	if err := w.service.Rebind(ctx, removedPortal); portal.ProblemOf(err) != portal.NotAdministrator || !orphaned() {
		t.Errorf("an installer who is no administrator: %v, orphaned %t", err, orphaned())
	}
	stored, err := w.store.Portal(ctx, removedPortal)
	if err != nil || stored.BoundOutcome != string(portal.NotAdministrator) {
		t.Errorf("%q, %v", stored.BoundOutcome, err)
	}
}

// TestWhatABindingFoundIsKept: the places that the portal lacks, for the settings page, and its plan, also where a later
// answer does not tell one.
func TestWhatABindingFoundIsKept(t *testing.T) {
	w := setup(t)
	w.register()
	read := func() portal.Portal {
		t.Helper()
		p, err := w.store.Portal(t.Context(), removedPortal)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	bindings := func(more string) answer {
		return answer{200, `{"result":{"result":{"profile":{"ID":"1","ADMIN":true},` + more + `"placements":[],"events":[],"types0":{"types":[]}},` +
			`"result_error":{"CRM_QUOTE_DETAIL_TAB":{"error":"ERROR_PLACEMENT_NOT_FOUND"}}}}`}
	}
	w.rest = bindings(`"app":{"LICENSE_FAMILY":"Pro"},`)
	if err := w.service.Rebind(t.Context(), removedPortal); err != nil {
		t.Fatal(err)
	}
	if p := read(); p.LicenseFamily != "pro" || strings.Join(p.BoundSkipped, " ") != "CRM_QUOTE_DETAIL_TAB" || p.BoundOutcome != "ok" {
		t.Errorf("the plan %q, without %q, outcome %q", p.LicenseFamily, p.BoundSkipped, p.BoundOutcome)
	}
	w.rest = bindings("")
	if err := w.service.Rebind(t.Context(), removedPortal); err != nil {
		t.Fatal(err)
	}
	if p := read(); p.LicenseFamily != "pro" {
		t.Errorf("where the portal does not tell its plan, %q is left", p.LicenseFamily)
	}
}

// TestWhenAnInstallationIsBoundAnew: where the last binding did not end well a moment ago.
func TestWhenAnInstallationIsBoundAnew(t *testing.T) {
	for name, tt := range map[string]struct {
		outcome string
		ago     time.Duration
		binds   int
	}{
		"the install page came first": {"ok", time.Minute, 0},
		"it failed there":             {string(portal.InstallFailed), time.Minute, 1},
		"it was long ago":             {"ok", time.Hour, 1},
	} {
		w := newWorld(t)
		w.register()
		if err := errors.Join(w.store.LearnApplicationToken(t.Context(), removedPortal, secret.New("proof")), w.store.RecordBinding(t.Context(), removedPortal, tt.outcome, nil)); err != nil {
			t.Fatal(err)
		}
		w.now.Add(int64(tt.ago))
		err := w.service.Handle(t.Context(), w.event("ONAPPINSTALL", url.Values{"auth[application_token]": {"proof"}}))
		if err != nil || w.binds != tt.binds {
			t.Errorf("%s: %d bindings are planned, %v", name, w.binds, err)
		}
	}
}

// TestAnEventNeedsBothTokens to be looked into, and is told where too many wait.
func TestAnEventNeedsBothTokens(t *testing.T) {
	w := setup(t)
	for name, tt := range map[string]struct {
		access, refresh string
		full            bool
		planned         int
		busy            bool
	}{
		"no refresh token": {access: "a"},
		"no access token":  {refresh: "r"},
		"both":             {access: "a", refresh: "r", planned: 1},
		"too many wait":    {access: "a", refresh: "r", full: true, planned: 1, busy: true},
	} {
		w.planned, w.full = nil, tt.full
		err := w.service.Handle(t.Context(), w.event("ONAPPINSTALL", url.Values{"auth[access_token]": {tt.access}, "auth[refresh_token]": {tt.refresh}}))
		var busy *install.TooManyEventsError
		if len(w.planned) != tt.planned || errors.As(err, &busy) != tt.busy || tt.planned == 0 && portal.ProblemOf(err) != portal.Unverified || tt.planned == 1 && !tt.busy && err != nil {
			t.Errorf("%s: %v, planned %v", name, err, w.planned)
		}
	}
}

// TestWhatIsNotedOfAMissingApp: nothing of a portal that is gone, nothing after an answer, nothing without one.
func TestWhatIsNotedOfAMissingApp(t *testing.T) {
	w := setup(t)
	w.register()
	ctx := t.Context()
	gone := &bitrix24.Error{Code: "NOT_INSTALLED"}
	if missing, err := w.service.Missing(ctx, "nobody", gone); !missing || err != nil || len(w.planned) != 0 {
		t.Errorf("of an unknown portal: %t, %v, planned %v", missing, err, w.planned)
	}
	if _, err := w.service.Missing(ctx, removedPortal, gone); err != nil {
		t.Fatal(err)
	}
	w.now.Add(int64(time.Hour))
	if missing, err := w.service.Missing(ctx, removedPortal, nil); missing || err != nil {
		t.Errorf("after an answer: %t, %v", missing, err)
	}
	if since, err := w.store.NoteMissing(ctx, removedPortal); err != nil || w.service.Now().Sub(since) > time.Minute {
		t.Errorf("missing since %s, %v", since, err)
	}
	w.appInfo = refusal("invalid_token", "")
	if again, err := w.service.CheckRemoval(ctx, removedPortal, portal.NoClaim); again != 0 || err != nil || w.state() != "installed" {
		t.Errorf("nobody knows the tokens: again in %s, %v, %s", again, err, w.state())
	}
}

// TestARecentUninstallIsBelieved, and one from before the installation has the platform asked.
func TestARecentUninstallIsBelieved(t *testing.T) {
	w := setup(t)
	w.register()
	if err := w.store.LearnApplicationToken(t.Context(), removedPortal, secret.New("proof")); err != nil {
		t.Fatal(err)
	}
	old := w.event("ONAPPUNINSTALL", url.Values{"auth[application_token]": {"proof"}, "ts": {fmt.Sprint(w.service.Now().Add(-time.Hour).Unix())}})
	if err := w.service.Handle(t.Context(), old); portal.ProblemOf(err) != portal.Unverified || w.state() != "installed" || len(w.planned) != 1 {
		t.Errorf("one from before the installation: %v, %s, planned %v", err, w.state(), w.planned)
	}
	event := w.event("ONAPPUNINSTALL", url.Values{"auth[application_token]": {"proof"}, "ts": {fmt.Sprint(w.service.Now().Add(time.Minute).Unix())}})
	if err := w.service.Handle(t.Context(), event); err != nil || w.state() != "removed" {
		t.Errorf("%v, %s", err, w.state())
	}
}

// TestADatabaseThatDoesNotAnswerIsNoRemoval: it is told, so that the queue and the platform come again.
func TestADatabaseThatDoesNotAnswerIsNoRemoval(t *testing.T) {
	w := setup(t)
	w.register()
	ctx := t.Context()
	event := w.event("ONCRMTYPEADD", nil)
	w.store.Close()
	_, check := w.service.CheckRemoval(ctx, removedPortal, portal.ClaimsDeletion)
	for what, err := range map[string]error{
		"an event": w.service.Handle(ctx, event), "a status": w.service.RefreshStatus(ctx, removedPortal), "a check": check,
	} {
		if portal.ProblemOf(err) != portal.StorageDown {
			t.Errorf("%s: %v", what, err)
		}
	}
}
