package card

import (
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
)

// detailsField holds all contact details of an item; each kind has a row of its own, "fm.PHONE" and so on.
const detailsField = "fm"

// contactKinds are the kinds of contact details, in the order of the portal's card (api-reference/crm/data-types.md,
// crm_multifield).
var contactKinds = []string{"PHONE", "EMAIL", "WEB", "IM", "LINK"}

func isContactCode(code string) bool { return strings.HasPrefix(code, detailsField+".") }

// contactRows makes a row of each kind of the item's contact details.
func (f *formatter) contactRows(raw []byte) []Row {
	rows := make([]Row, len(contactKinds), len(contactKinds)+1)
	for i, kind := range contactKinds {
		rows[i] = Row{Code: detailsField + "." + kind, Title: f.L.T("contact." + strings.ToLower(kind))}
	}
	odd := Row{Code: detailsField, Title: detailsField}
	add := func(row *Row, piece Piece) {
		if len(row.Pieces) >= maxValues {
			row.Beyond++
			return
		}
		f.bound(&piece)
		row.Pieces = append(row.Pieces, piece)
	}
	bitrix24.EachElement(raw, func(value []byte) bool {
		var kind, valueKind, text string
		bitrix24.EachMember(value, func(name, value []byte) bool {
			switch string(name) {
			case `"typeId"`:
				kind = bitrix24.Text(value)
			case `"valueType"`:
				valueKind = bitrix24.Text(value)
			case `"value"`:
				text = bitrix24.Text(value)
			}
			return true
		})
		for i, known := range contactKinds {
			if known == kind {
				if text != "" {
					add(&rows[i], f.contactDetail(kind, valueKind, text))
				}
				return true
			}
		}
		if piece, ok := f.structured(&crm.Field{Name: detailsField, Type: "crm_multifield"}, value); ok {
			add(&odd, piece)
		}
		return true
	})
	if links := &rows[len(rows)-1]; links.Empty() {
		rows = rows[:len(rows)-1]
	}
	if !odd.Empty() {
		rows = append(rows, odd)
	}
	return rows
}

func (f *formatter) contactDetail(kind, valueKind, text string) Piece {
	piece := Piece{Text: text}
	switch kind {
	case "PHONE":
		piece.Href = phoneLink(text)
	case "EMAIL":
		piece.Href = mailLink(text)
	default:
		piece = f.link(text)
	}
	piece.Note = valueKind
	if key := "contact.kind." + strings.ToLower(valueKind); f.L.Has(key) {
		piece.Note = f.L.T(key)
	}
	return piece
}
