package page

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"

	"itemlens/internal/portal"
)

// cardsPerPortal is how many cards of one portal are made at once. Making one takes a processor as long as its portal's
// answer is large, and no portal may take them all.
const cardsPerPortal = 2

// Turns shares the processors among portals.
type Turns struct {
	mu      sync.Mutex
	portals map[portal.MemberID]*portalTurns
}

type portalTurns struct {
	*semaphore.Weighted
	users int // who works or waits; it is forgotten with the last one
}

// NewTurns makes Turns.
func NewTurns() *Turns {
	return &Turns{portals: map[portal.MemberID]*portalTurns{}}
}

// begin waits for a turn of a portal, until nobody waits for the page any more. Whoever got one calls done.
func (t *Turns) begin(ctx context.Context, id portal.MemberID) (done func(), err error) {
	t.mu.Lock()
	own := t.portals[id]
	if own == nil {
		own = &portalTurns{Weighted: semaphore.NewWeighted(cardsPerPortal)}
		t.portals[id] = own
	}
	own.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.portals, id)
		}
	}
	if err := own.Acquire(ctx, 1); err != nil {
		leave()
		return nil, fmt.Errorf("wait for other cards of the portal: %w", err)
	}
	return func() { own.Release(1); leave() }, nil
}
