package crm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/i18n"
)

// Piece is one value as a person reads it.
type Piece struct {
	Text  string
	HTML  template.HTML // in place of Text: formatted text, sanitised
	Href  string        // link: tel:, mailto:, http(s):
	Path  string        // where Href leads to the portal: the address within it, which its slider opens
	Name  string        // key under which Names finds a better Text; empty where Text is final
	Photo string        // picture beside the text
	Note  string        // what kind of value it is: a work phone, a file's size
	Raw   bool          // shown as it came, because the type or the id is unknown
	Type  string        // the field's type, where it is one that we do not know
}

// knownNames are the names that are known without asking the portal.
type knownNames interface {
	person(id int64) (Person, bool)
	title(ref Ref) (string, bool)
}

// formatter turns values into pieces for one reader and one item.
type formatter struct {
	l          *i18n.Printer
	schema     *Schema
	dictionary *Dictionaries
	currencies map[string]Currency
	names      knownNames
	zone       *time.Location // nil: as the portal wrote it
	origin     string         // of the portal's pages
	item       *item
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

// one formats a single value; it reports false where the value is none. Types are those of crm.item.fields and
// crm.userfield.types; docs/fields.md lists how each is shown.
func (f *formatter) one(field *Field, raw json.RawMessage) (Piece, bool) {
	text := strings.TrimSpace(scalar(raw))
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
		return f.dateTime(text), true
	case "enumeration":
		if choice, ok := field.choices[text]; ok {
			return Piece{Text: choice}, true
		}
		return Piece{Text: "#" + text, Raw: true}, text != "0"
	case "crm_status":
		return f.status(field, text), true
	case "crm_category":
		if name := f.schema.categories[text]; name != "" {
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
		return f.bound(field, text)
	case "url":
		return f.link(text), true
	case "address":
		place, _, _ := strings.Cut(text, "|") // text|latitude;longitude|id
		return Piece{Text: place}, place != ""
	case "iblock_section", "iblock_element", "location", "resourcebooking":
		return Piece{Text: f.l.T("value."+field.Type, "ID", text), Raw: true}, text != "0"
	case "":
		return Piece{Text: text, Raw: true}, true
	}
	return Piece{Text: text, Raw: true, Type: field.Type}, true
}

// structured formats an object: everything that has no scalar value is empty, unless something stands in it.
func (f *formatter) structured(field *Field, raw json.RawMessage) (Piece, bool) {
	trimmed := strings.TrimSpace(string(raw))
	if trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return Piece{}, false
	}
	var compact bytes.Buffer
	if json.Compact(&compact, withoutSecrets(raw)) != nil || compact.Len() <= len("{}") {
		return Piece{}, false
	}
	return Piece{Text: compact.String(), Raw: true, Type: field.Type}, true
}

func (f *formatter) plain(field *Field, text string) Piece {
	name := strings.ToLower(field.Name)
	switch {
	case name == "stagesemanticid" && f.l.Has("semantics."+text):
		return Piece{Text: f.l.T("semantics." + text)}
	case strings.HasPrefix(name, "email"):
		return Piece{Text: text, Href: mailLink(text)}
	case strings.HasPrefix(name, "phone"):
		return Piece{Text: text, Href: phoneLink(text)}
	}
	return Piece{Text: text}
}

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

// integer writes the digits alone: most whole numbers of an item are ids, years and the like. An id of 0 is none.
func (f *formatter) integer(field *Field, text string) (Piece, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return Piece{Text: text, Raw: true}, true
	}
	return Piece{Text: strconv.FormatInt(n, 10)}, n != 0 || !strings.HasSuffix(field.Name, "Id")
}

// sums are the plain numbers that are sums in the currency of another field.
var sums = map[string]string{
	"opportunity": "currencyId", "taxValue": "currencyId", "revenue": "currencyId",
	"opportunityAccount": "accountCurrencyId", "taxValueAccount": "accountCurrencyId",
}

func (f *formatter) double(field *Field, text string) Piece {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Piece{Text: text, Raw: true}
	}
	if currency, ok := sums[field.Name]; ok && f.item != nil {
		return Piece{Text: f.amount(n, f.item.text(currency))}
	}
	_, fraction, _ := strings.Cut(strconv.FormatFloat(n, 'f', -1, 64), ".")
	return Piece{Text: f.l.Number(n, len(fraction))}
}

// money reads "1500.5|EUR"; a currency alone is no sum.
func (f *formatter) money(text string) (Piece, bool) {
	sum, currency, _ := strings.Cut(text, "|")
	n, err := strconv.ParseFloat(sum, 64)
	if err != nil {
		return Piece{Text: text, Raw: true}, sum != ""
	}
	return Piece{Text: f.amount(n, currency)}, true
}

// amount writes a sum as the portal does, or as the reader's language does where the portal's way is not known.
func (f *formatter) amount(sum float64, currency string) string {
	if known, ok := f.currencies[currency]; ok {
		return known.Write(sum)
	}
	return strings.TrimRight(f.l.Amount(sum)+"\u00a0"+currency, "\u00a0")
}

func (f *formatter) currency(code string) Piece {
	if known, ok := f.currencies[code]; ok && known.Name != "" && known.Name != code {
		return Piece{Text: known.Name, Note: code}
	}
	return Piece{Text: code}
}

// date shows the day as it is written: it comes with a time and a zone, and moving it to another zone would change it.
func (f *formatter) date(text string) Piece {
	if len(text) >= len(time.DateOnly) {
		if t, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)]); err == nil {
			return Piece{Text: f.l.Date(t)}
		}
	}
	return Piece{Text: text, Raw: true}
}

func (f *formatter) dateTime(text string) Piece {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return Piece{Text: text, Raw: true}
	}
	if f.zone != nil {
		t = t.In(f.zone)
	}
	return Piece{Text: f.l.DateTime(t)}
}

func (f *formatter) status(field *Field, text string) Piece {
	for _, status := range f.pipeline(field, text) {
		if status.ID == text {
			return Piece{Text: status.Name}
		}
	}
	return Piece{Text: text, Raw: true}
}

// pipeline are the entries among which a value of a field of type crm_status stands, in the portal's order.
func (f *formatter) pipeline(field *Field, id string) []Status {
	category := ""
	if f.item != nil {
		category = f.item.text("categoryId")
	}
	return f.dictionary.Pipeline(field.StatusType, category, id)
}

func (f *formatter) person(text string) (Piece, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return Piece{Text: text, Raw: true}, err != nil // 0 links to nothing
	}
	piece := f.inPortal(Piece{Text: f.l.T("value.user", "ID", id), Raw: true}, personPath(id))
	known, ok := f.names.person(id)
	switch {
	case !ok:
		piece.Name = personName(id)
	case known.Name != "":
		piece.Text, piece.Photo, piece.Raw = known.Name, known.Photo, false
	}
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
	ref := Ref{entityTypeID, id}
	piece := f.inPortal(Piece{Text: fmt.Sprintf("%s #%d", f.typeName(entityTypeID), id), Raw: true}, ref.path())
	title, ok := f.names.title(ref)
	switch {
	case !ok:
		piece.Name = ref.name()
	case title != "":
		piece.Text, piece.Raw = title, false
	}
	return piece, true
}

// parentType is the type that a field's ids belong to: the field's own type or settings tell it, or its name.
func parentType(field *Field) int {
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
	if id := positiveID(scalar(field.Settings["parentEntityTypeId"])); id > 0 {
		return int(id)
	}
	digits, _ := strings.CutPrefix(field.Name, "parentId")
	return int(positiveID(digits))
}

// inPortal makes a piece a link to a page of the portal.
func (f *formatter) inPortal(piece Piece, path string) Piece {
	piece.Href, piece.Path = f.origin+path, path
	return piece
}

// bound reads "D_20", or "T40e_5" where the type is in hexadecimal digits. A field that binds to a single type, which
// its settings name, holds the id alone.
func (f *formatter) bound(field *Field, text string) (Piece, bool) {
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
	if len(allowed) == 1 && positiveID(text) > 0 {
		return f.linked(allowed[0], text)
	}
	return Piece{Text: text, Raw: true}, text != "0"
}

// typeByName reads the platform's name of a type (api-reference/crm/data-types.md, object types).
func typeByName(name string) int {
	if digits, ok := strings.CutPrefix(name, "DYNAMIC_"); ok {
		return int(positiveID(digits))
	}
	return map[string]int{
		"LEAD": bitrix24.Lead, "DEAL": bitrix24.Deal, "CONTACT": bitrix24.Contact, "COMPANY": bitrix24.Company,
		"QUOTE": bitrix24.Quote, "SMART_INVOICE": bitrix24.SmartInvoice,
	}[name]
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
// and is never shown. A file of the item tells its id alone; one on Drive tells its name and size.
func (f *formatter) file(raw json.RawMessage) (Piece, bool) {
	text := scalar(raw)
	if text != "" {
		if id := positiveID(text); id > 0 { // the photo of a contact is a bare id
			return Piece{Text: f.l.T("value.file", "ID", id)}, true
		}
		return Piece{Text: text, Raw: true}, text != "0" && text != "false"
	}
	var file bitrix24.Object
	if json.Unmarshal(raw, &file) != nil {
		return Piece{}, false
	}
	member := func(names ...string) string { // those of an item's file, or of one on Drive
		for _, name := range names {
			if text := scalar(file[name]); text != "" {
				return text
			}
		}
		return ""
	}
	id := positiveID(member("id", "ID"))
	if id == 0 {
		return f.structured(&Field{Type: "file"}, raw)
	}
	piece := Piece{Text: member("name", "NAME"), Note: member("SIZE")}
	if size := positiveID(member("size", "BYTES")); size > 0 {
		piece.Note = f.l.Size(size)
	}
	address := withoutAuth(member("url", "VIEW_URL"))
	switch u, err := url.Parse(address); {
	case err != nil || address == "":
	case !u.IsAbs() && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		piece.Href = f.origin + address
	case u.IsAbs() && u.Scheme+"://"+u.Host == f.origin:
		piece.Href = address
	}
	if piece.Text == "" {
		piece.Text = f.l.T("value.file", "ID", id)
		if u, err := url.Parse(address); err == nil && slices.Contains(fileEndings, strings.ToLower(path.Ext(u.Path))) {
			piece.Text = path.Base(u.Path)
		}
	}
	return piece, true
}

// fileEndings tell that the end of an address is a file's own name, and not the page that sends it.
var fileEndings = []string{".pdf", ".doc", ".docx", ".xls", ".xlsx", ".csv", ".txt", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".zip"}

// path is where the portal shows the item (sdk/bx24-js-sdk/additional-functions/bx24-open-path.md).
func (r Ref) path() string {
	name := map[int]string{
		bitrix24.Lead: "lead", bitrix24.Deal: "deal", bitrix24.Contact: "contact", bitrix24.Company: "company",
	}[r.EntityTypeID]
	if name == "" {
		return fmt.Sprintf("/crm/type/%d/details/%d/", r.EntityTypeID, r.ID)
	}
	return fmt.Sprintf("/crm/%s/details/%d/", name, r.ID)
}

func personPath(id int64) string { return fmt.Sprintf("/company/personal/user/%d/", id) }

// typeName is what a type is called: the portal's own name, where it is known.
func (f *formatter) typeName(entityTypeID int) string {
	return typeName(f.l, f.dictionary, entityTypeID)
}

func typeName(l *i18n.Printer, d *Dictionaries, entityTypeID int) string {
	key := fmt.Sprintf("type.%d", entityTypeID)
	if l.Has(key) {
		return l.T(key)
	}
	if name := d.types[entityTypeID]; name != "" {
		return name
	}
	return l.T("type.smart_process")
}
