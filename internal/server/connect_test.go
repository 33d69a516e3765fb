package server_test

import (
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/stack"
)

// person is a browser with cookies that follows redirects only when told.
type person struct {
	t      *testing.T
	client *http.Client
}

func newPerson(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

func (p *person) get(address string) (status int, location, body string) {
	p.t.Helper()
	res, err := p.client.Get(address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header.Get("Location"), string(text)
}

var awayLink = regexp.MustCompile(`<a href="([^"]+)" rel="noreferrer">`)

// start goes from the app to the portal's question; for a portal that is not known by a click on the page in between.
func (p *person) start(app *apptest.App, portalURL string) (status int, location, body string) {
	p.t.Helper()
	status, location, body = p.get(app.AppURL + "/oauth/start?portal=" + url.QueryEscape(portalURL))
	if link := awayLink.FindStringSubmatch(body); status == http.StatusOK && link != nil {
		return http.StatusFound, html.UnescapeString(link[1]), body
	}
	return status, location, body
}

// walk goes from the app to the portal and back, up to the callback's address.
func (p *person) walk(app *apptest.App) (callback string) {
	p.t.Helper()
	status, location, body := p.start(app, app.Portal.URL())
	if status != http.StatusFound || !strings.HasPrefix(location, app.Portal.URL()+"/oauth/authorize/?client_id=") {
		p.t.Fatalf("start: %d to %q\n%s", status, location, body)
	}
	status, callback, body = p.get(location)
	if status != http.StatusFound || !strings.HasPrefix(callback, app.AppURL+"/oauth/callback?") {
		p.t.Fatalf("portal: %d to %q\n%s", status, callback, body)
	}
	return callback
}

func TestConnectingFromOutsideRegistersAndRepairs(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	anna := newPerson(t)
	callback := anna.walk(app)
	if status, _, body := anna.get(callback); status != http.StatusOK || !strings.Contains(body, "We also checked its tabs and events") {
		t.Fatalf("callback: %d\n%s", status, body)
	}
	wantBound(t, app)
	if app.Rows("portals") != 1 || app.Rows("tokens") != 1 {
		t.Errorf("%d portals, %d tokens", app.Rows("portals"), app.Rows("tokens"))
	}
	if status, _, body := anna.get(callback); status != http.StatusForbidden { // the code and the state work once
		t.Errorf("again: %d\n%s", status, body)
	}
	before := app.Dump()
	if status, _, body := anna.get(anna.walk(app)); status != http.StatusOK { // a fresh pair for the same user
		t.Fatalf("repair: %d\n%s", status, body)
	}
	if app.Dump() == before || app.Rows("tokens") != 1 {
		t.Error("no fresh pair was stored")
	}
}

func TestConnectingRefusesWhatIsNotThisBrowsers(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	attacker, victim := newPerson(t), newPerson(t)
	callback := attacker.walk(app)
	if status, _, _ := victim.get(callback); status != http.StatusForbidden {
		t.Errorf("a callback of somebody else's: %d", status)
	}
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("code", strings.Repeat("a", 32))
	u.RawQuery = q.Encode()
	if status, _, _ := attacker.get(u.String()); status != http.StatusForbidden {
		t.Errorf("an invented code: %d", status)
	}
	for _, bad := range []string{"", "javascript:alert(1)", "https://user:pw@acme.example", "a b", "ftp://acme.example"} {
		if status, location, _ := attacker.get(app.AppURL + "/oauth/start?portal=" + url.QueryEscape(bad)); status != http.StatusBadRequest {
			t.Errorf("%q: %d to %q", bad, status, location)
		}
	}
	if app.Rows("portals") != 0 {
		t.Error("something was stored")
	}
}

// TestUnknownHostsAreNamedBeforeAnybodyGoesThere: a link to /oauth/start can name any host.
func TestUnknownHostsAreNamedBeforeAnybodyGoesThere(t *testing.T) {
	app := apptest.Start(t, &cluster)
	anna := newPerson(t)
	for _, host := range []string{"evil.example", "bitrix24.com", "acme.bitrix24.site", "acme.bitrix24.com.evil.example", "acme.bitrix24.com:8443", app.Portal.Host()} {
		status, location, body := anna.get(app.AppURL + "/oauth/start?portal=" + url.QueryEscape(host))
		if status != http.StatusOK || location != "" || !strings.Contains(body, "<bdi>"+host+"</bdi>") || !strings.Contains(body, "You’re leaving Item Lens") {
			t.Errorf("%s: %d to %q\n%.500s", host, status, location, body)
		}
		if strings.Contains(body, "http-equiv") || strings.Contains(body, "<script") {
			t.Errorf("%s: the page may go on by itself", host)
		}
	}
	for _, host := range []string{"acme.bitrix24.com", "https://ACME.bitrix24.de/crm/", "acme.bitrix24.com.br"} {
		if status, location, _ := anna.get(app.AppURL + "/oauth/start?portal=" + url.QueryEscape(host)); status != http.StatusFound || !strings.HasPrefix(location, "https://acme.bitrix24.") {
			t.Errorf("%s: %d to %q", host, status, location)
		}
	}
	if status, _, body := anna.get(app.AppURL + "/oauth/start?LANG=ru&portal=evil.example"); status != http.StatusOK || !strings.Contains(body, "Вы покидаете Item Lens") {
		t.Errorf("in Russian: %d", status)
	}
	app.Install()
	for _, address := range []string{app.Portal.URL(), app.Portal.URL() + "/crm/deal/"} { // known now
		if status, location, _ := anna.get(app.AppURL + "/oauth/start?portal=" + url.QueryEscape(address)); status != http.StatusFound || !strings.HasPrefix(location, app.Portal.URL()+"/oauth/authorize/") {
			t.Errorf("a known portal: %d to %q", status, location)
		}
	}
}

// TestACodeOfAnotherPortalIsRefused: the portal that a link names could lead the way back with a code of somebody else's.
func TestACodeOfAnotherPortalIsRefused(t *testing.T) {
	app := apptest.Start(t, &cluster)
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(app.Portal.Install(stack.ClientID, 1), other.Install(stack.ClientID, 1)); err != nil {
		t.Fatal(err)
	}
	victim, attacker := newPerson(t), newPerson(t)
	_, theirs, _ := victim.start(app, app.Portal.URL()) // the state is bound to this portal
	_, others, _ := attacker.start(app, other.URL())
	_, callback, _ := attacker.get(others) // and the code is of the other one
	state := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return u.Query().Get("state")
	}
	mixed := strings.Replace(callback, state(callback), state(theirs), 1)
	if status, _, body := victim.get(mixed); status != http.StatusForbidden || !strings.Contains(body, `data-problem="unverified"`) {
		t.Errorf("status %d\n%.500s", status, body)
	}
	if app.Rows("portals") != 0 || app.Rows("tokens") != 0 {
		t.Error("something was stored")
	}
}

// TestTheStateOfTheWayBackIsCompared: a callback with any other state than the browser's is refused before its code is used.
func TestTheStateOfTheWayBackIsCompared(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	anna := newPerson(t)
	callback := anna.walk(app)
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"", "x", strings.ToLower(u.Query().Get("state")), u.Query().Get("state") + "|" + app.Portal.Host()} {
		changed, q := *u, u.Query()
		q.Set("state", state)
		changed.RawQuery = q.Encode()
		if status, _, body := anna.get(changed.String()); status != http.StatusForbidden {
			t.Errorf("state %q: %d\n%.300s", state, status, body)
		}
	}
	if got := app.Sim.OAuthRequests("authorization_code"); got != 0 {
		t.Errorf("%d codes were used", got)
	}
	if status, _, _ := anna.get(callback); status != http.StatusOK {
		t.Errorf("the right one: %d", status)
	}
}
