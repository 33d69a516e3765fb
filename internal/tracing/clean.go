package tracing

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The names under which the app tells something of its own.
const (
	Portal    attribute.Key = "itemlens.portal" // member_id
	User      attribute.Key = "itemlens.user"
	RequestID attribute.Key = "itemlens.request_id"
	Event     attribute.Key = "itemlens.event"
	Problem   attribute.Key = "itemlens.problem"
	Code      attribute.Key = "itemlens.code"
	Commands  attribute.Key = "itemlens.commands"  // how many a batch has
	WaitedMS  attribute.Key = "itemlens.waited_ms" // for the request limit
	Route     attribute.Key = "http.route"
	Status    attribute.Key = "http.response.status_code"

	errorType attribute.Key = "error.type"
)

// allowed are all the names that leave the process, beside our own: whatever the libraries that make spans for HTTP, SQL
// and jobs may come to tell one day, of addresses, of people, of what they send, stays here. A statement of SQL is the
// text of a constant in package storage; its values travel apart from it.
func allowed(name attribute.Key) bool {
	switch name {
	case Portal, User, RequestID, Event, Problem, Code, Commands, WaitedMS, Route, Status, errorType,
		"http.request.method",
		"db.system.name", "db.system", "db.query.text", "db.operation.name", "pgx.rows_affected", "pgx.sql_state", "pgx.batch.size",
		"id", "kind", "kinds", "queue", "attempt", "status", "snooze", "cancel", "unique_skipped_as_duplicate_count":
		return true
	}
	return false
}

// longestText bounds one text of a span, in bytes; the longest statement of storage is shorter.
const longestText = 4 << 10

// cleanExporter stands before the exporter.
type cleanExporter struct{ sdktrace.SpanExporter }

// ExportSpans passes on what may leave the process.
func (e cleanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		clean[i] = cleanSpan{span}
	}
	return e.SpanExporter.ExportSpans(ctx, clean)
}

// cleanSpan is a span without what may not leave the process.
type cleanSpan struct{ sdktrace.ReadOnlySpan }

// Name is the span's name, bounded.
func (s cleanSpan) Name() string { return bounded(s.ReadOnlySpan.Name()) }

// Attributes are those with allowed names.
func (s cleanSpan) Attributes() []attribute.KeyValue {
	kept := slices.Clone(s.ReadOnlySpan.Attributes())
	kept = slices.DeleteFunc(kept, func(kv attribute.KeyValue) bool { return !allowed(kv.Key) })
	for i, kv := range kept {
		if kv.Value.Type() == attribute.STRING {
			kept[i].Value = attribute.StringValue(bounded(kv.Value.AsString()))
		}
	}
	return kept
}

// Events are none: libraries put errors there as they are, with what a portal or Postgres said.
func (s cleanSpan) Events() []sdktrace.Event { return nil }

// Status is without its text, which libraries fill with errors; ours stands in Code.
func (s cleanSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	if status.Code == codes.Error && status.Description != s.code() {
		status.Description = ""
	}
	return status
}

func (s cleanSpan) code() string {
	for _, kv := range s.ReadOnlySpan.Attributes() {
		if kv.Key == Code {
			return kv.Value.AsString()
		}
	}
	return ""
}

func bounded(text string) string {
	if len(text) <= longestText {
		return text
	}
	text = text[:longestText]
	for !utf8.ValidString(text) && len(text) > longestText-utf8.UTFMax {
		text = text[:len(text)-1]
	}
	return strings.ToValidUTF8(text, "")
}
