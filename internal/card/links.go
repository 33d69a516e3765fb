package card

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
)

func mailLink(text string) string {
	if strings.Count(text, "@") != 1 || strings.ContainsAny(text, " ,;\n") {
		return ""
	}
	return "mailto:" + url.PathEscape(text)
}

func phoneLink(text string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, text)
	if len(digits) < 3 {
		return ""
	}
	return "tel:" + digits
}

// link makes a link of an address that browsers may follow; any other scheme stays text.
func (f *formatter) link(text string) Piece {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return Piece{Text: text}
	}
	return Piece{Text: text, Href: u.String()}
}

func (f *formatter) person(text string) (Piece, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return Piece{Text: text, Raw: true}, err != nil // 0 links to nothing
	}
	piece := f.inPortal(Piece{Raw: true}, crm.PersonPath(id))
	known, ok := f.names.Person(id)
	switch {
	case !ok:
		piece.Name = crm.PersonKey(id)
	case known.Name != "":
		piece.Text, piece.Photo, piece.Initials, piece.Raw = known.Name, known.Photo, Initials(known.Name, 2), false
		return piece, true
	}
	piece.Text = f.L.T("value.user", "ID", id)
	return piece, true
}

func (f *formatter) linked(entityTypeID int, text string) (Piece, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return Piece{Text: text, Raw: true}, err != nil // 0 links to nothing
	}
	if entityTypeID <= 0 {
		return Piece{Text: "#" + text, Raw: true}, true
	}
	ref := crm.Ref{EntityTypeID: entityTypeID, ID: id}
	piece := f.inPortal(Piece{Raw: true}, ref.Path())
	title, ok := f.names.Title(ref)
	switch {
	case !ok:
		piece.Name = ref.Key()
	case title != "":
		piece.Text, piece.Initials, piece.Raw = title, Initials(title, 1), false
		return piece, true
	}
	piece.Text = f.typeName(entityTypeID) + " #" + strconv.FormatInt(id, 10)
	return piece, true
}

// Initials are the first letters of a name's first and last words; of the first one alone where count is 1.
func Initials(name string, count int) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	if len(words) > 1 {
		words = []string{words[0], words[len(words)-1]}[:count]
	}
	initials := ""
	for _, word := range words {
		first, _ := utf8.DecodeRuneInString(word)
		initials += string(unicode.ToUpper(first))
	}
	return initials
}

// inPortal makes a piece a link to a page of the portal.
func (f *formatter) inPortal(piece Piece, path string) Piece {
	piece.Href, piece.Path = f.Origin+path, path
	return piece
}

// parentType is the type that a field's ids belong to: the field's own type or settings tell it, or its name.
func parentType(field *crm.Field) int {
	switch field.Type {
	case "crm_company":
		return bitrix24.Company
	case "crm_contact":
		return bitrix24.Contact
	case "crm_lead":
		return bitrix24.Lead
	case "crm_deal":
		return bitrix24.Deal
	case "crm_quote":
		return bitrix24.Quote
	}
	if id := crm.PositiveID(bitrix24.Text(field.Settings["parentEntityTypeId"])); id > 0 {
		return int(id)
	}
	digits, _ := strings.CutPrefix(field.Name, "parentId")
	return int(crm.PositiveID(digits))
}

// boundItem reads "D_20", or "T40e_5" where the type is in hexadecimal digits. A field that binds to a single type, which
// its settings name, holds the id alone.
func (f *formatter) boundItem(field *crm.Field, text string) (Piece, bool) {
	code, id, ok := strings.Cut(text, "_")
	if ok {
		if entityTypeID, known := bitrix24.TypeOfShortCode(code); known {
			return f.linked(entityTypeID, id)
		}
		return Piece{Text: text, Raw: true}, true
	}
	var allowed []int
	for name, value := range field.Settings {
		var yes bitrix24.Bool
		_ = yes.UnmarshalJSON(value)
		if entityTypeID := typeByName(name); bool(yes) && entityTypeID > 0 {
			allowed = append(allowed, entityTypeID)
		}
	}
	if len(allowed) == 1 && crm.PositiveID(text) > 0 {
		return f.linked(allowed[0], text)
	}
	return Piece{Text: text, Raw: true}, text != "0"
}

// typeByName reads the platform's name of a type (api-reference/crm/data-types.md, object types).
func typeByName(name string) int {
	switch name {
	case "LEAD":
		return bitrix24.Lead
	case "DEAL":
		return bitrix24.Deal
	case "CONTACT":
		return bitrix24.Contact
	case "COMPANY":
		return bitrix24.Company
	case "QUOTE":
		return bitrix24.Quote
	case "SMART_INVOICE":
		return bitrix24.SmartInvoice
	}
	digits, ok := strings.CutPrefix(name, "DYNAMIC_")
	if !ok {
		return 0
	}
	return int(crm.PositiveID(digits))
}
