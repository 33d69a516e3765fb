package secret_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"itemlens/internal/secret"
)

func TestWatchTakesSecretsOutOfTexts(t *testing.T) {
	ctx := secret.WithWatch(t.Context())
	secret.Note(ctx, secret.New("access-token-1"), secret.New("re fresh/token"), secret.Text{}, secret.New("short"), secret.New("access-token-1-and-more"))
	derived, cancel := context.WithCancel(ctx)
	defer cancel()
	for text, want := range map[string]string{
		"x access-token-1 y access-token-1": "x [redacted] y [redacted]",
		"access-token-1-and-more":           "[redacted]",
		"re fresh/token":                    "[redacted]",
		"?a=re+fresh%2Ftoken&b=1":           "?a=[redacted]&b=1",
		"short is too usual a text":         "short is too usual a text",
		"the app's client-secret":           "the app's [redacted]",
		"":                                  "",
	} {
		if got := secret.Redact(derived, text, secret.New("client-secret")); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := secret.Redact(t.Context(), "access-token-1"); got != "access-token-1" {
		t.Errorf("another request's: %q", got)
	}
	secret.Note(t.Context(), secret.New("nobody watches")) // and nothing happens
}

func TestWatchIsBoundedAndMayBeUsedAtOnce(t *testing.T) {
	ctx := secret.WithWatch(t.Context())
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			secret.Note(ctx, secret.New(fmt.Sprintf("secret-number-%03d", i)))
			_ = secret.Redact(ctx, "secret-number-001")
		})
	}
	wg.Wait()
	kept := 0
	for i := range 200 {
		if strings.HasPrefix(secret.Redact(ctx, fmt.Sprintf("secret-number-%03d!", i)), "[redacted]!") {
			kept++
		}
	}
	if kept != 32 {
		t.Errorf("%d secrets are watched, want 32", kept)
	}
}
