// Package secret holds the one type that carries secrets through the program: tokens, the client secret,
// application tokens, keys. It prints as [redacted] however it is printed, logged or marshalled, so that a secret
// reaches an output only where somebody wrote Reveal. It stands below every other package and imports none of them.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what a secret looks like wherever it is shown.
const Redacted = "[redacted]"

// Text is a secret text. The zero value is "no secret". The text sits behind a pointer, so that even fmt, which reads
// unexported fields without asking their methods, finds an address and not the text.
type Text struct{ text *string }

// New wraps a text; an empty text gives the zero value.
func New(text string) Text {
	if text == "" {
		return Text{}
	}
	return Text{&text}
}

// Reveal returns the secret itself. Every call is a place to review: the result must not reach a log, an error or a URL.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// IsZero reports whether there is no secret.
func (t Text) IsZero() bool { return t.text == nil }

// Equal compares in constant time. No secret equals nothing, not even another missing one: two absent tokens prove
// nothing about who sent them.
func (t Text) Equal(other Text) bool {
	if t.IsZero() || other.IsZero() {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(*t.text), []byte(*other.text)) == 1
}

// Hash returns the SHA-256 of the secret, to find it again without keeping it. Tokens are long and random, so a plain
// hash does not give them away.
func (t Text) Hash() []byte {
	if t.IsZero() {
		return nil
	}
	sum := sha256.Sum256([]byte(*t.text))
	return sum[:]
}

// Format answers every verb of fmt with [redacted], or with nothing where there is no secret.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(t.String())) }

// String answers [redacted], or nothing where there is no secret.
func (t Text) String() string {
	if t.IsZero() {
		return ""
	}
	return Redacted
}

// LogValue keeps the secret out of slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText keeps the secret out of JSON and every other encoding that asks for text.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
