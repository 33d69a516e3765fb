package fleet

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"itemlens/internal/lab/portalsim"
)

// TestEachPortalHasItsReplica: 300 portals before three replicas. Each portal's pages and what they ask for reach one replica;
// a portal whose users all come at once gets no request more than it allows; a replica that is told to stop fails no page; one
// that dies fails only what it had in hand, and its portals are warm again with their next page.
func TestEachPortalHasItsReplica(t *testing.T) {
	f := newFleet(t, build(t, root, "./cmd/app"), 3*time.Second)
	began := time.Now()
	portals := f.install(300)
	t.Logf("300 portals are installed and bound in %.0f s", time.Since(began).Seconds())

	since := f.logs()
	first := f.round(portals)
	first.want(t, "the first round", 0)
	f.round(portals).want(t, "the second round", 0)
	spread := map[string]int{}
	for id, by := range f.served(since) {
		if len(by) != 1 {
			t.Errorf("portal %s was served by %v", id, by)
		}
		for host := range by {
			spread[host]++
		}
	}
	if len(spread) != 3 {
		t.Errorf("portals by replica: %v", spread)
	}
	t.Logf("portals by replica: %v", spread)

	f.wantBusyPortalsKeptWithinTheirLimits(portals[:5], portals[5:10])

	quiet := portals[10:]
	// A replica that is told to stop, in the middle of traffic.
	stopped := make(chan struct{})
	go func() { defer close(stopped); time.Sleep(500 * time.Millisecond); f.stop(f.replicas[0]) }()
	rounds := result{}
	for done := false; !done; {
		rounds.add(f.round(quiet))
		select {
		case <-stopped:
			done = true
		default:
		}
	}
	rounds.add(f.round(quiet))
	rounds.want(t, "a replica stops", 0)

	// Portals of the replica that is gone are warm at another one with their second page: one request each.
	requests := total(quiet)
	f.round(quiet).want(t, "after the stop", 0)
	t.Logf("requests to portals for a warm page, after the stop: %.2f", float64(total(quiet)-requests)/float64(len(quiet)))

	// Another one dies without a word: what it had in hand is lost, and no more.
	dead := f.replicas[1]
	killed := make(chan time.Time, 1)
	go func() {
		time.Sleep(300 * time.Millisecond)
		_ = dead.cmd.Process.Signal(syscall.SIGKILL)
		_, _ = dead.cmd.Process.Wait()
		killed <- time.Now()
	}()
	lost := f.round(quiet)
	lost.want(t, "a replica dies", workers)
	<-killed
	f.round(quiet).want(t, "the next round", 0)
}

// workers is how many users open pages at once.
const workers = 16

// result is what came of pages.
type result struct {
	pages, failed int
	sample        string
	took          []time.Duration
}

func (r *result) add(other result) {
	r.pages += other.pages
	r.failed += other.failed
	r.took = append(r.took, other.took...)
	if other.sample != "" {
		r.sample = other.sample
	}
}

func (r result) want(t *testing.T, when string, most int) {
	t.Helper()
	slices.Sort(r.took)
	t.Logf("%s: %d requests, %d failed, median %d ms, 99th of 100 %d ms", when, r.pages, r.failed,
		r.took[len(r.took)/2].Milliseconds(), r.took[len(r.took)*99/100].Milliseconds())
	if r.failed > most {
		t.Errorf("%s: %d of %d requests failed, such as %s", when, r.failed, r.pages, r.sample)
	}
}

// round opens a page of each portal and asks for its names.
func (f *fleet) round(portals []*portalsim.Portal) result {
	f.t.Helper()
	var mu sync.Mutex
	var all result
	note := func(a answer) {
		mu.Lock()
		defer mu.Unlock()
		all.pages++
		all.took = append(all.took, a.took)
		if a.status != http.StatusOK {
			all.failed++
			all.sample = http.StatusText(a.status) + " " + a.body[:min(len(a.body), 300)]
		}
	}
	var wg sync.WaitGroup
	queue := make(chan *portalsim.Portal)
	for range workers {
		wg.Go(func() {
			for p := range queue {
				page := f.open(p, "CRM_LEAD_DETAIL_TAB")
				note(page)
				if page.status == http.StatusOK {
					note(f.names(p, page))
				}
			}
		})
	}
	for _, p := range portals {
		queue <- p
	}
	close(queue)
	wg.Wait()
	return all
}

// wantBusyPortalsKeptWithinTheirLimits opens far more pages of a few portals at once than they take requests: pages wait for
// their turn, and no portal has to refuse a request. The same without the balancer, each page at another replica, shows what
// it is good for.
func (f *fleet) wantBusyPortalsKeptWithinTheirLimits(busy, unbalanced []*portalsim.Portal) {
	f.t.Helper()
	const pages = 80
	before := total(busy)
	var crowd []*portalsim.Portal
	for range pages {
		crowd = append(crowd, busy...)
	}
	f.round(crowd).want(f.t, "busy portals", 0)
	if n := (total(busy) - before) / len(busy); n < pages {
		f.t.Errorf("a busy portal got %d requests: it was not busy, and the test proves nothing", n)
	}
	if n := overruns(busy); n > 0 {
		f.t.Errorf("portals had to refuse %d requests", n)
	}
	var wg sync.WaitGroup
	for i := range pages {
		for _, p := range unbalanced {
			host := f.replicas[i%len(f.replicas)].host
			wg.Go(func() { f.openAt(p, "CRM_LEAD_DETAIL_TAB", "http://"+net.JoinHostPort(host, f.port)) })
		}
	}
	wg.Wait()
	n := overruns(unbalanced)
	f.t.Logf("requests that %d busy portals had to refuse: %d with the balancer, %d without it", len(busy), overruns(busy), n)
	if n == 0 {
		f.t.Error("portals refuse nothing without the balancer either: the test proves nothing")
	}
}

func overruns(portals []*portalsim.Portal) (n int) {
	for _, p := range portals {
		n += p.Overruns()
	}
	return n
}

func total(portals []*portalsim.Portal) (n int) {
	for _, p := range portals {
		n += p.Requests("")
	}
	return n
}
