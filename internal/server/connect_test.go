package server_test

import (
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
	if status, _, body := anna.get(callback); status != http.StatusOK || !strings.Contains(body, "Its tabs and events were checked") {
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
