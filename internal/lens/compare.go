package lens

import (
	"context"
	"slices"

	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// Compare is the view of two items of the same type side by side.
type Compare struct {
	Sides  [2]Line
	Differ []Pair // in the order of the first item's card
	Same   []Pair
}

// Pair is a field with the values that both items have in it; one that has none is empty.
type Pair struct {
	Title  string
	Values [2][]card.Piece
}

// maxComparedRows is how many product rows of an item are told one by one.
const maxComparedRows = 20

// NewCompare makes the view of two items: their cards as their reader sees them, field by field. Fields that neither has a
// value in are left out, and so is the id, in which they always differ.
func NewCompare(ctx context.Context, a, b *crm.Reading, reader card.Reader, chosen portal.Settings) (*Compare, error) {
	out := &Compare{}
	chosen.CodesFor = "" // fields are paired by their codes, of which the view tells none
	var cards [2]*card.Card
	for i, r := range []*crm.Reading{a, b} {
		c, err := card.New(ctx, r, reader, chosen, true)
		if err != nil {
			return nil, err
		}
		cards[i] = c
		out.Sides[i] = Line{Ref: c.Ref, Title: c.Head.Title, Href: c.Href, Path: c.Path}
	}
	left, right := rowsOf(reader.L, cards[0]), rowsOf(reader.L, cards[1])
	other := make(map[string]comparedRow, len(right))
	for _, row := range right {
		other[row.code] = row
	}
	add := func(title string, a, b comparedRow) {
		pair := Pair{Title: title, Values: [2][]card.Piece{a.pieces, b.pieces}}
		switch {
		case len(a.pieces)+len(b.pieces) == 0:
		case a.equals(b):
			out.Same = append(out.Same, pair)
		default:
			out.Differ = append(out.Differ, pair)
		}
	}
	for _, row := range left {
		add(row.title, row, other[row.code])
		delete(other, row.code)
	}
	for _, row := range right {
		if _, only := other[row.code]; only {
			add(row.title, comparedRow{}, row)
		}
	}
	return out, ctx.Err()
}

// comparedRow is a field of a card.
type comparedRow struct {
	code, title string
	pieces      []card.Piece
	beyond      int
}

// equals reports whether two rows say the same: values of which a part is left out are not known to.
func (r comparedRow) equals(other comparedRow) bool {
	return r.beyond == 0 && other.beyond == 0 && slices.EqualFunc(r.pieces, other.pieces, func(a, b card.Piece) bool {
		return a.Text == b.Text && a.HTML == b.HTML && a.Name == b.Name && a.Note == b.Note && a.Path == b.Path
	})
}

// rowsOf are the fields of a card and its products.
func rowsOf(l *i18n.Printer, c *card.Card) []comparedRow {
	var rows []comparedRow
	add := func(all []card.Row) {
		for _, row := range all {
			if row.Code != "id" && !row.Technical {
				rows = append(rows, comparedRow{row.Code, row.Title, row.Pieces, row.Beyond})
			}
		}
	}
	for _, s := range c.Sections {
		add(s.Rows)
		if s.Products != nil {
			rows = append(rows, productsRow(l, s.Products))
		}
	}
	add(c.System)
	return rows
}

// productsRow tells of products how many rows there are, what they come to, and the first of them.
func productsRow(l *i18n.Printer, p *card.Products) comparedRow {
	row := comparedRow{code: "products", title: l.T("products.title"), beyond: p.Missing + p.Beyond}
	row.pieces = append(row.pieces, card.Piece{Text: l.T("products.count", "Count", p.Count), Note: p.Total})
	for _, r := range p.Rows[:min(len(p.Rows), maxComparedRows)] {
		row.pieces = append(row.pieces, card.Piece{Text: r.Name, Note: r.Quantity + " · " + r.Sum})
	}
	row.beyond += len(p.Rows) - min(len(p.Rows), maxComparedRows)
	return row
}

// Candidates are items of the same type to compare one with.
type Candidates struct {
	Query string
	Items []Line
}

// NewCandidates makes the choice of items to compare with.
func NewCandidates(read *crm.Candidates, reader card.Reader, chosen portal.Settings) *Candidates {
	a := &aroundMaker{w: card.NewWriter(read.Reading, reader), read: &crm.Around{Ref: read.Reading.Ref}, chosen: chosen}
	out := &Candidates{Query: read.Query}
	for _, item := range read.Items {
		out.Items = append(out.Items, a.itemLine(read.Reading.Ref.EntityTypeID, item))
	}
	return out
}
