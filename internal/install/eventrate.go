package install

import (
	"fmt"
	"time"

	"itemlens/internal/bitrix24"
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

// EventRate counts the events of portals. Of one that removed the app in another process, or that sends nothing any more,
// nothing stays for more than a minute of events of others.
type EventRate struct {
	now    func() time.Time
	shares *bitrix24.Shares
}

// NewEventRate makes one that remembers the portals that sent events lately.
func NewEventRate(now func() time.Time) *EventRate {
	shares, _ := bitrix24.NewShares(10_000) // fails for sizes below one alone
	return &EventRate{now: now, shares: shares}
}

// shareOf is what one portal may send, of hints or of all other events.
func shareOf(id portal.MemberID, hint bool) bitrix24.Share {
	if hint {
		return bitrix24.Share{Key: "hint " + string(id), PerSecond: hintsPerSecond, Burst: hintsAtOnce}
	}
	return bitrix24.Share{Key: "event " + string(id), PerSecond: eventsPerSecond, Burst: eventsAtOnce}
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
	share := shareOf(id, hint)
	if _, _, ok := r.shares.Take(r.now(), 0, share); ok {
		return nil
	}
	return &TooManyEventsError{MemberID: id, RetryAfter: max(time.Second, time.Duration(float64(time.Second)/share.PerSecond))}
}

// Forget forgets a portal that has removed the app.
func (r *EventRate) Forget(id portal.MemberID) {
	for _, hint := range []bool{false, true} {
		r.shares.Forget(shareOf(id, hint).Key)
	}
}
