package card

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
)

// Piece is one value as a person reads it.
type Piece struct {
	Text     string
	HTML     template.HTML // in place of Text: formatted text, sanitised
	Href     string        // link: tel:, mailto:, http(s):
	Path     string        // where Href leads to the portal: the address within it, which its slider opens
	Name     string        // key under which a better Text is to be found; empty where Text is final
	Photo    string        // picture beside the text
	Initials string        // in place of a picture
	Note     string        // what kind of value it is: a work phone, a file's size; how much of it is left out
	Raw      bool          // shown as it came, because the type or the id is unknown
	Type     string        // the field's type, where it is one that we do not know
}

// Bounds of what a card shows of fields, values and texts. What goes beyond is counted and told on the page.
const (
	maxValues = 500     // of a field
	maxPieces = 40_000  // of a card
	maxText   = 100_000 // bytes of a value that is shown
)

// formatter turns values into pieces for one reader and one item.
type formatter struct {
	Reader
	typ       *crm.Type
	names     crm.Names
	item      *crm.Item
	described *describedFields
	pieces    []Piece // of all fields, one after the other, so that each is no allocation of its own
	richLeft  int     // bytes of formatted text that the card may still hold
}

func newFormatter(r *crm.Reading, reader Reader) *formatter {
	return &formatter{
		Reader: reader, typ: r.Type, names: r.Names, item: r.Item, described: describeFields(reader.L, r.Type.Fields),
		pieces: make([]Piece, 0, len(r.Item.Members)+8), richLeft: maxRichCard,
	}
}

// format gives the pieces of a value, none where it is empty, and how many values are left out.
func (f *formatter) format(field *crm.Field, raw json.RawMessage) (pieces []Piece, beyond int) {
	start := len(f.pieces)
	bitrix24.EachElement(raw, func(value []byte) bool {
		if len(f.pieces)-start >= maxValues || len(f.pieces) >= maxPieces {
			beyond++
			return true
		}
		if piece, ok := f.one(field, value); ok {
			f.bound(&piece)
			f.pieces = append(f.pieces, piece)
		}
		return true
	})
	return f.pieces[start:len(f.pieces):len(f.pieces)], beyond
}

// bound cuts a text that is too long to show, and says so.
func (f *formatter) bound(p *Piece) {
	if len(p.Text) <= maxText {
		return
	}
	whole := len(p.Text)
	p.Text = shorten(p.Text, maxText)
	p.Note = strings.TrimSpace(p.Note + " " + f.L.T("value.cut", "Shown", f.L.Size(maxText), "Whole", f.L.Size(int64(whole))))
	p.Href = ""
}

// one formats a single value; it reports false where the value is none. Types are those of crm.item.fields and
// crm.userfield.types; docs/lens.md lists how each is shown.
func (f *formatter) one(field *crm.Field, raw []byte) (Piece, bool) {
	text := strings.TrimSpace(bitrix24.Text(raw))
	switch {
	case field.Type == "file" || field.Type == "diskfile":
		return f.file(raw)
	case text == "false" && field.Type != "boolean" && field.Type != "char" && field.Type != "":
		return Piece{}, false // how PHP writes that there is none
	case text == "":
		return f.structured(field, raw)
	}
	switch field.Type {
	case "string":
		return f.plain(field, text), true
	case "text":
		return f.rich(field, text), true
	case "boolean", "char":
		return f.flag(text), true
	case "integer":
		return f.integer(field, text)
	case "double":
		return f.double(field, text), true
	case "money":
		return f.money(text)
	case "date":
		return f.date(text), true
	case "datetime":
		return f.dateTime(field, text), true
	case "enumeration":
		if choice, ok := field.Choice(text); ok {
			return Piece{Text: choice}, true
		}
		return Piece{Text: "#" + text, Raw: true}, text != "0"
	case "crm_status":
		return f.status(field, text), true
	case "crm_category":
		if name := f.typ.Pipelines.Names[text]; name != "" {
			return Piece{Text: name}, true
		}
		return Piece{Text: "#" + text, Raw: true}, text != "0"
	case "crm_currency":
		return f.currency(text), true
	case "user", "employee":
		return f.person(text)
	case "crm_company", "crm_contact", "crm_lead", "crm_deal", "crm_quote", "crm_entity":
		return f.linked(parentType(field), text)
	case "crm":
		return f.boundItem(field, text)
	case "url":
		return f.link(text), true
	case "address":
		place, _, _ := strings.Cut(text, "|") // text|latitude;longitude|id
		return Piece{Text: place}, place != ""
	case "iblock_section", "iblock_element", "location", "resourcebooking":
		return Piece{Text: f.L.T("value."+field.Type, "ID", text), Raw: true}, text != "0"
	case "":
		return Piece{Text: text, Raw: true}, true
	}
	return Piece{Text: text, Raw: true, Type: field.Type}, true
}

// structured formats an object: everything that has no scalar value is empty, unless something stands in it.
func (f *formatter) structured(field *crm.Field, raw []byte) (Piece, bool) {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return Piece{}, false
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil || compact.Len() <= len("{}") {
		return Piece{}, false
	}
	return Piece{Text: compact.String(), Raw: true, Type: field.Type}, true
}

func (f *formatter) plain(field *crm.Field, text string) Piece {
	switch {
	case field.Name == "stageSemanticId" && f.L.Has("semantics."+text):
		return Piece{Text: f.L.T("semantics." + text)}
	case hasPrefixFold(field.Name, "email"):
		return Piece{Text: text, Href: mailLink(text)}
	case hasPrefixFold(field.Name, "phone"):
		return Piece{Text: text, Href: phoneLink(text)}
	}
	return Piece{Text: text}
}

func (f *formatter) flag(text string) Piece {
	switch strings.ToUpper(text) {
	case "Y", "1", "TRUE":
		return Piece{Text: f.L.T("value.yes")}
	case "N", "0", "FALSE":
		return Piece{Text: f.L.T("value.no")}
	default:
		return Piece{Text: text, Raw: true}
	}
}

func (f *formatter) status(field *crm.Field, text string) Piece {
	for _, status := range f.pipeline(field, text) {
		if status.ID == text {
			return Piece{Text: status.Name}
		}
	}
	return Piece{Text: text, Raw: true}
}

// pipeline are the entries among which a value of a field of type crm_status stands, in the portal's order.
func (f *formatter) pipeline(field *crm.Field, id string) []crm.Status {
	return f.typ.Statuses.Pipeline(field.StatusType, f.item.Text("categoryId"), id)
}

// typeName is what a type is called: the portal's own name, where it is known.
func (f *formatter) typeName(entityTypeID int) string {
	return TypeName(f.L, entityTypeID, f.typ.Types.Name(entityTypeID))
}

// TypeName is what a type is called: in the reader's language, or as the portal calls a smart process.
func TypeName(l *i18n.Printer, entityTypeID int, title string) string {
	switch key := fmt.Sprintf("type.%d", entityTypeID); {
	case l.Has(key):
		return l.T(key)
	case title != "":
		return title
	}
	return l.T("type.smart_process")
}
