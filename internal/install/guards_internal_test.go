package install

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// TestWhatATabIsCalled compares the titles that a portal tells; what it does not tell counts as right.
func TestWhatATabIsCalled(t *testing.T) {
	titles := map[string]string{"en": "Lens", "de": "Linse"}
	for text, want := range map[string]bool{
		`{}`:                true,
		`{"title":"Lens"}`:  true,
		`{"title":"Other"}`: false,
		`{"title":"Other","langAll":{"en":{"TITLE":"Lens"},"de":{"TITLE":"Linse"}}}`: true,
		`{"title":"Lens","langAll":{"en":{"TITLE":"Lens"},"de":{"TITLE":"Alt"}}}`:    false,
		`{"title":"Lens","langAll":{"fr":{"TITLE":"Autre"}}}`:                        true,
		`{"title":"Lens","langAll":{"de":"Alt"}}`:                                    true,
	} {
		var one tab
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatal(err)
		}
		if got := one.titled(titles); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// answers is a portal that answers batches with what a test wants, one after the other.
func answers(t *testing.T, bodies ...string) (*Service, bitrix24.Target, *int) {
	t.Helper()
	asked := new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*asked++
		if *asked > len(bodies) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(bodies[*asked-1]))
	}))
	t.Cleanup(server.Close)
	rest, err := bitrix24.NewClient(bitrix24.Options{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rest.Close)
	s := &Service{REST: rest, PublicURL: "https://lens.example", Titles: map[string]string{"en": "Lens"}, Log: slog.New(slog.DiscardHandler)}
	return s, bitrix24.Target{Endpoint: server.URL + "/rest/", Access: secret.New("a")}, asked
}

// TestFailuresOfABindingAreToldFromRaces: what stands afterwards counts, wherever it leads to us.
func TestFailuresOfABindingAreToldFromRaces(t *testing.T) {
	st := func() *portalBindings {
		st := &portalBindings{}
		for _, id := range bitrix24.SystemTypes() {
			if id != 2 {
				st.tabs = append(st.tabs, tab{Placement: bitrix24.DetailTab(id), Handler: "https://lens.example/"})
			}
		}
		for _, event := range boundEvents {
			if event != bitrix24.OnAppPayment {
				st.handlers = append(st.handlers, eventHandler{Event: event, Handler: "https://lens.example/events"})
			}
		}
		return st
	}
	failed := `{"result":{"result":{},"result_error":{"CRM_DEAL_DETAIL_TAB":{"error":"ERROR_CORE","error_description":"bound already"},"ONAPPPAYMENT":{"error":"ERROR_CORE"}}}}`
	look := func(tab, event string) string {
		return `{"result":{"result":{"placements":[{"placement":"CRM_DEAL_DETAIL_TAB","handler":"` + tab + `"},{"placement":"CRM_DEAL_DETAIL_TAB","handler":"https://third.example/"}],
			"events":[{"event":"onapppayment","handler":"` + event + `"},{"event":"ONAPPPAYMENT","handler":"https://third.example/"}]},"result_error":[]}}`
	}
	const ours, ourEvents, old = "https://lens.example/", "https://lens.example/events", "https://old.example/"
	for name, tt := range map[string]struct {
		bodies []string
		step   string
		asked  int
	}{
		"all is bound":                   {[]string{`{"result":{"result":{"CRM_DEAL_DETAIL_TAB":true,"ONAPPPAYMENT":true},"result_error":[]}}`}, "", 1},
		"another installation was first": {[]string{failed, look(ours, ourEvents)}, "", 2},
		"another app's tab stands there": {[]string{failed, look(old, ourEvents)}, "placement.bind CRM_DEAL_DETAIL_TAB", 2},
		"another app's event does":       {[]string{failed, look(ours, old)}, "event.bind ONAPPPAYMENT", 2},
		"the portal does not tell":       {[]string{failed}, "bind", 2},
		"the portal answers nonsense":    {[]string{failed, `{"result":{"result":{"placements":5,"events":[]},"result_error":[]}}`}, "bind", 2},
		"the portal does not answer":     {nil, "bind", 1},
	} {
		s, target, asked := answers(t, tt.bodies...)
		_, err := s.bind(t.Context(), portal.Portal{ClientEndpoint: target.Endpoint}, portal.Token{Access: target.Access}, st())
		var known *portal.Error
		if tt.step == "" && err != nil || tt.step != "" && (!errors.As(err, &known) || known.Problem != portal.InstallFailed || known.Detail != tt.step) {
			t.Errorf("%s: %v, want the step %q", name, err, tt.step)
		}
		if *asked != tt.asked {
			t.Errorf("%s: %d requests", name, *asked)
		}
	}
}

// TestPlacesThatAPortalLacks are skipped and reported, and so is a smart process that has none.
func TestPlacesThatAPortalLacks(t *testing.T) {
	st := &portalBindings{types: []SmartType{{1038, "Equipment"}, {1040, "Trips"}}, known: map[int]bool{1038: true, 1040: true}}
	lacking := `{"error":"ERROR_PLACEMENT_NOT_FOUND"}`
	s, target, asked := answers(t, `{"result":{"result":{},"result_error":{"CRM_QUOTE_DETAIL_TAB":`+lacking+`,"CRM_DYNAMIC_1038_DETAIL_TAB":`+lacking+`,"ONCRMTYPEADD":{"error":"EVENT_NOT_FOUND"}}}}`)
	report, err := s.bind(t.Context(), portal.Portal{ClientEndpoint: target.Endpoint}, portal.Token{Access: target.Access}, st)
	if err != nil || *asked != 1 || len(report.Types) != 1 || report.Types[0].EntityTypeID != 1040 || strings.Join(report.Skipped, " ") != "CRM_QUOTE_DETAIL_TAB CRM_DYNAMIC_1038_DETAIL_TAB" {
		t.Errorf("%+v, %v after %d requests", report, err, *asked)
	}
}

// TestProblemsWithAPageOfTheirOwn go before the step that failed.
func TestProblemsWithAPageOfTheirOwn(t *testing.T) {
	for problem, want := range map[portal.Problem]portal.Problem{
		portal.PaymentRequired: portal.PaymentRequired, portal.PortalBusy: portal.PortalBusy, portal.MissingScope: portal.MissingScope,
		portal.PortalDeleted: portal.PortalDeleted, portal.Unreachable: portal.InstallFailed,
	} {
		if got := stepFailed("bind", portal.Problemf(problem, "x")); portal.ProblemOf(got) != want {
			t.Errorf("%s is told as %v", problem, got)
		}
	}
	if got := stepFailed("bind", errors.New("nobody knows")); portal.ProblemOf(got) != portal.InstallFailed {
		t.Errorf("an error that nobody knows is told as %v", got)
	}
}

// TestFurtherPagesOfTypesThatCannotBeRead fail, and are no end of the list.
func TestFurtherPagesOfTypesThatCannotBeRead(t *testing.T) {
	s, target, asked := answers(t, `{"result":{"result":{"types0":5},"result_error":[]}}`, `{"result":{"result":[],"result_error":[]}}`)
	if err := s.allTypes(t.Context(), target, &portalBindings{}); err == nil || *asked != 1 {
		t.Errorf("%v after %d requests", err, *asked)
	}
}

// TestWhoSaysThatTheAppIsNotInstalled: the portal, the OAuth server at a renewal, app.info; nobody else, and nothing by chance.
func TestWhoSaysThatTheAppIsNotInstalled(t *testing.T) {
	dead := func(reason string) error { return &portal.DeadTokenError{Reason: reason} }
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"a renewal":                    {dead("not_installed"), true},
		"a renewal of an unknown app":  {dead("application_not_found"), true},
		"a token that was used up":     {dead("invalid_grant"), false},
		"app.info":                     {errNotInstalled, true},
		"the portal":                   {&bitrix24.Error{Code: "application_not_found"}, true},
		"the OAuth server, passed on":  {&bitrix24.Error{Code: "ERROR_OAUTH", Description: "Application not installed"}, true},
		"a subscription that is over":  {&bitrix24.Error{Code: "ERROR_OAUTH", Description: "Subscription has been ended"}, false},
		"an item that cannot be found": {&bitrix24.Error{Code: "NOT_FOUND", Description: "not installed"}, false},
		"a connection that broke":      {errors.New("broken"), false},
	} {
		if got := saysNotInstalled(tt.err); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
