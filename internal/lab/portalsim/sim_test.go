package portalsim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"itemlens/internal/lab/portalsim"
)

type world struct {
	t      *testing.T
	sim    *portalsim.Sim
	portal *portalsim.Portal
	app    portalsim.App
	client *http.Client
}

func newWorld(t *testing.T, o portalsim.Options) *world {
	t.Helper()
	sim, err := portalsim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	p, err := sim.AddPortal("acme", "")
	if err != nil {
		t.Fatal(err)
	}
	app := portalsim.App{
		ClientID: "app.1", ClientSecret: "secret", Name: "App", URL: "http://127.0.0.1:1/", InstallURL: "http://127.0.0.1:1/install",
		RedirectURL: "http://127.0.0.1:1/callback", Scope: []string{"crm", "placement", "user_brief"},
	}
	sim.RegisterApp(app)
	if err := p.Install("app.1", 1); err != nil {
		t.Fatal(err)
	}
	return &world{t, sim, p, app, &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (w *world) tokens(user int) (access, refresh string) {
	w.t.Helper()
	o, err := w.portal.Open("app.1", user, "DEFAULT", "")
	if err != nil {
		w.t.Fatal(err)
	}
	return o.Form.Get("AUTH_ID"), o.Form.Get("REFRESH_ID")
}

type reply struct {
	status int
	body   string
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
	Time   map[string]any  `json:"time"`
	Access string          `json:"access_token"`
	Fresh  string          `json:"refresh_token"`
	Member string          `json:"member_id"`
	User   int             `json:"user_id"`
}

func (w *world) do(method, address, contentType, body string) reply {
	w.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	r := reply{status: res.StatusCode, body: string(text)}
	_ = json.Unmarshal(text, &r)
	return r
}

func (w *world) call(access, method, params string) reply {
	w.t.Helper()
	fields := map[string]any{}
	if params != "" {
		if err := json.Unmarshal([]byte(params), &fields); err != nil {
			w.t.Fatal(err)
		}
	}
	fields["auth"] = access
	body, _ := json.Marshal(fields)
	return w.do(http.MethodPost, w.portal.Endpoint()+method, "application/json", string(body))
}

func (w *world) exchange(values url.Values) reply {
	w.t.Helper()
	return w.do(http.MethodPost, w.sim.OAuthURL()+"/oauth/token/", "application/x-www-form-urlencoded", values.Encode())
}

func want(t *testing.T, r reply, status int, code string) {
	t.Helper()
	if r.status != status || r.Error != code {
		t.Errorf("status %d, error %q; want %d, %q\n%s", r.status, r.Error, status, code, r.body)
	}
}

func TestCallsInEveryDocumentedForm(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	query := url.Values{"auth": {access}, "entityTypeId": {"1"}, "id": {"250"}}.Encode()
	for name, r := range map[string]reply{
		"JSON":   w.call(access, "crm.item.get", `{"entityTypeId":1,"id":250}`),
		".json":  w.call(access, "crm.item.get.json", `{"entityTypeId":"1","id":"250"}`),
		"form":   w.do(http.MethodPost, w.portal.Endpoint()+"crm.item.get", "application/x-www-form-urlencoded", query),
		"query":  w.do(http.MethodGet, w.portal.Endpoint()+"crm.item.get?"+query, "", ""),
		"casing": w.call(access, "CRM.Item.Get", `{"entityTypeId":1,"id":250}`),
	} {
		if r.status != 200 || !strings.Contains(string(r.Result), `"title":"Lead #250"`) || r.Time["operating"] == nil {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	other, err := w.sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Install("app.1", 1); err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Open("app.1", 1, "DEFAULT", "")
	if err != nil {
		t.Fatal(err)
	}
	admin, _ := w.tokens(1)
	w.portal.FinishInstall("app.1")
	nobody, _ := w.tokens(3)
	guest, _ := w.tokens(4)
	item := `{"entityTypeId":1,"id":250}`
	want(t, w.call("", "profile", ""), 401, "NO_AUTH_FOUND")
	want(t, w.call("invented", "profile", ""), 401, "invalid_token")
	want(t, w.call(foreign.Form.Get("AUTH_ID"), "profile", ""), 401, "invalid_token")
	want(t, w.call(admin, "no.such.method", ""), 404, "ERROR_METHOD_NOT_FOUND")
	want(t, w.call(admin, "crm.item.get", `{"entityTypeId":1,"id":9}`), 400, "NOT_FOUND")
	want(t, w.call(admin, "crm.item.get", `{"entityTypeId":999,"id":9}`), 400, "NOT_FOUND")
	want(t, w.call(nobody, "crm.item.get", item), 400, "ACCESS_DENIED")
	want(t, w.call(guest, "crm.item.get", item), 403, "allowed_only_intranet_user")
	want(t, w.call(nobody, "crm.type.list", ""), 400, "ACCESS_DENIED")
	want(t, w.call(nobody, "placement.bind", `{"PLACEMENT":"CRM_LEAD_DETAIL_TAB","HANDLER":"http://app.example"}`), 403, "ACCESS_DENIED")
	want(t, w.call(admin, "placement.bind", `{"PLACEMENT":"CRM_NOTHING_DETAIL_TAB","HANDLER":"http://app.example"}`), 400, "ERROR_PLACEMENT_NOT_FOUND")
	want(t, w.call(admin, "event.bind", `{"event":"ONNOTHING","handler":"http://app.example"}`), 400, "ERROR_EVENT_NOT_FOUND")
	w.portal.GrantScope("app.1", "placement")
	narrow, _ := w.tokens(1)
	want(t, w.call(narrow, "crm.item.get", item), 403, "insufficient_scope")
	w.portal.ChangeUser(1, func(u *portalsim.User) { u.NoApp = true })
	want(t, w.call(admin, "profile", ""), 403, "user_access_error")
	w.portal.ChangeUser(1, func(u *portalsim.User) { u.NoApp = false })
	w.sim.Advance(time.Hour)
	want(t, w.call(admin, "profile", ""), 401, "expired_token")
	fresh, _ := w.tokens(1)
	w.portal.Uninstall("app.1", true)
	want(t, w.call(fresh, "profile", ""), 401, "invalid_token")
}

func TestExchanges(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	_, refresh := w.tokens(1)
	form := func(changes ...string) url.Values {
		v := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app.1"}, "client_secret": {"secret"}, "refresh_token": {refresh}}
		for i := 0; i < len(changes); i += 2 {
			v.Set(changes[i], changes[i+1])
		}
		return v
	}
	want(t, w.exchange(form("client_secret", "wrong")), 401, "invalid_client")
	want(t, w.exchange(form("client_id", "app.2")), 401, "invalid_client")
	want(t, w.exchange(form("refresh_token", "invented")), 400, "invalid_grant")
	want(t, w.exchange(form("grant_type", "password")), 400, "invalid_request")
	w.sim.RegisterApp(portalsim.App{ClientID: "app.3", ClientSecret: "secret"})
	want(t, w.exchange(form("client_id", "app.3")), 400, "invalid_grant") // a token of another app
	r := w.exchange(form())
	if r.status != 200 || r.Access == "" || r.Fresh == refresh || r.Member != w.portal.MemberID || r.User != 1 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	want(t, w.exchange(form()), 400, "invalid_grant") // it works once
	if r := w.call(r.Access, "profile", ""); r.status != 200 {
		t.Errorf("the new token: %d", r.status)
	}
	w.sim.Advance(181 * 24 * time.Hour)
	want(t, w.exchange(form("refresh_token", r.Fresh)), 400, "invalid_grant")
	_, refresh = w.tokens(1)
	get := w.do(http.MethodGet, w.sim.OAuthURL()+"/oauth/token/?"+form("refresh_token", refresh).Encode(), "", "")
	if get.status != 200 {
		t.Errorf("GET, as documented: %d %s", get.status, get.body)
	}
}

func TestAuthorizationCode(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	res, err := w.client.Get(w.portal.URL() + "/oauth/authorize/?client_id=app.1&state=abc")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Query().Get("state") != "abc" || back.Query().Get("member_id") != w.portal.MemberID {
		t.Fatalf("back to %v, %v", back, err)
	}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"app.1"}, "client_secret": {"secret"}, "code": {back.Query().Get("code")}}
	w.sim.Advance(20 * time.Second)
	if r := w.exchange(form); r.status != 200 || r.Access == "" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	want(t, w.exchange(form), 400, "invalid_grant")
}

func TestAppInfo(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	address := w.sim.OAuthURL() + "/rest/app.info"
	r := w.do(http.MethodPost, address, "application/json", `{"auth":"`+access+`"}`)
	for _, part := range []string{`"client_id":"app.1"`, `"member_id":"` + w.portal.MemberID + `"`, `"user_id":1`, `"client_endpoint":"` + w.portal.Endpoint() + `"`, `"installed":false`} {
		if !strings.Contains(string(r.Result), part) {
			t.Errorf("lacks %s in %s", part, r.body)
		}
	}
	want(t, w.do(http.MethodGet, address+"?auth=x", "", ""), 401, "invalid_token")
}

func TestBatch(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	cmd := `{"cmd":{
		"item":"crm.item.get?entityTypeId=1&id=250",
		"people":"user.get?FILTER[ID][0]=$result[item][item][createdBy]&FILTER[ID][1]=2",
		"bad":"crm.item.get?entityTypeId=1&id=$result[nothing][here]",
		"nested":"batch?cmd[a]=profile"}}`
	r := w.call(access, "batch", cmd)
	var parts struct {
		Result map[string]json.RawMessage `json:"result"`
		Errors map[string]struct {
			Error string `json:"error"`
		} `json:"result_error"`
		Total map[string]int  `json:"result_total"`
		Next  json.RawMessage `json:"result_next"`
	}
	if err := json.Unmarshal(r.Result, &parts); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	if parts.Total["people"] != 2 || parts.Errors["bad"].Error != "100" || parts.Errors["nested"].Error != "ERROR_BATCH_METHOD_NOT_ALLOWED" || string(parts.Next) != "[]" {
		t.Errorf("%s", r.body)
	}
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprintf("c%02d", i)] = "profile"
	}
	body, _ := json.Marshal(map[string]any{"cmd": many})
	if r := w.call(access, "batch", string(body)); !strings.Contains(r.body, "ERROR_BATCH_LENGTH_EXCEEDED") {
		t.Errorf("51 commands: %.200s", r.body)
	}
	halt := w.call(access, "batch", `{"halt":1,"cmd":{"a":"no.such","b":"profile"}}`)
	if strings.Contains(halt.body, `"ADMIN"`) {
		t.Errorf("halt did not halt: %s", halt.body)
	}
	if w.portal.Requests("batch") != 3 {
		t.Errorf("%d batches counted", w.portal.Requests("batch"))
	}
}

func TestLeakyBucket(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	for i := range 50 {
		if r := w.call(access, "profile", ""); r.status != 200 {
			t.Fatalf("request %d: %d", i+1, r.status)
		}
	}
	refused := 0
	for range 10 {
		if r := w.call(access, "profile", ""); r.Error == "QUERY_LIMIT_EXCEEDED" && r.status == 503 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("60 requests at once passed a bucket of 50")
	}
	w.sim.Advance(10 * time.Second)
	if r := w.call(access, "profile", ""); r.status != 200 {
		t.Errorf("after a pause: %d", r.status)
	}
}

func TestRenamedPortalRedirects(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	old := w.portal.Endpoint()
	if err := w.portal.Rename(); err != nil {
		t.Fatal(err)
	}
	if r := w.do(http.MethodPost, old+"profile", "application/json", `{"auth":"`+access+`"}`); r.status != http.StatusFound {
		t.Errorf("old address: %d", r.status)
	}
	if r := w.call(access, "profile", ""); r.status != 200 {
		t.Errorf("new address: %d", r.status)
	}
}

func TestControl(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	w.call(access, "profile", "")
	if r := w.do(http.MethodGet, w.sim.OAuthURL()+"/control/counters", "", ""); !strings.Contains(r.body, `"requests":{"profile":1}`) {
		t.Errorf("counters: %s", r.body)
	}
	w.do(http.MethodPost, w.sim.OAuthURL()+"/control/portals/acme/fault", "application/json", `{"kind":"html","count":1}`)
	if r := w.call(access, "profile", ""); !strings.Contains(r.body, "<html>") {
		t.Errorf("fault: %s", r.body)
	}
	w.do(http.MethodPost, w.sim.OAuthURL()+"/control/expire-tokens", "", "")
	want(t, w.call(access, "profile", ""), 401, "expired_token")
}

func TestEveryMethodAnswersInItsDocumentedShape(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	for method, part := range map[string]string{
		"user.admin":                         `true`,
		"user.current":                       `"LAST_NAME":"Berger"`,
		"scope":                              `["crm","placement","user_brief"]`,
		"server.time":                        `T`,
		"app.info":                           `"INSTALLED":false`,
		"events":                             `"ONAPPINSTALL"`,
		"event.get":                          `[]`,
		"placement.get":                      `[]`,
		"placement.list":                     `"CRM_DYNAMIC_1038_DETAIL_TAB"`,
		"crm.type.list":                      `"types":[{"id":5,`,
		"crm.status.list":                    `"STATUS_ID":"IN_PROCESS"`,
		"crm.currency.list":                  `"CURRENCY":"USD"`,
		"crm.category.list":                  `"categories":[{"id":0,`,
		"crm.item.fields":                    `"upperName":"CREATED_TIME"`,
		"crm.item.details.configuration.get": `null`,
	} {
		r := w.call(access, method, `{"entityTypeId":2}`)
		if r.status != 200 || !strings.Contains(string(r.Result), part) || r.Time["date_start"] == nil {
			t.Errorf("%s: %d %.300s", method, r.status, r.body)
		}
	}
	want(t, w.call(access, "crm.item.details.configuration.get", ""), 400, "")
	want(t, w.call(access, "crm.item.get", `{"id":1}`), 400, "100")
}
