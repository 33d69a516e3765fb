package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/pgx/v5" // reads URLs that begin with pgx5
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"itemlens/internal/lab/portalsim"
)

// nextMigration is a migration as the release after this one may have it: it adds, fills and takes locks, and the app of this
// release works on.
const nextMigration = `-- schema_support stays: columns and a table that this release does not know.
ALTER TABLE portals ADD COLUMN next_release text NOT NULL DEFAULT '';
UPDATE portals SET next_release = domain;
CREATE TABLE next_release (
    member_id text   NOT NULL REFERENCES portals ON DELETE CASCADE,
    user_id   bigint NOT NULL,
    PRIMARY KEY (member_id, user_id)
);
INSERT INTO next_release (member_id, user_id) SELECT member_id, user_id FROM tokens;
`

const nextNumber = 900

// TestRollingUpgrade has three replicas of the release before and replaces them one by one under load. Every migration that
// the release before does not know is applied on its own while its processes serve, and after this release's own comes one
// that the next release could bring. No page and no event is lost.
//
// The release before is the newest tag v* of the repository that does not hold this commit, or what ITEMLENS_PREVIOUS names.
// Where there is no such tag, or no repository, it is this release: then the way is proven, and no migration but the made-up
// one.
func TestRollingUpgrade(t *testing.T) {
	next := nextRelease(t)
	previous, name := previousRelease(t)
	t.Logf("the release before: %s", name)
	f := newFleet(t, previous, 3*time.Second)
	portals := f.install(20)
	before := f.number(`SELECT last_value FROM portal_schema_versions`)

	load := f.load(portals)
	time.Sleep(time.Second)
	for _, applied := range f.applyOneByOne(t) {
		t.Logf("migration %s is applied while the release before serves", applied)
	}
	f.run(next, "migrate")
	var schema struct{ Migration int }
	if err := json.Unmarshal([]byte(f.run(next, "migrate", "--json")), &schema); err != nil || schema.Migration != nextNumber {
		t.Errorf("the next release's migration: %+v, %v", schema, err)
	}
	for i, old := range f.replicas {
		if status := f.ready(old); status != http.StatusOK {
			t.Errorf("%s is not ready on the newer schema: %d\n%s", old.host, status, &old.log)
		}
		began := time.Now()
		f.stop(old)
		f.replicas[i] = f.start(next, old.host)
		t.Logf("%s is replaced in %.1f s", old.host, time.Since(began).Seconds())
		time.Sleep(1500 * time.Millisecond) // as an orchestrator waits for a new one to be seen
	}
	time.Sleep(time.Second)
	done, events := load()
	done.want(t, "the upgrade", 0)

	lost := 0
	for _, d := range f.sim.Deliveries() {
		if d.Status != http.StatusOK {
			lost++
			t.Logf("event %s: %d %v", d.Event, d.Status, d.Err)
		}
	}
	if lost > 0 {
		t.Errorf("%d events were not taken", lost)
	}
	if counted := f.number(`SELECT last_value FROM portal_schema_versions`) - before; counted < events { // a balancer may have sent one twice
		t.Errorf("%d events were sent, %d had their effect", events, counted)
	}
	t.Logf("%d events were sent, none was lost", events)
	for deadline := time.Now().Add(30 * time.Second); f.number(`SELECT count(*) FROM portals WHERE bind_wanted > bind_done OR bound_outcome <> 'ok'`) > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("bindings that were wanted during the upgrade are not done")
		}
	}
	for _, r := range f.replicas {
		if strings.Contains(r.log.String(), `"level":"ERROR"`) {
			t.Errorf("%s logs errors:\n%s", r.host, &r.log)
		}
	}
}

// load opens pages and sends events until it is told to end; it returns what came of them.
func (f *fleet) load(portals []*portalsim.Portal) (end func() (result, int64)) {
	stop, ended := make(chan struct{}), make(chan result)
	var events atomic.Int64
	var emitting sync.WaitGroup
	emitting.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(40 * time.Millisecond):
			}
			// A field more, and now and then a type more, which has the portal bound anew.
			event := "ONCRMLEADUSERFIELDADD"
			if i%25 == 0 {
				event = "ONCRMTYPEADD"
			}
			portals[i%len(portals)].Emit(clientID, event, url.Values{"data[FIELDS][ID]": {"1"}}, 1)
			events.Add(1)
		}
	})
	go func() {
		var all result
		for {
			select {
			case <-stop:
				ended <- all
				return
			default:
				all.add(f.round(portals))
				time.Sleep(time.Second) // portals take two requests a second
			}
		}
	}()
	return func() (result, int64) {
		close(stop)
		emitting.Wait()
		return <-ended, events.Load()
	}
}

// applyOneByOne applies what this release has and the database lacks, each migration on its own, with pages and events going
// on. It checks after each that the replicas are ready, and returns their names.
func (f *fleet) applyOneByOne(t *testing.T) (applied []string) {
	t.Helper()
	source, err := iofs.New(os.DirFS(filepath.Join(root, "migrations")), ".")
	if err != nil {
		t.Fatal(err)
	}
	m, err := migrate.NewWithSourceInstance("files", source, strings.Replace(f.database, "postgres://", "pgx5://", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = m.Close() }()
	for {
		err := m.Steps(1)
		if errors.Is(err, migrate.ErrNoChange) || errors.Is(err, fs.ErrNotExist) {
			return applied
		}
		if err != nil {
			t.Fatal(err)
		}
		version, _, err := m.Version()
		if err != nil {
			t.Fatal(err)
		}
		applied = append(applied, fmt.Sprint(version))
		time.Sleep(2 * time.Second)
		for _, r := range f.replicas {
			if status := f.ready(r); status != http.StatusOK {
				t.Errorf("after migration %d: %s is not ready: %d", version, r.host, status)
			}
		}
	}
}

// nextRelease is this source with one migration more.
func nextRelease(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for ending, content := range map[string]string{"up": nextMigration, "down": "DROP TABLE next_release;\nALTER TABLE portals DROP COLUMN next_release;\n"} {
		file := filepath.Join(dir, ending+".sql")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		target, err := filepath.Abs(filepath.Join(root, "migrations", fmt.Sprintf("%04d_next_release.%s.sql", nextNumber, ending)))
		if err != nil {
			t.Fatal(err)
		}
		replace[target] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	return build(t, root, "./cmd/app", "-overlay", file)
}

// previousRelease builds the release before from the repository, and says which it is.
func previousRelease(t *testing.T) (binary, name string) {
	t.Helper()
	name = os.Getenv("ITEMLENS_PREVIOUS")
	if name == "" {
		out, err := exec.Command("git", "-C", root, "tag", "--merged", "HEAD", "--no-contains", "HEAD", "--list", "v*", "--sort=-v:refname").Output()
		if newest, _, found := strings.Cut(string(out), "\n"); err == nil && found {
			name = newest
		}
	}
	if name == "" {
		return build(t, root, "./cmd/app"), "none is tagged, so this one"
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "source.tar")
	if out, err := exec.Command("git", "-C", root, "archive", "--output", archive, name).CombinedOutput(); err != nil {
		t.Fatalf("take %s out of the repository: %v: %s", name, err, out)
	}
	if out, err := exec.Command("tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("unpack %s: %v: %s", name, err, out)
	}
	return build(t, dir, "./cmd/app"), name
}
