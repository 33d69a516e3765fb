package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// behindProxy has the app believe X-Forwarded-For of the test, and gives it the limits that the platform has.
func behindProxy(t *testing.T) func(*stack.Options) {
	t.Helper()
	_, loopback, err := net.ParseCIDR("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return apptest.Configure(func(c *config.Config) {
		c.TrustedProxies = []*net.IPNet{loopback}
		c.PortalRate, c.PortalBurst, c.PortalWait, c.OAuthRate = 2, 50, 3*time.Second, 5
		c.PortalTimeout = 20 * time.Second
	})
}

// sender posts forms from addresses of its choice.
type sender struct {
	t      *testing.T
	app    *apptest.App
	client *http.Client
}

func newSender(t *testing.T, app *apptest.App) *sender {
	t.Helper()
	s := &sender{t, app, &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 200}}}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

func (s *sender) post(from string, opening portalsim.Opening) (status int, body string) {
	target := opening.URL
	if strings.HasPrefix(target, "/") {
		target = s.app.AppURL + target
	}
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(opening.Form.Encode()))
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-For", from)
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// forged makes the n-th forged page: of a portal that is known, of one that is not, or with another address, with tokens that
// nobody gave out.
func forged(o portalsim.Opening, n int) portalsim.Opening {
	form := url.Values{}
	for name, values := range o.Form {
		form[name] = slices.Clone(values)
	}
	form.Set("AUTH_ID", fmt.Sprintf("%070d", n))
	form.Set("REFRESH_ID", fmt.Sprintf("%070x", n))
	form.Set("APPLICATION_TOKEN", "0123456789abcdef0123456789abcdef")
	address := o.URL
	switch n % 4 {
	case 1:
		form.Set("member_id", fmt.Sprintf("%032x", n))
	case 2:
		address = strings.Replace(address, "DOMAIN=", "DOMAIN=x", 1)
	case 3:
		form.Del("APPLICATION_TOKEN")
	}
	return portalsim.Opening{URL: address, Form: form}
}

// flood is how many forged pages a second, and for how many seconds: small here, and larger by ITEMLENS_FLOOD=1000x20.
func flood(t *testing.T) (perSecond, seconds int) {
	t.Helper()
	perSecond, seconds = 100, 4
	if text := os.Getenv("ITEMLENS_FLOOD"); text != "" {
		a, b, _ := strings.Cut(text, "x")
		var err1, err2 error
		perSecond, err1 = strconv.Atoi(a)
		seconds, err2 = strconv.Atoi(b)
		if err1 != nil || err2 != nil {
			t.Fatalf("ITEMLENS_FLOOD=%s: want 1000x20", text)
		}
	}
	return perSecond, seconds
}

// TestForgedPagesRefuseNoGenuineOne floods the app from many addresses. Meanwhile a user whose portal posts the
// application_token, with the stored pair or with a new one each time, one whose pair is stored, and a page that is open
// already are all served, the OAuth server is asked five times a second at most, and the portal never answers that its own
// limit is used up.
func TestForgedPagesRefuseNoGenuineOne(t *testing.T) {
	app := apptest.Start(t, &cluster, behindProxy(t), func(o *stack.Options) {
		o.Simulator.RateBurst, o.Simulator.RatePerSecond, o.Simulator.Vary = 50, 2, false
	})
	app.Install()
	send := newSender(t, app)
	withToken, stored := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250), app.Opening(1, "CRM_LEAD_DETAIL_TAB", 250)
	stored.Form.Del("APPLICATION_TOKEN")
	open := apptest.Answer{}
	for _, o := range []portalsim.Opening{withToken, stored} {
		status, body := send.post("192.0.2.1", o)
		if status != http.StatusOK {
			t.Fatalf("before the flood: %d\n%s", status, body)
		}
		open.Body = body
	}
	perSecond, seconds := flood(t)
	questions := func() int { return app.Sim.OAuthRequests("app.info") + app.Sim.OAuthRequests("refresh_token") }
	before, start := questions(), time.Now()
	end := start.Add(time.Duration(seconds) * time.Second)

	var sent, answered atomic.Int64
	var slowest, flooded atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() { // each forged page on its own, as strangers do not wait for each other
		for n := range perSecond * seconds {
			time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / time.Duration(perSecond))))
			sent.Add(1)
			wg.Go(func() {
				status, body := send.post(fmt.Sprintf("198.%d.%d.%d", 18+n%2, n/250%256, n%250), forged(withToken, n))
				switch status {
				case http.StatusOK:
					t.Errorf("forged page %d is served", n)
				case http.StatusForbidden, http.StatusServiceUnavailable:
					answered.Add(1)
				default:
					t.Errorf("forged page %d: %d\n%.300s", n, status, body)
				}
			})
		}
		flooded.Store(int64(time.Since(start)))
	})
	genuine := 0
	for time.Now().Before(end) {
		for name, page := range map[string]portalsim.Opening{
			"with its application_token": withToken, "whose pair is stored": stored,
			"with its application_token and a new pair": app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250),
		} {
			if genuine >= 24+seconds { // as much as the platform allows these users at all
				break
			}
			asked := time.Now()
			if status, body := send.post("192.0.2.1", page); status != http.StatusOK {
				t.Errorf("a genuine page %s: %d\n%.400s", name, status, body)
			}
			slowest.Store(max(slowest.Load(), int64(time.Since(asked))))
			genuine++
		}
		if answer := app.Ask(open, "/in/item", `{"entityTypeId":1,"id":250}`); genuine < 24+seconds && answer.Status != http.StatusOK {
			t.Errorf("an open page: %d\n%.400s", answer.Status, answer.Body)
		}
		if got, most := questions()-before, 5*(int(time.Since(start).Seconds())+1); got > most {
			t.Errorf("%d questions to the OAuth server in %v, want %d at most", got, time.Since(start), most)
		}
		time.Sleep(time.Second / 3)
	}
	wg.Wait()
	took := time.Duration(flooded.Load())
	t.Logf("%d forged pages in %v (%.0f a second), %d genuine ones, the slowest %v; %d questions to the OAuth server", sent.Load(), took.Round(time.Millisecond),
		float64(sent.Load())/took.Seconds(), genuine, time.Duration(slowest.Load()).Round(time.Millisecond), questions()-before)
	if answered.Load() < int64(perSecond*seconds) || genuine < 2 {
		t.Errorf("%d forged and %d genuine pages: too few to tell", answered.Load(), genuine)
	}
	if questions() == before {
		t.Error("no stranger was asked about: the unknown portals did not get through at all")
	}
	if app.Portal.Overruns() != 0 {
		t.Errorf("the portal refused %d requests", app.Portal.Overruns())
	}
	for _, limit := range []string{"portal_strangers", "oauth"} {
		if n := metric(t, app, `itemlens_limit_refusals_total{limit="`+limit+`"}`); n < 1 {
			t.Errorf("the metrics tell of %v refusals of %s", n, limit)
		}
	}
	if metric(t, app, `itemlens_limit_wait_seconds_count{limit="oauth"}`) < 1 || metric(t, app, `itemlens_limit_refusals_total{limit="portal"}`) > 0 {
		t.Error("the metrics tell of no wait for the OAuth server, or of a refusal of somebody who is known")
	}
}

// metric is the value of a line of /metrics; 0 where there is none.
func metric(t *testing.T, app *apptest.App, line string) float64 {
	t.Helper()
	for text := range strings.SplitSeq(app.Send(http.MethodGet, app.OperatorURL+"/metrics", "", "").Body, "\n") {
		if value, ok := strings.CutPrefix(text, line+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// TestNewcomersAreServed: a user who opens the app for the first time, and one whose portal posts a fresh pair each hour, are
// strangers where the portal posts no application_token; an office of them is served all the same.
func TestNewcomersAreServed(t *testing.T) {
	app := apptest.Start(t, &cluster, behindProxy(t))
	app.Install()
	send := newSender(t, app)
	for i := range 8 {
		opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250) // a new pair each time
		opening.Form.Del("APPLICATION_TOKEN")
		if status, body := send.post("192.0.2.1", opening); status != http.StatusOK {
			t.Errorf("page %d: %d\n%.300s", i+1, status, body)
		}
	}
}

// TestWhoIsBehindAProxyIsTheOneThatTrustedProxiesName: without trust, X-Forwarded-For is a claim like every other.
func TestWhoIsBehindAProxyIsTheOneThatTrustedProxiesName(t *testing.T) {
	for name, trusted := range map[string]bool{"trusted": true, "not trusted": false} {
		t.Run(name, func(t *testing.T) {
			app := apptest.Start(t, &cluster, behindProxy(t), apptest.Configure(func(c *config.Config) {
				if !trusted {
					c.TrustedProxies = nil
				}
				c.PortalWait = 0
			}))
			app.Install()
			send, opening := newSender(t, app), app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
			before := app.Portal.Requests("")
			for i := range 40 {
				// What stands left of the last address is what the client itself claims.
				send.post(fmt.Sprintf("203.0.113.%d, 198.18.0.%d", i, i+1), forged(opening, 4*i))
			}
			got := app.Portal.Requests("") - before
			if want := map[bool]int{true: 20, false: 10}[trusted]; got < want || got > want+3 {
				t.Errorf("%d of 40 strangers were taken to the portal, want %d", got, want)
			}
		})
	}
}
