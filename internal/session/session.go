// Package session makes the short-lived token that a page in the iframe carries for the requests that it makes itself.
// It says who opened the page and for how long that is believed; it says nothing of rights, which the portal is asked
// for anew. It travels in the Authorization header: browsers block cookies of third parties, and what sends no cookie
// cannot be forged by another site.
package session

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// The reasons why a session is not believed.
var (
	ErrMissing = errors.New("no session in the Authorization header")
	ErrForged  = errors.New("the session was not made here, or was changed")
	ErrExpired = errors.New("the session has ended")
)

// Session is who opened a page.
type Session struct {
	MemberID    portal.MemberID `json:"p"`
	UserID      portal.UserID   `json:"u"`
	InstalledAt int64           `json:"i"` // of the portal, in microseconds: it ends with the installation
	Lang        string          `json:"l"` // the platform's code
	TimeZone    string          `json:"z"`
	ProvenAt    int64           `json:"a"` // when the portal last answered to the user's token, Unix time
	Expires     int64           `json:"e"` // Unix time
}

// Keeper makes sessions and reads them.
type Keeper struct {
	sealer *seal.Sealer
	life   time.Duration
	now    func() time.Time
}

// NewKeeper makes a keeper whose sessions live so long from their last use.
func NewKeeper(sealer *seal.Sealer, life time.Duration, now func() time.Time) *Keeper {
	return &Keeper{sealer, life, now}
}

// place binds what is sealed to its use: a sealed token of the database is no session, and the other way round.
var place = seal.Place{Column: "session"}

// Issue makes the token of a session, which ends a life from now.
func (k *Keeper) Issue(s Session) (secret.Text, error) {
	s.Expires = k.now().Add(k.life).Unix()
	claims, err := json.Marshal(s)
	if err != nil {
		return secret.Text{}, fmt.Errorf("write session: %w", err)
	}
	sealed, err := k.sealer.Seal(secret.New(string(claims)), place)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(base64.RawURLEncoding.EncodeToString(sealed)), nil
}

// Of reads the session of a request. Errors are ErrMissing, ErrForged and ErrExpired.
func (k *Keeper) Of(r *http.Request) (Session, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return Session{}, ErrMissing
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return Session{}, ErrForged
	}
	claims, err := k.sealer.Open(sealed, place)
	if err != nil {
		return Session{}, ErrForged
	}
	var s Session
	if err := json.Unmarshal([]byte(claims.Reveal()), &s); err != nil {
		return Session{}, ErrForged
	}
	if k.now().Unix() >= s.Expires {
		return Session{}, ErrExpired
	}
	return s, nil
}
