package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// TestPostgresGoesAndComesBack crashes Postgres in the middle of traffic. Pages say so while it is gone, /readyz is red,
// and afterwards everything works as before.
func TestPostgresGoesAndComesBack(t *testing.T) {
	cluster := apptest.NewCluster(t)
	app := apptest.Start(t, cluster)
	app.Install()
	before := app.Dump()
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
				mu.Lock()
				statuses[answer.Status]++
				if answer.Status == http.StatusServiceUnavailable {
					wantProblem(t, answer, 503, "storage_down")
				}
				mu.Unlock()
			}
		})
	}
	count := func(status int) int {
		mu.Lock()
		defer mu.Unlock()
		return statuses[status]
	}
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never: %s", what)
			}
		}
	}
	await("pages before", func() bool { return count(200) > 20 })
	cluster.Pause()
	if scrape := app.Send(http.MethodGet, app.OperatorURL+"/metrics", "", ""); scrape.Status != http.StatusOK || !strings.Contains(scrape.Body, "\nitemlens_db_up 0\n") {
		t.Errorf("metrics without Postgres: %d", scrape.Status)
	}
	await("pages that say that the database is gone", func() bool { return count(503) > 5 })
	if answer := app.Send(http.MethodGet, app.OperatorURL+"/readyz", "", ""); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("readyz while Postgres is gone: %d", answer.Status)
	}
	if answer := app.Send(http.MethodGet, app.OperatorURL+"/healthz", "", ""); answer.Status != http.StatusOK {
		t.Errorf("healthz while Postgres is gone: %d", answer.Status)
	}
	event := eventForm(app.Portal, "ONAPPUNINSTALL", app.Opening(1, "DEFAULT", nil), nil)
	if answer := app.Post("/events", event); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("an event while Postgres is gone: %d", answer.Status)
	}
	cluster.Resume(t)
	served := count(200)
	await("pages afterwards", func() bool { return count(200) > served+20 })
	close(stop)
	wg.Wait()
	if statuses[200]+statuses[503] != total(statuses) {
		t.Errorf("statuses %v", statuses)
	}
	if answer := app.Send(http.MethodGet, app.OperatorURL+"/readyz", "", ""); answer.Status != http.StatusOK {
		t.Errorf("readyz afterwards: %d", answer.Status)
	}
	if app.Rows("portals") != 1 || !strings.Contains(before, app.Portal.MemberID) {
		t.Error("the portal is lost")
	}
}

func total(counts map[int]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// TestClocksThatDifferByAnHour moves the platform's clock against ours, both ways: expired tokens are told by the portal
// alone, and a true removal is believed.
func TestClocksThatDifferByAnHour(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			app := apptest.Start(t, &cluster)
			app.Sim.Advance(skew)
			app.Install()
			opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
			if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
				t.Errorf("status %d", answer.Status)
			}
			app.Sim.ExpireAccessTokens()
			if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
				t.Errorf("with an expired token: status %d", answer.Status)
			}
			app.Portal.Uninstall(stack.ClientID, true)
			app.Sim.Deliveries()
			if skew > 0 && app.Rows("portals") != 0 {
				t.Error("the removal was not believed")
			}
			// Where the platform's clock is behind, the event seems to be from before the installation, so the platform is asked.
			for deadline := time.Now().Add(20 * time.Second); app.Rows("portals") != 0; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the removal was never believed")
				}
			}
		})
	}
}

// TestLifecycleInAnyOrder repeats and interleaves installs, updates, removals and pages; in the end what stands is what
// the portal has.
func TestLifecycleInAnyOrder(t *testing.T) {
	app := apptest.Start(t, &cluster)
	ways := []string{portalsim.UpdateHidden, portalsim.UpdateErased, portalsim.UpdateTold}
	for round := range 4 {
		app.Install()
		var wg sync.WaitGroup
		for range 8 {
			opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
			wg.Go(func() {
				if answer := app.Post(opening.URL, opening.Form); answer.Status >= 500 {
					t.Errorf("a page meanwhile: status %d\n%s", answer.Status, answer.Body)
				}
			})
		}
		app.Update(ways[round%len(ways)])
		wg.Wait()
		wantBound(t, app)
		if answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
			t.Errorf("round %d: status %d\n%s", round, answer.Status, answer.Body)
		}
		for _, status := range []struct {
			problem string
			code    int
			begin   func()
			end     func()
		}{
			{"payment_required", 402, func() { app.Portal.SetPlan("free") }, func() { app.Portal.SetPlan("std") }},
			{"payment_required", 402, func() { app.Portal.SetPayment(stack.ClientID, "T", true) }, func() { app.Portal.SetPayment(stack.ClientID, "P", false) }},
			{"missing_scope", 403, func() { app.Portal.GrantScope(stack.ClientID, "placement") }, func() { app.Portal.GrantScope(stack.ClientID, app.App.Scope...) }},
			{"portal_deleted", 410, func() { app.Portal.SetDeleted(true) }, func() { app.Portal.SetDeleted(false) }},
		} {
			status.begin()
			wantProblem(t, app.Open(2, "CRM_LEAD_DETAIL_TAB", 250), status.code, status.problem)
			status.end()
			if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
				t.Errorf("round %d, after %s: status %d", round, status.problem, answer.Status)
			}
		}
		clean := round%2 == 0
		app.Portal.Uninstall(stack.ClientID, clean)
		app.Sim.Deliveries()
		if app.Rows("tokens") != 0 || clean && app.Rows("portals") != 0 {
			t.Errorf("round %d: %d tokens, %d portals are left", round, app.Rows("tokens"), app.Rows("portals"))
		}
	}
}

// TestFaultsOfTheOAuthServer are the other half of TestPortalsThatAnswerNonsense: each fault once at an exchange before it
// was done, after it was done, and at app.info. A page says so, nothing is stored half, and the next open works.
func TestFaultsOfTheOAuthServer(t *testing.T) {
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) { c.OAuthTimeout = time.Second }))
	app.Install()
	for _, fault := range []portalsim.Fault{
		{Kind: "html"}, {Kind: "empty"}, {Kind: "truncated"}, {Kind: "cut"}, {Kind: "huge"}, {Kind: "reset"}, {Kind: "text"},
		{Kind: "delay", Delay: 3 * time.Second}, {Kind: "redirect", Target: "https://evil.example/"},
		{Kind: "INTERNAL_SERVER_ERROR", Status: 500}, {Kind: "OVERLOAD_LIMIT", Status: 503}, {Kind: "QUERY_LIMIT_EXCEEDED", Status: 503}, {Kind: "X", Status: 429},
	} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprint("exchange ", fault.Kind, " late=", late), func(t *testing.T) {
				opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
				if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
					t.Fatalf("before: status %d", answer.Status)
				}
				app.Sim.ExpireAccessTokens()
				f := fault
				f.Method, f.Count, f.Late = "oauth/token", 1, late
				app.Sim.AddOAuthFault(f)
				wantProblem(t, app.Post(opening.URL, opening.Form), 502, "oauth_unreachable")
				again := app.Post(opening.URL, opening.Form)
				if !late && again.Status != http.StatusOK { // the token was not used up
					t.Errorf("the same page again: status %d", again.Status)
				}
				if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
					t.Errorf("opened anew: status %d", answer.Status)
				}
			})
		}
		t.Run("app.info "+fault.Kind, func(t *testing.T) {
			app.Forget() // an unknown portal is asked for
			f := fault
			f.Method, f.Count = "app.info", 1
			app.Sim.AddOAuthFault(f)
			answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250)
			if answer.Status != http.StatusBadGateway && answer.Status != http.StatusForbidden { // a 429 is an answer
				t.Errorf("status %d\n%s", answer.Status, answer.Body)
			}
			if app.Rows("portals") != 0 {
				t.Error("something was stored")
			}
			if answer := app.Open(1, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
				t.Errorf("opened anew: status %d", answer.Status)
			}
		})
	}
}

// TestMorePagesThanConnections opens a hundred pages at once on two database connections: each is served, or says that
// the app is not available now.
func TestMorePagesThanConnections(t *testing.T) {
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) { c.DatabaseMaxConns = 2 }))
	app.Install()
	var wg sync.WaitGroup
	for range 100 {
		opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
		wg.Go(func() {
			if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK && answer.Status != http.StatusServiceUnavailable {
				t.Errorf("status %d\n%s", answer.Status, answer.Body)
			}
		})
	}
	wg.Wait()
	if answer := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250); answer.Status != http.StatusOK {
		t.Errorf("afterwards: status %d", answer.Status)
	}
}

// TestAPageThatWaitsForTheDatabaseEnds takes every connection away: the page says so within its time.
func TestAPageThatWaitsForTheDatabaseEnds(t *testing.T) {
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) {
		c.DatabaseMaxConns, c.PortalTimeout, c.PortalWait, c.OAuthTimeout = 2, time.Second, 0, time.Second
	}))
	app.Install()
	for range 2 {
		conn, err := app.Store.Pool().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
	}
	opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	wantProblem(t, app.Post(opening.URL, opening.Form), 503, "storage_down")
}
