package crm

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/i18n"
)

// Piece is one value as a person reads it.
type Piece struct {
	Text string
	Href string // link: tel:, mailto:, http(s):
	Path string // where Href leads to the portal: the address within it, which its slider opens
	Raw  bool   // shown as it came, because the type or the id is unknown
}

// formatter turns values into pieces for one reader.
type formatter struct {
	l      *i18n.Printer
	schema *Schema
	names  *names
	zone   *time.Location // nil: as the portal wrote it
	origin string
}

// format gives the pieces of a value; none where it is empty.
func (f *formatter) format(field *Field, raw json.RawMessage) []Piece {
	var pieces []Piece
	for _, element := range elements(raw) {
		if piece, ok := f.one(field, element); ok {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}

func (f *formatter) one(field *Field, raw json.RawMessage) (Piece, bool) {
	text := strings.TrimSpace(scalar(raw))
	if field.Type == "file" {
		return f.file(raw)
	}
	if text == "" {
		trimmed := strings.TrimSpace(string(raw))
		structured := trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') && trimmed != "{}" && trimmed != "[]"
		return Piece{Text: trimmed, Raw: true}, structured
	}
	switch field.Type {
	case "string", "text":
		return f.plain(field, text), true
	case "boolean", "char":
		return f.flag(text), true
	case "integer":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return Piece{Text: strconv.FormatInt(n, 10)}, n != 0 || !strings.HasSuffix(field.Name, "Id")
		}
	case "double":
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return Piece{Text: f.l.Number(n, 6)}, true
		}
	case "money":
		return f.money(text)
	case "date":
		return f.date(text)
	case "datetime":
		return f.dateTime(text)
	case "enumeration":
		if choice, ok := field.choices[text]; ok {
			return Piece{Text: choice}, true
		}
		return Piece{Text: "#" + text, Raw: true}, text != "0"
	case "crm_status":
		if status, ok := f.schema.Status(field.StatusType, text); ok {
			return Piece{Text: status.Name}, true
		}
	case "user", "employee":
		return f.person(text)
	case "crm_company":
		return f.linked(bitrix24.Company, text)
	case "crm_contact":
		return f.linked(bitrix24.Contact, text)
	case "crm_lead":
		return f.linked(bitrix24.Lead, text)
	case "crm_deal":
		return f.linked(bitrix24.Deal, text)
	case "crm_entity":
		if id, err := strconv.Atoi(strings.TrimPrefix(field.Name, "parentId")); err == nil {
			return f.linked(id, text)
		}
	case "crm":
		return f.bound(text)
	case "crm_currency":
		return Piece{Text: text}, true
	case "url":
		return f.link(text), true
	case "address":
		place, _, _ := strings.Cut(text, "|") // text|latitude;longitude|id
		return Piece{Text: place}, place != ""
	}
	return Piece{Text: text, Raw: true}, true
}

func (f *formatter) plain(field *Field, text string) Piece {
	piece := Piece{Text: stripMarkup(text)}
	switch name := strings.ToLower(field.Name); {
	case strings.HasPrefix(name, "email") && strings.Count(text, "@") == 1:
		piece.Href = "mailto:" + url.PathEscape(text)
	case strings.HasPrefix(name, "phone"):
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r == '+' {
				return r
			}
			return -1
		}, text)
		if len(digits) >= 3 {
			piece.Href = "tel:" + digits
		}
	}
	return piece
}

// markup are the BBCode tags that the platform's editors write; a description keeps its text without them.
var markup = regexp.MustCompile(`(?i)\[/?(b|i|u|s|p|br|url|img|list|\*|quote|code|color|size|font|user|left|right|center|justify|table|tr|td|th|disk file)(=[^\]\n]{0,300}|[^\]\n=]{0,100})?\]`)

func stripMarkup(text string) string {
	if !strings.Contains(text, "[") {
		return text
	}
	if plain := strings.TrimSpace(markup.ReplaceAllString(text, "")); plain != "" {
		return plain
	}
	return text
}

func (f *formatter) flag(text string) Piece {
	switch strings.ToUpper(text) {
	case "Y", "1", "TRUE":
		return Piece{Text: f.l.T("value.yes")}
	case "N", "0", "FALSE":
		return Piece{Text: f.l.T("value.no")}
	default:
		return Piece{Text: text, Raw: true}
	}
}

// money reads "1500.5|EUR".
func (f *formatter) money(text string) (Piece, bool) {
	sum, currency, _ := strings.Cut(text, "|")
	n, err := strconv.ParseFloat(sum, 64)
	if err != nil {
		return Piece{Text: text, Raw: true}, true
	}
	return Piece{Text: f.amount(n, currency)}, true
}

func (f *formatter) amount(sum float64, currency string) string {
	return strings.TrimSpace(f.l.Amount(sum) + "\u00a0" + currency)
}

// date shows the day as it is written: it comes with a time and a zone, and moving it to another zone would change it.
func (f *formatter) date(text string) (Piece, bool) {
	if len(text) >= len(time.DateOnly) {
		if t, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)]); err == nil {
			return Piece{Text: f.l.Date(t)}, true
		}
	}
	return Piece{Text: text, Raw: true}, true
}

func (f *formatter) dateTime(text string) (Piece, bool) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return Piece{Text: text, Raw: true}, true
	}
	if f.zone != nil {
		t = t.In(f.zone)
	}
	return Piece{Text: f.l.DateTime(t)}, true
}

func (f *formatter) person(text string) (Piece, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return Piece{Text: text, Raw: true}, err != nil // 0 links to nothing
	}
	path := fmt.Sprintf("/company/personal/user/%d/", id)
	if name := f.names.people[id]; name != "" {
		return f.inPortal(Piece{Text: name}, path), true
	}
	return f.inPortal(Piece{Text: f.l.T("value.user", "ID", id), Raw: true}, path), true
}

func (f *formatter) linked(entityTypeID int, text string) (Piece, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return Piece{Text: text, Raw: true}, err != nil // 0 links to nothing
	}
	ref := Ref{entityTypeID, id}
	if title := f.names.linked[ref]; title != "" {
		return f.inPortal(Piece{Text: title}, ref.path()), true
	}
	return f.inPortal(Piece{Text: fmt.Sprintf("%s #%d", typeName(f.l, entityTypeID), id), Raw: true}, ref.path()), true
}

// inPortal makes a piece a link to a page of the portal.
func (f *formatter) inPortal(piece Piece, path string) Piece {
	piece.Href, piece.Path = f.origin+path, path
	return piece
}

// boundPrefixes are the short codes of types in fields of type crm (api-reference/crm/data-types.md).
var boundPrefixes = map[string]int{
	"L": bitrix24.Lead, "D": bitrix24.Deal, "C": bitrix24.Contact, "CO": bitrix24.Company, "Q": bitrix24.Quote, "SI": bitrix24.SmartInvoice,
}

// bound reads "D_20", or "T40e_5" where the type is in hexadecimal digits.
func (f *formatter) bound(text string) (Piece, bool) {
	prefix, id, ok := strings.Cut(text, "_")
	if ok {
		if entityTypeID, known := boundPrefixes[prefix]; known {
			return f.linked(entityTypeID, id)
		}
		if hex, dynamic := strings.CutPrefix(prefix, "T"); dynamic {
			if entityTypeID, err := strconv.ParseInt(hex, 16, 32); err == nil {
				return f.linked(int(entityTypeID), id)
			}
		}
	}
	return Piece{Text: text, Raw: true}, true
}

// link makes a link of an address that browsers may follow; any other scheme stays text.
func (f *formatter) link(text string) Piece {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return Piece{Text: text}
	}
	return Piece{Text: text, Href: u.String()}
}

// file links to the portal's own download, for which the user's session in the portal counts. urlMachine holds a token
// and is never shown.
func (f *formatter) file(raw json.RawMessage) (Piece, bool) {
	var file struct {
		ID  bitrix24.ID `json:"id"`
		URL string      `json:"url"`
	}
	if json.Unmarshal(raw, &file) != nil || file.ID <= 0 {
		text := scalar(raw)
		return Piece{Text: text, Raw: true}, text != "" && text != "0"
	}
	piece := Piece{Text: f.l.T("value.file", "ID", int64(file.ID))}
	if strings.HasPrefix(file.URL, "/") && !strings.HasPrefix(file.URL, "//") {
		piece.Href = f.origin + file.URL
	}
	return piece, true
}

// path is where the portal shows the item (sdk/bx24-js-sdk/additional-functions/bx24-open-path.md).
func (r Ref) path() string {
	switch r.EntityTypeID {
	case bitrix24.Lead:
		return fmt.Sprintf("/crm/lead/details/%d/", r.ID)
	case bitrix24.Deal:
		return fmt.Sprintf("/crm/deal/details/%d/", r.ID)
	case bitrix24.Contact:
		return fmt.Sprintf("/crm/contact/details/%d/", r.ID)
	case bitrix24.Company:
		return fmt.Sprintf("/crm/company/details/%d/", r.ID)
	default:
		return fmt.Sprintf("/crm/type/%d/details/%d/", r.EntityTypeID, r.ID)
	}
}

func typeName(l *i18n.Printer, entityTypeID int) string {
	key := fmt.Sprintf("type.%d", entityTypeID)
	if l.Has(key) {
		return l.T(key)
	}
	return l.T("type.smart_process")
}
