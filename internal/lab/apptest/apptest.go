// Package apptest starts the app, a simulated portal and a database of its own for a test. Tests act through the front
// door, as a portal would, and see what a user or the platform would see.
package apptest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"itemlens/internal/config"
	"itemlens/internal/lab/localpg"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

const template = "itemlens_template"

// Cluster is the Postgres of one test binary, as a rule.
type Cluster struct {
	server *localpg.Server
	pooler *localpg.Pooler // nil as a rule
	count  atomic.Int64
}

// PoolerVariable is the environment variable that names a configuration of PgBouncer: every database that is up to date is
// then reached through one. `make test-pgbouncer` runs whole packages that way.
const PoolerVariable = "ITEMLENS_TEST_PGBOUNCER"

// SharedCluster is the environment variable that names the directory of a cluster that is up already: where the same tests
// run a thousand times, each in a process of its own, starting Postgres would cost more than they do.
const SharedCluster = "ITEMLENS_TEST_CLUSTER"

// Main runs a package's tests on a cluster that lives as long as they do, and fails where goroutines are left over.
// Use: func TestMain(m *testing.M) { apptest.Main(m, &cluster) }.
func Main(m *testing.M, cluster *Cluster) {
	os.Exit(cluster.run(m))
}

func (c *Cluster) run(m *testing.M) int {
	if dir := os.Getenv(SharedCluster); dir != "" {
		c.server = localpg.At(dir)
	} else {
		own, err := StartCluster(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer own.Stop()
		c.server = own.server
	}
	if configuration := os.Getenv(PoolerVariable); configuration != "" {
		pooler, err := localpg.StartPooler(context.Background(), c.server, configuration)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer pooler.Stop()
		c.pooler = pooler
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	ignore := goleak.IgnoreAnyFunction("itemlens/internal/lab/localpg.(*Server).Resume.func1")
	pooler := goleak.IgnoreAnyFunction("itemlens/internal/lab/localpg.StartPooler.func1")
	if err := goleak.Find(ignore, pooler, goleak.IgnoreTopFunction("os/signal.loop")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines left over:", err)
		return 1
	}
	return code
}

// StartCluster starts a cluster that can clone databases which are up to date. Stop ends it.
func StartCluster(ctx context.Context) (*Cluster, error) {
	server, err := localpg.Start(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{server: server}
	err = c.exec("CREATE DATABASE " + template)
	if err == nil {
		err = storage.Migrate(secret.New(server.URL(template)))
	}
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// NewCluster starts a cluster for one test, which may pause it.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := StartCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// Stop ends the cluster and removes everything.
func (c *Cluster) Stop() { c.server.Stop() }

// Dir is the value of SharedCluster for test binaries that share the cluster.
func (c *Cluster) Dir() string { return c.server.Dir() }

func (c *Cluster) exec(sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.server.URL("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the test cluster: %w", err)
	}
	defer conn.Close(ctx)
	if _, err = conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// Pause stops the cluster at once, as a crash does, until Resume. It is for clusters of NewCluster: others have databases there
// too.
func (c *Cluster) Pause() { c.server.Pause() }

// Resume starts the cluster again.
func (c *Cluster) Resume(t testing.TB) {
	t.Helper()
	if err := c.server.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) name(prefix string) string {
	return fmt.Sprintf("%s_%d_%d", prefix, os.Getpid(), c.count.Add(1))
}

// Database clones a database that is up to date and returns its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := c.name("test")
	if err := c.exec("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.exec("DROP DATABASE " + name + " WITH (FORCE)") })
	if c.pooler != nil {
		return c.pooler.URL(name)
	}
	return c.server.URL(name)
}

// Empty makes a database without migrations and returns its URL.
func (c *Cluster) Empty(t testing.TB) string {
	t.Helper()
	name := c.name("empty")
	if err := c.exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.exec("DROP DATABASE " + name + " WITH (FORCE)") })
	return c.server.URL(name)
}

// NewSealer makes a sealer with a key of its own.
func NewSealer(t testing.TB) *seal.Sealer {
	t.Helper()
	keyset, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.New(keyset)
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

// App is the app under test with its world.
type App struct {
	*stack.Stack
	DatabaseURL string
	Log         *Log
	t           testing.TB
	client      *http.Client
}

// Log collects what the app logs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds a line.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// String is everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Configure changes the app's configuration on top of what Start gives it.
func Configure(change func(*config.Config)) func(*stack.Options) {
	return func(o *stack.Options) {
		before := o.Adjust
		o.Adjust = func(c *config.Config) { before(c); change(c) }
	}
}

// Start starts everything for one test. At its end the test fails if a secret stands in the log or in any answer that
// the app gave to it.
func Start(t testing.TB, cluster *Cluster, adjust ...func(*stack.Options)) *App {
	t.Helper()
	a := &App{t: t, DatabaseURL: cluster.Database(t), Log: &Log{}}
	options := stack.Options{
		DatabaseURL: a.DatabaseURL, PortalName: "acme", Log: slog.New(slog.NewJSONHandler(a.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Simulator: portalsim.Options{RateBurst: 10_000, Vary: true, Seed: seed(t), Truth: truth(t)},
		Adjust: func(c *config.Config) {
			c.PortalTimeout, c.PortalRate, c.PortalBurst, c.OAuthRate = 3*time.Second, 1000, 10_000, 10_000
		},
	}
	for _, change := range adjust {
		change(&options)
	}
	var err error
	if a.Stack, err = stack.Start(context.Background(), options); err != nil {
		t.Fatal(err)
	}
	a.client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() {
		a.client.CloseIdleConnections()
		a.Stop()
		a.checkSecrets("the log", a.Log.String())
		if t.Failed() {
			t.Logf("the simulator varied by seed %d; %s=%d repeats it\nlog of the app:\n%s", options.Simulator.Seed, seedVariable, options.Simulator.Seed, a.Log)
		}
	})
	return a
}

const seedVariable = "ITEMLENS_SIM_SEED"

// seed is what the simulator varies by: another one in each run, or the one of a run to repeat.
func seed(t testing.TB) int64 {
	t.Helper()
	text := os.Getenv(seedVariable)
	if text == "" {
		return rand.Int64N(1_000_000) + 1
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	return n
}

func truth(t testing.TB) portalsim.Truth {
	t.Helper()
	told, err := stack.Truth()
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func (a *App) checkSecrets(where, text string) {
	for _, s := range append(a.Sim.Issued(), a.App.ClientSecret) {
		if strings.Contains(text, s) {
			a.t.Errorf("a secret stands in %s", where)
			return
		}
	}
}

// Answer is what the app answered.
type Answer struct {
	Status int
	Body   string
	Header http.Header
}

// Post posts a form to the app.
func (a *App) Post(target string, form url.Values) Answer {
	a.t.Helper()
	return a.Send(http.MethodPost, target, "application/x-www-form-urlencoded", form.Encode())
}

var sessionOf = regexp.MustCompile(`data-session="([^"]+)"`)

// Session is what a page carries for the requests that it makes itself; empty where it carries none.
func Session(page Answer) string {
	if match := sessionOf.FindStringSubmatch(page.Body); match != nil {
		return match[1]
	}
	return ""
}

// Ask makes a request as a page of the app does, with its session.
func (a *App) Ask(page Answer, target, body string) Answer {
	a.t.Helper()
	return a.SendAs(Session(page), http.MethodPost, target, "application/json", body)
}

// Send sends any request to the app.
func (a *App) Send(method, target, contentType, body string) Answer {
	a.t.Helper()
	return a.SendAs("", method, target, contentType, body)
}

// SendAs is Send with a session.
func (a *App) SendAs(session, method, target, contentType, body string) Answer {
	a.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = a.AppURL + target
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if session != "" {
		req.Header.Set("Authorization", "Bearer "+session)
	}
	res, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	a.checkSecrets("an answer of the app", string(text))
	return Answer{res.StatusCode, string(text), res.Header}
}

// Opening is the portal's form for a page, as a user opens it.
func (a *App) Opening(user int, placement string, itemID any) portalsim.Opening {
	a.t.Helper()
	options := ""
	if itemID != nil {
		options = fmt.Sprintf(`{"ID":"%v","URI":"/crm/"}`, itemID)
	}
	opening, err := a.Portal.Open(stack.ClientID, user, placement, options)
	if err != nil {
		a.t.Fatal(err)
	}
	return opening
}

// Open opens a page as a user does.
func (a *App) Open(user int, placement string, itemID any) Answer {
	a.t.Helper()
	opening := a.Opening(user, placement, itemID)
	return a.Post(opening.URL, opening.Form)
}

// Install installs the app in the portal as its administrator, up to the end.
func (a *App) Install() {
	a.t.Helper()
	a.InstallIn(a.Portal)
}

// InstallIn is Install for another portal.
func (a *App) InstallIn(p *portalsim.Portal) {
	a.t.Helper()
	if err := p.Install(stack.ClientID, 1); err != nil {
		a.t.Fatal(err)
	}
	a.runInstaller(p)
}

// Update updates the app in the portal, in one of the ways that updates are known to go, up to its end: in most of them an
// administrator has to open the install page again.
func (a *App) Update(way string) {
	a.t.Helper()
	a.Portal.UpdateAs(stack.ClientID, way)
	if !a.Portal.Finished(stack.ClientID) {
		a.runInstaller(a.Portal)
		return
	}
	a.Sim.Deliveries()
	a.waitBound()
}

// runInstaller opens the install page and lets it finish.
func (a *App) runInstaller(p *portalsim.Portal) {
	a.t.Helper()
	opening, err := p.Open(stack.ClientID, 1, "DEFAULT", "")
	if err != nil {
		a.t.Fatal(err)
	}
	if answer := a.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
		a.t.Fatalf("install page: status %d\n%s", answer.Status, answer.Body)
	}
	p.FinishInstall(stack.ClientID)
	a.Sim.Deliveries()
	a.waitBound()
}

// waitBound waits until no binding is planned or runs, and no event waits to be looked into: their requests are not to be
// counted among those of a page.
func (a *App) waitBound() {
	a.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var n int
		a.query(func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, `SELECT count(*) FROM river_job WHERE kind IN ('bind', 'event') AND state NOT IN ('completed', 'discarded', 'cancelled')`).Scan(&n)
		})
		if n == 0 {
			return
		}
	}
	a.t.Fatal("the portal is not bound within 20 s")
}

// query runs something on a connection of its own, beside the app.
func (a *App) query(do func(ctx context.Context, conn *pgx.Conn) error) {
	a.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, a.DatabaseURL)
	if err != nil {
		a.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := do(ctx, conn); err != nil {
		a.t.Fatal(err)
	}
}

// Rows counts rows of a table.
func (a *App) Rows(table string) (n int) {
	a.t.Helper()
	a.query(func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n)
	})
	return n
}

// SQL changes the app's database behind its back, as time does.
func (a *App) SQL(statement string, args ...any) {
	a.t.Helper()
	a.query(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, statement, args...)
		return err
	})
}

// Jobs are the arguments of the jobs of a kind that wait, run or are through, in the order in which they were planned.
func (a *App) Jobs(kind string) (args []string) {
	a.t.Helper()
	a.query(func(ctx context.Context, conn *pgx.Conn) (err error) {
		rows, _ := conn.Query(ctx, "SELECT args::text FROM river_job WHERE kind = $1 ORDER BY id", kind)
		args, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return args
}

// Forget empties the app's tables, as when its database was lost.
func (a *App) Forget() {
	a.t.Helper()
	a.query(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "TRUNCATE portals CASCADE")
		return err
	})
}

// Dump is the text of every row of the app's tables, to look for what must not stand there.
func (a *App) Dump() string {
	a.t.Helper()
	var out strings.Builder
	a.query(func(ctx context.Context, conn *pgx.Conn) error {
		for _, table := range []string{"portals", "tokens", "refresh_hashes", "portal_settings", "settings_changes", "event_claims"} {
			rows, _ := conn.Query(ctx, "SELECT to_jsonb(t)::text FROM "+table+" t")
			texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			out.WriteString(strings.Join(texts, "\n"))
		}
		return nil
	})
	return out.String()
}
