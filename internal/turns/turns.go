// Package turns lets so many work at once for each key, such as a portal, and the others wait. A key costs nothing while
// nobody works or waits for it.
package turns

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Turns are the turns of all keys.
type Turns[K comparable] struct {
	atOnce int64
	mu     sync.Mutex
	queues map[K]*queue
}

// queue is that of one key.
type queue struct {
	*semaphore.Weighted
	users int // who works or waits; it is forgotten with the last one
}

// New makes turns of so many at once for a key.
func New[K comparable](atOnce int64) *Turns[K] {
	return &Turns[K]{atOnce: atOnce, queues: map[K]*queue{}}
}

// Begin waits for a turn, first come, first served, for as long as the context goes on; its error is the context's.
// Whoever got a turn calls done, once.
func (t *Turns[K]) Begin(ctx context.Context, key K) (done func(), err error) {
	t.mu.Lock()
	own := t.queues[key]
	if own == nil {
		own = &queue{Weighted: semaphore.NewWeighted(t.atOnce)}
		t.queues[key] = own
	}
	own.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.queues, key)
		}
	}
	if err := own.Acquire(ctx, 1); err != nil {
		leave()
		return nil, err
	}
	return func() { own.Release(1); leave() }, nil
}
