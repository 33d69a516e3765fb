// Package soak works on the app for an hour as a thousand portals would, at random by a seed, and looks at the end whether
// anything is left that does not belong: goroutines, connections, rows, bytes, tokens that are lost or were spent twice. It
// is not part of the product.
//
// The app is a process of its own, with the limits that it has by default; the portals are simulated, with the limits of
// real ones.
package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/localpg"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

const (
	clientID     = "app.item-lens.soak"
	clientSecret = "soak-client-secret-that-nobody-may-see"
	maxConns     = 20

	// flat is how far the memory may move between two thirds of a run that counts, and between start and end.
	flat = 0.05
	// judged is how many marks a run needs for that: a shorter one ends before the caches are full.
	judged = 9
	// slack is what a heap may differ by whatever was done: what pgx keeps for each of its connections, about 150 KB of
	// statements and types, and maps that have grown once.
	slack = maxConns * 150 << 10
)

// Options of a soak.
type Options struct {
	Portals int
	For     time.Duration
	Marks   int     // how often everything stops and is looked at
	Workers int     // that work at the same time
	Pace    float64 // steps a second, all workers together; 0 for as fast as they can
	Seed    int64
	Cache   int64         // bytes of the app's cache, small enough to be full before memory is compared
	Access  time.Duration // life of access tokens
	Out     io.Writer     // what is done and found
	AppLog  io.Writer     // the app's log

	Profiles string // directory for heap profiles of the app, one a measurement; empty for none

	leakGoroutines, leakMemory bool
	beforeEnd, beforeLast      func(context.Context, *world) error // see the test
}

// ErrFound is returned where a soak has found something; what it was is printed.
var ErrFound = errors.New("the soak found what does not belong")

// world is the app, its portals and its database.
type world struct {
	options Options
	began   time.Time
	sim     *portalsim.Sim
	app     *process
	appURL  string
	db      *pgx.Conn // used between the steps alone
	store   *storage.Store
	client  *http.Client
	tenants []*tenant

	mu       sync.Mutex
	answers  map[string]int
	findings map[string]int
	steps    int
}

// found notes what does not belong.
func (w *world) found(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if w.findings[text]++; w.findings[text] == 1 && len(w.findings) <= 50 {
		w.printf("FOUND: %s\n", text)
	}
}

func (w *world) count(status int, problem string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := fmt.Sprint(status)
	if problem != "" {
		key += " " + problem
	}
	w.answers[key]++
}

func (w *world) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(w.options.Out, "%6.1f s: "+format, append([]any{time.Since(w.began).Seconds()}, args...)...)
}

// Run soaks the app. It returns ErrFound where something does not belong, and another error where the soak itself failed.
func Run(ctx context.Context, o Options) error {
	w := &world{options: o, began: time.Now(), answers: map[string]int{}, findings: map[string]int{}, client: &http.Client{Timeout: 2 * time.Minute}}
	w.client.Transport = &http.Transport{MaxIdleConnsPerHost: o.Workers}
	w.printf("seed %d, %d portals, %v, %d marks\n", o.Seed, o.Portals, o.For, o.Marks)
	postgres, err := localpg.Start(ctx)
	if err != nil {
		return err
	}
	defer postgres.Stop()
	if err := w.start(ctx, postgres.URL("postgres")); err != nil {
		return err
	}
	defer w.close()
	err = w.soak(ctx)
	var answers strings.Builder
	for _, key := range slices.Sorted(maps.Keys(w.answers)) {
		fmt.Fprintf(&answers, " %s: %d;", key, w.answers[key])
	}
	w.printf("%d steps; answers:%s\n", w.steps, &answers)
	if err == nil && len(w.findings) > 0 {
		return ErrFound
	}
	return err
}

func (w *world) start(ctx context.Context, database string) error {
	url := secret.New(database)
	if err := storage.Migrate(url); err != nil {
		return err
	}
	keyset, err := seal.Generate()
	if err != nil {
		return err
	}
	sealer, err := seal.New(keyset)
	if err != nil {
		return err
	}
	w.sim, err = portalsim.New(portalsim.Options{Vary: true, Seed: w.options.Seed, Truth: portalsim.Everything(), AccessLife: w.options.Access})
	if err != nil {
		return err
	}
	if w.db, err = observer(ctx, database); err != nil {
		return err
	}
	observed := secret.New(w.db.Config().ConnString())
	if w.store, err = storage.Open(ctx, storage.Options{URL: observed, MaxConns: 2, Sealer: sealer, Now: time.Now}); err != nil {
		return err
	}
	w.app, err = startProcess(ctx, settings{
		Database: database, Keyset: keyset.Reveal(), ClientID: clientID, ClientSecret: clientSecret,
		OAuthServers: []string{w.sim.OAuthURL(), w.sim.RegionalOAuthURL()}, JSLibraryURL: w.sim.JSLibraryURL(),
		CacheBytes: w.options.Cache, SchemaLife: 10 * time.Minute,
		Profiles:       w.options.Profiles,
		LeakGoroutines: w.options.leakGoroutines, LeakMemory: w.options.leakMemory,
	}, w.options.AppLog)
	if err != nil {
		return err
	}
	w.appURL = w.app.appURL
	w.sim.RegisterApp(portalsim.App{
		ClientID: clientID, ClientSecret: clientSecret, Name: "Item Lens", URL: w.appURL + "/", InstallURL: w.appURL + "/install",
		Scope: []string{"crm", "placement", "user_brief"},
	})
	for i := range w.options.Portals {
		p, err := w.sim.AddPortal(fmt.Sprintf("portal%d", i), "")
		if err != nil {
			return err
		}
		w.tenants = append(w.tenants, &tenant{world: w, portal: p, address: fmt.Sprintf("198.18.%d.%d", i/250, 1+i%250)})
	}
	return nil
}

// observer connects as another user than the app, so that the app's connections can be told from the soak's own.
func observer(ctx context.Context, database string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	_, err = conn.Exec(ctx, "CREATE ROLE observer SUPERUSER LOGIN")
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return nil, fmt.Errorf("make a user of Postgres: %w", err)
	}
	if conn, err = pgx.Connect(ctx, strings.Replace(database, "user=postgres", "user=observer", 1)); err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	return conn, nil
}

func (w *world) close() {
	if w.app != nil {
		w.app.kill()
	}
	w.client.CloseIdleConnections()
	w.sim.Close()
	if w.store != nil {
		w.store.Close()
	}
	if w.db != nil {
		_ = w.db.Close(context.Background())
	}
}

func (w *world) soak(ctx context.Context) error {
	before, err := w.warmUp(ctx)
	if err != nil {
		return err
	}
	if err := w.marks(ctx); err != nil {
		return err
	}
	if err := w.heal(ctx); err != nil {
		return err
	}
	if err := w.empty(ctx); err != nil {
		return err
	}
	return w.end(ctx, before)
}

// warmUp does once what is done from now on, so that what the app keeps for good is there, and measures.
func (w *world) warmUp(ctx context.Context) (Measure, error) {
	for _, t := range w.tenants[:min(2, len(w.tenants))] {
		if !w.patiently(ctx, func() bool { return t.install(ctx) }) {
			return Measure{}, errors.New("the app cannot be installed")
		}
		for i := range items {
			t.open(ctx, step{user: 1 + i%2, item: i}, "")
			t.do(ctx, step{act: ask, yes: i%2 == 0})
		}
		t.do(ctx, step{act: event, user: 1})
		var wg sync.WaitGroup
		for range 10 { // so that connections are made
			wg.Go(func() { t.post(ctx, t.pages[0].opening) })
		}
		wg.Wait()
		for i := range faultKinds { // long answers make buffers grow that stay
			t.do(ctx, step{act: fault, kind: i, count: 1})
			t.open(ctx, step{user: 2}, "")
		}
		t.portal.ClearFaults()
		if err := w.settle(ctx); err != nil {
			return Measure{}, err
		}
		t.remove(true)
	}
	if err := w.settle(ctx); err != nil {
		return Measure{}, err
	}
	m, err := w.measure(ctx)
	// The process that plans the queue's work for all is elected within seconds; from then on it has more goroutines.
	for deadline := time.Now().Add(time.Minute); err == nil && !m.plans() && time.Now().Before(deadline); {
		m, err = w.measure(ctx)
	}
	w.printf("at the start: heap %.1f MB, %s\n", megabytes(m.Heap), m.summary())
	return m, err
}

// measure waits until connections of this process's own are gone and the app is at rest.
func (w *world) measure(ctx context.Context) (Measure, error) {
	w.client.CloseIdleConnections()
	select {
	case <-ctx.Done():
		return Measure{}, ctx.Err()
	case <-time.After(500 * time.Millisecond):
	}
	return w.app.measure()
}

func (m Measure) summary() string {
	n := 0
	for _, count := range m.Goroutines {
		n += count
	}
	return fmt.Sprintf("%d goroutines, %d of connections to portals, %d sockets", n, m.connections(), m.Sockets)
}

func megabytes(n uint64) float64 { return float64(n) / (1 << 20) }

// marks works, and stops at each mark to look at tokens and memory.
func (w *world) marks(ctx context.Context) error {
	workers := make([]*choices, w.options.Workers)
	for i := range workers {
		workers[i] = newChoices(w.options.Seed, i, (w.options.Portals-i+w.options.Workers-1)/w.options.Workers)
	}
	var heaps []uint64
	for mark := range w.options.Marks {
		until := time.Now().Add(w.options.For / time.Duration(w.options.Marks))
		var wg sync.WaitGroup
		for i, c := range workers {
			wg.Go(func() { w.work(ctx, i, c, until) })
		}
		wg.Wait()
		if err := w.settle(ctx); err != nil {
			return err
		}
		if err := w.checkTokens(ctx); err != nil {
			return err
		}
		m, err := w.measure(ctx)
		if err != nil {
			return err
		}
		heaps = append(heaps, m.Heap)
		w.printf("mark %d: %d steps, heap %.1f MB, %s\n", mark+1, w.steps, megabytes(m.Heap), m.summary())
	}
	w.judge(heaps)
	return nil
}

// judge compares memory in the last third of a run with the second third: the first one fills the caches, and in the others
// as many portals come as go.
func (w *world) judge(heaps []uint64) {
	if len(heaps) < judged {
		w.printf("memory is not compared between marks: there are fewer than %d\n", judged)
		return
	}
	third := len(heaps) / 3
	earlier, later := median(heaps[third:2*third]), median(heaps[2*third:])
	growth := float64(later)/float64(earlier) - 1
	w.printf("memory: %.1f MB in the second third, %.1f MB in the last, %+.1f %%\n", megabytes(earlier), megabytes(later), 100*growth)
	if growth > flat {
		w.found("memory grows by %.1f %% from the second third of the run to the last", 100*growth)
	}
}

func median(values []uint64) uint64 { return slices.Sorted(slices.Values(values))[len(values)/2] }

// work takes the steps of one worker, on portals that no other works on.
func (w *world) work(ctx context.Context, worker int, c *choices, until time.Time) {
	for ctx.Err() == nil && time.Now().Before(until) {
		s, began := c.next(), time.Now()
		w.tenants[worker+s.portal*w.options.Workers].do(ctx, s)
		w.mu.Lock()
		w.steps++
		w.mu.Unlock()
		if w.options.Pace > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(float64(w.options.Workers) / w.options.Pace * float64(time.Second)))))
		}
	}
}

// heal ends every fault: then every portal that has the app can be used by everybody, and nothing is left of those that
// removed it.
func (w *world) heal(ctx context.Context) error {
	if w.options.beforeEnd != nil {
		if err := w.options.beforeEnd(ctx, w); err != nil {
			return err
		}
	}
	w.sim.ClearOAuthFaults()
	for _, t := range w.tenants {
		t.portal.ClearFaults()
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	w.each(func(t *tenant) {
		if !t.there {
			return
		}
		if !w.patiently(ctx, func() bool { return t.install(ctx) }) {
			w.found("%s cannot install the app when all is well", t.portal.Name)
			return
		}
		for _, user := range []int{1, 2} {
			if !w.patiently(ctx, func() bool { return t.open(ctx, step{user: user}, "") == http.StatusOK }) {
				w.found("user %d of %s cannot open an item when all is well", user, t.portal.Name)
			}
		}
	})
	w.printf("every portal that has the app opens items\n")
	if err := w.settle(ctx); err != nil {
		return err
	}
	return errors.Join(w.checkTokens(ctx), w.checkPortals(ctx), w.checkConnections(ctx, maxConns))
}

// each does something in every portal, in as many at once as work at the same time.
func (w *world) each(do func(*tenant)) {
	var wg sync.WaitGroup
	for worker := range w.options.Workers {
		wg.Go(func() {
			for i := worker; i < len(w.tenants); i += w.options.Workers {
				do(w.tenants[i])
			}
		})
	}
	wg.Wait()
}

// patiently tries until it works: the app keeps to limits, and says so.
func (w *world) patiently(ctx context.Context, try func() bool) bool {
	for deadline := time.Now().Add(time.Minute); ctx.Err() == nil && time.Now().Before(deadline); time.Sleep(time.Second) {
		if try() {
			return true
		}
	}
	return false
}

// empty removes the app everywhere, with all data. A portal that kept its settings installs the app once more for that.
func (w *world) empty(ctx context.Context) error {
	w.each(func(t *tenant) {
		if !t.there && (!t.seen || t.cleaned) {
			return
		}
		if !t.there && !w.patiently(ctx, func() bool { return t.install(ctx) }) {
			w.found("%s cannot install the app again", t.portal.Name)
		}
		t.remove(true)
	})
	w.printf("every portal has removed the app with its data\n")
	if err := w.settle(ctx); err != nil {
		return err
	}
	if w.options.beforeLast != nil {
		if err := w.options.beforeLast(ctx, w); err != nil {
			return err
		}
	}
	return errors.Join(w.checkPortals(ctx), w.checkEmpty(ctx), w.checkConnections(ctx, maxConns))
}

// end takes the platform away, measures for the last time and stops the app.
func (w *world) end(ctx context.Context, before Measure) error {
	w.sim.Close()
	after, err := w.measure(ctx)
	for try := 0; err == nil && try < 10 && len(after.more(before)) > 0; try++ { // the queue looks for work now and then
		after, err = w.measure(ctx)
	}
	if err != nil {
		return err
	}
	w.printf("at the end: heap %.1f MB, %s\n", megabytes(after.Heap), after.summary())
	for _, line := range after.more(before) {
		w.found("goroutines: %s", line)
	}
	if n := after.connections(); n > 0 {
		w.found("%d goroutines of connections to portals that are gone", n)
	}
	if most := uint64(float64(before.Heap)*(1+flat)) + slack; after.Heap > most {
		w.found("without portals %.1f MB are in use, %.1f MB at the start", megabytes(after.Heap), megabytes(before.Heap))
	}
	left, err := w.app.stop()
	if err != nil {
		return err
	}
	if left != "" {
		w.found("goroutines of the app that has stopped: %s", left)
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var n int // Postgres ends its side of a connection a moment later
		err := w.db.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename <> current_user`).Scan(&n)
		if err != nil {
			return fmt.Errorf("look at connections: %w", err)
		}
		if n == 0 {
			break
		}
	}
	return w.checkConnections(ctx, 0)
}
