package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/portal"
)

// restLog waits until lines are written that a filter chooses.
func restLog(t *testing.T, app *apptest.App, f portal.RESTLogFilter) []portal.RESTLine {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		lines, unreadable, err := app.Store.RESTLog(t.Context(), f, 1000)
		if err != nil || unreadable > 0 {
			t.Fatalf("%d lines do not open, %v", unreadable, err)
		}
		if len(lines) > 0 {
			return lines
		}
		if time.Now().After(deadline) {
			t.Fatalf("no line of the REST log fits %+v", f)
		}
	}
}

// TestThePageThatFailedIsFoundInTheRESTLog: the error ID of a user's page leads to what the portal was asked and said.
func TestThePageThatFailedIsFoundInTheRESTLog(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	good := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	refused := app.Open(2, "CRM_DEAL_DETAIL_TAB", 99999)
	id := refused.Header.Get("X-Request-Id")

	lines := restLog(t, app, portal.RESTLogFilter{RequestID: id})
	line := lines[0]
	if line.MemberID != portal.MemberID(app.Portal.MemberID) || line.Method != "batch" || line.Status != 200 || line.Code != "ok" ||
		!slices.Contains(line.Commands, "crm.item.get 2/99999") || time.Since(line.At) > time.Minute {
		t.Errorf("%+v", line)
	}
	if !strings.Contains(line.Request, `crm.item.get?entityTypeId=2\u0026id=99999`) || !strings.Contains(line.Answer, "NOT_FOUND") {
		t.Errorf("asked %s\nsaid %s", line.Request, line.Answer)
	}
	shown := restLog(t, app, portal.RESTLogFilter{RequestID: good.Header.Get("X-Request-Id"), Method: "crm.item.get"})
	if !strings.Contains(shown[0].Answer, "Comment about the admin") {
		t.Errorf("the answer about the lead is not kept: %s", shown[0].Answer)
	}
	// The same user again: now the app knows whose token it is.
	again := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	if line := restLog(t, app, portal.RESTLogFilter{RequestID: again.Header.Get("X-Request-Id")})[0]; line.UserID != 2 {
		t.Errorf("the line is user %d's", line.UserID)
	}
	// The installer's work has lines too; none holds a token.
	all := restLog(t, app, portal.RESTLogFilter{MemberID: portal.MemberID(app.Portal.MemberID)})
	bound := false
	for _, line := range all {
		bound = bound || slices.Contains(line.Commands, "placement.bind")
		for _, s := range app.Sim.Issued() {
			if strings.Contains(line.Request+line.Answer, s) {
				t.Errorf("a secret stands in the line of %v", line.Commands)
			}
		}
	}
	if !bound {
		t.Error("no line tells of the placements that were bound")
	}
	if found := apptest.Find(t, app.DatabaseURL, "Comment about the admin"); len(found) > 0 {
		t.Errorf("bodies stand open in %v", found)
	}
}

// TestAPortalsHangIsInTheRESTLog: an answer that never came has a line as well.
func TestAPortalsHangIsInTheRESTLog(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	app.Portal.AddFault(portalsim.Fault{Kind: "html", Count: 1})
	answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	line := restLog(t, app, portal.RESTLogFilter{RequestID: answer.Header.Get("X-Request-Id")})[0]
	if line.Code != "answer_html" || !strings.Contains(line.Answer, "<") {
		t.Errorf("%+v", line)
	}
}

// TestAnExchangeOfTokensIsInTheRESTLog with what came of it, and without bodies: they hold nothing but tokens.
func TestAnExchangeOfTokensIsInTheRESTLog(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	app.Post(opening.URL, opening.Form)
	app.Sim.ExpireAccessTokens()
	app.Post(opening.URL, opening.Form)
	app.Sim.ExpireAccessTokens()
	app.Sim.RefuseExchanges(app.App.ClientID, "invalid_grant")
	refused := app.Post(opening.URL, opening.Form)
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		lines := restLog(t, app, portal.RESTLogFilter{MemberID: portal.MemberID(app.Portal.MemberID), Method: "oauth/token"})
		good, bad := false, false
		for _, line := range lines {
			good = good || line.Code == "ok" && line.Status == 200
			bad = bad || line.Code == "invalid_grant" && line.Status >= 400 && line.RequestID == refused.Header.Get("X-Request-Id")
			if line.Request+line.Answer != "" || line.Duration <= 0 {
				t.Errorf("%+v", line)
			}
		}
		if good && bad {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("lines of exchanges: %+v", lines)
		}
	}
}

// TestNoRESTLogWhereTheOperatorWantsNone.
func TestNoRESTLogWhereTheOperatorWantsNone(t *testing.T) {
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) { c.RESTLogDays = 0 }))
	app.Install()
	app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	time.Sleep(time.Second) // twice as long as lines wait
	if n := app.Rows("rest_log"); n > 0 {
		t.Errorf("%d lines", n)
	}
}
