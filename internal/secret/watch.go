package secret

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Watch holds the secrets that one request has to do with, while it lasts, so that the log's last guard can take them out
// of whatever is about to be written. It is a second lock on the door: nothing should reach it.
type Watch struct {
	mu    sync.Mutex
	texts []string
}

// watched bounds how many secrets one request can have: a page has a pair, a renewal another one, a claim a few more.
const watched = 32

// shortest is the length below which a text is too usual to be taken out of others.
const shortest = 8

type watchKey struct{}

// WithWatch begins a watch.
func WithWatch(ctx context.Context) context.Context {
	return context.WithValue(ctx, watchKey{}, &Watch{})
}

// Note adds secrets to the context's watch, where there is one.
func Note(ctx context.Context, secrets ...Text) {
	w, ok := ctx.Value(watchKey{}).(*Watch)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range secrets {
		if text := s.Reveal(); len(text) >= shortest && len(w.texts) < watched && !slices.Contains(w.texts, text) {
			// The longest first: one that begins with another is to go as a whole.
			at, _ := slices.BinarySearchFunc(w.texts, len(text), func(known string, length int) int { return length - len(known) })
			w.texts = slices.Insert(w.texts, at, text)
		}
	}
}

// Redact takes every secret of the context's watch, and the further ones, out of a text.
func Redact(ctx context.Context, text string, further ...Text) string {
	for _, s := range further {
		text = redact(text, s.Reveal())
	}
	w, ok := ctx.Value(watchKey{}).(*Watch)
	if !ok {
		return text
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.texts {
		text = redact(text, s)
	}
	return text
}

func redact(text, s string) string {
	if len(s) < shortest || len(text) < shortest {
		return text
	}
	text = strings.ReplaceAll(text, s, Redacted)
	if escaped := url.QueryEscape(s); escaped != s {
		text = strings.ReplaceAll(text, escaped, Redacted)
	}
	return text
}
