package bitrix24

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Rate is what a portal allows a client: a leaky bucket, counted by the portal and the caller's address (limits.md). How
// much it allows is its plan's business.
type Rate struct {
	PerSecond int           // how fast the bucket empties
	Burst     int           // what it holds
	Wait      time.Duration // how long a request may wait for room
}

// BusyError says that a portal's bucket is full, by our own count, and that waiting would take too long. The request
// was not sent.
type BusyError struct {
	Method     string
	RetryAfter time.Duration
}

// Error names the method and the wait.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%s: the portal's request limit is used up for %s", e.Method, e.RetryAfter.Round(time.Second))
}

// Pauses after what a portal says of its other limits, where it does not say how long.
const (
	// overloadPause follows OVERLOAD_LIMIT, a block by hand: asking again at once only prolongs it.
	overloadPause = time.Minute
	// operationPause follows OPERATION_TIME_LIMIT where no operating_reset_at is known.
	operationPause = time.Minute
)

// The share of a portal's bucket that strangers have together: those whose tokens nobody has vouched for, forged ones and
// those of people who open the app for the first time. One address has half of it.
const (
	strangersRate  = 1.0 / 2
	strangersBurst = 2.0 / 5
)

// longestOperation is the time in which a portal counts a method's operating time (limits.md): no block lasts longer,
// whatever a portal says.
const longestOperation = 10 * time.Minute

// buckets counts requests by portal, so that a portal's own bucket is not overrun by more than its burst, and remembers
// what portals have blocked.
type buckets struct {
	rate   Rate
	large  Rate // of portals of the family Enterprise
	shares *Shares
	blocks *lru.Cache[string, time.Time] // until when, by portal, or by portal and method
	resets *lru.Cache[string, time.Time] // operating_reset_at of the last success, by portal and method
}

func newBuckets(r, large Rate) (*buckets, error) {
	shares, err1 := NewShares(30_000)
	blocks, err2 := lru.New[string, time.Time](10_000)
	resets, err3 := lru.New[string, time.Time](50_000)
	return &buckets{rate: r, large: large, shares: shares, blocks: blocks, resets: resets}, errors.Join(err1, err2, err3)
}

// blocked returns a *BusyError while a portal, or one of the methods there, is blocked.
func (b *buckets) blocked(host string, methods ...string) error {
	if b.rate.PerSecond == 0 {
		return nil
	}
	for _, method := range append(methods, "") {
		if until, ok := b.blocks.Get(host + " " + method); ok {
			if left := time.Until(until); left > 0 {
				return &BusyError{Method: cmp.Or(method, "REST"), RetryAfter: left}
			}
		}
	}
	return nil
}

// learn takes what an answer for a method says of limits (limits.md).
func (b *buckets) learn(host, method string, err error) {
	switch {
	case b.rate.PerSecond == 0: // the OAuth server: what it says of one portal must not stop the others
	case IsOverload(err):
		addUntil(b.blocks, host+" ", time.Now().Add(overloadPause))
	case IsOperationTimeLimit(err):
		until := time.Now().Add(operationPause)
		if reset, ok := b.resets.Get(host + " " + method); ok && reset.After(time.Now()) {
			until = reset
		}
		addUntil(b.blocks, host+" "+method, until)
	}
}

// reset remembers when a method's operating time becomes less.
func (b *buckets) reset(host, method string, at int64) {
	if at > 0 {
		until, latest := time.Unix(at, 0), time.Now().Add(longestOperation)
		if until.After(latest) {
			until = latest
		}
		addUntil(b.resets, host+" "+method, until)
	}
}

// addUntil keeps until when something holds, and forgets what has ended.
func addUntil(ends *lru.Cache[string, time.Time], key string, until time.Time) {
	for {
		oldest, end, ok := ends.GetOldest()
		if !ok || end.After(time.Now()) {
			break
		}
		ends.Remove(oldest)
	}
	ends.Add(key, until)
}

// Enterprise is the family of plans whose portals take more requests than all others (limits.md, "Request Intensity
// Limits"), as app.info names it in LICENSE_FAMILY.
const Enterprise = "ent"

// of is what a portal allows by its plan.
func (b *buckets) of(to Target) Rate {
	if strings.EqualFold(to.Family, Enterprise) && b.large.PerSecond > 0 {
		return b.large
	}
	return b.rate
}

// share is a part of what a portal's bucket holds.
func (r Rate) share(key string, perSecond, burst float64) Share {
	return Share{key, perSecond * float64(r.PerSecond), int(burst * float64(r.Burst))}
}

// places are the shares in which a request takes a place: the portal's, and for a stranger the strangers' part of it and
// the address's part of that. So forged pages never take the places of those who are known.
func (b *buckets) places(ctx context.Context, to Target) []Share {
	host, rate := EndpointHost(to.Endpoint), b.of(to)
	places := []Share{rate.share(host, 1, 1)}
	if address, is := Stranger(ctx); is {
		places = append(places, rate.share(host+" strangers", strangersRate, strangersBurst),
			rate.share(host+" "+address, strangersRate/2, strangersBurst/2))
	}
	return places
}

// wait takes a place in the portal's bucket, and tells how long that took. Where it would take longer than a request may
// wait, it returns a *BusyError at once and takes none: somebody who would be refused anyway is told now.
func (b *buckets) wait(ctx context.Context, to Target, method string) (time.Duration, error) {
	if b.rate.PerSecond == 0 {
		return 0, nil
	}
	delay, giveBack, ok := b.shares.Take(time.Now(), b.of(to).Wait, b.places(ctx, to)...)
	if !ok {
		return 0, &BusyError{Method: method, RetryAfter: delay}
	}
	if err := sleep(ctx, delay); err != nil {
		giveBack()
		return 0, &unreachableError{method: method, err: err}
	}
	return max(0, delay), nil
}

// sleep waits, or returns the context's error where that ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// full empties our own idea of the room that is left: the portal says that there is none, because others call it from
// our address too, or another process of ours does.
func (b *buckets) full(to Target) {
	if b.rate.PerSecond == 0 {
		return
	}
	b.shares.Drain(time.Now(), b.of(to).share(EndpointHost(to.Endpoint), 1, 1))
}
