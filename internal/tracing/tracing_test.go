package tracing_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"itemlens/internal/lab/collector"
	"itemlens/internal/tracing"
)

// TestOpenTelemetrysVariablesDecide: nothing is sent unless they say so, and what they say wrongly is told.
func TestOpenTelemetrysVariablesDecide(t *testing.T) {
	const endpoint, protocol = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"
	for _, c := range []struct {
		name    string
		env     map[string]string
		on      bool
		problem string
	}{
		{"none set", nil, false, ""},
		{"a collector", map[string]string{endpoint: "http://127.0.0.1:1"}, true, ""},
		{"a collector of traces", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, true, ""},
		{"otlp, at the usual address", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{"no traces", map[string]string{endpoint: "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		{"disabled", map[string]string{endpoint: "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "zipkin"}, false, ""},
		{"not disabled", map[string]string{endpoint: "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "false"}, true, ""},
		{"disabled, perhaps", map[string]string{"OTEL_SDK_DISABLED": "yes"}, false, "OTEL_SDK_DISABLED must be true or false"},
		{"another exporter", map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, "OTEL_TRACES_EXPORTER must be otlp or none"},
		{"no address", map[string]string{endpoint: "collector:4318"}, false, endpoint + " must be an address"},
		{"another protocol", map[string]string{endpoint: "http://127.0.0.1:1", protocol: "grpc"}, false, protocol + " must be http/protobuf"},
		{"another protocol, for nothing", map[string]string{protocol: "grpc"}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := tracing.FromEnvironment(t.Context(), func(name string) string { return c.env[name] }, "1", slog.New(slog.DiscardHandler))
			if p != nil {
				defer func() { _ = p.Shutdown(context.Background()) }()
			}
			if (p != nil) != c.on || (err != nil) != (c.problem != "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("on: %t, %v", p != nil, err)
			}
		})
	}
}

// TestOnlyWhatIsListedLeavesTheProcess: whatever a library puts into a span beside that stays here.
func TestOnlyWhatIsListedLeavesTheProcess(t *testing.T) {
	c := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	p, err := tracing.FromEnvironment(t.Context(), os.Getenv, "1.2.3", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := p.Tracer("a library").Start(t.Context(), "page")
	span.SetAttributes(attribute.String("url.query", "auth=hidden-1"), attribute.String("http.route", "/"), attribute.String("user_agent.original", "hidden-2"))
	span.AddEvent("hidden-3")
	span.RecordError(errors.New("hidden-4"))
	span.SetStatus(codes.Error, "hidden-5")
	part, own := tracing.BeginRequest(ctx, "batch")
	own.Text(tracing.Portal, "member")
	own.Text(tracing.RequestID, strings.Repeat("ä", 10_000))
	own.Number(tracing.User, 7)
	own.Part(part, "crm.item.get", time.Now().Add(-time.Second), time.Now(), "not_found")
	own.Outcome("ok")
	own.End()
	span.End()
	if err := p.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.Text(), "hidden") {
		t.Errorf("sent: %s", c.Text())
	}
	spans := map[string]collector.Span{}
	for _, s := range c.Spans() {
		spans[s.Name] = s
	}
	page, batch, command := spans["page"], spans["batch"], spans["crm.item.get"]
	if page.Attributes["http.route"] != "/" || !page.Failed || batch.Parent != page.ID || batch.Failed || command.Parent != batch.ID || !command.Failed ||
		batch.Attributes["itemlens.portal"] != "member" || batch.Attributes["itemlens.user"] != "7" || command.Attributes["error.type"] != "not_found" || command.Nanos < 9e8 {
		t.Errorf("%+v", spans)
	}
	if n := len(batch.Attributes["itemlens.request_id"]); n > 4<<10 || n < 4000 {
		t.Errorf("a text of %d bytes", n)
	}
	if c.Resource("service.name") != "itemlens" || c.Resource("service.version") != "1.2.3" {
		t.Error("the resource has no name or version")
	}
}

// TestNobodyIsToldWhereNobodyAsked: the spans of a context that nobody records cost no memory.
func TestNobodyIsToldWhereNobodyAsked(t *testing.T) {
	ctx := t.Context()
	if allocated := testing.AllocsPerRun(1000, func() {
		inner, span := tracing.BeginRequest(ctx, "batch")
		span.Text(tracing.Portal, "member")
		span.Number(tracing.User, 7)
		span.Outcome("ok")
		span.Part(inner, "crm.item.get", time.Time{}, time.Time{}, "ok")
		span.End()
		tracing.Of(inner).Name("page")
	}); allocated > 0 {
		t.Errorf("%.1f allocations", allocated)
	}
}

// BenchmarkNobodyRecords is what tracing costs a page where it is off: about as many spans as one has.
func BenchmarkNobodyRecords(b *testing.B) {
	ctx := context.WithValue(context.WithValue(b.Context(), benchKey(1), 1), benchKey(2), 2) // as deep as a page's, roughly
	b.ReportAllocs()
	for b.Loop() {
		for range 4 {
			inner, span := tracing.BeginRequest(ctx, "batch")
			span.Text(tracing.Portal, "member")
			span.Number(tracing.User, 7)
			span.Outcome("ok")
			span.End()
			_ = tracing.Of(inner).Recording()
		}
	}
}

type benchKey int
