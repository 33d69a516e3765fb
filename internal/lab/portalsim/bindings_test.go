package portalsim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"itemlens/internal/lab/portalsim"
)

// listener is an app that notes the events it gets.
type listener struct {
	*httptest.Server
	mu    sync.Mutex
	forms []url.Values
}

func newListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.forms = append(l.forms, r.PostForm)
	}))
	t.Cleanup(l.Close)
	return l
}

// names are the events that came, with what a part of each form holds.
func (l *listener) names(w *world, part string) string {
	w.sim.Deliveries()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, form := range l.forms {
		out = append(out, strings.TrimSpace(form.Get("event")+" "+form.Get(part)))
	}
	return strings.Join(out, ", ")
}

func TestBindingsTakeTheirParametersInAnyCase(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	contains(t, w.call(access, "event.bind", `{"EVENT":"ONCRMLEADADD","HANDLER":"https://app.example/1"}`), `"result":true`)
	contains(t, w.call(access, "event.bind", `{"event":"onCrmLeadAdd","handler":"https://app.example/2","auth_type":2,"event_type":"online"}`), `"result":true`)
	contains(t, w.call(access, "event.bind", `{"Event":"onCrmDealAdd","event_type":"offline","auth_connector":"source"}`), `"result":true`)
	contains(t, w.call(access, "event.get", ""),
		`{"event":"ONCRMLEADADD","handler":"https://app.example/1","auth_type":"0","offline":0}`,
		`{"event":"ONCRMLEADADD","handler":"https://app.example/2","auth_type":"2","offline":0}`,
		`{"event":"ONCRMDEALADD","connector_id":"source","offline":1}`)
	want(t, w.call(access, "event.bind", `{"event":"onCrmLeadAdd","handler":"https://app.example/1"}`), 400, "ERROR_CORE")
	want(t, w.call(access, "event.bind", `{"event":"onCrmLeadAdd","handler":"https://localhost/1"}`), 400, "ERROR_WRONG_HANDLER_URL")
	want(t, w.call(access, "event.bind", `{"event":"onCrmLeadAdd","handler":"ftp://app.example/1"}`), 400, "ERROR_UNSUPPORTED_PROTOCOL")
	want(t, w.call(access, "event.bind", `{"handler":"https://app.example/1"}`), 400, "ERROR_ARGUMENT")
	want(t, w.call(access, "event.bind", `{"event":"onCrmLeadAdd","handler":"https://app.example/1","event_type":"sometimes"}`), 400, "ERROR_ARGUMENT")
	contains(t, w.call(access, "event.unbind", `{"EVENT":"ONCRMLEADADD","HANDLER":"https://app.example/1"}`), `"count":1`)
	contains(t, w.call(access, "event.unbind", `{"event":"ONCRMDEALADD","event_type":"offline"}`), `"count":1`)

	contains(t, w.call(access, "placement.bind", `{"placement":"crm_lead_detail_tab","handler":"https://app.example/1","title":"Tab","description":"What","group_name":"Docs"}`), `"result":true`)
	contains(t, w.call(access, "placement.bind", `{"PLACEMENT":"CRM_DEAL_DETAIL_TAB","HANDLER":"https://app.example/1","TITLE":"No","LANG_ALL":{"en":{"TITLE":"Tab"},"de":{"TITLE":"Reiter"}}}`), `"result":true`)
	contains(t, w.call(access, "placement.get", ""),
		`"title":"Tab","description":"What","langAll":{"en":{"TITLE":"Tab","DESCRIPTION":"What","GROUP_NAME":"Docs"}}`,
		`"title":"Tab","description":"","langAll":{"de":{"TITLE":"Reiter","DESCRIPTION":"","GROUP_NAME":""},"en":{"TITLE":"Tab","DESCRIPTION":"","GROUP_NAME":""}}`)
	want(t, w.call(access, "placement.bind", `{"PLACEMENT":"CRM_LEAD_DETAIL_TAB","HANDLER":"https://app.example/1"}`), 400, "ERROR_CORE")
	want(t, w.call(access, "placement.bind", `{"PLACEMENT":"CRM_LEAD_DETAIL_TAB","HANDLER":"https://app.example/1","USER_ID":1}`), 400, "ERROR_PLACEMENT_USER_MODE")
	want(t, w.call(access, "placement.bind", `{"PLACEMENT":"CRM_LEAD_DETAIL_TAB"}`), 400, "ERROR_ARGUMENT")
	want(t, w.call(access, "placement.unbind", ""), 400, "ERROR_ARGUMENT")
	contains(t, w.call(access, "placement.unbind", `{"PLACEMENT":"CRM_LEAD_DETAIL_TAB"}`), `"count":2`) // found once, deleted once
}

func TestTheBackgroundWorkerHasOneHandler(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	contains(t, w.call(access, "placement.list", ""), `"PAGE_BACKGROUND_WORKER"`)
	want(t, w.call(access, "placement.bind", `{"PLACEMENT":"PAGE_BACKGROUND_WORKER","HANDLER":"https://app.example/1"}`), 400, "EMPTY_ERROR_HANDLER_URL")
	contains(t, w.call(access, "placement.bind", `{"PLACEMENT":"PAGE_BACKGROUND_WORKER","HANDLER":"https://app.example/1","OPTIONS":{"errorHandlerUrl":"https://app.example/e","more":1}}`), `"result":true`)
	contains(t, w.call(access, "placement.get", ""), `"options":{"errorHandlerUrl":"https://app.example/e"}`)
	want(t, w.call(access, "placement.bind", `{"PLACEMENT":"PAGE_BACKGROUND_WORKER","HANDLER":"https://app.example/2","OPTIONS":{"errorHandlerUrl":"https://app.example/e"}}`), 400, "ERROR_PLACEMENT_MAX_COUNT")
}

func TestUsersBindForThemselves(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	w.portal.FinishInstall("app.1")
	admin, _ := w.tokens(1)
	marco, _ := w.tokens(2)
	contains(t, w.call(marco, "event.bind", `{"event":"ONCRMLEADADD","handler":"https://app.example/m"}`), `"result":true`)
	contains(t, w.call(admin, "event.bind", `{"event":"ONCRMLEADADD","handler":"https://app.example/a"}`), `"result":true`)
	contains(t, w.call(admin, "event.get", ""), `"auth_type":"2"`, `"auth_type":"0"`)
	r := w.call(marco, "event.get", "")
	contains(t, r, `/m"`)
	lacks(t, r, `/a"`)
	want(t, w.call(marco, "event.bind", `{"event":"ONCRMLEADADD","handler":"https://app.example/m","auth_type":1}`), 403, "ACCESS_DENIED")
	want(t, w.call(marco, "event.bind", `{"event":"ONCRMLEADADD","event_type":"offline"}`), 403, "ACCESS_DENIED")
}

func TestEveryDocumentedEventCanBeBound(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	access, _ := w.tokens(1)
	for _, event := range []string{"ONCRMCONTACTADD", "ONCRMCOMPANYUPDATE", "ONCRMDEALDELETE", "ONCRMLEADDELETE", "ONCRMQUOTEADD", "ONCRMDYNAMICITEMUPDATE",
		"ONCRMDYNAMICITEMDELETE_1038", "ONCRMDYNAMICITEMADD_31", "ONCRMACTIVITYADD", "ONAPPMETHODCONFIRM", "ONUSERADD", "ONCRMTYPEUSERFIELDSETENUMVALUES"} {
		contains(t, w.call(access, "event.bind", `{"event":"`+event+`","handler":"https://app.example/"}`), `"result":true`)
		contains(t, w.call(access, "events", ""), `"`+event+`"`)
	}
	want(t, w.call(access, "event.bind", `{"event":"ONCRMDYNAMICITEMADD_1040","handler":"https://app.example/"}`), 400, "ERROR_EVENT_NOT_FOUND")
	w.portal.GrantScope("app.1", "placement")
	narrow, _ := w.tokens(1)
	want(t, w.call(narrow, "event.bind", `{"event":"ONCRMLEADADD","handler":"https://app.example/"}`), 400, "ERROR_EVENT_NOT_FOUND")
}

func TestEventsNameTheScopeThatTheyOccurUnder(t *testing.T) {
	app := newListener(t)
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	for _, event := range []string{"ONAPPINSTALL", "ONCRMLEADADD", "ONUSERADD", "ONAPPTEST"} {
		contains(t, w.call(access, "event.bind", `{"event":"`+event+`","handler":"`+app.URL+`"}`), `"result":true`)
	}
	w.portal.FinishInstall("app.1")
	w.sim.Deliveries()
	w.portal.Emit("app.1", "ONCRMLEADADD", url.Values{"data[FIELDS][ID]": {"7"}}, 1)
	w.sim.Deliveries()
	w.portal.Emit("app.1", "ONUSERADD", url.Values{"data[ID]": {"7"}}, 0)
	if got := app.names(w, "auth[scope]"); got != "ONAPPINSTALL crm,placement,user_brief, ONCRMLEADADD crm, ONUSERADD user" {
		t.Errorf("scopes: %s", got)
	}
	contains(t, w.call(access, "event.test", `{"any":{"a":"b"}}`), `"result":true`)
	if got := app.names(w, "data[QUERY][a]"); !strings.HasSuffix(got, ", ONAPPTEST b") {
		t.Errorf("event.test: %s", got)
	}
}

func TestAppsWithoutPagesHearOfTheirInstallation(t *testing.T) {
	app := newListener(t)
	w := newWorld(t, portalsim.Options{})
	w.sim.RegisterApp(portalsim.App{ClientID: "app.quiet", ClientSecret: "secret", InstallURL: app.URL, Headless: true, Scope: []string{"crm"}})
	if err := w.portal.Install("app.quiet", 1); err != nil {
		t.Fatal(err)
	}
	if got := app.names(w, "data[INSTALLED]"); got != "ONAPPINSTALL Y" {
		t.Fatalf("events: %s", got)
	}
	contains(t, w.call(app.forms[0].Get("auth[access_token]"), "profile", ""), `"ID":"1"`)
	if app.forms[0].Get("auth[refresh_token]") == "" || !w.portal.Finished("app.quiet") {
		t.Errorf("form %v, finished %v", app.forms[0], w.portal.Finished("app.quiet"))
	}
}

func TestUpdatesGoInThreeWays(t *testing.T) {
	app := newListener(t)
	for way, c := range map[string]struct {
		events   string
		bindings int
		finished bool
		sameKey  bool
	}{
		portalsim.UpdateHidden: {"", 1, false, true},
		portalsim.UpdateErased: {"", 0, false, true},
		portalsim.UpdateTold:   {"ONAPPUPDATE 2", 0, true, false},
	} {
		app.forms = nil
		w := newWorld(t, portalsim.Options{})
		w.portal.FinishInstall("app.1")
		access, _ := w.tokens(1)
		for _, event := range []string{"ONAPPUPDATE", "ONCRMLEADADD"} {
			contains(t, w.call(access, "event.bind", `{"event":"`+event+`","handler":"`+app.URL+`"}`), `"result":true`)
		}
		w.portal.BindForTest("app.1", "CRM_LEAD_DETAIL_TAB", app.URL)
		key := w.portal.ApplicationToken("app.1")
		update := w.sim.OAuthURL() + "/control/portals/acme/update-app"
		if r := w.do(http.MethodPost, update, "application/x-www-form-urlencoded", "client=app.1&way="+way); r.status != 204 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if got := app.names(w, "data[VERSION]"); got != c.events {
			t.Errorf("%s: events %q", way, got)
		}
		if got := len(w.portal.Placements("app.1")); got != c.bindings {
			t.Errorf("%s: %d placements", way, got)
		}
		if w.portal.Finished("app.1") != c.finished || (w.portal.ApplicationToken("app.1") == key) != c.sameKey {
			t.Errorf("%s: finished %v, same key %v", way, w.portal.Finished("app.1"), w.portal.ApplicationToken("app.1") == key)
		}
		contains(t, w.call(access, "app.info", ""), `"VERSION":2`) // tokens go on
		if way != portalsim.UpdateHidden {
			continue
		}
		w.portal.Emit("app.1", "ONCRMLEADADD", url.Values{}, 1)
		if _, err := w.portal.Open("app.1", 2, "CRM_LEAD_DETAIL_TAB", ""); err == nil || app.names(w, "event") != "" {
			t.Errorf("before the installer has run: %v, %s", err, app.names(w, "event"))
		}
		lacks(t, w.get(w.portal.URL()+"/crm/lead/details/250/"), "CRM_LEAD_DETAIL_TAB")
		w.portal.FinishInstall("app.1")
		w.portal.Emit("app.1", "ONCRMLEADADD", url.Values{}, 1)
		if _, err := w.portal.Open("app.1", 2, "CRM_LEAD_DETAIL_TAB", ""); err != nil || app.names(w, "event") == "" {
			t.Errorf("afterwards: %v, %s", err, app.names(w, "event"))
		}
		contains(t, w.get(w.portal.URL()+"/crm/lead/details/250/"), "CRM_LEAD_DETAIL_TAB")
	}
	w := newWorld(t, portalsim.Options{})
	w.portal.FinishInstall("app.1")
	if r := w.do(http.MethodPost, w.sim.OAuthURL()+"/control/portals/acme/update-app", "application/x-www-form-urlencoded", "client=app.1"); r.status != 204 || w.portal.Finished("app.1") {
		t.Errorf("without a way, as the platform's code does: %d, finished %v", r.status, w.portal.Finished("app.1"))
	}
	if r := w.do(http.MethodPost, w.sim.OAuthURL()+"/control/portals/acme/update-app", "application/x-www-form-urlencoded", "client=app.1&way=odd"); r.status != 400 {
		t.Errorf("an unknown way: %d", r.status)
	}
}

func TestRemovalsAsTheyAreToldOfAndNot(t *testing.T) {
	app := newListener(t)
	w := newWorld(t, portalsim.Options{Truth: portalsim.Truth{Tokens: true, Removals: true, Refusals: true}})
	w.portal.FinishInstall("app.1")
	access, refresh := w.tokens(1)
	contains(t, w.call(access, "event.bind", `{"event":"ONAPPUNINSTALL","handler":"`+app.URL+`"}`), `"result":true`)
	contains(t, w.call(access, "event.bind", `{"event":"ONAPPPAYMENT","handler":"`+app.URL+`"}`), `"result":true`)
	key := w.portal.ApplicationToken("app.1")
	w.portal.SetPayment("app.1", "S", true)
	w.portal.Uninstall("app.1", true)
	if got := app.names(w, "event"); got != "" {
		t.Errorf("an app whose time is over heard of %s", got)
	}
	want(t, w.call(access, "profile", ""), 401, "APPLICATION_NOT_FOUND")
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app.1"}, "client_secret": {"secret"}, "refresh_token": {refresh}}
	want(t, w.exchange(form), 401, "NOT_INSTALLED")
	if err := w.portal.Install("app.1", 1); err != nil {
		t.Fatal(err)
	}
	if w.portal.ApplicationToken("app.1") != key {
		t.Error("another application_token after a new installation")
	}
	want(t, w.call(access, "profile", ""), 401, "invalid_token") // the old pair does not come back
	want(t, w.exchange(form), 400, "invalid_grant")

	old := newWorld(t, portalsim.Options{})
	_, refresh = old.tokens(1)
	key = old.portal.ApplicationToken("app.1")
	old.portal.Uninstall("app.1", true)
	form.Set("refresh_token", refresh)
	want(t, old.exchange(form), 400, "invalid_grant")
	if err := old.portal.Install("app.1", 1); err != nil {
		t.Fatal(err)
	}
	if old.portal.ApplicationToken("app.1") == key {
		t.Error("the same application_token")
	}
}

func TestAddressesOfAnAppAnswerHEAD(t *testing.T) {
	var status int
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer app.Close()
	w := newWorld(t, portalsim.Options{})
	registered := portalsim.App{ClientID: "app.1", ClientSecret: "secret", URL: app.URL, InstallURL: app.URL + "/install"}
	w.sim.RegisterApp(registered)
	for s, fine := range map[int]bool{200: true, 301: true, 302: true, 404: false, 405: false, 303: false} {
		status = s
		if err := w.sim.CheckApp(t.Context(), registered); (err == nil) != fine {
			t.Errorf("%d: %v", s, err)
		}
	}
	status = 404
	contains(t, w.get(w.sim.OAuthURL()+"/control/check"), "is not accessible", "/install answers HEAD with 404")
}
