package portal

import (
	"errors"
	"time"

	"itemlens/internal/secret"
)

// EventClaim is what an event says that brings tokens, as long as nobody has vouched for it.
type EventClaim struct {
	MemberID         MemberID
	Event            string
	Address          string // of whoever sent it
	Domain           string
	ServerEndpoint   string
	Access           secret.Text
	Refresh          secret.Text
	ApplicationToken secret.Text
}

// ErrNoClaim is returned where an event is kept no more.
var ErrNoClaim = errors.New("the event is not kept any more")

// RemovalClaim is why somebody is asked whether a portal has removed the app, as a rule an uninstall event that proved
// nothing.
type RemovalClaim string

// The claims.
const (
	NoClaim        RemovalClaim = ""        // no event: the platform's own answers make us ask
	ClaimsRemoval  RemovalClaim = "removal" // the app was removed
	ClaimsDeletion RemovalClaim = "data"    // the app was removed with its data
	Silence        RemovalClaim = "silence" // no event, and nobody's token has worked for longer than one lives
)

// BindingEnd is what came of making a portal's placements and events right.
type BindingEnd struct {
	Wish    int64         // the number under which it began
	Took    time.Duration // what the portal is charged for
	Through bool          // it succeeded, or is given up
}
