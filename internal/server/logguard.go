package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

// longestValue bounds one value of a log line, in bytes; a stack is of our own making and may be longer.
const (
	longestValue = 2 << 10
	longestStack = 8 << 10
)

// logGuard stands before the log's handler. No value passes that holds a secret of the request that it is about (see
// secret.Watch) or one of the app's own, and none that is longer than any honest value is. Whoever logs takes care of both
// already; this is for the one who did not.
type logGuard struct {
	next slog.Handler
	own  []secret.Text
}

// guardLog wraps a logger's handler.
func guardLog(log *slog.Logger, own ...secret.Text) *slog.Logger {
	return slog.New(&logGuard{log.Handler(), own})
}

// Enabled is the next handler's.
func (g *logGuard) Enabled(ctx context.Context, level slog.Level) bool {
	return g.next.Enabled(ctx, level)
}

// Handle writes a copy of the record, with the names of its request and trace.
func (g *logGuard) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, g.text(ctx, record.Message, longestValue), record.PC)
	record.Attrs(func(attr slog.Attr) bool {
		clean.AddAttrs(g.attr(ctx, attr))
		return true
	})
	withNames(ctx, &clean)
	return g.next.Handle(ctx, clean)
}

// WithAttrs knows no request, so it guards the app's own secrets and the length alone.
func (g *logGuard) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		clean[i] = g.attr(context.Background(), attr)
	}
	return &logGuard{g.next.WithAttrs(clean), g.own}
}

// WithGroup is the next handler's.
func (g *logGuard) WithGroup(name string) slog.Handler {
	return &logGuard{g.next.WithGroup(name), g.own}
}

func (g *logGuard) attr(ctx context.Context, attr slog.Attr) slog.Attr {
	longest := longestValue
	if attr.Key == "stack" {
		longest = longestStack
	}
	value := attr.Value.Resolve()
	switch value.Kind() {
	case slog.KindGroup:
		var members []any
		for _, member := range value.Group() {
			members = append(members, g.attr(ctx, member))
		}
		return slog.Group(attr.Key, members...)
	case slog.KindString:
		return slog.String(attr.Key, g.text(ctx, value.String(), longest))
	case slog.KindAny:
		return g.any(ctx, attr.Key, value.Any(), longest)
	default: // numbers, times, booleans
		return attr
	}
}

// any writes a value as the next handler would, and passes it on as it is where nothing had to be taken out.
func (g *logGuard) any(ctx context.Context, key string, value any, longest int) slog.Attr {
	if err, is := value.(error); is {
		return slog.String(key, g.text(ctx, err.Error(), longest))
	}
	text, err := json.Marshal(value)
	if err != nil {
		return slog.String(key, g.text(ctx, fmt.Sprintf("%+v", value), longest))
	}
	if clean := g.text(ctx, string(text), longest); clean != string(text) {
		return slog.String(key, clean)
	}
	return slog.Any(key, value)
}

// text takes secrets out before it cuts, so that no half of one stays.
func (g *logGuard) text(ctx context.Context, text string, longest int) string {
	text = secret.Redact(ctx, text, g.own...)
	if len(text) > longest {
		text = bitrix24.CleanText(text, longest)
	}
	return text
}
