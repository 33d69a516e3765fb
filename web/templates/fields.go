package templates

import (
	"cmp"

	"itemlens/internal/card"
	"itemlens/internal/i18n"
)

// rowName is what the page's script knows a row by.
func rowName(r *card.Row) string { return cmp.Or(r.Code, r.ID) }

// rowCode is a field's code, with its original name where that differs.
func rowCode(r *card.Row) string {
	if r.Upper == "" {
		return r.Code
	}
	return r.Code + " " + r.Upper
}

// sectionTitle is what stands over a section; "" of one that was given no name.
func sectionTitle(l *i18n.Printer, s card.Section) string {
	if s.Key != "" {
		return l.T("group." + s.Key)
	}
	return s.Title
}

// pieceType is the type of a value that we do not know, after what else is to be noted of it.
func pieceType(p *card.Piece) string {
	if p.Note == "" {
		return p.Type
	}
	return p.Note + " " + p.Type
}

// pipeline is the name of the item's pipeline, as it stands behind its number.
func pipeline(c *card.Card) string {
	if c.Head.Pipeline == "" {
		return ""
	}
	return "· " + c.Head.Pipeline
}
