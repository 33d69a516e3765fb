// Package card makes the view model of an item: which fields a person sees in which order, under which titles, and each
// value in words. It is pure: values and a reader go in, a card comes out; it asks nobody, reads no clock and knows no
// portal, so that a golden file, fuzzing and benchmarks hold it. What it makes costs what its input costs: one pass, every
// part of it bounded, and over when nobody waits for it.
package card

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// Reader is who reads a card.
type Reader struct {
	L      *i18n.Printer
	Zone   *time.Location // nil: times stay as the portal wrote them
	Now    time.Time      // when it is read; zero: nothing is said of how long something has lasted, or is late
	Origin string         // of the portal's pages, such as https://acme.bitrix24.com
}

// Card is an item as its page shows it.
type Card struct {
	Ref      crm.Ref
	TypeName string
	Path     string // where the portal shows the item
	Href     string // the same as a whole address
	Head     Head
	Sections []Section
	System   []Row  // what the platform keeps for itself
	Empty    int    // how many rows are hidden because they have no value
	Codes    bool   // the reader may see field codes and JSON
	ShowAll  bool   // empty fields are shown until the reader hides them
	View     string // which of Views is open; empty for the fields
	JSON     json.RawMessage
	Beyond   int // how many fields of the item the card leaves out because they are too many
}

// Section is a part of the card: one of the portal's own arrangement, or one of ours, which Key names.
type Section struct {
	Key      string // in messages: group.<Key>; empty where Title is the portal's
	Title    string
	Rows     []Row
	Products *Products
	Half     bool // so short that it stands beside a neighbour
}

// Filled reports whether anything of the section is shown while empty fields are hidden.
func (s Section) Filled() bool {
	return s.Products != nil || slices.ContainsFunc(s.Rows, func(r Row) bool { return !r.Empty() || r.Always })
}

// Row is a field with its value.
type Row struct {
	ID     string // names the row in its page where Code is not to be seen
	Code   string
	Upper  string // the field's original name, where it differs in more than its case
	Title  string
	Pieces []Piece
	Beyond int   // how many values are left out because they are too many
	Always bool  // shown even where it is empty, as the portal's card does, or because it must not be
	Mark   *Mark // nil: nothing is to be said of the value
	Wide   bool  // holds long texts, which take the whole width

	// Technical rows are shown beside field codes alone: they tell nothing, or nobody has named them and they are empty.
	Technical bool
}

// Empty reports whether the field has no value.
func (r Row) Empty() bool { return len(r.Pieces) == 0 }

// maxJSON is how much of an item as it came a page takes along, in bytes. A larger one is left out as a whole.
const maxJSON = 2 << 20

// New makes the card of an item: arranged as the administrator chose, else as the portal's card is; then what that one
// leaves out, then what is the platform's own. It ends with the context's error once that is done.
func New(ctx context.Context, r *crm.Reading, reader Reader, chosen portal.Settings, admin bool) (*Card, error) {
	settings := chosen.Card(r.Ref.EntityTypeID, r.Item.Text("categoryId"))
	f := newFormatter(r, reader)
	b := &builder{f: f, hidden: newHidden(settings.Hidden)}
	if err := b.formatRows(ctx); err != nil {
		return nil, err
	}
	card := &Card{
		Ref: r.Ref, TypeName: f.typeName(r.Ref.EntityTypeID), Path: r.Ref.Path(), Href: reader.Origin + r.Ref.Path(), Codes: true, ShowAll: chosen.ShowEmpty, Beyond: r.Item.Beyond,
	}
	if !b.hidden.has(productsCode) {
		if b.products = f.products(r.Products); b.products != nil && !b.hidden.has("opportunity") {
			b.products.compare(f, r.Products)
		}
	}
	b.mark()
	card.Head = newHead(r.Ref, f, card.TypeName, b)
	b.arrange(card, settings, r.Arrangement)
	if chosen.CodesFor == portal.Administrators && !admin {
		card.withoutCodes()
	} else {
		card.JSON = itemJSON(r.Item, b.hidden)
	}
	return card, ctx.Err()
}

// itemJSON is the item as it came without hidden fields, fit for a script element; nil where it is too large.
func itemJSON(it *crm.Item, hidden hiddenFields) json.RawMessage {
	size := 2
	for _, m := range it.Members {
		size += len(m.Name) + len(m.Value) + 4
	}
	if size > maxJSON {
		return nil
	}
	out := append(make([]byte, 0, size+size/8), '{')
	for _, m := range it.Members {
		if hidden.hasMember(m.Name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		key, _ := json.Marshal(m.Name)
		out = append(append(out, key...), ':')
		for _, c := range m.Value {
			if c == '<' { // only texts hold it; a script element must not end early
				out = append(out, `\u003c`...)
				continue
			}
			out = append(out, c)
		}
	}
	return append(out, '}')
}

// withoutCodes takes out what only those may see who may see codes: fields are numbered in place of their names.
func (c *Card) withoutCodes() {
	c.Codes, c.JSON = false, nil
	n := 0
	number := func(rows []Row) {
		for i := range rows {
			n++
			rows[i].ID, rows[i].Code, rows[i].Upper = "f"+strconv.Itoa(n), "", ""
		}
	}
	for _, s := range c.Sections {
		number(s.Rows)
	}
	number(c.System)
}

// hiddenFields are the fields that an administrator hides.
type hiddenFields struct {
	names   map[string]bool
	details bool // some contact details are hidden
}

func newHidden(names []string) hiddenFields {
	h := hiddenFields{names: make(map[string]bool, len(names))}
	for _, name := range names {
		h.names[name] = true
		h.details = h.details || isContactCode(name)
	}
	return h
}

func (h hiddenFields) has(name string) bool { return h.names[name] }

// hasMember is has for members of an item as it came: contact details are one of them, whichever of them are hidden.
func (h hiddenFields) hasMember(name string) bool {
	return h.names[name] || name == detailsField && h.details
}

// Hides tells of the members of an item which ones hidden fields are in.
func Hides(hidden []string) func(member string) bool { return newHidden(hidden).hasMember }
