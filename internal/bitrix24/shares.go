package bitrix24

import (
	"math"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Share is a part of something that is limited, such as a portal's requests that one address may make.
type Share struct {
	Key       string
	PerSecond float64
	Burst     int
}

// Shares count what was taken of each share.
type Shares struct {
	mu    sync.Mutex
	byKey *lru.Cache[string, *rate.Limiter]
}

// NewShares makes shares for up to so many keys; those not used for longest begin anew. A share that is whole again is
// forgotten when the next is asked for, so that no key, such as a portal's host, stays after its last use for longer than
// its share takes to fill.
func NewShares(size int) (*Shares, error) {
	byKey, err := lru.New[string, *rate.Limiter](size)
	return &Shares{byKey: byKey}, err
}

// Take takes a place in each of several shares. Where one of them has no place within a time it takes none, and tells how
// long it would have taken; otherwise it tells how long to wait for the place, and gives a function that gives it back.
func (s *Shares) Take(now time.Time, within time.Duration, shares ...Share) (delay time.Duration, giveBack func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetWhole(now)
	limiters := make([]*rate.Limiter, len(shares))
	for i, share := range shares {
		limiters[i] = s.of(now, share)
		// Looked at first: a reservation that is made and given back among others does not give all of it back.
		if missing := 1 - limiters[i].TokensAt(now); missing > 0 {
			delay = max(delay, time.Duration(missing/share.PerSecond*float64(time.Second)))
		}
	}
	if delay > within {
		return delay, func() {}, false
	}
	places := make([]*rate.Reservation, len(shares))
	for i, limiter := range limiters {
		places[i] = limiter.ReserveN(now, 1)
		delay = max(delay, places[i].DelayFrom(now))
	}
	return delay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, place := range places {
			place.Cancel()
		}
	}, true
}

// Drain takes whatever is left of a share.
func (s *Shares) Drain(now time.Time, share Share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limiter := s.of(now, share)
	if left := int(limiter.TokensAt(now)); left > 0 {
		limiter.ReserveN(now, left)
	}
}

// of finds what counts a share. Where it has become another size, as with another plan, what was used of it stays used.
func (s *Shares) of(now time.Time, share Share) *rate.Limiter {
	limit, burst := rate.Limit(share.PerSecond), max(1, share.Burst)
	limiter, ok := s.byKey.Get(share.Key)
	switch {
	case !ok:
		limiter = rate.NewLimiter(limit, burst)
		s.byKey.Add(share.Key, limiter)
	case limiter.Limit() != limit || limiter.Burst() != burst:
		used := float64(limiter.Burst()) - limiter.TokensAt(now)
		limiter = rate.NewLimiter(limit, burst)
		limiter.ReserveN(now, min(burst, int(math.Ceil(max(0, used)))))
		s.byKey.Add(share.Key, limiter)
	}
	return limiter
}

// Keys are those of the shares that are remembered, the longest unused first.
func (s *Shares) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byKey.Keys()
}

// Forget forgets a share, which begins anew.
func (s *Shares) Forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey.Remove(key)
}

func (s *Shares) forgetWhole(now time.Time) {
	for {
		key, limiter, ok := s.byKey.GetOldest()
		if !ok || limiter.TokensAt(now) < float64(limiter.Burst()) {
			return
		}
		s.byKey.Remove(key)
	}
}
