package server

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/oauth"
	"itemlens/internal/restlog"
)

// metrics are what /metrics tells; docs/operate.md lists all. Labels are bounded: routes, problems, methods that the app
// calls, known codes. None names a portal: there are too many, and what one of them does is in the log.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	outcomes *prometheus.CounterVec
	portals  *prometheus.HistogramVec
	oauth    *prometheus.HistogramVec
	waits    *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	renewals *prometheus.CounterVec
	dead     *prometheus.CounterVec
	jobs     *prometheus.HistogramVec
}

func newMetrics(version string) *metrics {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.DefBuckets}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("itemlens_http_request_seconds", "Requests served, by route, method and status.", "route", "method", "status"),
		outcomes: counter("itemlens_page_outcomes_total", "Requests served but for static files, by route and outcome: ok, or the problem.", "route", "outcome"),
		portals:  histogram("itemlens_portal_request_seconds", "Requests sent to portals, by REST method and outcome.", "method", "code"),
		oauth:    histogram("itemlens_oauth_request_seconds", "Requests sent to OAuth servers, by method and outcome.", "method", "code"),
		waits:    histogram("itemlens_limit_wait_seconds", "How long requests waited for room in a limit of ours, where they did.", "limit"),
		refusals: counter("itemlens_limit_refusals_total", "Requests that were refused by a limit of ours.", "limit"),
		renewals: counter("itemlens_token_renewals_total", "Renewals of tokens, by outcome: ok, or the problem.", "outcome"),
		dead:     counter("itemlens_dead_tokens_total", "Refresh tokens that the OAuth server refused, by its reason.", "reason"),
		jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "itemlens_job_seconds", Help: "Tries of jobs, by kind and outcome: ok, later, panic, or the problem.", Buckets: []float64{.05, .25, 1, 5, 20, 60, 120},
		}, []string{"kind", "outcome"}),
	}
	// So that a rate is there before the first one happens.
	for _, limit := range []string{limitPortal, limitPortalStrangers, limitOAuth, limitDoor} {
		m.refusals.WithLabelValues(limit)
		m.waits.WithLabelValues(limit)
	}
	for _, reason := range oauth.DeadReasons() {
		m.dead.WithLabelValues(reason)
	}
	m.renewals.WithLabelValues("ok")
	m.outcomes.WithLabelValues("/", "ok")
	m.registry.MustRegister(m.requests, m.outcomes, m.portals, m.oauth, m.waits, m.refusals, m.renewals, m.dead, m.jobs,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "itemlens_build_info", Help: "1, for the version that runs."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.registry.MustRegister(build)
	return m
}

// watchCache tells how the cache of schemas and names fares.
func (m *metrics) watchCache(cache *crm.Cache) {
	m.tell("itemlens_cache_hits_total", "Look-ups in the cache of schemas and names that found something.", prometheus.CounterValue, func() float64 { return float64(cache.Stats().Hits) })
	m.tell("itemlens_cache_misses_total", "Look-ups in the cache of schemas and names that found nothing.", prometheus.CounterValue, func() float64 { return float64(cache.Stats().Misses) })
	m.tell("itemlens_cache_evictions_total", "Entries that the cache gave up for lack of room or for their age.", prometheus.CounterValue, func() float64 { return float64(cache.Stats().Evictions) })
	m.tell("itemlens_cache_bytes", "Weight of what the cache keeps, in bytes.", prometheus.GaugeValue, func() float64 { return float64(cache.Stats().Bytes) })
	m.tell("itemlens_cache_entries", "Entries that the cache keeps.", prometheus.GaugeValue, func() float64 { return float64(cache.Stats().Entries) })
}

// watchRESTLog tells how the REST log fares.
func (m *metrics) watchRESTLog(log *restlog.Log) {
	m.tell("itemlens_rest_log_lines_total", "Lines of the REST log that were written.", prometheus.CounterValue, func() float64 { return float64(log.Stats().Written) })
	m.tell("itemlens_rest_log_lost_lines_total", "Lines of the REST log that found no room or could not be written.", prometheus.CounterValue, func() float64 { return float64(log.Stats().Lost) })
	m.tell("itemlens_rest_log_waiting_bytes", "Memory of lines that wait to be written.", prometheus.GaugeValue, func() float64 { return float64(log.Stats().Held) })
}

// tell adds a figure of a part of the app that counts for itself.
func (m *metrics) tell(name, help string, kind prometheus.ValueType, value func() float64) {
	m.registry.MustRegister(statCollector{prometheus.NewDesc(name, help, nil, nil), kind, value})
}

// statCollector is one figure of a part of the app that counts for itself.
type statCollector struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func() float64
}

// Describe implements prometheus.Collector.
func (c statCollector) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector.
func (c statCollector) Collect(out chan<- prometheus.Metric) {
	out <- prometheus.MustNewConstMetric(c.desc, c.kind, c.value())
}

// methodLabel keeps a method that a client made up from becoming a label of its own.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead:
		return method
	}
	return "other"
}

// request counts a request that was served; problem is empty where there was none.
func (m *metrics) request(route, method string, status int, problem string, took time.Duration) {
	route = cmp.Or(route, "none")
	m.requests.WithLabelValues(route, methodLabel(method), strconv.Itoa(status)).Observe(took.Seconds())
	if !strings.HasPrefix(route, "/static/") {
		m.outcomes.WithLabelValues(route, cmp.Or(problem, "ok")).Inc()
	}
}

// The limits of ours, as labels.
const (
	limitPortal          = "portal"           // what a portal's plan allows
	limitPortalStrangers = "portal_strangers" // the part of it for tokens that nobody has vouched for
	limitOAuth           = "oauth"            // questions to the OAuth servers about such tokens
	limitDoor            = "door"             // looking such pages up in the database
)

// waitWorthTelling is what a request that does not wait takes at most.
const waitWorthTelling = time.Millisecond

// requestSent counts a request to a portal or an OAuth server, or that a limit of ours refused it.
func (m *metrics) requestSent(_ context.Context, o bitrix24.Observation) {
	limit, sent := limitPortal, m.portals
	switch {
	case strings.HasPrefix(o.Method, "oauth/"):
		limit, sent = limitOAuth, m.oauth
	case o.Stranger:
		limit = limitPortalStrangers
	}
	if o.Waited >= waitWorthTelling {
		m.waits.WithLabelValues(limit).Observe(o.Waited.Seconds())
	}
	switch {
	case o.Sent:
		sent.WithLabelValues(o.Method, o.Code).Observe(o.Duration.Seconds())
	case o.Code != "":
		m.refusals.WithLabelValues(limit).Inc()
	}
}

// doorPassed counts strangers who waited to be looked up.
func (m *metrics) doorPassed(waited time.Duration, refused bool) {
	if waited >= waitWorthTelling {
		m.waits.WithLabelValues(limitDoor).Observe(waited.Seconds())
	}
	if refused {
		m.refusals.WithLabelValues(limitDoor).Inc()
	}
}

func (m *metrics) renewed(outcome string) { m.renewals.WithLabelValues(outcome).Inc() }
func (m *metrics) died(reason string)     { m.dead.WithLabelValues(reason).Inc() }

func (m *metrics) jobDone(kind, outcome string, took time.Duration) {
	m.jobs.WithLabelValues(kind, outcome).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
