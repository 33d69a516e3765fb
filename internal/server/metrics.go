package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/restlog"
)

// metrics are what /metrics tells. Labels are bounded: routes, methods that the app calls, known codes.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "itemlens_http_request_seconds", Help: "Requests served, by route, method and status.", Buckets: prometheus.DefBuckets,
		}, []string{"route", "method", "status"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "itemlens_portal_request_seconds", Help: "Requests to portals and OAuth servers, by REST method and outcome.", Buckets: prometheus.DefBuckets,
		}, []string{"method", "code"}),
	}
	m.registry.MustRegister(m.requests, m.calls, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
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

func (m *metrics) request(route, method string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodHead:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) portalRequest(_ context.Context, o bitrix24.Observation) {
	m.calls.WithLabelValues(o.Method, o.Code).Observe(o.Duration.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
