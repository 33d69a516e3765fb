package portalsim_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"itemlens/internal/lab/portalsim"
)

func multipartOf(t *testing.T, values map[string]string) (body, contentType string) {
	t.Helper()
	var out bytes.Buffer
	m := multipart.NewWriter(&out)
	for name, value := range values {
		if err := m.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	_ = m.Close()
	return out.String(), m.FormDataContentType()
}

func TestParametersInMultipartAndInAnyContentType(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, refresh := w.tokens(1)
	values := map[string]string{"auth": access, "entityTypeId": "1", "filter[@id][0]": "250", "select[]": "id"}
	body, contentType := multipartOf(t, values)
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		contains(t, w.do(method, w.portal.Endpoint()+"crm.item.list", contentType, body), `"items":[{"id":250}]`)
	}
	item := `{"auth":"` + access + `","entityTypeId":1,"id":250}`
	for _, kind := range []string{"Application/JSON", "application/json;charset=UTF-8"} {
		contains(t, w.do(http.MethodPost, w.portal.Endpoint()+"crm.item.get", kind, item), "Lead #250")
	}
	want(t, w.do(http.MethodPost, w.portal.Endpoint()+"crm.item.get", "application/json", "{"), 400, "INVALID_REQUEST")

	form := map[string]string{"grant_type": "refresh_token", "client_id": "app.1", "client_secret": "secret", "refresh_token": refresh}
	body, contentType = multipartOf(t, form)
	r := w.do(http.MethodPost, w.sim.OAuthURL()+"/oauth/token/", contentType, body)
	if r.status != 200 || r.Fresh == "" {
		t.Errorf("exchange by multipart: %d %s", r.status, r.body)
	}
	// The documentation's GET, from a client that always says that it sends JSON.
	query := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app.1"}, "client_secret": {"secret"}, "refresh_token": {r.Fresh}}
	if r := w.do(http.MethodGet, w.sim.OAuthURL()+"/oauth/token/?"+query.Encode(), "application/json", ""); r.status != 200 {
		t.Errorf("GET with a Content-Type: %d %s", r.status, r.body)
	}
}

func TestTokensInTheOtherPlaces(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	contains(t, w.get(w.portal.Endpoint()+"profile?access_token="+access), `"ID":"1"`)
	req, err := http.NewRequest(http.MethodGet, w.portal.Endpoint()+"profile", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("bearer: %d", res.StatusCode)
	}
}

func TestSlashesTooManyAreNoRedirect(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	hook := w.hook()
	contains(t, w.do(http.MethodPost, hook+"/profile/", "", ""), `"ID":"1"`)
	access, _ := w.tokens(1)
	contains(t, w.get(w.portal.URL()+"/rest//profile?auth="+access), `"ID":"1"`)
}

func TestXMLWhereItIsAskedFor(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	r := w.get(w.hook() + "batch.xml?cmd[get_user]=user.current&cmd[list]=crm.item.list%3FentityTypeId%3D1%26select[]%3Did&cmd[bad]=crm.item.get%3FentityTypeId%3D1%26id%3D9")
	contains(t, r, "<response><result><result><get_user><ID>1</ID>", "<list><items><item><id>250</id></item>", "<bad><error>NOT_FOUND</error>")
	if err := xml.Unmarshal([]byte(r.body), new(struct{})); err != nil {
		t.Errorf("%v in %s", err, r.body)
	}
	if r := w.get(w.hook() + "no.such.xml"); r.status != 404 || !strings.Contains(r.body, "<error>ERROR_METHOD_NOT_FOUND</error>") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestMomentsHaveAnOffset(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	for _, r := range []reply{w.call(access, "server.time", ""), w.call(access, "profile", ""), w.get(w.sim.OAuthURL() + "/rest/app.info?auth=" + access)} {
		moments := regexp.MustCompile(`"\d{4}-\d{2}-\d{2}T[^"]*"`).FindAllString(r.body, -1)
		if len(moments) == 0 {
			t.Errorf("no moment in %s", r.body)
		}
		for _, m := range moments { // Z is what a container's zone would make of it
			if !regexp.MustCompile(`[+-]\d{2}:\d{2}"$`).MatchString(m) {
				t.Errorf("%s has no offset", m)
			}
		}
	}
}

func TestWebhooksFromTheControlAPI(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	control := w.sim.OAuthURL() + "/control/portals/acme/webhook"
	r := w.do(http.MethodPost, control, "application/x-www-form-urlencoded", "user=2&scope=crm,user_brief&code=abc")
	contains(t, r, `"url":"`+w.portal.Endpoint()+`2/abc/"`)
	contains(t, w.get(w.portal.Endpoint()+"2/abc/profile"), `"ID":"2"`)
	r = w.do(http.MethodPost, control, "application/x-www-form-urlencoded", "user=1&scope=crm")
	contains(t, r, `"url":"`+w.portal.Endpoint()+`1/`)
	for _, bad := range []string{"", "user=77&scope=crm", "user=1", "user=1&scope=crm&code=a/b"} {
		if r := w.do(http.MethodPost, control, "application/x-www-form-urlencoded", bad); r.status != 400 {
			t.Errorf("%q: %d %s", bad, r.status, r.body)
		}
	}
}

func TestTLSWithHostNamesOfChoice(t *testing.T) {
	sim, err := portalsim.New(portalsim.Options{TLS: true, Name: "oauth.bitrix24.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	p, err := sim.AddPortalWith("acme", portalsim.PortalOptions{Host: "acme.bitrix24.test"})
	if err != nil {
		t.Fatal(err)
	}
	client := trusting(t, sim)
	hook := p.AddWebhook(1, "crm")
	get := func(address string) (int, string) {
		t.Helper()
		res, err := client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	if !strings.HasPrefix(hook, "https://acme.bitrix24.test:") {
		t.Errorf("webhook at %s", hook)
	}
	if status, text := get(hook + "profile"); status != 200 || !strings.Contains(text, `"ID":"1"`) {
		t.Errorf("%d %s", status, text)
	}
	if err := p.Rename(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(p.URL(), "https://renamed1-acme.bitrix24.test:") {
		t.Errorf("renamed to %s", p.URL())
	}
	if status, text := get(hook + "profile"); status != 200 || !strings.Contains(text, `"ID":"1"`) { // after the redirect
		t.Errorf("renamed: %d %s", status, text)
	}
	sim.RegisterApp(portalsim.App{ClientID: "app.1", ClientSecret: "secret", URL: "https://app.test/", InstallURL: "https://app.test/", Scope: []string{"crm"}})
	if err := p.Install("app.1", 1); err != nil {
		t.Fatal(err)
	}
	opening, err := p.Open("app.1", 1, "DEFAULT", "")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(opening.URL, "PROTOCOL=1") || !strings.HasPrefix(opening.Form.Get("SERVER_ENDPOINT"), "https://oauth.bitrix24.test:") {
		t.Errorf("%s, %s", opening.URL, opening.Form.Get("SERVER_ENDPOINT"))
	}
	if status, text := get(sim.OAuthURL() + "/rest/app.info?auth=" + opening.Form.Get("AUTH_ID")); status != 200 || !strings.Contains(text, `"client_endpoint":"https://renamed1-acme`) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := get(sim.OAuthURL() + "/control/authority.pem"); status != 200 || text != string(sim.AuthorityPEM()) {
		t.Errorf("%d %s", status, text)
	}
	if _, err := http.Get(p.URL()); err == nil {
		t.Error("a client that does not trust the authority got through")
	}
}

func TestPagesOfAPortalWithTLSSaySo(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	opening, err := w.portal.Open("app.1", 1, "DEFAULT", "")
	if err != nil {
		t.Fatal(err)
	}
	target, _ := url.Parse(opening.URL)
	sid := target.Query().Get("APP_SID")
	// A number: the platform's library takes the text "0" for https and never initialises.
	contains(t, w.do(http.MethodPost, w.portal.URL()+"/sim/frame/"+sid+"/init", "", ""), `"PROTOCOL":0,`)
}
