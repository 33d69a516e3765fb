package turns

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const atOnce = 2

// TestSoManyWorkAtOnceForOneKey and no more, while another key's need not wait.
func TestSoManyWorkAtOnceForOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New[string](atOnce)
		var running, most atomic.Int64
		var wg sync.WaitGroup
		start := time.Now()
		for range 10 {
			wg.Go(func() {
				done, err := turns.Begin(t.Context(), "large")
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
		for _, other := range []string{"small", "smaller"} {
			done, err := turns.Begin(t.Context(), other)
			if err != nil || time.Since(start) != 0 {
				t.Errorf("%s waited %s: %v", other, time.Since(start), err)
			}
			done()
		}
		wg.Wait()
		if most.Load() != atOnce || time.Since(start) != 10/atOnce*time.Second {
			t.Errorf("%d worked for one key at once, %s for all", most.Load(), time.Since(start))
		}
		if len(turns.queues) != 0 {
			t.Errorf("%d keys are remembered though nobody waits", len(turns.queues))
		}
	})
}

// TestAWaitEndsWithItsContext, and takes nobody else's turn.
func TestAWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New[string](atOnce)
		var holders []func()
		for range atOnce {
			done, err := turns.Begin(t.Context(), "large")
			if err != nil {
				t.Fatal(err)
			}
			holders = append(holders, done)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := turns.Begin(ctx, "large"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("a wait of %s ended with %v", time.Since(start), err)
		}
		if len(turns.queues) != 1 {
			t.Error("whoever went away took the queue of those who work along")
		}
		for _, done := range holders {
			done()
		}
		if len(turns.queues) != 0 {
			t.Error("a key is remembered though nobody waits")
		}
		for range atOnce {
			if _, err := turns.Begin(t.Context(), "large"); err != nil {
				t.Errorf("whoever went away kept a turn: %v", err)
			}
		}
	})
}
