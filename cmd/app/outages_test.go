//go:build outages

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/localpg"
	"itemlens/internal/lab/portalsim"
)

// answer is what a replica answered; the zero value where nobody did.
type answer struct {
	status  int
	problem string
	retry   string // Retry-After
	body    string
}

var problemIn = regexp.MustCompile(`data-problem="([^"]+)"|^\{[^}]*"error":"([^"]+)"`)

// ask posts an opening to one replica and reads the whole answer.
func (f *fleet) ask(r *replica, o portalsim.Opening) answer {
	target, err := url.Parse(o.URL)
	if err != nil {
		return answer{}
	}
	target.Host = r.listen
	res, err := f.client.PostForm(target.String(), o.Form)
	if err != nil {
		return answer{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}
	}
	a := answer{status: res.StatusCode, retry: res.Header.Get("Retry-After"), body: string(body)}
	if match := problemIn.FindStringSubmatch(a.body); match != nil {
		a.problem = match[1] + match[2]
	}
	return a
}

// number is the one that a statement answers.
func (f *fleet) number(statement string, args ...any) (n int) {
	f.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, f.database)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, statement, args...).Scan(&n); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
	return n
}

// counter sums the samples of a metric, over all replicas, whose line holds every one of some texts.
func (f *fleet) counter(name string, labels ...string) (sum float64) {
	f.t.Helper()
	for _, r := range f.replicas {
		res, err := f.client.Get("http://" + r.operator + "/metrics")
		if err != nil {
			f.t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
	lines:
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, name) {
				continue
			}
			for _, label := range labels {
				if !strings.Contains(line, label) {
					continue lines
				}
			}
			fields := strings.Fields(line)
			value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				f.t.Fatal(err)
			}
			sum += value
		}
	}
	return sum
}

func (f *fleet) await(what string, within time.Duration, done func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(within); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("not within %v: %s", within, what)
		}
	}
}

func (f *fleet) ready(r *replica) bool {
	res, err := f.client.Get("http://" + r.operator + "/readyz")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// wantAllWell checks that everybody can work, and that each keeps the newest pair that the OAuth server gave: it has not
// been exchanged by anybody, so nothing that was given is lost.
func (f *fleet) wantAllWell(portals []*portalsim.Portal) {
	f.t.Helper()
	for i, p := range portals {
		for _, user := range []int{1, 2} {
			if a := f.ask(f.replicas[(i+user)%len(f.replicas)], f.open(p, user, "CRM_LEAD_DETAIL_TAB")); a.status != http.StatusOK {
				f.t.Errorf("%s, user %d: status %d %s", p.Name, user, a.status, a.problem)
			}
		}
	}
	if n := f.number("SELECT count(*) FROM tokens WHERE dead_reason <> ''"); n > 0 {
		f.t.Errorf("%d tokens are dead", n)
	}
	if n := f.sim.SpentTwice(); n > 0 {
		f.t.Errorf("%d refresh tokens were shown to the OAuth server twice", n)
	}
}

// TestADumpOfYesterdayHeals restores a dump into a fleet that goes on serving. Tokens that were renewed since are dead in it:
// pages that are open say so, and whoever opens the app anew brings another pair. A portal that came since registers itself.
func TestADumpOfYesterdayHeals(t *testing.T) {
	ctx := t.Context()
	server, err := localpg.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	f := newFleetOn(t, 2, server.URL("postgres"))
	var portals []*portalsim.Portal
	var pages []portalsim.Opening // of users 1 and 2 of each portal
	for i := range 6 {
		p := f.portal(fmt.Sprintf("portal%d", i))
		portals = append(portals, p)
		for _, user := range []int{1, 2} {
			o := f.open(p, user, "CRM_LEAD_DETAIL_TAB")
			if a := f.ask(f.replicas[user-1], o); a.status != http.StatusOK {
				t.Fatalf("status %d %s", a.status, a.problem)
			}
			pages = append(pages, o)
		}
	}
	f.await("no binding is planned", 30*time.Second, func() bool {
		return f.number(`SELECT count(*) FROM river_job WHERE kind IN ('bind', 'event') AND state NOT IN ('completed', 'discarded', 'cancelled')`) == 0
	})
	dump, err := server.Dump(ctx, "postgres")
	if err != nil {
		t.Fatal(err)
	}

	// A day of work: in four of the six portals everybody's tokens expire and are renewed, and another portal comes.
	f.sim.ExpireAccessTokens()
	renewed := pages[:8]
	for i, o := range renewed {
		if a := f.ask(f.replicas[i%2], o); a.status != http.StatusOK {
			t.Fatalf("a renewal: status %d %s", a.status, a.problem)
		}
	}
	late := f.portal("late")
	if n := f.number("SELECT count(*) FROM portals"); n != 7 {
		t.Fatalf("%d portals before the dump comes back", n)
	}

	if err := server.Restore(ctx, "postgres", dump); err != nil {
		t.Fatal(err)
	}
	if n := f.number("SELECT count(*) FROM portals"); n != 6 {
		t.Errorf("%d portals in the dump", n)
	}
	for _, r := range f.replicas {
		f.await("ready", 10*time.Second, func() bool { return f.ready(r) })
	}
	f.sim.ExpireAccessTokens()
	refused := func() float64 {
		return f.counter("itemlens_portal_request_seconds_count", `method="oauth/token"`, `code="invalid_grant"`)
	}
	before := refused()
	statuses := map[string]int{}
	for i, o := range pages {
		a := f.ask(f.replicas[i%2], o)
		statuses[fmt.Sprint(a.status, " ", a.problem)]++
	}
	dead := f.number(`SELECT count(*) FROM refresh_hashes WHERE dead_reason = 'invalid_grant'`)
	rows := f.number(`SELECT count(*) FROM tokens WHERE dead_reason = 'invalid_grant'`)
	t.Logf("pages of yesterday: %v; dead refresh tokens: %d; users without another one: %d; exchanges that the OAuth server refused: %.0f",
		statuses, dead, rows, refused()-before)
	if rows != len(renewed)/2 { // installers have the pair of their installation beside it
		t.Errorf("%d users have no refresh token any more, want %d", rows, len(renewed)/2)
	}
	if statuses["401 token_expired"] != len(renewed) || statuses["200 "] != len(pages)-len(renewed) || dead != len(renewed) || int(refused()-before) != len(renewed) {
		t.Errorf("want %d dead tokens", len(renewed))
	}

	spent := f.sim.SpentTwice() // what the dump had to show
	for i, p := range append(portals, late) {
		for _, user := range []int{1, 2} {
			if a := f.ask(f.replicas[i%2], f.open(p, user, "CRM_LEAD_DETAIL_TAB")); a.status != http.StatusOK {
				t.Errorf("%s, user %d opens the app anew: status %d %s", p.Name, user, a.status, a.problem)
			}
		}
	}
	if n := f.number(`SELECT count(*) FROM tokens WHERE dead_reason <> ''`); n > 0 {
		t.Errorf("%d tokens are dead after everybody has opened the app", n)
	}
	if n := f.number("SELECT count(*) FROM portals WHERE uninstalled_at IS NULL"); n != 7 {
		t.Errorf("%d portals after everybody has opened the app", n)
	}
	// And what came of it can be renewed.
	f.sim.ExpireAccessTokens()
	for i, p := range append(portals, late) {
		if a := f.ask(f.replicas[i%2], f.open(p, 2, "CRM_LEAD_DETAIL_TAB")); a.status != http.StatusOK {
			t.Errorf("%s: status %d", p.Name, a.status)
		}
	}
	if n := f.sim.SpentTwice(); n != spent {
		t.Errorf("%d used refresh tokens were shown after everybody had opened the app", n-spent)
	}
}

// TestPostgresFailsOver kills the primary in the middle of traffic and promotes its standby. Replicas find it by themselves,
// because the connection URL names both. With synchronous replication, nothing that was answered is lost.
func TestPostgresFailsOver(t *testing.T) {
	ctx := t.Context()
	primary, err := localpg.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(primary.Stop)
	standby, err := localpg.Standby(ctx, primary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)
	run := func(s *localpg.Server, statement string) {
		t.Helper()
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	run(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
	run(primary, "SELECT pg_reload_conf()")
	run(primary, "ALTER DATABASE postgres SET synchronous_commit = on")
	f := newFleetOn(t, 2, "postgres:///postgres?user=postgres&target_session_attrs=read-write&host="+standby.Dir()+","+primary.Dir())

	var mu sync.Mutex
	var portals []*portalsim.Portal // whose installation was answered
	counts, bad := map[string]int{}, []string{}
	var lastFailure, firstSuccess time.Time
	note := func(a answer) {
		mu.Lock()
		defer mu.Unlock()
		counts[strings.TrimSpace(fmt.Sprint(a.status, " ", a.problem))]++
		switch {
		case a.status == http.StatusOK:
			if firstSuccess.Before(lastFailure) {
				firstSuccess = time.Now()
			}
		case a.status == http.StatusServiceUnavailable && a.problem == "storage_down" && a.retry != "":
			lastFailure = time.Now()
		default:
			bad = append(bad, fmt.Sprint(a.status, " ", a.problem, " Retry-After ", a.retry))
		}
	}
	count := func(key string) int {
		mu.Lock()
		defer mu.Unlock()
		return counts[key]
	}
	steady := f.portal("steady")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				r := f.replicas[(worker+i)%2]
				if worker > 0 {
					if o, err := steady.Open(replicaClient, 1+worker%2, "CRM_LEAD_DETAIL_TAB", `{"ID":"250"}`); err == nil {
						note(f.ask(r, o))
					}
					continue
				}
				p, err := f.sim.AddPortal(fmt.Sprintf("portal%d", i), "")
				if err != nil {
					continue
				}
				if err := p.Install(replicaClient, 1); err != nil {
					continue
				}
				o, err := p.Open(replicaClient, 1, "DEFAULT", "")
				if err != nil {
					continue
				}
				a := f.ask(r, o)
				if note(a); a.status == http.StatusOK {
					mu.Lock()
					portals = append(portals, p)
					mu.Unlock()
				}
			}
		})
	}
	f.await("pages before", time.Minute, func() bool { return count("200") > 40 })
	primary.Kill()
	killed := time.Now()
	f.await("pages that say so", time.Minute, func() bool { return count("503 storage_down") > 5 })
	for _, r := range f.replicas {
		if f.ready(r) {
			t.Error("a replica is ready without a primary")
		}
	}
	run(standby, "SELECT pg_promote()")
	promoted := time.Now()
	before := count("200")
	f.await("pages afterwards", time.Minute, func() bool { return count("200") > before+40 })
	close(stop)
	wg.Wait()
	t.Logf("answers %v; %d installations answered; promoted %v after the crash, the first page %v later",
		counts, len(portals), promoted.Sub(killed).Round(time.Millisecond), firstSuccess.Sub(promoted).Round(time.Millisecond))
	if len(bad) > 0 {
		t.Errorf("%d other answers: %.500v", len(bad), bad)
	}
	for _, r := range f.replicas {
		f.await("ready", 10*time.Second, func() bool { return f.ready(r) })
	}
	for _, p := range portals {
		if n := f.number("SELECT count(*) FROM portals JOIN tokens USING (member_id) WHERE member_id = $1", p.MemberID); n != 1 {
			t.Errorf("the installation of %s was answered and is lost", p.Name)
		}
	}
	f.wantAllWell([]*portalsim.Portal{steady})
}

// TestADiskThatIsFull fills the disk under the database's tables. Pages that have something to write say that the app is
// unavailable for a while, those that have nothing are served; and when there is room again, everything is there.
func TestADiskThatIsFull(t *testing.T) {
	ctx := t.Context()
	server, err := localpg.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	disk := smallDisk(t, "48m")
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, statement := range []string{"CREATE TABLESPACE small LOCATION '" + disk + "'", "CREATE DATABASE full_disk TABLESPACE small"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	f := newFleetOn(t, 1, server.URL("full_disk"))
	var portals []*portalsim.Portal
	for i := range 3 {
		portals = append(portals, f.portal(fmt.Sprintf("portal%d", i)))
	}
	kept := f.open(portals[0], 2, "CRM_LEAD_DETAIL_TAB")
	if a := f.ask(f.replicas[0], kept); a.status != http.StatusOK {
		t.Fatalf("status %d", a.status)
	}

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	counts, answered := map[string]int{}, map[string]bool{}
	for i := 0; counts["503 storage_down"] < 5 && i < 400; i++ {
		p, err := f.sim.AddPortal(fmt.Sprintf("late%d", i), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Install(replicaClient, 1); err != nil {
			t.Fatal(err)
		}
		o, err := p.Open(replicaClient, 1, "DEFAULT", "")
		if err != nil {
			t.Fatal(err)
		}
		a := f.ask(f.replicas[0], o)
		counts[strings.TrimSpace(fmt.Sprint(a.status, " ", a.problem))]++
		switch {
		case a.status == http.StatusOK:
			answered[p.MemberID] = true
		case a.status != http.StatusServiceUnavailable || a.problem != "storage_down" || a.retry == "":
			t.Errorf("an installation on a full disk: %d %s, Retry-After %q", a.status, a.problem, a.retry)
		}
	}
	if a := f.ask(f.replicas[0], kept); a.status != http.StatusOK {
		t.Errorf("a page that has nothing to write: status %d %s", a.status, a.problem)
	}
	t.Logf("with a full disk: %v", counts)
	if counts["503 storage_down"] == 0 {
		t.Error("every installation found room on a full disk")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	f.await("an installation works again", 30*time.Second, func() bool {
		return f.ask(f.replicas[0], f.open(portals[1], 1, "CRM_LEAD_DETAIL_TAB")).status == http.StatusOK
	})
	for id := range answered {
		if n := f.number("SELECT count(*) FROM portals JOIN tokens USING (member_id) WHERE member_id = $1", id); n != 1 {
			t.Errorf("an installation was answered and is lost")
		}
	}
	portals = append(portals, f.portal("afterwards"))
	f.wantAllWell(portals)
}

// smallDisk mounts a file system of a size that Postgres may write to.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "itemlens-disk-") //nolint:usetesting // a directory of t.TempDir is closed to the user postgres
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("this test mounts a small file system, and so needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	tables := filepath.Join(dir, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		t.Fatal(err)
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(tables, uid, gid)); err != nil {
		t.Fatal(err)
	}
	return tables
}

// fill writes a file until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for chunk := make([]byte, 4096); ; {
		if _, err := file.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
