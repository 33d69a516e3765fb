package card

import "slices"

// views are what an item's page shows beside its fields, in the order of their tabs. A view is asked for when it is opened
// (package page, /in/lens/<name>); its tab says view.<name>.
var views = []struct {
	name  string
	codes bool // only for those who may see field codes
}{
	{name: "history"},
	{name: "around"},
	{name: "compare"},
	{name: "rest", codes: true},
}

// Views are the names of the views that the reader may open beside the fields.
func (c *Card) Views() []string {
	names := make([]string, 0, len(views))
	for _, v := range views {
		if !v.codes || c.Codes {
			names = append(names, v.name)
		}
	}
	return names
}

// Show has the card drawn with a view open, where the reader has that view; any other name stands for the fields.
func (c *Card) Show(view string) {
	if slices.Contains(c.Views(), view) {
		c.View = view
	}
}

// IsView reports whether there is a view of that name; the fields have none.
func IsView(name string) bool {
	for _, v := range views {
		if v.name == name {
			return true
		}
	}
	return false
}
