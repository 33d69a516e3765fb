// Package collector takes traces as an OpenTelemetry collector does, over OTLP by HTTP, and keeps them for tests. It is
// not part of the product.
package collector

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// Collector keeps what was sent to it.
type Collector struct {
	URL string // for OTEL_EXPORTER_OTLP_ENDPOINT

	mu        sync.Mutex
	spans     []Span
	resources map[string]string
	text      strings.Builder
}

// Span is a span with what a test looks at.
type Span struct {
	Trace, ID, Parent, Name string
	Attributes              map[string]string
	Failed                  bool
	Links                   []string // traces
	Nanos                   uint64   // how long it took
}

// Start starts a collector that ends with the test.
func Start(t testing.TB) *Collector {
	c := &Collector{resources: map[string]string{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// ServeHTTP takes one export (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP Request").
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	raw, err := io.ReadAll(body)
	var request collectortrace.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(raw, &request)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "not an export of traces", http.StatusBadRequest)
		return
	}
	c.keep(&request)
	answer, _ := proto.Marshal(&collectortrace.ExportTraceServiceResponse{})
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

func (c *Collector) keep(request *collectortrace.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.WriteString(prototext.Format(request))
	for _, resource := range request.GetResourceSpans() {
		for name, value := range attributes(resource.GetResource().GetAttributes()) {
			c.resources[name] = value
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s := Span{
					Trace: hex.EncodeToString(span.GetTraceId()), ID: hex.EncodeToString(span.GetSpanId()), Parent: hex.EncodeToString(span.GetParentSpanId()),
					Name: span.GetName(), Attributes: attributes(span.GetAttributes()), Failed: span.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR,
					Nanos: span.GetEndTimeUnixNano() - span.GetStartTimeUnixNano(),
				}
				for _, link := range span.GetLinks() {
					s.Links = append(s.Links, hex.EncodeToString(link.GetTraceId()))
				}
				c.spans = append(c.spans, s)
			}
		}
	}
}

func attributes(list []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, kv := range list {
		text := kv.GetValue().GetStringValue()
		if text == "" {
			text = strings.TrimSpace(prototext.MarshalOptions{}.Format(kv.GetValue()))
			_, text, _ = strings.Cut(text, ":")
		}
		out[kv.GetKey()] = text
	}
	return out
}

// Spans are those that have come.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Resource is what the process that sent spans says of itself.
func (c *Collector) Resource(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resources[name]
}

// Text is all that has come, as text.
func (c *Collector) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}
