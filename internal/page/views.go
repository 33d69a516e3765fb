package page

import (
	"time"

	"github.com/maypok86/otter/v2"

	"itemlens/internal/gate"
	"itemlens/internal/portal"
)

// View is how a user looks at pages, as the user's browser told: what the form that opens a page does not say.
type View struct {
	Zone  string // the browser's time zone, by its IANA name; it counts where the portal does not know the user's
	Empty *bool  // empty fields are shown; nil while the user has chosen nothing
	Codes *bool  // field codes are shown
	Open  string // which of a card's views was opened last; empty for the fields
}

// Views remembers how users look, so that their next page is drawn as they want it and nothing jumps once its script runs.
// What they chose, the portal remembers: what is forgotten here, or was told to another process, costs a page that changes
// once more while it is opened.
type Views struct {
	known *otter.Cache[viewKey, View]
}

type viewKey struct {
	portal portal.MemberID
	user   portal.UserID
}

// Bounds of what is remembered. The process that hears of a removal forgets the portal's users at once (Forget); the others
// forget them once nobody has opened a page for viewLife.
const (
	maxViews = 50_000 // users: some megabytes
	viewLife = 24 * time.Hour
)

// NewViews makes Views. Close ends them.
func NewViews() *Views {
	return &Views{otter.Must(&otter.Options[viewKey, View]{
		MaximumSize: maxViews, ExpiryCalculator: otter.ExpiryAccessing[viewKey, View](viewLife),
	})}
}

// Close ends what Views do in the background.
func (v *Views) Close() { v.known.StopAllGoroutines() }

func keyOf(visit *gate.Visit) viewKey { return viewKey{visit.Portal.MemberID, visit.User.ID} }

// Of is how a visit's user looks, as far as it is known.
func (v *Views) Of(visit *gate.Visit) View {
	view, _ := v.known.GetIfPresent(keyOf(visit))
	return view
}

// tell remembers what a page's browser told.
func (v *Views) tell(visit *gate.Visit, change func(*View)) {
	view := v.Of(visit)
	change(&view)
	v.known.Set(keyOf(visit), view)
}

// Forget forgets the users of a portal.
func (v *Views) Forget(id portal.MemberID) {
	for key := range v.known.Keys() {
		if key.portal == id {
			v.known.Invalidate(key)
		}
	}
}
