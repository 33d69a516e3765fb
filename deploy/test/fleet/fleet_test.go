// Package fleet runs several processes of the app behind a real Caddy, with the Caddyfile that deploy/ offers: what a
// balancer has to do for portals, what happens when a replica goes, and how a fleet gets a newer version. `make test-fleet`.
package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
)

const (
	clientID     = "app.fleet"
	clientSecret = "fleet-secret"
	root         = "../../.."
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }

// fleet is three processes of the app behind Caddy on one database, and a simulator.
type fleet struct {
	t        *testing.T
	database string
	env      []string
	sim      *portalsim.Sim
	replicas []*replica
	port     string // on which each replica serves, at an address of its own
	operator string
	client   *http.Client
}

// replica is a process at 127.0.0.x.
type replica struct {
	cmd  *exec.Cmd
	host string
	log  apptest.Log
}

func newFleet(t *testing.T, binary string, drain time.Duration) *fleet {
	t.Helper()
	f := &fleet{t: t, database: cluster.Empty(t), port: freePort(t), operator: freePort(t)}
	site := "http://127.0.0.1:" + freePort(t)
	var err error
	if f.sim, err = portalsim.New(portalsim.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.sim.Close)
	key, err := exec.Command(binary, "keys", "generate").Output()
	if err != nil {
		t.Fatal(err)
	}
	f.env = append(os.Environ(), "ITEMLENS_PUBLIC_URL="+site, "ITEMLENS_DATABASE_URL="+f.database, "ITEMLENS_CLIENT_ID="+clientID,
		"ITEMLENS_CLIENT_SECRET="+clientSecret, "ITEMLENS_KEYSET="+strings.TrimSpace(string(key)), "ITEMLENS_ALLOW_PRIVATE=true",
		"ITEMLENS_OAUTH_SERVERS="+f.sim.OAuthURL(), "ITEMLENS_JS_LIBRARY_URL="+f.sim.JSLibraryURL(), "ITEMLENS_DATABASE_MAX_CONNS=15",
		"ITEMLENS_DRAIN_DELAY="+drain.String(), "ITEMLENS_TRUSTED_PROXIES=127.0.0.0/8", "ITEMLENS_OAUTH_RATE=10000", "ITEMLENS_LOG_LEVEL=info")
	f.sim.RegisterApp(portalsim.App{
		ClientID: clientID, ClientSecret: clientSecret, Name: "Fleet", URL: site + "/", InstallURL: site + "/install", Scope: []string{"crm", "placement", "user_brief"},
	})
	f.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	t.Cleanup(f.client.CloseIdleConnections)
	f.run(binary, "migrate")
	var upstreams []string
	for i := range 3 {
		host := fmt.Sprintf("127.0.0.%d", i+2)
		f.replicas = append(f.replicas, f.start(binary, host))
		upstreams = append(upstreams, net.JoinHostPort(host, f.port))
	}
	f.balance(site, upstreams)
	return f
}

// run runs a command of the app and returns what it prints.
func (f *fleet) run(binary string, args ...string) string {
	f.t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = f.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("app %v: %v: %s", args, err, out)
	}
	return string(out)
}

// start starts a replica and waits until it is ready.
func (f *fleet) start(binary, host string) *replica {
	f.t.Helper()
	r := &replica{cmd: exec.Command(binary), host: host}
	r.cmd.Env = append(f.env, "ITEMLENS_LISTEN="+net.JoinHostPort(host, f.port), "ITEMLENS_OPERATOR_LISTEN="+net.JoinHostPort(host, f.operator))
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := r.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = r.cmd.Process.Signal(syscall.SIGKILL); _, _ = r.cmd.Process.Wait() })
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if f.ready(r) == http.StatusOK {
			return r
		}
	}
	f.t.Fatalf("a replica does not get ready:\n%s", &r.log)
	return nil
}

// ready is what a replica says at /readyz; 0 where it does not answer.
func (f *fleet) ready(r *replica) int {
	res, err := f.client.Get("http://" + net.JoinHostPort(r.host, f.operator) + "/readyz")
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// stop ends a replica as an orchestrator does, waits for it, and fails where it was not at peace.
func (f *fleet) stop(r *replica) {
	f.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		f.t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		f.t.Errorf("%s after SIGTERM: %v\n%s", r.host, err, &r.log)
	}
}

// balance starts Caddy with the Caddyfile of deploy/, which takes a second to see that the replicas are ready.
func (f *fleet) balance(site string, upstreams []string) {
	f.t.Helper()
	binary := build(f.t, ".", "github.com/caddyserver/caddy/v2/cmd/caddy")
	var log apptest.Log
	caddy := exec.Command(binary, "run", "--adapter", "caddyfile", "--config", filepath.Join(root, "deploy/caddy/Caddyfile"))
	caddy.Env = append(os.Environ(), "ITEMLENS_SITE="+site, "ITEMLENS_UPSTREAMS="+strings.Join(upstreams, " "), "ITEMLENS_HEALTH_PORT="+f.operator,
		"XDG_DATA_HOME="+f.t.TempDir(), "XDG_CONFIG_HOME="+f.t.TempDir())
	caddy.Stdout, caddy.Stderr = &log, &log
	if err := caddy.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = caddy.Process.Signal(syscall.SIGTERM)
		_ = caddy.Wait()
		if f.t.Failed() {
			f.t.Logf("Caddy:\n%.4000s", &log)
		}
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := f.client.Get(site + "/")
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	f.t.Fatalf("Caddy does not get ready:\n%s", &log)
}

// install makes so many portals and installs the app in them, a few at a time.
func (f *fleet) install(count int) []*portalsim.Portal {
	f.t.Helper()
	portals := make([]*portalsim.Portal, count)
	for i := range portals {
		p, err := f.sim.AddPortal(fmt.Sprintf("portal-%d", i), "")
		if err != nil {
			f.t.Fatal(err)
		}
		portals[i] = p
	}
	var wg sync.WaitGroup
	free := make(chan struct{}, 8)
	for _, p := range portals {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			if err := p.Install(clientID, 1); err != nil {
				f.t.Error(err)
				return
			}
			if a := f.open(p, "DEFAULT"); a.status != http.StatusOK {
				f.t.Errorf("install: status %d\n%.500s", a.status, a.body)
			}
			p.FinishInstall(clientID)
		})
	}
	wg.Wait()
	f.sim.Deliveries()
	for deadline := time.Now().Add(2 * time.Minute); f.number(`SELECT count(*) FROM portals WHERE bind_wanted > bind_done`) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatal("portals are not bound in two minutes")
		}
	}
	return portals
}

type answer struct {
	status int
	body   string
	took   time.Duration
}

// open opens a page as user 1 of a portal does.
func (f *fleet) open(p *portalsim.Portal, placement string) answer {
	return f.openAt(p, placement, f.site())
}

// openAt opens a page at an address instead of the app's own.
func (f *fleet) openAt(p *portalsim.Portal, placement, target string) answer {
	o, err := p.Open(clientID, 1, placement, `{"ID":"250"}`)
	if err != nil {
		return answer{body: err.Error()}
	}
	return f.send(strings.Replace(o.URL, f.site(), target, 1), "application/x-www-form-urlencoded", o.Form.Encode(), "")
}

var sessionOf = regexp.MustCompile(`data-session="([^"]+)"`)

// names asks for what an open page asks for first, as its script does: with the DOMAIN of the page's own address.
func (f *fleet) names(p *portalsim.Portal, page answer) answer {
	match := sessionOf.FindStringSubmatch(page.body)
	if match == nil {
		return answer{body: "the page has no session"}
	}
	return f.send(f.site()+"/in/names?DOMAIN="+url.QueryEscape(p.Domain()), "application/json", `{"names":["user:2"]}`, match[1])
}

func (f *fleet) send(target, media, body, session string) answer {
	began := time.Now()
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return answer{body: err.Error()}
	}
	req.Header.Set("Content-Type", media)
	if session != "" {
		req.Header.Set("Authorization", "Bearer "+session)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return answer{body: err.Error(), took: time.Since(began)}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{body: err.Error(), took: time.Since(began)}
	}
	return answer{res.StatusCode, string(text), time.Since(began)}
}

// site is the public address.
func (f *fleet) site() string {
	for _, v := range f.env {
		if site, ok := strings.CutPrefix(v, "ITEMLENS_PUBLIC_URL="); ok {
			return site
		}
	}
	return ""
}

func (f *fleet) number(query string) (n int64) {
	f.t.Helper()
	conn, err := pgx.Connect(context.Background(), f.database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), query).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// served counts, by replica, the requests of pages and open pages for each portal since a place in each log.
func (f *fleet) served(since []int) map[string]map[string]int {
	counts := map[string]map[string]int{}
	for i, r := range f.replicas {
		for line := range strings.Lines(r.log.String()[since[i]:]) {
			var entry struct{ Path, Portal, Method string }
			if json.Unmarshal([]byte(line), &entry) != nil || entry.Portal == "" || entry.Path != "/" && !strings.HasPrefix(entry.Path, "/in/") {
				continue
			}
			if counts[entry.Portal] == nil {
				counts[entry.Portal] = map[string]int{}
			}
			counts[entry.Portal][r.host]++
		}
	}
	return counts
}

func (f *fleet) logs() []int {
	places := make([]int, len(f.replicas))
	for i, r := range f.replicas {
		places[i] = len(r.log.String())
	}
	return places
}

// build builds a program of a module, with files of its own in place of some or beside them.
func build(t *testing.T, dir, pkg string, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", append(append([]string{"build"}, args...), "-o", binary, pkg)...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("build %s in %s: %v: %s", pkg, dir, err, &out)
	}
	return binary
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
