package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// TestEveryAddressAnswersHeadAndGet: the marketplace asks registered addresses by HEAD and wants 200, 301 or 302; people who
// open them in a browser are told what they are.
func TestEveryAddressAnswersHeadAndGet(t *testing.T) {
	app := apptest.Start(t, &cluster)
	for _, path := range []string{"/", "/install", "/events", "/oauth/callback", "/privacy", "/license", "/static/icon.svg", "/static/app.css"} {
		get := app.Send(http.MethodGet, path, "", "")
		if get.Status != http.StatusOK || get.Body == "" {
			t.Errorf("GET %s: status %d", path, get.Status)
		}
		head := app.Send(http.MethodHead, path, "", "")
		if head.Status != http.StatusOK || head.Body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: status %d, %d bytes, %s", path, head.Status, len(head.Body), head.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/", "/install", "/events", "/oauth/callback"} {
		if get := app.Send(http.MethodGet, path, "", ""); !strings.Contains(get.Body, "Open Item Lens in Bitrix24") {
			t.Errorf("GET %s explains nothing", path)
		}
	}
	if head := app.Send(http.MethodHead, "/nothing", "", ""); head.Status != http.StatusNotFound {
		t.Errorf("HEAD of nothing: %d", head.Status)
	}
	if head := app.Send(http.MethodHead, "/in/item", "", ""); head.Status != http.StatusNotFound {
		t.Errorf("HEAD of what takes POST alone: %d", head.Status)
	}
}

// TestHeadUsesUpNoCode: an authorization code works once.
func TestHeadUsesUpNoCode(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.Install(stack.ClientID, 1); err != nil {
		t.Fatal(err)
	}
	anna := newPerson(t)
	callback := anna.walk(app)
	req, err := http.NewRequest(http.MethodHead, callback, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := anna.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := app.Sim.OAuthRequests("authorization_code"); got != 0 {
		t.Errorf("%d exchanges of the code", got)
	}
}

func TestStaticFilesAreNotListed(t *testing.T) {
	app := apptest.Start(t, &cluster)
	for _, path := range []string{"/static/", "/static", "/static/.", "/static/..", "/static//", "/static/nothing.js"} {
		answer := app.Send(http.MethodGet, path, "", "")
		if answer.Status != http.StatusNotFound || strings.Contains(answer.Body, "app.js\"") || strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, %s\n%.300s", path, answer.Status, answer.Header.Get("Cache-Control"), answer.Body)
		}
	}
}

func TestHTTPSIsRememberedWhereItIsServed(t *testing.T) {
	for public, want := range map[string]string{"https://lens.example.com": "max-age=31536000", "http://127.0.0.1:1": ""} {
		app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) { c.PublicURL = public }))
		for _, path := range []string{"/", "/static/app.css", "/nothing"} {
			if got := app.Send(http.MethodGet, path, "", "").Header.Get("Strict-Transport-Security"); got != want {
				t.Errorf("%s of %s: %q, want %q", path, public, got, want)
			}
		}
	}
}

var hexID = regexp.MustCompile(`^[0-9a-f]{16}$`)

func TestAClientDoesNotNameItsRequest(t *testing.T) {
	app := apptest.Start(t, &cluster)
	req, err := http.NewRequest(http.MethodGet, app.AppURL+"/nothing", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Request-Id", "chosen-by-the-client")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if id := res.Header.Get("X-Request-Id"); !hexID.MatchString(id) || strings.Contains(string(body), "chosen-by") || strings.Contains(app.Log.String(), "chosen-by") {
		t.Errorf("the request is named %q", id)
	}
}

// TestForeignTextInTheLogIsShortAndPlain posts what strangers can write: paths, names of events, ids of portals.
func TestForeignTextInTheLogIsShortAndPlain(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Send(http.MethodGet, "/"+strings.Repeat("p", 20_000), "", "")
	app.Send(http.MethodGet, "/%0A%E2%80%AE%1B[31mred", "", "")
	long := strings.Repeat("E", 60_000)
	app.Post("/events", url.Values{"event": {long}, "auth[member_id]": {strings.Repeat("a", 32)}})
	app.Post("/events", url.Values{"event": {"ONAPPINSTALL"}, "auth[member_id]": {strings.Repeat("m", 50_000)}})
	opening := app.Opening(1, "DEFAULT", nil)
	opening.Form.Set("member_id", strings.Repeat("m", 50_000))
	app.Post(opening.URL, opening.Form)
	for line := range strings.SplitSeq(app.Log.String(), "\n") {
		if strings.Contains(line, `"msg":"request"`) && len(line) > 600 {
			t.Errorf("a line of %d bytes: %.200s", len(line), line)
		}
	}
	if text := app.Log.String(); strings.Contains(text, `\u001b`) || strings.Contains(text, "\u202e") {
		t.Error("control characters stand in the log")
	}
}

// TestATokenInAnErrorCodeReachesNobody has the portal answer the very token as the code of its error. That no secret stands
// in log and answers is looked at when the test ends.
func TestATokenInAnErrorCodeReachesNobody(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	for _, prefix := range []string{"", "x y ", strings.Repeat("z", 1<<20)} {
		opening := app.Opening(1, "CRM_LEAD_DETAIL_TAB", 250)
		app.Portal.AddFault(portalsim.Fault{Kind: prefix + opening.Form.Get("AUTH_ID"), Status: 400, Count: 1})
		wantProblem(t, app.Post(opening.URL, opening.Form), 502, "portal_unreachable")
		app.Portal.ClearFaults()
	}
	if n := len(app.Log.String()); n > 200_000 {
		t.Errorf("a log of %d bytes", n)
	}
}

// TestPortalsThatRedirectToNowhereAreUnreachable: it is no move that somebody would have to prove.
func TestPortalsThatRedirectToNowhereAreUnreachable(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Portal.AddFault(portalsim.Fault{Kind: "redirect", Target: "/auth/", Count: 1})
	wantProblem(t, app.Open(1, "CRM_LEAD_DETAIL_TAB", 250), 502, "portal_unreachable")
}

// TestADomainWithADotBeforeItsPortIsTheSame: it costs no question to the OAuth server.
func TestADomainWithADotBeforeItsPortIsTheSame(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	before := app.Sim.OAuthRequests("app.info")
	opening := app.Opening(1, "CRM_LEAD_DETAIL_TAB", 250)
	host, port, _ := strings.Cut(app.Portal.Host(), ":")
	opening.URL = strings.Replace(opening.URL, url.QueryEscape(app.Portal.Host()), url.QueryEscape(host+".:"+port), 1)
	if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK || app.Sim.OAuthRequests("app.info") != before {
		t.Errorf("status %d, %d questions", answer.Status, app.Sim.OAuthRequests("app.info")-before)
	}
}

// TestOnlyThePostedPortalMayFrameARefusal: a page that names no portal may be framed by nobody, whatever the request says;
// nor may an answer to a GET.
func TestOnlyThePostedPortalMayFrameARefusal(t *testing.T) {
	app := apptest.Start(t, &cluster)
	ancestors := func(a apptest.Answer) string {
		_, after, _ := strings.Cut(a.Header.Get("Content-Security-Policy"), "frame-ancestors ")
		return after
	}
	for target, want := range map[string]string{
		"/":                                 "'none'",
		"/?DOMAIN=":                         "'none'",
		"/?DOMAIN=evil.example%20*":         "'none'",
		"/?DOMAIN=*":                        "'none'",
		"/?DOMAIN=evil.example;default-src": "'none'",
		"/?DOMAIN=acme.bitrix24.com":        "https://acme.bitrix24.com",
		"/?DOMAIN=acme.example&PROTOCOL=0":  "http://acme.example",
		"/install":                          "'none'",
	} {
		if got := ancestors(app.Post(target, url.Values{})); got != want {
			t.Errorf("POST %s: %s, want %s", target, got, want)
		}
	}
	for _, target := range []string{"/?DOMAIN=acme.bitrix24.com", "/install?DOMAIN=acme.bitrix24.com", "/privacy?DOMAIN=acme.bitrix24.com", "/nothing?DOMAIN=acme.bitrix24.com"} {
		if got := ancestors(app.Send(http.MethodGet, target, "", "")); got != "'none'" {
			t.Errorf("GET %s: %s", target, got)
		}
	}
}

// TestLinksHaveSafeSchemes puts addresses of every kind into an item.
func TestLinksHaveSafeSchemes(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	for i, address := range []string{"javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>",
		"vbscript:x", "blob:https://x", "file:///etc/passwd", "//evil.example/x"} {
		name := fmt.Sprintf("ufCrmLink%d", i)
		quoted := strings.ReplaceAll(fmt.Sprintf("%q", address), `\x`, `\u00`)
		if err := app.Portal.AddField(1, name, "url", "Link "+name, 250, quoted); err != nil {
			t.Fatal(err)
		}
	}
	page := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250)
	if page.Status != http.StatusOK || !strings.Contains(page.Body, "Link ufCrmLink0") {
		t.Fatalf("status %d", page.Status)
	}
	for _, match := range regexp.MustCompile(`(?i)\s(?:href|src|action|formaction)\s*=\s*"([^"]*)"`).FindAllStringSubmatch(page.Body, -1) {
		if !regexp.MustCompile(`^(https?://|mailto:|tel:|/static/|/[^/]|#|$)`).MatchString(match[1]) {
			t.Errorf("an address %q", match[1])
		}
	}
}

// TestConnectionsAreBounded: those beyond the bound wait until others end, and nothing is lost.
func TestConnectionsAreBounded(t *testing.T) {
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) { c.MaxConnections = 3 }))
	address := strings.TrimPrefix(app.AppURL, "http://")
	open := func() net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := conn.Write([]byte("GET /privacy HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	answered := func(conn net.Conn, within time.Duration) bool {
		_ = conn.SetReadDeadline(time.Now().Add(within))
		n, _ := conn.Read(make([]byte, 12))
		return n > 0
	}
	var held []net.Conn
	for range 3 {
		conn := open()
		held = append(held, conn)
		if !answered(conn, 10*time.Second) {
			t.Fatal("one of three is not answered")
		}
	}
	waiting := open()
	if answered(waiting, 300*time.Millisecond) {
		t.Error("a fourth connection is served beside three")
	}
	_ = held[0].Close()
	if !answered(waiting, 10*time.Second) {
		t.Error("the fourth one is not served after another has ended")
	}
}

// TestSlowHeadersEndAConnection: whoever sends a byte now and then keeps no connection.
func TestSlowHeadersEndAConnection(t *testing.T) {
	app := apptest.Start(t, &cluster)
	conn, err := net.Dial("tcp", strings.TrimPrefix(app.AppURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	go func() {
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\n"))
		for ctx.Err() == nil {
			if _, err := conn.Write([]byte("X")); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	start := time.Now()
	_ = conn.SetReadDeadline(time.Now().Add(12 * time.Second))
	text, _ := io.ReadAll(conn)
	if took := time.Since(start); took > 10*time.Second || bytes.Contains(text, []byte(" 200 ")) {
		t.Errorf("it is held for %v: %.100s", took, text)
	}
}
