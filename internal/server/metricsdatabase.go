package server

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"itemlens/internal/jobs"
	"itemlens/internal/storage"
)

const (
	// queueLook is how old a count of the queue may be: whoever scrapes often, or from several places, costs no more.
	queueLook = 10 * time.Second
	// queueWait is how long a count may take. A scrape is answered in any case.
	queueWait = 3 * time.Second
)

// watchDatabase tells of Postgres: the pool of connections, and the queue, which is the same whichever replica tells.
func (m *metrics) watchDatabase(store *storage.Store) {
	pool := func() stat { return store.Pool().Stat() }
	m.tell("itemlens_db_connections_max", "Connections to Postgres that may be open.", prometheus.GaugeValue, func() float64 { return float64(pool().MaxConns()) })
	m.tell("itemlens_db_connections_open", "Connections to Postgres that are open.", prometheus.GaugeValue, func() float64 { return float64(pool().TotalConns()) })
	m.tell("itemlens_db_connections_used", "Connections to Postgres that are in use.", prometheus.GaugeValue, func() float64 { return float64(pool().AcquiredConns()) })
	m.tell("itemlens_db_acquires_total", "Times that a connection was taken.", prometheus.CounterValue, func() float64 { return float64(pool().AcquireCount()) })
	m.tell("itemlens_db_acquires_waited_total", "Times that a connection was taken only after a wait, because all were in use.", prometheus.CounterValue, func() float64 { return float64(pool().EmptyAcquireCount()) })
	m.tell("itemlens_db_acquires_given_up_total", "Times that whoever waited for a connection gave up.", prometheus.CounterValue, func() float64 { return float64(pool().CanceledAcquireCount()) })
	m.tell("itemlens_db_acquire_wait_seconds_total", "Time spent on waiting for connections while all were in use.", prometheus.CounterValue, func() float64 { return pool().EmptyAcquireWaitTime().Seconds() })
	m.registry.MustRegister(&queueCollector{
		count: store.Queues, queues: jobs.Queues(),
		up:   prometheus.NewDesc("itemlens_db_up", "1 where Postgres answers a question about the queue, 0 where it does not.", nil, nil),
		jobs: prometheus.NewDesc("itemlens_queue_jobs", "Jobs in the queue, by queue and state; discarded ones failed for the last time.", []string{"queue", "state"}, nil),
		wait: prometheus.NewDesc("itemlens_queue_oldest_seconds", "How long the job that has waited longest could have run already, by queue.", []string{"queue"}, nil),
	})
}

// stat is what is told of the pool.
type stat interface {
	MaxConns() int32
	TotalConns() int32
	AcquiredConns() int32
	AcquireCount() int64
	EmptyAcquireCount() int64
	CanceledAcquireCount() int64
	EmptyAcquireWaitTime() time.Duration
}

// queueCollector asks Postgres about the queue when somebody looks.
type queueCollector struct {
	count          func(context.Context) ([]storage.QueueCount, error)
	queues         []string // told of in any case
	up, jobs, wait *prometheus.Desc

	mu     sync.Mutex
	asked  time.Time
	counts []storage.QueueCount
	err    error
}

// Describe implements prometheus.Collector.
func (c *queueCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.up
	out <- c.jobs
	out <- c.wait
}

// Collect implements prometheus.Collector.
func (c *queueCollector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.asked) > queueLook {
		ctx, cancel := context.WithTimeout(context.Background(), queueWait)
		defer cancel()
		c.counts, c.err = c.count(ctx)
		c.asked = time.Now()
	}
	up := 1.0
	if c.err != nil {
		up = 0
	}
	out <- prometheus.MustNewConstMetric(c.up, prometheus.GaugeValue, up)
	if c.err != nil {
		return // what was there before says nothing of now
	}
	type place struct{ queue, state string }
	jobs, oldest := map[place]int64{}, map[string]float64{}
	for _, queue := range c.queues {
		oldest[queue] = 0
		for _, state := range storage.QueueStates() {
			jobs[place{queue, state}] = 0
		}
	}
	for _, count := range c.counts {
		jobs[place{count.Queue, count.State}] = count.Jobs
		oldest[count.Queue] = max(oldest[count.Queue], count.Oldest)
	}
	for at, n := range jobs {
		out <- prometheus.MustNewConstMetric(c.jobs, prometheus.GaugeValue, float64(n), at.queue, at.state)
	}
	for queue, seconds := range oldest {
		out <- prometheus.MustNewConstMetric(c.wait, prometheus.GaugeValue, seconds, queue)
	}
}
