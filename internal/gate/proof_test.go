package gate_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// TestAMissingInstallationIsLookedInto: where the portal refuses a token that is known as its user's, and nothing else than
// that it knows no such app. Anybody can post a pair that the portal refuses.
func TestAMissingInstallationIsLookedInto(t *testing.T) {
	w, p, planned := setup(t)
	access, refresh := w.issue(who{acme, 2})
	opened := p.mustOpen(t, w, acme, access, refresh)
	check := func(name string, err error, want portal.Problem, removals int64) {
		t.Helper()
		if portal.ProblemOf(err) != want || planned.removals.Load() != removals {
			t.Errorf("%s: %v, %d checks are planned", name, err, planned.removals.Load())
		}
	}
	w.refusal = "PORTAL_DELETED"
	check("another refusal", p.ask(t.Context(), opened), portal.PortalDeleted, 0)
	w.refusal = "APPLICATION_NOT_FOUND"
	_, err := p.open(t.Context(), w.form(acme, "made-up", "made-up-too"))
	check("a pair that nobody vouches for", err, portal.NotInstalled, 0)
	check("a page of the user", p.ask(t.Context(), opened), portal.NotInstalled, 1)
}

// TestASessionGoesOnWhereThePortalHasAnswered, and what comes from memory alone takes a proof of the last ten minutes.
func TestASessionGoesOnWhereThePortalHasAnswered(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 2})
	opened := p.mustOpen(t, w, acme, access, refresh)
	request := func(session string, batch bool, wait time.Duration) (next string, asked bool, err error) {
		t.Helper()
		w.advance(wait)
		r := httptest.NewRequest(http.MethodPost, "/in/names", strings.NewReader("{}"))
		r.Header.Set("Authorization", "Bearer "+session)
		rec := httptest.NewRecorder()
		c := echo.New().NewContext(r, rec)
		var none struct{}
		visit, err := p.gate.ResumePage(c, &none)
		if err != nil {
			t.Fatal(err)
		}
		before := len(w.served)
		if batch {
			_, err = visit.Batch(t.Context(), []bitrix24.Command{{Key: "scope", Method: "scope"}})
		} else {
			err = visit.Prove(t.Context())
		}
		c.Response().WriteHeader(http.StatusOK)
		return rec.Header().Get("X-Session"), len(w.served) > before, err
	}
	session := opened.session
	if next, asked, err := request(session, false, 9*time.Minute); err != nil || asked || next != "" {
		t.Errorf("after nine minutes: asked %v, next %q, %v", asked, next, err)
	}
	next, asked, err := request(session, false, 2*time.Minute)
	if err != nil || !asked || next == "" || next == session {
		t.Errorf("after eleven minutes: asked %v, next %q, %v", asked, next, err)
	}
	if again, asked, err := request(next, false, time.Minute); err != nil || asked || again != "" {
		t.Errorf("a minute after the proof: asked %v, next %q, %v", asked, again, err)
	}
	if after, asked, err := request(next, true, 0); err != nil || !asked || after == "" {
		t.Errorf("a question to the portal: asked %v, next %q, %v", asked, after, err)
	}
}
