package main

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
)

const replicaClient = "app.replicas"

// fleet is several processes of the app on one database, and a simulator.
type fleet struct {
	t        *testing.T
	binary   string
	database string
	env      []string
	sim      *portalsim.Sim
	replicas []*replica
	client   *http.Client
}

type replica struct {
	cmd      *exec.Cmd
	listen   string
	operator string
	log      apptest.Log
}

func newFleet(t *testing.T, size int) *fleet {
	t.Helper()
	return newFleetOn(t, size, cluster.Empty(t))
}

// newFleetOn is newFleet on a database of one's own.
func newFleetOn(t *testing.T, size int, database string) *fleet {
	t.Helper()
	f := &fleet{t: t, binary: filepath.Join(t.TempDir(), "app"), database: database}
	if out, err := exec.Command("go", "build", "-o", f.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var err error
	if f.sim, err = portalsim.New(portalsim.Options{RateBurst: 100_000}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.sim.Close)
	key, err := call(t, "keys", "generate")
	if err != nil {
		t.Fatal(err)
	}
	public := freeAddress(t)
	f.env = append(os.Environ(), "ITEMLENS_PUBLIC_URL=http://"+public, "ITEMLENS_DATABASE_URL="+f.database, "ITEMLENS_CLIENT_ID="+replicaClient,
		"ITEMLENS_CLIENT_SECRET=replica-secret", "ITEMLENS_KEYSET="+key, "ITEMLENS_MIGRATE=true", "ITEMLENS_ALLOW_PRIVATE=true",
		"ITEMLENS_OAUTH_SERVERS="+f.sim.OAuthURL(), "ITEMLENS_JS_LIBRARY_URL="+f.sim.JSLibraryURL(), "ITEMLENS_DATABASE_MAX_CONNS=10",
		"ITEMLENS_PORTAL_RATE=1000", "ITEMLENS_KEEP_ALIVE_SPREAD=0s", "ITEMLENS_PORTAL_BURST=10000")
	f.sim.RegisterApp(portalsim.App{
		ClientID: replicaClient, ClientSecret: "replica-secret", Name: "Replicas", URL: "http://" + public + "/", InstallURL: "http://" + public + "/install",
		Scope: []string{"crm", "placement", "user_brief"},
	})
	f.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 300}}
	t.Cleanup(f.client.CloseIdleConnections)
	for i := range size {
		listen := public
		if i > 0 {
			listen = freeAddress(t)
		}
		f.replicas = append(f.replicas, f.start(listen))
	}
	return f
}

// start starts a process and waits until it is ready.
func (f *fleet) start(listen string) *replica {
	f.t.Helper()
	operator := freeAddress(f.t)
	r := &replica{cmd: exec.Command(f.binary), listen: listen, operator: operator}
	r.cmd.Env = append(f.env, "ITEMLENS_LISTEN="+listen, "ITEMLENS_OPERATOR_LISTEN="+operator)
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = r.cmd.Process.Signal(syscall.SIGKILL); _, _ = r.cmd.Process.Wait() })
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := f.client.Get("http://" + operator + "/readyz")
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return r
		}
	}
	f.t.Fatalf("a replica does not get ready:\n%s", &r.log)
	return nil
}

// kill ends a process as a power cut would.
func (r *replica) kill() {
	_ = r.cmd.Process.Signal(syscall.SIGKILL)
	_, _ = r.cmd.Process.Wait()
}

func (f *fleet) portal(name string) *portalsim.Portal {
	f.t.Helper()
	p, err := f.sim.AddPortal(name, "")
	if err != nil {
		f.t.Fatal(err)
	}
	if err := p.Install(replicaClient, 1); err != nil {
		f.t.Fatal(err)
	}
	if status := f.post(f.replicas[0], f.open(p, 1, "DEFAULT")); status != http.StatusOK {
		f.t.Fatalf("install: status %d\n%s", status, &f.replicas[0].log)
	}
	p.FinishInstall(replicaClient)
	f.sim.Deliveries()
	return p
}

func (f *fleet) open(p *portalsim.Portal, user int, placement string) portalsim.Opening {
	f.t.Helper()
	o, err := p.Open(replicaClient, user, placement, `{"ID":"250"}`)
	if err != nil {
		f.t.Fatal(err)
	}
	return o
}

// post sends an opening to one replica and returns the status; 0 where there is no answer.
func (f *fleet) post(r *replica, o portalsim.Opening) int {
	target, err := url.Parse(o.URL)
	if err != nil {
		return 0
	}
	target.Host = r.listen
	res, err := f.client.PostForm(target.String(), o.Form)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

// TestOneRefreshInThreeProcesses opens 200 pages at once in each of three processes, with tokens that have expired.
func TestOneRefreshInThreeProcesses(t *testing.T) {
	f := newFleet(t, 3)
	var stale []portalsim.Opening
	for _, name := range []string{"first", "second"} {
		p := f.portal(name)
		for _, user := range []int{1, 2} {
			o := f.open(p, user, "CRM_LEAD_DETAIL_TAB")
			if status := f.post(f.replicas[0], o); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			stale = append(stale, o)
		}
	}
	f.sim.ExpireAccessTokens()
	before := f.sim.OAuthRequests("refresh_token")
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range 600 {
		wg.Go(func() {
			status := f.post(f.replicas[i%3], stale[(i/3)%len(stale)])
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	wg.Wait()
	if statuses[http.StatusOK] != 600 {
		t.Errorf("statuses %v, want 600 times 200", statuses)
	}
	if got := f.sim.OAuthRequests("refresh_token") - before; got != len(stale) {
		t.Errorf("%d refreshes for %d pairs of portal and user", got, len(stale))
	}
	for i, r := range f.replicas {
		for _, secret := range f.sim.Issued() {
			if strings.Contains(r.log.String(), secret) {
				t.Fatalf("a secret stands in the log of replica %d", i)
			}
		}
	}
}

// TestKeepAliveRenewsOldTokensOnce ages an installer's token and starts three processes: it is renewed once by all of them
// together, recorded, and another token that is young is left alone.
func TestKeepAliveRenewsOldTokensOnce(t *testing.T) {
	f := newFleet(t, 1)
	old, young := f.portal("old"), f.portal("young")
	f.replicas[0].kill()
	f.sql(`UPDATE tokens SET stored_at = now() - interval '100 days' WHERE member_id = '` + old.MemberID + `'`)
	f.sql(`DELETE FROM river_job`) // the first start has looked already
	before := f.sim.OAuthRequests("refresh_token")
	for range 3 {
		f.start(freeAddress(t))
	}
	for deadline := time.Now().Add(2 * time.Minute); f.outcome(old) == "" && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
	}
	if got := f.outcome(old); got != "renewed" {
		t.Errorf("outcome %q", got)
	}
	if got := f.outcome(young); got != "" {
		t.Errorf("the young token: %q", got)
	}
	if got := f.sim.OAuthRequests("refresh_token") - before; got != 1 {
		t.Errorf("%d renewals, want 1", got)
	}
	f.sql(`SELECT 1 / (count(*) = 0)::int FROM river_job WHERE args::text LIKE '%token%'`) // no secrets in the queue
}

func (f *fleet) sql(statement string) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(f.t.Context())
	if _, err := conn.Exec(f.t.Context(), statement); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) outcome(p *portalsim.Portal) (outcome string) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), f.database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(f.t.Context())
	if err := conn.QueryRow(f.t.Context(), `SELECT keep_alive_outcome FROM portals WHERE member_id = $1`, p.MemberID).Scan(&outcome); err != nil {
		f.t.Fatal(err)
	}
	return outcome
}

// TestKilledAroundARefresh kills a process before, during and after an exchange. In every case the user's next open of
// the app works, and nobody has to install again.
func TestKilledAroundARefresh(t *testing.T) {
	f := newFleet(t, 2)
	p := f.portal("killed")
	for _, step := range []string{"before the exchange", "after the answer", "after the commit"} {
		t.Run(step, func(t *testing.T) {
			victim := f.replicas[1]
			o := f.open(p, 2, "CRM_LEAD_DETAIL_TAB")
			if status := f.post(f.replicas[0], o); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			f.sim.ExpireAccessTokens()
			done := make(chan struct{})
			var release func()
			switch step {
			case "before the exchange":
				release = f.sim.StallExchanges(p)
			case "after the answer":
				release = f.sim.StallAnswers(p)
			}
			go func() { f.post(victim, o); close(done) }()
			if release != nil {
				f.sim.AwaitStalled(1)
			} else {
				<-done
			}
			victim.kill()
			if release != nil {
				for f.sim.Stalled() > 0 { // the OAuth server notices that the client has gone
					time.Sleep(5 * time.Millisecond)
				}
				release()
				<-done
			}
			status := f.post(f.replicas[0], o) // the same form again, at another replica
			usedUp := step == "after the answer"
			if !usedUp && status != http.StatusOK {
				t.Errorf("the old pair or the new one should work: status %d", status)
			}
			if usedUp && status != http.StatusOK && status != http.StatusUnauthorized {
				t.Errorf("status %d", status)
			}
			if status := f.post(f.replicas[0], f.open(p, 2, "CRM_LEAD_DETAIL_TAB")); status != http.StatusOK {
				t.Errorf("the user's next open: status %d", status)
			}
			if status := f.post(f.replicas[0], f.open(p, 1, "CRM_LEAD_DETAIL_TAB")); status != http.StatusOK {
				t.Errorf("another user: status %d", status)
			}
			f.replicas[1] = f.start(victim.listen)
		})
	}
}
