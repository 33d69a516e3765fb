package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/restlog"
	"itemlens/internal/tracing"
)

// traced makes a span of each request but those for static files, where somebody gets traces. Each begins a trace of its
// own: whoever posts a page must not decide what is recorded, or among what it is found.
func traced(next http.Handler, traces trace.TracerProvider) http.Handler {
	if traces == nil {
		return next
	}
	return otelhttp.NewHandler(next, "request", otelhttp.WithTracerProvider(traces), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
		otelhttp.WithFilter(func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/static/") }))
}

// describe tells the request's span what the log's line tells.
func describe(c echo.Context) {
	span := tracing.Of(c.Request().Context())
	if !span.Recording() {
		return
	}
	route := cmp.Or(c.Path(), "none")
	span.Name(methodLabel(c.Request().Method) + " " + route)
	span.Text(tracing.Route, route)
	span.Text(tracing.RequestID, c.Response().Header().Get(echo.HeaderXRequestID))
	if id, ok := c.Get("portal").(portal.MemberID); ok {
		span.Text(tracing.Portal, bitrix24.CleanText(string(id), longestPath))
	}
	if user, ok := c.Get("user").(portal.UserID); ok {
		span.Number(tracing.User, int64(user))
	}
	if event, ok := c.Get("event").(string); ok {
		span.Text(tracing.Event, bitrix24.CleanText(event, longestPath))
	}
	if problem, ok := c.Get("problem").(string); ok {
		span.Text(tracing.Problem, problem)
	}
}

// withNames adds to a line of the log to which request and to which trace it belongs.
func withNames(ctx context.Context, record *slog.Record) {
	if id := restlog.RequestID(ctx); id != "" {
		record.AddAttrs(slog.String("request_id", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
}
