package page

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"itemlens/internal/portal"
)

// TestCardsOfOnePortalAreMadeByTurns: so many at once and no more, while another portal's need not wait.
func TestCardsOfOnePortalAreMadeByTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns()
		var running, most atomic.Int64
		var wg sync.WaitGroup
		start := time.Now()
		for range 10 {
			wg.Go(func() {
				done, err := turns.begin(t.Context(), "large")
				if err != nil {
					t.Error(err)
					return
				}
				defer done()
				if now := running.Add(1); now > most.Load() {
					most.Store(now)
				}
				time.Sleep(time.Second)
				running.Add(-1)
			})
		}
		synctest.Wait()
		for _, other := range []portal.MemberID{"small", "smaller"} {
			done, err := turns.begin(t.Context(), other)
			if err != nil || time.Since(start) != 0 {
				t.Errorf("%s waited %s: %v", other, time.Since(start), err)
			}
			done()
		}
		wg.Wait()
		if most.Load() != cardsPerPortal || time.Since(start) != 10/cardsPerPortal*time.Second {
			t.Errorf("%d cards of one portal at once, %s for all", most.Load(), time.Since(start))
		}
		if len(turns.portals) != 0 {
			t.Errorf("%d portals are remembered though nobody waits", len(turns.portals))
		}
	})
}

// TestWaitingForATurnEndsWithTheRequest, and takes nobody else's turn.
func TestWaitingForATurnEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns()
		var holders []func()
		for range cardsPerPortal {
			done, err := turns.begin(t.Context(), "large")
			if err != nil {
				t.Fatal(err)
			}
			holders = append(holders, done)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := turns.begin(ctx, "large"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("a wait of %s ended with %v", time.Since(start), err)
		}
		for _, done := range holders {
			done()
		}
		if len(turns.portals) != 0 {
			t.Error("a portal is remembered though nobody waits")
		}
		for range cardsPerPortal {
			if _, err := turns.begin(t.Context(), "large"); err != nil {
				t.Errorf("whoever went away kept a turn: %v", err)
			}
		}
	})
}

func TestZonesOfReaders(t *testing.T) {
	zones := NewZones()
	if zone := zones.find("America/New_York"); zone == nil || zone != zones.find("America/New_York") {
		t.Errorf("a zone that exists: %v", zone)
	}
	for _, name := range []string{"", "Local", "Nowhere/At_All", "../../etc/passwd"} {
		if zone := zones.find(name); zone != nil {
			t.Errorf("%q is %v", name, zone)
		}
	}
	if len(zones.zones) != 1 {
		t.Errorf("%d zones are kept", len(zones.zones))
	}
}
