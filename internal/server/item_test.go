package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

func wantProblem(t *testing.T, answer apptest.Answer, status int, problem string) {
	t.Helper()
	if answer.Status != status || !strings.Contains(answer.Body, `data-problem="`+problem+`"`) {
		t.Errorf("status %d, want %d with problem %s\n%s", answer.Status, status, problem, answer.Body)
	}
}

var nameKey = regexp.MustCompile(`data-name="([^"]+)"`)

// namesOf asks for the names that a page lacks, as its script does, and returns the answer.
func namesOf(app *apptest.App, page apptest.Answer) string {
	keys := []string{}
	for _, match := range nameKey.FindAllStringSubmatch(page.Body, -1) {
		keys = append(keys, match[1])
	}
	question, _ := json.Marshal(map[string]any{"names": keys})
	return app.Ask(page, "/in/names", string(question)).Body
}

func TestItemPageShowsTheLead(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	if answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	answer.Body += namesOf(app, answer)
	for _, want := range []string{
		"<h1 dir=\"auto\">Lead #250</h1>", "In progress", "$999.90", "Anna Berger", "Jul 22, 2024, 6:00 PM", "Administrative Company", "Comment about the admin",
		"Exhibition", "Ms.", "Jan 1, 2000", `href="mailto:admin@example.com"`, `href="tel:+16111111111"`, "Customer number", ">321<", "Show empty (", "nqzva rknzcyr pbz",
	} {
		if !strings.Contains(answer.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	var lead map[string]json.RawMessage
	if err := json.Unmarshal(app.Portal.ItemJSON(1, 250), &lead); err != nil || len(lead) < 60 {
		t.Fatalf("lead with %d fields, %v", len(lead), err)
	}
	for name := range lead { // everything that crm.item.get knows
		if name == "fm" {
			name = "fm.PHONE"
		}
		if !strings.Contains(answer.Body, `data-code="`+name+`"`) {
			t.Errorf("the page lacks the field %s", name)
		}
	}
	if names := namesOf(app, answer); !strings.Contains(names, "photo.svg?user=1") || !strings.Contains(names, "size=small") {
		t.Errorf("a small picture of Anna Berger is not among the names:\n%s", names)
	}
	csp := answer.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "frame-ancestors "+app.Portal.URL()) || strings.Contains(csp, "unsafe") || !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("CSP %q", csp)
	}
	if strings.Contains(answer.Body, "<style") || strings.Contains(answer.Body, " style=") || strings.Contains(answer.Body, "<script>") {
		t.Error("inline script or style")
	}
}

func TestItemPageInRussianForEveryType(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.Lang = "ru" })
	app.Install()
	for placement, want := range map[string]struct {
		id    int
		texts []string
	}{
		"CRM_LEAD_DETAIL_TAB":          {250, []string{`lang="ru"`, "В работе", "$999.90", "22.07.2024 18:00", "Выставка", "Показать пустые (", "Другие поля"}},
		"CRM_DEAL_DETAIL_TAB":          {20, []string{"Сделка", "Nordlicht Logistics", "Clara Weiss", "€\u00a048,250.50", "Курьером", "Nora Lind"}},
		"CRM_CONTACT_DETAIL_TAB":       {30, []string{"<h1 dir=\"auto\">Clara Weiss</h1>", "Nordlicht Logistics", "12.04.1984", "мобильный"}},
		"CRM_COMPANY_DETAIL_TAB":       {40, []string{"Производство", "€\u00a04,200,000.00"}},
		"CRM_QUOTE_DETAIL_TAB":         {70, []string{"Отправлено клиенту", "Scales for the northern"}},
		"CRM_SMART_INVOICE_DETAIL_TAB": {310, []string{"Отправлен клиенту", "INV-310"}},
		"CRM_DYNAMIC_1038_DETAIL_TAB":  {5, []string{"Оборудование <span", "Пользовательские поля", "У клиента", "Новое", "Б/у", "€\u00a014,000.50", "Hafenstrasse 4, Port Town", "Marco Rossi", "Файл № 901", "42.1;bar"}},
	} {
		answer := app.Open(2, placement, want.id)
		if answer.Status != http.StatusOK {
			t.Errorf("%s: status %d\n%s", placement, answer.Status, answer.Body)
		}
		answer.Body += namesOf(app, answer)
		for _, text := range want.texts {
			if !strings.Contains(answer.Body, text) {
				t.Errorf("%s lacks %q", placement, text)
			}
		}
		if strings.Contains(answer.Body, "urlMachine") || strings.Contains(answer.Body, "portal.invalid") {
			t.Errorf("%s shows a file's address with a token", placement)
		}
	}
}

func TestItemPageEscapesWhatPeopleWrote(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 252)
	if answer.Status != http.StatusOK || strings.Contains(answer.Body, "<script>alert") || strings.Contains(answer.Body, "<img") || !strings.Contains(answer.Body, "User #999") {
		t.Errorf("status %d\n%s", answer.Status, answer.Body)
	}
}

func TestPlainProblemsOfPeople(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	wantProblem(t, app.Open(3, "CRM_LEAD_DETAIL_TAB", 250), 403, "access_denied")
	wantProblem(t, app.Open(4, "CRM_LEAD_DETAIL_TAB", 250), 403, "extranet_user")
	wantProblem(t, app.Open(1, "CRM_LEAD_DETAIL_TAB", 9999), 404, "not_found")
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.NoApp = true })
	wantProblem(t, app.Open(2, "CRM_LEAD_DETAIL_TAB", 250), 403, "no_app_access")

	app.Portal.GrantScope(stack.ClientID, "placement")
	wantProblem(t, app.Open(1, "CRM_LEAD_DETAIL_TAB", 250), 403, "missing_scope")

	answer := app.Open(3, "CRM_LEAD_DETAIL_TAB", 250)
	if !strings.Contains(answer.Body, "<h1>Permissions are missing</h1>") || !strings.Contains(answer.Body, "An administrator can grant them") {
		t.Errorf("no plain words:\n%s", answer.Body)
	}
}

func TestWithoutUserScopeNamesAreMarked(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Portal.GrantScope(stack.ClientID, "crm", "placement")
	if answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK || !strings.Contains(answer.Body, "User #1") {
		t.Errorf("status %d", answer.Status)
	}
}

func TestPagesWithForeignPortalsAreRefused(t *testing.T) {
	app := apptest.Start(t, &cluster)
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	app.Install()
	app.InstallIn(other)

	stranger := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	stranger.Form.Set("member_id", other.MemberID)
	before := other.Commands("crm.item.get")
	wantProblem(t, app.Post(stranger.URL, stranger.Form), 403, "unverified") // and DOMAIN is its own
	stranger.URL = strings.Replace(stranger.URL, url.QueryEscape(app.Portal.Host()), url.QueryEscape(other.Host()), 1)
	wantProblem(t, app.Post(stranger.URL, stranger.Form), 403, "unverified") // DOMAIN and member_id of the other
	if other.Commands("crm.item.get") != before {
		t.Error("the other portal answered")
	}

	moved := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	moved.URL = strings.Replace(moved.URL, url.QueryEscape(app.Portal.Host()), "evil.example", 1)
	answer := app.Post(moved.URL, moved.Form)
	wantProblem(t, answer, 403, "unverified")
	if strings.Contains(answer.Body, "Lead #250") {
		t.Error("the item shows")
	}

	unknown := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	unknown.Form.Set("member_id", strings.Repeat("d", 32))
	wantProblem(t, app.Post(unknown.URL, unknown.Form), 403, "unverified")

	forged := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	forged.Form.Set("AUTH_ID", strings.Repeat("e", 70))
	wantProblem(t, app.Post(forged.URL, forged.Form), 403, "unverified")
	if app.Rows("portals") != 2 {
		t.Errorf("%d portals", app.Rows("portals"))
	}
}

func TestMalformedPagesAreRefused(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	before := app.Portal.Requests("")
	for _, options := range []string{"no json", `{"ID":"abc"}`, `{"ID":"-5"}`, `{"ID":-5}`, `{"ID":0}`, `{}`, `[]`, ""} {
		o := app.Opening(1, "CRM_LEAD_DETAIL_TAB", 250)
		o.Form.Set("PLACEMENT_OPTIONS", options)
		wantProblem(t, app.Post(o.URL, o.Form), 400, "bad_request")
	}
	o := app.Opening(1, "CRM_LEAD_DETAIL_TAB", 250)
	o.Form.Set("PLACEMENT", "CRM_ORDER_DETAIL_TAB")
	wantProblem(t, app.Post(o.URL, o.Form), 400, "bad_request")
	o.Form.Set("PLACEMENT_OPTIONS", strings.Repeat("x", 10<<20))
	wantProblem(t, app.Post(o.URL, o.Form), 413, "too_large")
	wantProblem(t, app.Post("/", url.Values{}), 400, "bad_request")
	wantProblem(t, app.Send(http.MethodPost, "/", "application/json", "{}"), 400, "bad_request")
	wantProblem(t, app.Send(http.MethodGet, "/nothing", "", ""), 404, "unknown_page")
	if app.Portal.Requests("") != before {
		t.Error("a malformed request reached the portal")
	}
	if answer := app.Send(http.MethodGet, "/", "", ""); answer.Status != http.StatusOK || !strings.Contains(answer.Body, "Open Item Lens in Bitrix24") {
		t.Errorf("plain GET: status %d", answer.Status)
	}
	if answer := app.Send(http.MethodGet, "/?LANG=ru", "", ""); !strings.Contains(answer.Body, "Откройте Item Lens в") {
		t.Error("plain GET is not in Russian")
	}
}

func TestPortalsThatAnswerNonsense(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	foreignCalled := false
	foreign, err := app.Sim.AddPortal("foreign", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		fault   portalsim.Fault
		status  int
		problem string
	}{
		{portalsim.Fault{Kind: "html"}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "empty"}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "text"}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "truncated"}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "cut"}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "huge"}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "reset"}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "delay", Delay: 5 * time.Second}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "redirect", Target: foreign.Endpoint() + "batch"}, 403, "unverified"},
		{portalsim.Fault{Kind: "redirect", Target: "https://evil.example/rest/batch"}, 403, "unverified"},
		{portalsim.Fault{Kind: "QUERY_LIMIT_EXCEEDED", Status: 503, Count: 2}, 503, "portal_busy"}, // once more is tried
		{portalsim.Fault{Kind: "INTERNAL_SERVER_ERROR", Status: 500}, 502, "portal_unreachable"},
		{portalsim.Fault{Kind: "PORTAL_DELETED", Status: 500}, 410, "portal_deleted"},
		{portalsim.Fault{Kind: "ACCESS_DENIED", Status: 403}, 403, "access_denied"}, // it speaks of no plan
	} {
		t.Run(fmt.Sprint(tt.fault.Kind, tt.fault.Target), func(t *testing.T) {
			tt.fault.Count = max(1, tt.fault.Count)
			app.Portal.AddFault(tt.fault)
			answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250)
			wantProblem(t, answer, tt.status, tt.problem)
			if tt.problem == "portal_busy" && answer.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
				t.Errorf("afterwards: status %d", answer.Status)
			}
		})
	}
	if foreignCalled = foreign.Requests("") > 0; foreignCalled {
		t.Error("the token went to a foreign host")
	}
}

func TestPortalsThatBlockAreLeftAlone(t *testing.T) {
	for kind, status := range map[string]int{"OPERATION_TIME_LIMIT": 429, "OVERLOAD_LIMIT": 503} {
		t.Run(kind, func(t *testing.T) {
			app := apptest.Start(t, &cluster)
			app.Install()
			app.Portal.AddFault(portalsim.Fault{Kind: kind, Status: status, Count: 1})
			before := app.Portal.Requests("")
			for range 3 { // the first is told by the portal, the others by us
				answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250)
				wantProblem(t, answer, 503, "portal_busy")
				if answer.Header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			}
			if got := app.Portal.Requests("") - before; got != 1 {
				t.Errorf("%d requests to a portal that said to leave it alone", got)
			}
		})
	}
}

func TestExpiredTokenIsRenewedOnceForEveryPage(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
		t.Fatalf("status %d", answer.Status)
	}
	app.Sim.ExpireAccessTokens()
	// The installer's token is not the pages': background work may have it renewed meanwhile.
	before := app.Portal.Exchanges(2)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
				t.Errorf("status %d\n%s", answer.Status, answer.Body)
			}
		})
	}
	wg.Wait()
	if got := app.Portal.Exchanges(2) - before; got != 1 {
		t.Errorf("%d refreshes for 30 pages with the same expired token, want 1", got)
	}
	if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
		t.Errorf("a page opened later with the old pair: status %d", answer.Status)
	}
	if got := app.Portal.Exchanges(2) - before; got != 1 {
		t.Errorf("%d refreshes in the end, want 1", got)
	}
}

func TestExpiredTokenNeverSeenBefore(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	app.Sim.ExpireAccessTokens()
	if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	opening.Form.Set("REFRESH_ID", strings.Repeat("f", 70))
	app.Sim.ExpireAccessTokens()
	wantProblem(t, app.Post(opening.URL, opening.Form), 401, "token_expired")
	opening.Form.Del("REFRESH_ID")
	wantProblem(t, app.Post(opening.URL, opening.Form), 401, "token_expired")
}

func TestRenamedPortalGoesOnWorking(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	before := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250) // opened at the old address
	if err := app.Portal.Rename(); err != nil {
		t.Fatal(err)
	}
	if answer := app.Post(before.URL, before.Form); answer.Status != http.StatusOK {
		t.Fatalf("opened at the old address: status %d\n%s", answer.Status, answer.Body)
	}
	answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	if answer.Status != http.StatusOK || !strings.Contains(answer.Header.Get("Content-Security-Policy"), app.Portal.URL()) {
		t.Fatalf("opened at the new one: status %d\n%s", answer.Status, answer.Body)
	}
	if err := app.Portal.Rename(); err != nil {
		t.Fatal(err)
	}
	if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
		t.Fatalf("renamed again and opened at the newest: status %d\n%s", answer.Status, answer.Body)
	}
}

func TestUnknownGenuinePortalHealsItself(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Forget()
	if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	admin := app.Opening(1, "DEFAULT", nil) // an administrator brings the application_token along
	admin.Form.Set("APPLICATION_TOKEN", app.Portal.ApplicationToken(stack.ClientID))
	if answer := app.Post(admin.URL, admin.Form); answer.Status != http.StatusOK {
		t.Fatalf("status %d", answer.Status)
	}
	app.Portal.Uninstall(stack.ClientID, true)
	if app.Sim.Deliveries(); app.Rows("portals") != 0 {
		t.Error("the healed portal could not uninstall")
	}
}

func TestDeadTokensSayWhyAndAreNotTriedAgain(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	for code, want := range map[string]struct {
		status  int
		problem string
	}{
		"invalid_grant":      {401, "token_expired"},
		"invalid_client":     {502, "wrong_client"},
		"wrong_client":       {502, "wrong_client"},
		"PAYMENT_REQUIRED":   {402, "payment_required"},
		"PORTAL_DELETED":     {410, "portal_deleted"},
		"user_access_error":  {403, "no_app_access"},
		"insufficient_scope": {403, "missing_scope"},
	} {
		t.Run(code, func(t *testing.T) {
			opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
			if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
				t.Fatalf("before: status %d", answer.Status)
			}
			app.Sim.ExpireAccessTokens()
			app.Sim.RefuseExchanges(stack.ClientID, code)
			before := app.Sim.OAuthRequests("refresh_token")
			for range 3 {
				wantProblem(t, app.Post(opening.URL, opening.Form), want.status, want.problem)
			}
			if got := app.Sim.OAuthRequests("refresh_token") - before; got != 1 {
				t.Errorf("%d exchanges, want 1", got)
			}
			if !strings.Contains(app.Dump(), `"dead_reason": "`+strings.ToLower(code)+`"`) {
				t.Error("the reason is not stored")
			}
			app.Sim.RefuseExchanges(stack.ClientID, "")
			if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK { // with a fresh pair
				t.Errorf("opened anew: status %d", answer.Status)
			}
		})
	}
	if !strings.Contains(app.Log.String(), `"msg":"refresh token no longer works; the user has to open the app again"`) {
		t.Error("no line in the log")
	}
	metrics := app.Send(http.MethodGet, app.OperatorURL+"/metrics", "", "")
	if !strings.Contains(metrics.Body, `itemlens_oauth_request_seconds_count{code="invalid_grant",method="oauth/token"}`) {
		t.Error("no metric")
	}
	for _, line := range []string{`itemlens_dead_tokens_total{reason="payment_required"}`, `itemlens_token_renewals_total{outcome="payment_required"}`,
		`itemlens_page_outcomes_total{outcome="payment_required",route="/"}`} {
		if metric(t, app, line) < 1 {
			t.Errorf("no %s", line)
		}
	}
	if n := metric(t, app, `itemlens_dead_tokens_total{reason="payment_required"}`); n != 1 { // three pages, one exchange
		t.Errorf("%v dead tokens of an account that is not paid for, want 1", n)
	}
}

// TestStalledOAuthServerLeavesOtherPortalsAlone fills one portal's renewals with a stalled OAuth server; pages of another
// portal are all served before the stall ends.
func TestStalledOAuthServerLeavesOtherPortalsAlone(t *testing.T) {
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) { c.DatabaseMaxConns = 6 }))
	app.Install()
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	app.InstallIn(other)
	var stale []portalsim.Opening
	for range 40 { // each with a pair of its own, so that nothing is shared
		stale = append(stale, app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250))
	}
	app.Sim.ExpireAccessTokens()
	release := app.Sim.StallExchanges(app.Portal)
	var wg sync.WaitGroup
	for _, opening := range stale {
		wg.Go(func() { app.Post(opening.URL, opening.Form) })
	}
	app.Sim.AwaitStalled(1)
	for range 30 {
		opening, err := other.Open(stack.ClientID, 2, "CRM_LEAD_DETAIL_TAB", `{"ID":"250"}`)
		if err != nil {
			t.Fatal(err)
		}
		if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
			t.Fatalf("the other portal's page: status %d\n%s", answer.Status, answer.Body)
		}
	}
	if app.Sim.StallsEnded() > 0 {
		t.Error("the other portal's pages waited until an exchange was given up")
	}
	release()
	wg.Wait()
}

// TestTwoHundredPagesAtOnceOfOnePortal has the platform's own limits: 50 at once, 2 a second.
func TestTwoHundredPagesAtOnceOfOnePortal(t *testing.T) {
	app := apptest.Start(t, &cluster, func(o *stack.Options) { o.Simulator.RateBurst = 0 }, // the default, as real
		apptest.Configure(func(c *config.Config) { c.PortalRate, c.PortalBurst, c.PortalWait = 2, 50, 3*time.Second }))
	app.Install()
	app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 200 {
		opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
		wg.Go(func() {
			answer := app.Post(opening.URL, opening.Form)
			mu.Lock()
			defer mu.Unlock()
			statuses[answer.Status]++
			if answer.Status == http.StatusServiceUnavailable {
				wantProblem(t, answer, 503, "portal_busy")
				if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || seconds < 1 {
					t.Errorf("Retry-After %q", answer.Header.Get("Retry-After"))
				}
			}
		})
	}
	wg.Wait()
	if statuses[200] < 40 || statuses[503] == 0 || statuses[200]+statuses[503] != 200 {
		t.Errorf("statuses %v", statuses)
	}
	if got := app.Portal.Overruns(); got > 5 {
		t.Errorf("%d requests overran the portal's bucket", got)
	}
	t.Logf("200 pages at once: %v, refused by the portal: %d", statuses, app.Portal.Overruns())
}

func TestOperatorEndpoints(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Open(1, "CRM_LEAD_DETAIL_TAB", 250)
	if answer := app.Send(http.MethodGet, app.OperatorURL+"/healthz", "", ""); answer.Status != http.StatusOK {
		t.Errorf("healthz: %d", answer.Status)
	}
	answer := app.Send(http.MethodGet, app.OperatorURL+"/metrics", "", "")
	for _, want := range []string{`itemlens_portal_request_seconds_count{code="ok",method="batch"}`, `itemlens_http_request_seconds_count{method="POST",route="/",status="200"}`} {
		if !strings.Contains(answer.Body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if answer := app.Send(http.MethodGet, "/metrics", "", ""); answer.Status != http.StatusNotFound {
		t.Error("metrics are public")
	}
	if !strings.Contains(app.Log.String(), `"portal":"`+app.Portal.MemberID+`","user":1`) {
		t.Error("the log does not tell portal and user")
	}
}

// BenchmarkPageOfAnotherPortal compares a page's latency (baseline: calm) with the one while the OAuth server stalls for
// 40 pages of another portal, in one run:
//
//	go test -run '^$' -bench PageOfAnotherPortal ./internal/server
func BenchmarkPageOfAnotherPortal(b *testing.B) {
	app := apptest.Start(b, &cluster, func(o *stack.Options) { o.Simulator.Vary = false })
	app.Install()
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		b.Fatal(err)
	}
	app.InstallIn(other)
	page := func() {
		opening, err := other.Open(stack.ClientID, 2, "CRM_LEAD_DETAIL_TAB", `{"ID":"250"}`)
		if err != nil {
			b.Fatal(err)
		}
		if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
			b.Fatalf("status %d", answer.Status)
		}
	}
	page()
	var calm float64
	b.Run("calm", func(b *testing.B) {
		for b.Loop() {
			page()
		}
		calm = float64(b.Elapsed()) / float64(b.N)
	})
	b.Run("stalled", func(b *testing.B) {
		var stale []portalsim.Opening
		for range 40 {
			stale = append(stale, app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250))
		}
		app.Sim.ExpireAccessTokens()
		release := app.Sim.StallExchanges(app.Portal)
		var wg sync.WaitGroup
		for _, opening := range stale {
			wg.Go(func() { app.Post(opening.URL, opening.Form) })
		}
		app.Sim.AwaitStalled(1)
		for b.Loop() {
			page()
		}
		b.ReportMetric(float64(b.Elapsed())/float64(b.N)/calm, "ratio-to-calm")
		release()
		wg.Wait()
	})
}
