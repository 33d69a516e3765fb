package portal

import "time"

// RemovalClaim is what an uninstall event that proved nothing says. It makes us ask whether it is true.
type RemovalClaim string

// The claims.
const (
	NoClaim        RemovalClaim = ""        // no event: the platform's own answers make us ask
	ClaimsRemoval  RemovalClaim = "removal" // the app was removed
	ClaimsDeletion RemovalClaim = "data"    // the app was removed with its data
)

// BindingEnd is what came of making a portal's placements and events right.
type BindingEnd struct {
	Wish    int64         // the number under which it began
	Took    time.Duration // what the portal is charged for
	Through bool          // it succeeded, or is given up
}
