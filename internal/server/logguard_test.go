package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// TestNoSecretOfARequestPassesTheLog logs a request's secrets in every way in which somebody could.
func TestNoSecretOfARequestPassesTheLog(t *testing.T) {
	var out bytes.Buffer
	log := guardLog(slog.New(slog.NewJSONHandler(&out, nil)), secret.New("the-client-secret"))
	const token = "0123456789abcdef-a-token"
	ctx := secret.WithWatch(t.Context())
	secret.Note(ctx, secret.New(token))
	log.With("component", "the-client-secret").WarnContext(ctx, "message with "+token,
		"text", "x"+token+"y", "error", errors.Join(errors.New("a"), errors.New(token)), "list", []string{"a", token},
		"map", map[string]any{"a": token}, "typed", portal.MemberID(token), "secret", secret.New(token),
		slog.Group("group", "inner", token), "lazy", lazy(token), "long", strings.Repeat("x", longestValue-10)+token)
	if text := out.String(); strings.Contains(text, token[:10]) || strings.Contains(text, "the-client-secret") || strings.Count(text, "[redacted]") < 11 {
		t.Errorf("the log holds %s", text)
	}
}

type lazy string

func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

func TestValuesOfTheLogAreBounded(t *testing.T) {
	var out bytes.Buffer
	log := guardLog(slog.New(slog.NewJSONHandler(&out, nil)))
	huge := strings.Repeat("x", 5<<20)
	log.With("with", huge).InfoContext(context.Background(), huge, "text", huge, "error", errors.New(huge), "list", []string{huge}, "stack", huge)
	if out.Len() > 5*longestValue+longestStack+1000 {
		t.Errorf("a line of %d bytes", out.Len())
	}
}

func TestValuesWithoutSecretsStayAsTheyAre(t *testing.T) {
	var guarded, plain bytes.Buffer
	write := func(log *slog.Logger) {
		log.With("component", "jobs").WithGroup("g").Info("message", "user", portal.UserID(7), "portal", portal.MemberID("m"), "n", 3, "list", []string{"a"},
			"none", []string(nil), "error", errors.New("x"), slog.Group("inner", "a", true))
	}
	noTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	write(guardLog(slog.New(slog.NewJSONHandler(&guarded, noTime))))
	write(slog.New(slog.NewJSONHandler(&plain, noTime)))
	if guarded.String() != plain.String() || !json.Valid(guarded.Bytes()) {
		t.Errorf("got  %swant %s", guarded.String(), plain.String())
	}
}
