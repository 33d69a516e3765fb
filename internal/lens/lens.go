// Package lens makes the views of an item beside its fields: how it came to be, and what hangs on it. It is as pure as package
// card: what was read and a reader go in, a view comes out; it asks nobody, and the clock is a parameter. Each view is one
// file, with a type of its own, which web/templates draws.
package lens

import (
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// hides tells which fields an administrator hides in the card of an item: a view says nothing of them either.
func hides(r *crm.Reading, chosen portal.Settings) func(field string) bool {
	return card.Hides(chosen.Card(r.Ref.EntityTypeID, r.Item.Text("categoryId")).Hidden)
}
