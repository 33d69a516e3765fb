package portalsim

import (
	"math"
	"time"
)

// usage counts the seconds that one method ran for one caller, in ten baskets of a minute (limits.md, resource
// intensity). A basket's ten minutes begin with its first call.
type usage struct {
	baskets []basket
}

type basket struct {
	start   time.Time
	seconds float64
}

func (p *Portal) usageOf(caller, method string) *usage { // callers hold mu
	key := caller + " " + method
	if p.usages[key] == nil {
		p.usages[key] = &usage{}
	}
	return p.usages[key]
}

func (u *usage) add(now time.Time, seconds float64) {
	u.drop(now)
	if n := len(u.baskets); n > 0 && now.Sub(u.baskets[n-1].start) < time.Minute {
		u.baskets[n-1].seconds += seconds
		return
	}
	u.baskets = append(u.baskets, basket{now, seconds})
}

func (u *usage) sum(now time.Time) float64 {
	u.drop(now)
	sum := 0.0
	for _, b := range u.baskets {
		sum += b.seconds
	}
	return sum
}

// resetAt is when the oldest basket leaves the sum.
func (u *usage) resetAt(now time.Time) time.Time {
	u.drop(now)
	if len(u.baskets) == 0 {
		return now.Add(10 * time.Minute)
	}
	return u.baskets[0].start.Add(10 * time.Minute)
}

func (u *usage) drop(now time.Time) {
	for len(u.baskets) > 0 && now.Sub(u.baskets[0].start) >= 10*time.Minute {
		u.baskets = u.baskets[1:]
	}
}

// overLimit counts a request in the leaky bucket (limits.md) and reports whether it is one too many; callers hold mu.
func (p *Portal) overLimit(now time.Time) bool {
	rate, burst := p.sim.options.RatePerSecond, p.sim.options.RateBurst
	if p.plan == "enterprise" {
		rate, burst = rate*2.5, burst*5
	}
	if !p.bucketAt.IsZero() {
		p.bucket = math.Max(0, p.bucket-now.Sub(p.bucketAt).Seconds()*rate)
	}
	p.bucketAt = now
	if p.bucket+1 > burst {
		p.overruns++
		return true
	}
	p.bucket++
	return false
}

// SetCost says how many seconds a method is counted to take, for the limit on operating time.
func (p *Portal) SetCost(method string, seconds float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cost[method] = seconds
}
