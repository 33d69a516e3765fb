package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// TestPortalRequestsPerOpenedPage holds the design's budget: a page costs one request where its type is known, and two at
// most where nothing is: the arrangement of a smart process cannot be asked for before its pipelines are known. The names
// that a page lacks cost one more, after it is painted, and none once they are known.
func TestPortalRequestsPerOpenedPage(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	for _, step := range []struct {
		name        string
		placement   string
		id          int
		page, names int
	}{
		{"lead, cold", "CRM_LEAD_DETAIL_TAB", 250, 1, 1},
		{"lead, warm", "CRM_LEAD_DETAIL_TAB", 250, 1, 0},
		{"another lead, warm, with other people", "CRM_LEAD_DETAIL_TAB", 251, 1, 1},
		{"another lead, warm", "CRM_LEAD_DETAIL_TAB", 251, 1, 0},
		{"deal, cold, with observers and products", "CRM_DEAL_DETAIL_TAB", 20, 1, 1},
		{"deal, warm", "CRM_DEAL_DETAIL_TAB", 20, 1, 0},
		{"smart process, cold", "CRM_DYNAMIC_1038_DETAIL_TAB", 5, 2, 1},
		{"smart process, warm", "CRM_DYNAMIC_1038_DETAIL_TAB", 5, 1, 0},
		{"company, cold, with known contacts", "CRM_COMPANY_DETAIL_TAB", 40, 1, 0},
		{"company, warm", "CRM_COMPANY_DETAIL_TAB", 40, 1, 0},
	} {
		oauth := func() int { return app.Sim.OAuthRequests("app.info") + app.Sim.OAuthRequests("refresh_token") }
		before, oauthBefore := app.Portal.Requests(""), oauth()
		page := app.Open(1, step.placement, step.id)
		if page.Status != http.StatusOK {
			t.Fatalf("%s: status %d", step.name, page.Status)
		}
		if got := app.Portal.Requests("") - before; got != step.page {
			t.Errorf("%s: %d requests to the portal for the page, want %d", step.name, got, step.page)
		}
		before = app.Portal.Requests("")
		namesOf(app, page)
		if got := app.Portal.Requests("") - before; got != step.names {
			t.Errorf("%s: %d requests to the portal for names, want %d", step.name, got, step.names)
		}
		if got := oauth() - oauthBefore; got != 0 {
			t.Errorf("%s: %d requests to the OAuth server, want none", step.name, got)
		}
	}
}

// TestManyColdPagesAskForFieldsOnce opens sixty cards at once while nothing is known of their type.
func TestManyColdPagesAskForFieldsOnce(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	var wg sync.WaitGroup
	for range 60 {
		opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
		wg.Go(func() {
			if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
				t.Errorf("status %d\n%s", answer.Status, answer.Body)
			}
		})
	}
	wg.Wait()
	if got := app.Portal.Commands("crm.item.fields"); got > 5 { // one, unless it took the portal very long
		t.Errorf("the fields were asked for %d times", got)
	}
}

// inOrder fails where texts do not stand in a page in this order.
func inOrder(t *testing.T, body string, texts ...string) {
	t.Helper()
	rest := body
	for _, text := range texts {
		_, after, ok := strings.Cut(rest, text)
		if !ok {
			t.Errorf("%q does not follow in\n%s", text, rest)
			return
		}
		rest = after
	}
}

func TestCardFollowsThePortalsOwn(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	// The common view of the default pipeline: what it names, in its order, then what it leaves out, then the platform's.
	inOrder(t, app.Open(2, "CRM_DEAL_DETAIL_TAB", 20).Body,
		">About the deal<", `data-code="title"`, `data-code="stageId"`, `data-code="opportunity"`, `data-code="currencyId"`, `data-code="closedate"`,
		`data-code="companyId"`, `data-code="contactIds"`, `data-code="ufCrm_1700000000101"`,
		">Additional<", `data-code="typeId"`, `data-code="sourceId"`, `data-code="assignedById"`, `data-code="observers"`, `data-code="comments"`,
		">Products<", "Floor scale FS-300", "Other fields", `data-code="probability"`, "<details", `data-code="contactId"`)
	// Another pipeline has a card of its own, grouped into columns.
	inOrder(t, app.Open(2, "CRM_DEAL_DETAIL_TAB", 22).Body,
		"Service", "Visit planned", ">Service contract<", `data-code="title"`, `data-code="assignedById"`, "Other fields", `data-code="stageId"`)
	// A personal view goes before the common one, and is that person's alone. It shows at once: it is not kept.
	app.Portal.SetLayout(2, "P", 2, "0", `[{"name":"mine","title":"Mine first","type":"section","elements":[{"name":"COMMENTS"},{"name":"PRODUCT_ROW_SUMMARY"},{"name":"GONE"}]}]`)
	inOrder(t, app.Open(2, "CRM_DEAL_DETAIL_TAB", 20).Body, ">Mine first<", `data-code="comments"`, "Floor scale", "Other fields", `data-code="title"`)
	if body := app.Open(1, "CRM_DEAL_DETAIL_TAB", 20).Body; strings.Contains(body, "Mine first") {
		t.Error("a personal view is shown to somebody else")
	}
	// Repeat leads have a view of their own.
	app.Portal.SetLayout(1, "C", 0, "2", `[{"title":"Repeat","type":"section","elements":[{"name":"TITLE","optionFlags":1}]}]`)
	if body := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250).Body; strings.Contains(body, ">Repeat<") || !strings.Contains(body, ">Main<") {
		t.Error("a simple lead is shown as a repeat one")
	}
	// What cannot be read as an arrangement is none.
	for _, broken := range []string{`"text"`, `{}`, `[]`, `[{"elements":7}]`, `[1,null,{"type":"column","elements":[{"type":"column"}]}]`} {
		app.Portal.SetLayout(2, "P", 2, "0", broken)
		if answer := app.Open(2, "CRM_DEAL_DETAIL_TAB", 20); answer.Status != http.StatusOK || !strings.Contains(answer.Body, ">About the deal<") {
			t.Errorf("arrangement %s: status %d", broken, answer.Status)
		}
	}
}

func TestHeadOfTheCard(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(2, "CRM_DEAL_DETAIL_TAB", 20)
	head, _, _ := strings.Cut(page.Body, "</header>")
	head += namesOf(app, page)
	for _, want := range []string{
		"Deal <span", "· General", "Scales for the northern warehouse", `aria-label="Stage 3 of 4: In progress"`, `color="#47E4C2"`, "€\u00a048,250.50",
		`data-name="item:4:40"`, `data-name="item:3:30"`, `data-name="user:2"`, "Feb 10, 2026, 11:20 AM", "Jun 1, 2026", "Nordlicht Logistics", "Marco Rossi",
	} {
		if !strings.Contains(head, want) {
			t.Errorf("the head lacks %q:\n%s", want, head)
		}
	}
	lost := app.Open(2, "CRM_LEAD_DETAIL_TAB", 252).Body
	if !strings.Contains(lost, `class="way lost"`) || !strings.Contains(lost, "Junk lead") {
		t.Error("a lost lead does not look lost")
	}
}

func TestProductRowsWithTheirSums(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	body := app.Open(2, "CRM_DEAL_DETAIL_TAB", 20).Body
	inOrder(t, body, "5 rows", "Floor scale FS-300", "€\u00a014,000.00", "-5\u00a0%", "+19\u00a0%", "€\u00a015,827.00", "2\u00a0pcs", "€\u00a031,654.00",
		"Display cable", "25.5\u00a0m", "Calibration weights", "Before discount and tax", "€\u00a041,946.55", "Total discount", "€\u00a0-1,400.00",
		"Total tax", "€\u00a07,703.95", "Total", "€\u00a048,250.50")
	if strings.Contains(body, "Differs from") {
		t.Error("products that come to the deal's amount differ from it")
	}
	inOrder(t, app.Open(2, "CRM_DYNAMIC_1038_DETAIL_TAB", 5).Body, `class="total"`, "€\u00a031,654.00", "Differs from the amount by", "€\u00a0-15,570.50")
	if body := app.Open(2, "CRM_COMPANY_DETAIL_TAB", 40).Body; strings.Contains(body, "data-products") {
		t.Error("a company has product rows")
	}

	// More rows than the portal tells at once come with the names.
	if err := app.Portal.AddProducts(2, 22, 200); err != nil {
		t.Fatal(err)
	}
	page := app.Open(2, "CRM_DEAL_DETAIL_TAB", 22)
	inOrder(t, page.Body, `data-missing="150" data-count="200"`, "200 rows", "Part 50<", "150 more rows")
	if strings.Contains(page.Body, "Part 51<") || strings.Contains(page.Body, `class="total"`) {
		t.Error("sums are shown before all rows are known")
	}
	before := app.Portal.Requests("")
	var answer struct{ Products string }
	rest := app.Ask(page, "/in/names", `{"names":["user:2"],"products":{"entityTypeId":2,"id":22,"count":200}}`)
	if err := json.Unmarshal([]byte(rest.Body), &answer); err != nil {
		t.Fatalf("status %d\n%s", rest.Status, rest.Body)
	}
	if got := app.Portal.Requests("") - before; got != 1 {
		t.Errorf("%d requests for 150 rows and a name, want 1", got)
	}
	inOrder(t, answer.Products, "200 rows", "Part 1<", "Part 200<", "24\u00a0120,00\u00a0₸")
	if strings.Contains(answer.Products, "more rows") {
		t.Error("rows are still missing")
	}

	// There is an end to what a card shows, and it says so.
	if err := app.Portal.AddProducts(2, 21, 1100); err != nil {
		t.Fatal(err)
	}
	rest = app.Ask(page, "/in/names", `{"names":[],"products":{"entityTypeId":2,"id":21,"count":1100}}`)
	if err := json.Unmarshal([]byte(rest.Body), &answer); err != nil {
		t.Fatalf("status %d\n%s", rest.Status, rest.Body)
	}
	inOrder(t, answer.Products, "1100 rows", "Part 1000<", "100 more rows aren’t shown")
}

// TestChangedFieldsShowAtOnce adds a field: the portal tells it by an event, which counts in every process.
func TestChangedFieldsShowAtOnce(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Open(1, "CRM_DEAL_DETAIL_TAB", 20)
	if err := app.Portal.AddField(2, "ufCrm_1777", "string", "Gate code", 20, `"4711"`); err != nil {
		t.Fatal(err)
	}
	for _, d := range app.Sim.Deliveries() {
		if d.Status != http.StatusOK {
			t.Errorf("%s answered %d", d.Event, d.Status)
		}
	}
	inOrder(t, app.Open(1, "CRM_DEAL_DETAIL_TAB", 20).Body, "Gate code", "4711")
	// Somebody who is not the portal cannot empty what is kept.
	before := app.Portal.Commands("crm.item.fields")
	forged := url.Values{"event": {"ONCRMDEALUSERFIELDADD"}, "auth[member_id]": {app.Portal.MemberID}, "auth[domain]": {app.Portal.Domain()}, "auth[application_token]": {"0123456789abcdef0123456789abcdef"}}
	if answer := app.Post("/events", forged); answer.Status != http.StatusForbidden {
		t.Errorf("a forged event: status %d", answer.Status)
	}
	app.Open(1, "CRM_DEAL_DETAIL_TAB", 20)
	if got := app.Portal.Commands("crm.item.fields"); got != before {
		t.Error("a forged event made the app read the fields anew")
	}
}

func TestInPageRequestsAreTheUsersOwn(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(2, "CRM_DEAL_DETAIL_TAB", 20)

	// The card in place: what the portal says now.
	app.Portal.ChangeItem(2, 20, "title", `"Renamed deal"`)
	fresh := app.Ask(page, "/in/item", `{"entityTypeId":2,"id":20}`)
	if fresh.Status != http.StatusOK || !strings.Contains(fresh.Body, "<h1 dir=\"auto\">Renamed deal</h1>") || strings.Contains(fresh.Body, "<html") {
		t.Errorf("status %d\n%s", fresh.Status, fresh.Body)
	}
	if next := fresh.Header.Get("X-Session"); next == "" || next == apptest.Session(page) {
		t.Error("the session was not prolonged")
	}

	// Rights are the portal's: somebody who lost them sees nothing more.
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.CRM = false })
	wantJSONProblem(t, app.Ask(page, "/in/item", `{"entityTypeId":2,"id":20}`), 403, "access_denied")
	if answer := app.Ask(page, "/in/names", `{"names":["item:4:41","item:1:250"]}`); strings.Contains(answer.Body, "Blue Harbor") {
		t.Errorf("names of what the user may not see:\n%s", answer.Body)
	}
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.CRM = true })

	// Nobody without a session, with a foreign one, or with one that was changed.
	session := apptest.Session(page)
	middle := len(session) / 2
	changed := session[:middle] + map[bool]string{true: "B", false: "A"}[session[middle] == 'A'] + session[middle+1:]
	for name, token := range map[string]string{"none": "", "changed": changed, "no base64": "%%%", "short": "AAAA", "an access token": app.Opening(2, "DEFAULT", nil).Form.Get("AUTH_ID")} {
		for _, route := range []string{"/in/item", "/in/names", "/in/items"} {
			answer := app.SendAs(token, http.MethodPost, route, "application/json", `{"entityTypeId":2,"id":20}`)
			if answer.Status != http.StatusForbidden {
				t.Errorf("%s with %s: status %d\n%s", route, name, answer.Status, answer.Body)
			}
		}
	}

	// What is no request of a page gets told so.
	for _, body := range []string{"", "[]", "{", `{"entityTypeId":"x"}`, `{"entityTypeId":2}`, `{"entityTypeId":-1,"id":1}`} {
		wantJSONProblem(t, app.Ask(page, "/in/item", body), 400, "bad_request")
	}
	wantJSONProblem(t, app.Ask(page, "/in/items", `{"entityTypeId":2,"query":"`+strings.Repeat("x", 500)+`"}`), 400, "bad_request")
	wantJSONProblem(t, app.Ask(page, "/in/item", `{"entityTypeId":2,"id":999999}`), 404, "not_found")
	wantJSONProblem(t, app.Ask(page, "/in/names", `{"names":["`+strings.Repeat("x", 300_000)+`"]}`), 413, "too_large")
	if answer := app.Ask(page, "/in/names", `{"names":["user:x","item:1","item:0:5","item:99999999999:1","user:-1","'"]}`); answer.Status != 200 || !strings.Contains(answer.Body, `"names":{}`) {
		t.Errorf("odd names: status %d\n%s", answer.Status, answer.Body)
	}

	// An expired access token is renewed on the way; a session ends with the installation.
	app.Sim.ExpireAccessTokens()
	if answer := app.Ask(page, "/in/item", `{"entityTypeId":2,"id":20}`); answer.Status != http.StatusOK {
		t.Errorf("after the access token expired: status %d\n%s", answer.Status, answer.Body)
	}
	app.Portal.Uninstall(stack.ClientID, false)
	app.Sim.Deliveries()
	wantJSONProblem(t, app.Ask(page, "/in/item", `{"entityTypeId":2,"id":20}`), 403, "not_installed")
	app.Install()
	wantJSONProblem(t, app.Ask(page, "/in/item", `{"entityTypeId":2,"id":20}`), 401, "token_expired")
}

func wantJSONProblem(t *testing.T, answer apptest.Answer, status int, problem string) {
	t.Helper()
	var body struct{ Error, Message, Todo, Reference string }
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil || answer.Status != status || body.Error != problem || body.Message == "" || body.Todo == "" || body.Reference == "" {
		t.Errorf("status %d, want %d with problem %s\n%s", answer.Status, status, problem, answer.Body)
	}
}

// TestSessionOfOnePortalReadsNothingOfAnother asks for items of one portal with the session of the other's page.
func TestSessionOfOnePortalReadsNothingOfAnother(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Seed(strings.NewReader(`{"items":{"2":[{"id":20,"title":"Deal of the other portal"}]}}`)); err != nil {
		t.Fatal(err)
	}
	app.InstallIn(other)
	page := app.Open(1, "CRM_DEAL_DETAIL_TAB", 20)
	for _, question := range []struct{ route, body string }{
		{"/in/item", `{"entityTypeId":2,"id":20}`}, {"/in/names", `{"names":["item:2:20"]}`}, {"/in/items", `{"entityTypeId":2,"query":""}`},
	} {
		answer := app.Ask(page, question.route, question.body)
		if answer.Status != http.StatusOK || strings.Contains(answer.Body, "other portal") || !strings.Contains(answer.Body, "northern warehouse") {
			t.Errorf("%s: status %d\n%s", question.route, answer.Status, answer.Body)
		}
	}
}

func TestOwnPageListsAndFinds(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(2, "DEFAULT", nil)
	inOrder(t, page.Body, "<h1>Item Lens</h1>", `value="1">Lead<`, `value="2" selected>Deal<`, `value="1038">Equipment<`, "Repair of the bench scale", "#22", "Visit planned", "95\u00a0000,00\u00a0₸", "Service contract", "Scales for")
	find := func(entityTypeID int, query string) string {
		question, _ := json.Marshal(map[string]any{"entityTypeId": entityTypeID, "query": query})
		answer := app.Ask(page, "/in/items", string(question))
		if answer.Status != http.StatusOK {
			t.Errorf("%d %q: status %d\n%s", entityTypeID, query, answer.Status, answer.Body)
		}
		return answer.Body
	}
	for _, tt := range []struct {
		entityTypeID int
		query, want  string
	}{
		{1, "", "Lead #250"}, {2, "warehouse", "Scales for the northern warehouse"}, {2, "20", "Scales for the northern"}, {2, "#21", "Service contract"},
		{3, "weiss", "Clara Weiss"}, {3, "Clara", "Clara Weiss"}, {3, "clara weiss", "Clara Weiss"}, {4, "blue", "Blue Harbor Software"}, {1038, "bench", "Bench scale"},
		{2, "<b>nothing</b>", "No results for “&lt;b&gt;nothing&lt;/b&gt;”"},
	} {
		if got := find(tt.entityTypeID, tt.query); !strings.Contains(got, tt.want) {
			t.Errorf("%d %q finds no %q:\n%s", tt.entityTypeID, tt.query, tt.want, got)
		}
	}
	// Who may read nothing of CRM gets the page all the same, and is told why it is empty.
	if answer := app.Open(3, "DEFAULT", nil); answer.Status != http.StatusOK || !strings.Contains(answer.Body, "have permission to view deals") {
		t.Errorf("without rights: status %d\n%s", answer.Status, answer.Body)
	}
}

// TestLargeItems shows an item with 500 fields and 200 product rows.
func TestLargeItems(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.MakeLarge(2, 21, 500, 200); err != nil {
		t.Fatal(err)
	}
	app.Install()
	answer := app.Open(1, "CRM_DEAL_DETAIL_TAB", 21)
	if got := strings.Count(answer.Body, `class="field`); answer.Status != http.StatusOK || got < 500 {
		t.Errorf("status %d with %d fields", answer.Status, got)
	}
}

func BenchmarkOpenedPage(b *testing.B) {
	app := apptest.Start(b, &cluster, apptest.Configure(func(c *config.Config) { c.SchemaLife = time.Hour }))
	if err := app.Portal.MakeLarge(2, 21, 500, 200); err != nil {
		b.Fatal(err)
	}
	app.Install()
	for _, size := range []struct {
		name string
		id   int
	}{{"small", 22}, {"large", 21}} {
		opening := app.Opening(1, "CRM_DEAL_DETAIL_TAB", size.id)
		b.Run(fmt.Sprintf("%s item, warm", size.name), func(b *testing.B) {
			for b.Loop() {
				if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
					b.Fatal(answer.Status)
				}
			}
		})
	}
}
