package bitrix24

import (
	"crypto/sha256"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"itemlens/internal/secret"
)

// refusalLife is how long a token of a stranger that was refused is not asked about again.
const refusalLife = time.Minute

// Refusals remember which tokens of strangers were refused, by hash, so that one that is posted again costs no request.
type Refusals struct {
	known *lru.Cache[[sha256.Size]byte, refusal]
}

type refusal struct {
	err   error
	until time.Time
}

// NewRefusals makes an empty memory of up to so many tokens.
func NewRefusals(size int) (*Refusals, error) {
	known, err := lru.New[[sha256.Size]byte, refusal](size)
	return &Refusals{known}, err
}

// Of returns what a host answered to a token within the last minute; nil where it was not refused.
func (r *Refusals) Of(host string, token secret.Text) error {
	if known, ok := r.known.Get(refusalKey(host, token)); ok && time.Now().Before(known.until) {
		return known.err
	}
	return nil
}

// Add remembers a refusal. The error must not hold the token, nor anything that grows with what was answered.
func (r *Refusals) Add(host string, token secret.Text, err error) {
	r.known.Add(refusalKey(host, token), refusal{err, time.Now().Add(refusalLife)})
}

func refusalKey(host string, token secret.Text) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(host+"\x00"), token.Hash()...))
}

// platformError finds what the platform itself answered, without what wraps it.
func platformError(err error) *Error {
	var platform *Error
	if errors.As(err, &platform) {
		return platform
	}
	return nil
}
