package install

import (
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"itemlens/internal/portal"
)

// Rates of events of one portal in one process. A portal sends what its people and its REST clients do: even a script
// that makes user fields by the batch stays far below the first. Hints prove nothing, so they are counted apart: a flood
// of forged ones must not get true events refused.
const (
	eventsPerSecond = 20
	eventsAtOnce    = 1000
	hintsPerSecond  = 1
	hintsAtOnce     = 50
)

// EventRate counts the events of portals.
type EventRate struct {
	now func() time.Time
	mu  sync.Mutex
	by  *lru.Cache[eventKey, *rate.Limiter]
}

type eventKey struct {
	id   portal.MemberID
	hint bool
}

// NewEventRate makes one that remembers the portals that sent events lately.
func NewEventRate(now func() time.Time) *EventRate {
	by, _ := lru.New[eventKey, *rate.Limiter](10_000) // fails for sizes below one alone
	return &EventRate{now: now, by: by}
}

// TooManyEventsError says that a portal sends more events than any portal does.
type TooManyEventsError struct {
	MemberID   portal.MemberID
	RetryAfter time.Duration
}

// Error names the wait.
func (e *TooManyEventsError) Error() string {
	return fmt.Sprintf("more events of one portal than any portal sends; room in %s", e.RetryAfter)
}

// take counts one event, or returns a *TooManyEventsError.
func (r *EventRate) take(id portal.MemberID, hint bool) error {
	perSecond, atOnce := eventsPerSecond, eventsAtOnce
	if hint {
		perSecond, atOnce = hintsPerSecond, hintsAtOnce
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.forgetOld(now)
	limiter, ok := r.by.Get(eventKey{id, hint})
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(perSecond), atOnce)
		r.by.Add(eventKey{id, hint}, limiter)
	}
	if limiter.AllowN(now, 1) {
		return nil
	}
	return &TooManyEventsError{MemberID: id, RetryAfter: max(time.Second, time.Second/time.Duration(perSecond))}
}

// forgetOld forgets portals that have all their room again, which is where they began: of a portal that other processes
// served until it removed the app, or that sends nothing any more, nothing stays for more than a minute of events.
func (r *EventRate) forgetOld(now time.Time) {
	for {
		key, limiter, ok := r.by.GetOldest()
		if !ok || limiter.TokensAt(now) < float64(limiter.Burst()) {
			return
		}
		r.by.Remove(key)
	}
}

// Forget forgets a portal that has removed the app.
func (r *EventRate) Forget(id portal.MemberID) {
	r.by.Remove(eventKey{id, false})
	r.by.Remove(eventKey{id, true})
}
