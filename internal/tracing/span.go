// Package tracing tells an operator's collector, by OpenTelemetry, where the time of a page or of a job went. It is
// switched on by OpenTelemetry's own variables (provider.go) and costs next to nothing otherwise. What a span may say is
// listed in clean.go: never a secret, a query string, a body or an address of a person. It imports no other package of the
// app, so that every one may begin spans.
package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope names whoever makes the app's own spans.
const scope = "itemlens"

// Span is a part of what is done for a page or a job. The zero value is a span that nobody records; all its methods do
// nothing.
type Span struct{ span trace.Span }

// Begin begins a span within the context's; where nobody records that one, it costs one look. End ends it.
func Begin(ctx context.Context, name string) (context.Context, Span) {
	return begin(ctx, name, trace.SpanKindInternal)
}

// BeginRequest is Begin for a request to another server.
func BeginRequest(ctx context.Context, name string) (context.Context, Span) {
	return begin(ctx, name, trace.SpanKindClient)
}

func begin(ctx context.Context, name string, kind trace.SpanKind) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{span}
}

// Of is the context's span.
func Of(ctx context.Context) Span {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return Span{span}
	}
	return Span{}
}

// Recording reports whether anybody will see the span; what is only worked out for it can be left out otherwise.
func (s Span) Recording() bool { return s.span != nil }

// Name gives the span another name.
func (s Span) Name(name string) {
	if s.span != nil {
		s.span.SetName(name)
	}
}

// Text adds a text under one of the names in clean.go; an empty one is left out.
func (s Span) Text(name attribute.Key, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(name.String(value))
	}
}

// Number adds a number under one of the names in clean.go; 0 is left out.
func (s Span) Number(name attribute.Key, value int64) {
	if s.span != nil && value != 0 {
		s.span.SetAttributes(name.Int64(value))
	}
}

// Outcome adds what came of it: a code of a known list. Anything but "ok" marks the span as failed.
func (s Span) Outcome(code string) {
	if s.span == nil {
		return
	}
	s.span.SetAttributes(Code.String(code))
	if code != "ok" {
		s.span.SetStatus(codes.Error, code)
		s.span.SetAttributes(errorType.String(code))
	}
}

// Part adds a part that is over, of which only the outcome is told.
func (s Span) Part(ctx context.Context, name string, from, to time.Time, code string) {
	if s.span == nil {
		return
	}
	_, part := s.span.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithTimestamp(from))
	Span{part}.Outcome(code)
	part.End(trace.WithTimestamp(to))
}

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}
