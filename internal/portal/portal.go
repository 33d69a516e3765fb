// Package portal is the domain on the ground floor: what a portal, a user and a token are, and the problems that a
// person can meet. It knows no HTTP, no SQL and no wire format; every other package may use it.
package portal

import (
	"context"
	"slices"
	"strconv"
	"time"

	"itemlens/internal/secret"
)

// MemberID identifies a portal for ever; its address may change.
type MemberID string

// UserID identifies a user within one portal.
type UserID int64

// String writes the id in decimal.
func (id UserID) String() string { return strconv.FormatInt(int64(id), 10) }

// Portal is one Bitrix24 that has, or had, the app installed. Everything in it but ApplicationToken was told by the
// OAuth server, never by a form that anyone can post.
type Portal struct {
	MemberID         MemberID
	ClientEndpoint   string      // REST address, ends in "/rest/"
	Domain           string      // host of its pages, as DOMAIN has it; as a rule that of ClientEndpoint
	ServerEndpoint   string      // REST address of the OAuth server that vouched for the portal
	ApplicationToken secret.Text // proves that an event comes from this portal; may be missing
	Scope            []string    // what the portal granted, such as "crm"
	Status           string      // L local, F free, D demo, T trial, P paid, S subscription
	LicenseFamily    string      // of the portal's plan, such as "ent", which decides how much REST it allows; empty where it is not known
	InstallerID      UserID      // whose token stands for the portal in background work
	InstalledAt      time.Time
	UninstalledAt    time.Time // zero while the app is installed
	SchemaVersion    int64     // grows with every change of fields, dictionaries and types that the portal told
	BoundAt          time.Time // when placements and events were bound last; zero where that is not known
	BoundOutcome     string    // what came of it: "ok", or a problem
	BoundSkipped     []string  // placements that the portal does not have
	Settings         Settings
	SettingsVersion  int64 // 0 while nothing was chosen
}

// Installed reports whether the app is installed in the portal now.
func (p Portal) Installed() bool { return !p.InstalledAt.IsZero() && p.UninstalledAt.IsZero() }

// MissingScope returns those of the needed scopes that the portal did not grant.
func (p Portal) MissingScope(needed ...string) []string {
	return slices.DeleteFunc(slices.Clone(needed), func(s string) bool { return slices.Contains(p.Scope, s) })
}

// User is the person who looks, as the portal describes them.
type User struct {
	ID       UserID
	Admin    bool // may manage the portal's app settings
	Name     string
	TimeZone string // IANA name; empty where the user keeps the portal's
}

// Location is the user's time zone; nil where it is the portal's, or none that is known here.
func (u User) Location() *time.Location {
	zone, err := time.LoadLocation(u.TimeZone)
	if u.TimeZone == "" || err != nil {
		return nil
	}
	return zone
}

// Token is the OAuth pair of one user of one portal.
type Token struct {
	MemberID   MemberID
	UserID     UserID // 0 where nobody has said yet whose it is
	Access     secret.Text
	Refresh    secret.Text // none where the OAuth server gave none, or refused it
	ExpiresAt  time.Time   // of the access token
	Generation int64       // grows with every pair stored, so that processes see that another one refreshed
	DeadReason string      // why there is no refresh token that works; empty while there is one
	StoredAt   time.Time   // when the refresh token was exchanged, or stored first: a newer claim does not count
}

// Exchange asks the OAuth server for the pair behind a refresh token. Where the token is proven to be its row's user's,
// an answer need not name anybody: MemberID and UserID stay empty. Where it is not, Exchange does what it can to learn
// whose the new pair is. Errors that end the token are *DeadTokenError.
type Exchange func(ctx context.Context, refresh secret.Text, proven bool) (Token, error)

// Visit is what storage knows when a page is opened, before anything of the page is proven.
type Visit struct {
	Portal Portal
	// PairOf is the user to whom the posted refresh token belongs as far as it is known; 0 where it was never seen.
	PairOf UserID
	// PairCurrent says that PairOf's row holds that refresh token now.
	PairCurrent bool
	// Orphaned says that nobody's token can stand for the portal in background work: the installer's is dead or gone, or
	// the installer is no administrator any more.
	Orphaned bool
}
