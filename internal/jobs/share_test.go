package jobs_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"itemlens/internal/portal"
)

// size is a size of the test below; larger ones by hand:
//
//	ITEMLENS_QUEUE_PORTALS=1000 ITEMLENS_QUEUE_EVENTS=10000 ITEMLENS_QUEUE_SECONDS=10 go test -v -run TestOnePortal ./internal/jobs
func size(t *testing.T, name string, ordinary int) int {
	t.Helper()
	text := os.Getenv("ITEMLENS_QUEUE_" + name)
	if text == "" {
		return ordinary
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOnePortalThatAsksALotAndStallsDelaysNobody: one portal has its bindings asked for all the time, as its events do, and
// answers none of their requests; the bindings of all others begin within two seconds.
func TestOnePortalThatAsksALotAndStallsDelaysNobody(t *testing.T) {
	w := setup(t)
	portals, events, spread := size(t, "PORTALS", 100), size(t, "EVENTS", 1000), size(t, "SECONDS", 2)
	const hostile = portal.MemberID("hostile")
	others := names("p", portals-1)
	w.install(hostile)
	w.install(others...)

	var mu sync.Mutex
	asked, delay := map[portal.MemberID]time.Time{}, map[portal.MemberID]time.Duration{}
	running, most, runs := 0, 0, 0
	over := make(chan struct{})
	w.rebind = func(ctx context.Context, id portal.MemberID) error {
		mu.Lock()
		if id != hostile {
			if _, ok := delay[id]; !ok {
				delay[id] = time.Since(asked[id])
			}
			mu.Unlock()
			return nil
		}
		running++
		runs++
		most = max(most, running)
		mu.Unlock()
		select {
		case <-ctx.Done():
		case <-over:
		}
		mu.Lock()
		running--
		mu.Unlock()
		return portal.Problemf(portal.Unreachable, "no answer: %w", ctx.Err())
	}
	w.run()
	t.Cleanup(func() { close(over) })

	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range events / 8 {
				if err := w.runner.PlanBind(context.Background(), hostile); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	w.wait("the hostile portal's binding runs", func() bool { mu.Lock(); defer mu.Unlock(); return running == 1 })
	pace := time.NewTicker(max(time.Microsecond, time.Duration(spread)*time.Second/time.Duration(len(others))))
	defer pace.Stop()
	for _, id := range others {
		<-pace.C
		mu.Lock()
		asked[id] = time.Now()
		mu.Unlock()
		w.planBind(id)
	}
	w.wait("all others were bound", func() bool { mu.Lock(); defer mu.Unlock(); return len(delay) == len(others) })
	senders.Wait()

	mu.Lock()
	defer mu.Unlock()
	var all []time.Duration
	for _, d := range delay {
		all = append(all, d)
	}
	slices.Sort(all)
	p99 := all[(len(all)*99-1)/100]
	t.Logf("%d portals, %d events of one: the others' bindings began after %s (median), %s (99th percentile), %s (longest); the hostile one ran %d times",
		portals, events, all[len(all)/2], p99, all[len(all)-1], runs)
	if p99 > 2*time.Second {
		t.Errorf("99th percentile %s, want two seconds at most", p99)
	}
	if most > 1 {
		t.Errorf("%d bindings of one portal at once", most)
	}
	if rows := w.sql(`SELECT concat_ws(' ', id, state) FROM river_job WHERE kind = 'bind' AND args->>'member_id' = $1`, hostile); len(rows) > 2 {
		t.Errorf("the hostile portal left %d jobs: %s", len(rows), strings.Join(rows, ", "))
	}
}
