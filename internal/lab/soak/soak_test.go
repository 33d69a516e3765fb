package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) {
	if os.Getenv(ProcessVariable) != "" {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// short is a soak of seconds: twelve portals, as fast as it goes. `make soak` is the real one.
func short(t *testing.T, out io.Writer, length time.Duration) Options {
	t.Helper()
	log := &bytes.Buffer{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the app's log ends with:\n%s", log.Bytes()[max(0, log.Len()-20_000):])
		}
	})
	return Options{Portals: 12, For: length, Marks: 3, Workers: 4, Seed: 1, Cache: 1 << 20, Access: 2 * time.Second, Out: out, AppLog: log}
}

// TestNothingIsLeft is the soak that runs with every test.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel() // most of it is waiting
	var out bytes.Buffer
	err := Run(t.Context(), short(t, &out, 4*time.Second))
	if err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	t.Log(out.String())
}

// TestASoakNoticesWhatIsLeft leaves something behind on purpose: each has to be found.
func TestASoakNoticesWhatIsLeft(t *testing.T) {
	t.Parallel() // most of it is waiting
	var out bytes.Buffer
	o := short(t, &out, time.Second)
	o.Portals, o.Marks = 4, 1
	o.leakGoroutines, o.leakMemory = true, true
	var stray *pgx.Conn
	o.beforeEnd = func(ctx context.Context, w *world) error {
		t := w.tenants[0]
		if !w.patiently(ctx, func() bool { return t.install(ctx) }) {
			return errors.New("not installed")
		}
		w.sim.Spend(t.portal.Exchanged(1))
		var err error
		if stray, err = pgx.Connect(ctx, strings.Replace(w.db.Config().ConnString(), "user=observer", "application_name=itemlens&user=postgres", 1)); err == nil {
			_, err = stray.Exec(ctx, "BEGIN")
		}
		return err
	}
	o.beforeLast = func(ctx context.Context, w *world) error {
		_, err := w.db.Exec(ctx, `
			INSERT INTO event_claims (member_id, address, sealed, key_id, received_at)
			VALUES ($1, '', '', 1, now())`, w.tenants[0].portal.MemberID)
		return err
	}
	err := Run(t.Context(), o)
	if stray != nil {
		_ = stray.Close(t.Context())
	}
	if !errors.Is(err, ErrFound) {
		t.Errorf("%v", err)
	}
	for _, want := range []string{
		" of itemlens/internal/lab/soak.Serve", "without portals", "rows are left in event_claims", "and 0 locks", "is spent, and",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not find %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// TestASeedRepeatsItsChoices: whoever repeats a run takes the same steps.
func TestASeedRepeatsItsChoices(t *testing.T) {
	one, same, other := newChoices(7, 1, 50), newChoices(7, 1, 50), newChoices(8, 1, 50)
	differ := 0
	for range 1000 {
		s := one.next()
		if s != same.next() {
			t.Fatal("the same seed takes other steps")
		}
		if s != other.next() {
			differ++
		}
	}
	if differ < 900 {
		t.Errorf("another seed takes %d of 1000 steps otherwise", differ)
	}
}

// TestMemoryThatGrowsIsNoticed: what fills the caches does not count, what grows afterwards does.
func TestMemoryThatGrowsIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		heaps []uint64
		found bool
	}{
		"full caches": {[]uint64{10, 50, 90, 100, 104, 98, 101, 99, 103}, false},
		"a leak":      {[]uint64{10, 50, 90, 100, 103, 106, 109, 112, 115}, true},
		"too few":     {[]uint64{10, 50, 90, 100}, false},
	} {
		w := &world{options: Options{Out: io.Discard}, findings: map[string]int{}}
		w.judge(c.heaps)
		if found := len(w.findings) > 0; found != c.found {
			t.Errorf("%s: found %v", name, w.findings)
		}
	}
}
