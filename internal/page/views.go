package page

import (
	lru "github.com/hashicorp/golang-lru/v2"

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
	known *lru.Cache[viewKey, View]
}

type viewKey struct {
	portal portal.MemberID
	user   portal.UserID
}

// maxViews is how many users are remembered: some megabytes.
const maxViews = 50_000

// NewViews makes Views.
func NewViews() *Views {
	known, err := lru.New[viewKey, View](maxViews)
	if err != nil {
		panic(err) // the size is no size
	}
	return &Views{known}
}

func keyOf(visit *gate.Visit) viewKey { return viewKey{visit.Portal.MemberID, visit.User.ID} }

// Of is how a visit's user looks, as far as it is known.
func (v *Views) Of(visit *gate.Visit) View {
	view, _ := v.known.Get(keyOf(visit))
	return view
}

// tell remembers what a page's browser told.
func (v *Views) tell(visit *gate.Visit, change func(*View)) {
	view := v.Of(visit)
	change(&view)
	v.known.Add(keyOf(visit), view)
}

// Forget forgets the users of a portal.
func (v *Views) Forget(id portal.MemberID) {
	for _, key := range v.known.Keys() {
		if key.portal == id {
			v.known.Remove(key)
		}
	}
}
