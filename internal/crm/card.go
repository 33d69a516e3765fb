package crm

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// Card is an item as its page shows it.
type Card struct {
	Ref      Ref
	TypeName string
	Path     string // where the portal shows the item
	Head     Head
	Sections []Section
	System   []Row // what the platform keeps for itself
	Empty    int   // how many of the rows have no value
	Codes    bool  // the reader may see field codes and JSON
	ShowAll  bool  // empty fields are shown until the reader hides them
	JSON     json.RawMessage
}

// Section is a part of the card: one of the portal's own arrangement, or one of ours, which Key names.
type Section struct {
	Key      string // in messages: group.<Key>; empty where Title is the portal's
	Title    string
	Rows     []Row
	Products *Products
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
	Always bool // shown even where it is empty, as the portal's card does
}

// Empty reports whether the field has no value.
func (r Row) Empty() bool { return len(r.Pieces) == 0 }

// groupOrder is the order of the sections of a card that nobody has arranged.
var groupOrder = []string{"about", "client", "money", "people", "dates", "custom", "links", "source"}

// newCard arranges an item: as the administrator chose, else as the portal's card does; then what that one leaves out,
// then what is the platform's own.
func newCard(ref Ref, f *formatter, chosen portal.CardSettings, arrangement layout, rows *Products) *Card {
	card := &Card{Ref: ref, TypeName: f.typeName(ref.EntityTypeID), Path: ref.path(), Codes: true}
	if len(chosen.Sections) > 0 {
		arrangement = ownLayout(chosen.Sections)
	}
	hidden := func(code string) bool { return slices.Contains(chosen.Hidden, code) }
	left := slices.DeleteFunc(f.rows(), func(r Row) bool { return hidden(r.Code) })
	if hidden(productsCode) {
		rows = nil
	}
	card.JSON = f.item.public(chosen.Hidden)
	card.Head = newHead(ref, f, card.TypeName, left)
	take := func(code string) (Row, bool) {
		at := slices.IndexFunc(left, func(r Row) bool { return r.Code == code })
		if at < 0 {
			return Row{}, false
		}
		row := left[at]
		left = slices.Delete(slices.Clone(left), at, at+1)
		return row, true
	}
	top := Section{Key: "top"}
	for _, code := range chosen.Top {
		if row, ok := take(code); ok {
			top.Rows = append(top.Rows, row)
		}
	}
	if len(top.Rows) > 0 {
		card.Sections = append(card.Sections, top)
	}
	for _, s := range arrangement {
		section := Section{Title: s.Title}
		for _, element := range s.Elements {
			if element.Name == products {
				section.Products, rows = rows, nil
			}
			names := element.fields(f.schema)
			if len(names) > 1 { // one place for several fields: what is empty of them is not missed
				names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return f.superseded(name) })
			}
			for _, name := range names {
				if row, ok := take(name); ok {
					row.Always = element.Always
					section.Rows = append(section.Rows, row)
				}
			}
		}
		if len(section.Rows) > 0 || section.Products != nil {
			card.Sections = append(card.Sections, section)
		}
	}
	groups := map[string][]Row{}
	for _, row := range left {
		group := f.groupOf(row.Code)
		if group != "system" && arrangement != nil {
			group = "hidden"
		}
		groups[group] = append(groups[group], row)
	}
	for _, key := range append([]string{"hidden"}, groupOrder...) {
		section := Section{Key: key, Rows: groups[key]}
		if key == "money" || key == "hidden" && arrangement != nil {
			section.Products, rows = rows, nil
		}
		if len(section.Rows) > 0 || section.Products != nil {
			card.Sections = append(card.Sections, section)
		}
	}
	card.System = groups["system"]
	for _, row := range slices.Concat(append([][]Row{card.System}, rowsOf(card.Sections)...)...) {
		if row.Empty() {
			card.Empty++
		}
	}
	return card
}

func rowsOf(sections []Section) [][]Row {
	var all [][]Row
	for _, s := range sections {
		all = append(all, s.Rows)
	}
	return all
}

// withoutCodes takes out what only those may see who may see codes: fields are numbered in place of their names.
func (c *Card) withoutCodes() {
	c.Codes, c.JSON = false, nil
	n := 0
	for _, rows := range append(rowsOf(c.Sections), c.System) {
		for i := range rows {
			n++
			rows[i].ID, rows[i].Code, rows[i].Upper = "f"+strconv.Itoa(n), "", ""
		}
	}
}

// rows are all values of the item in the portal's order of fields, then those that the portal does not describe.
func (f *formatter) rows() []Row {
	var rows []Row
	for i := range f.schema.Fields {
		field := &f.schema.Fields[i]
		if raw, ok := f.item.values[field.Name]; ok && field.Name != "fm" {
			rows = append(rows, f.row(field, raw))
		}
	}
	for _, name := range f.item.order {
		switch {
		case name == "fm":
			rows = append(rows, f.contactRows(f.item.values[name])...)
		case f.schema.Field(name) == nil:
			rows = append(rows, f.row(&Field{Name: name}, f.item.values[name]))
		}
	}
	return rows
}

func (f *formatter) row(field *Field, raw json.RawMessage) Row {
	row := Row{Code: field.Name, Title: strings.TrimSpace(field.Title), Pieces: f.format(field, raw)}
	if isCustom(field.Name) && field.UpperName != field.Name {
		row.Upper = field.UpperName
	}
	// Some fields have their own name in capitals for a title.
	key := "field." + strings.ToLower(field.Name)
	switch known := f.l.Has(key); {
	case known && (row.Title == "" || row.Title == field.UpperName):
		row.Title = f.l.T(key)
	case row.Title == "" || row.Title == field.UpperName && strings.Contains(row.Title, "_"):
		row.Title = field.Name
	}
	return row
}

// contactKinds are the kinds of phones, e-mails and so on, in the order of the portal's card (api-reference/crm/data-types.md,
// crm_multifield).
var contactKinds = []string{"PHONE", "EMAIL", "WEB", "IM", "LINK"}

// contactRows makes a row of each kind of the item's contact details.
func (f *formatter) contactRows(raw json.RawMessage) []Row {
	rows := map[string]*Row{}
	for _, kind := range contactKinds {
		rows[kind] = &Row{Code: "fm." + kind, Title: f.l.T("contact." + strings.ToLower(kind))}
	}
	var odd []Piece
	for _, element := range elements(raw) {
		var detail struct {
			Type      string `json:"typeId"`
			ValueType string `json:"valueType"`
			Value     string `json:"value"`
		}
		if json.Unmarshal(element, &detail) != nil || rows[detail.Type] == nil {
			if piece, ok := f.structured(&Field{Name: "fm", Type: "crm_multifield"}, element); ok {
				odd = append(odd, piece)
			}
			continue
		}
		piece := Piece{Text: detail.Value}
		switch detail.Type {
		case "PHONE":
			piece.Href = phoneLink(detail.Value)
		case "EMAIL":
			piece.Href = mailLink(detail.Value)
		default:
			piece = f.link(detail.Value)
		}
		if key := "contact.kind." + strings.ToLower(detail.ValueType); f.l.Has(key) {
			piece.Note = f.l.T(key)
		} else {
			piece.Note = detail.ValueType
		}
		if detail.Value != "" {
			rows[detail.Type].Pieces = append(rows[detail.Type].Pieces, piece)
		}
	}
	var out []Row
	for _, kind := range contactKinds {
		if kind != "LINK" || !rows[kind].Empty() {
			out = append(out, *rows[kind])
		}
	}
	if odd != nil {
		out = append(out, Row{Code: "fm", Title: "fm", Pieces: odd})
	}
	return out
}

// systemFields are those that the platform keeps for itself, and those that repeat others (universal/object-fields.md).
var systemFields = []string{
	"id", "xmlId", "entityTypeId", "webformId", "stageSemanticId", "hasPhone", "hasEmail", "hasImol", "searchContent", "login",
	"dateCreateShort", "dateModifyShort", "begindateShort", "closedateShort", "eventDateShort", "isConvert", "productId", "shortName",
	"isNew", "isWork", "isWon", "isLose", "receivedAmount", "lostAmount", "hasProducts", "locationId", "imol", "icq", "skype",
	"commentsType", "contentType", "termsType", "storageTypeId", "storageElementIds", "personTypeId", "contacts", "originVersion",
}

// superseded reports whether another field of the item tells the same better: contactIds what contactId does, and fm
// what the single phones and e-mails do.
func (f *formatter) superseded(name string) bool {
	has := func(other string) bool {
		return len(elements(f.item.values[other])) > 0 && string(f.item.values[other]) != "null"
	}
	lower := strings.ToLower(name)
	switch {
	case name == "contactId":
		return has("contactIds")
	case name == "companyId":
		return has("companyIds")
	case strings.HasPrefix(lower, "phone"), strings.HasPrefix(lower, "email"):
		return f.item.values["fm"] != nil
	}
	return false
}

// groupOf chooses the section of a field in a card that nobody has arranged.
func (f *formatter) groupOf(code string) string {
	name := strings.ToLower(code)
	hasPrefix := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	field := f.schema.Field(code)
	switch {
	case hasPrefix("fm."):
		return "client"
	case field == nil || slices.Contains(systemFields, code) || f.superseded(code):
		return "system"
	case isCustom(code):
		return "custom"
	case hasPrefix("parentid"):
		return "links"
	case hasPrefix("source", "utm", "originat", "originid"):
		return "source"
	}
	switch field.Type {
	case "user", "employee":
		return "people"
	case "date", "datetime":
		return "dates"
	case "money", "crm_currency":
		return "money"
	case "crm_company", "crm_contact":
		return "client"
	case "crm_entity", "crm_deal", "crm_lead", "crm_quote":
		return "links"
	}
	switch {
	case hasPrefix("opportunity", "ismanualopportunity", "taxvalue", "revenue"):
		return "money"
	case hasPrefix("phone", "email", "company", "address", "client"):
		return "client"
	}
	return "about"
}

// Head is what stands above the sections.
type Head struct {
	Title       string
	Pipeline    string // name of the item's pipeline; empty where there is only one
	Stages      *Stages
	Amount      string
	Client      []Piece
	Responsible []Piece
	Created     []Piece
	Updated     []Piece
}

// Stages is the way of an item: the stages of its pipeline, and where it stands.
type Stages struct {
	Name  string
	Class string // "won", "lost" or ""
	Color string // of the stage where it stands, as #rrggbb
	Place int    // from 1; 0 for a stage that ends the way before its end
	Steps []Step
}

// Step is a stage on the way.
type Step struct {
	Name    string
	Reached bool
	Current bool
}

func newHead(ref Ref, f *formatter, typeName string, rows []Row) Head {
	pieces := func(code string) []Piece {
		at := slices.IndexFunc(rows, func(r Row) bool { return r.Code == code })
		if at < 0 {
			return nil
		}
		return rows[at].Pieces
	}
	has := func(code string) bool { return slices.ContainsFunc(rows, func(r Row) bool { return r.Code == code }) }
	h := Head{
		Responsible: pieces("assignedById"), Created: pieces("createdTime"), Updated: pieces("updatedTime"),
	}
	if has("title") {
		h.Title = strings.TrimSpace(f.item.text("title"))
	}
	if has("stageId") {
		h.Stages = f.stages()
	}
	if amount := pieces("opportunity"); len(amount) > 0 {
		h.Amount = amount[0].Text
	}
	contacts := pieces("contactIds")
	if len(contacts) == 0 {
		contacts = pieces("contactId")
	}
	companies := pieces("companyId")
	if len(companies) == 0 {
		companies = pieces("companyIds")
	}
	if ref.EntityTypeID != bitrix24.Company { // contacts of a company are not its client
		h.Client = slices.Concat(companies, contacts)
	}
	if len(f.schema.categories) > 1 && has("categoryId") {
		h.Pipeline = f.schema.categories[f.item.text("categoryId")]
	}
	if h.Title == "" && has("name") && has("lastName") {
		h.Title = strings.TrimSpace(f.item.text("name") + " " + f.item.text("lastName"))
	}
	if h.Title == "" {
		h.Title = typeName + " #" + strconv.FormatInt(ref.ID, 10)
	}
	return h
}

// stages finds where the item stands; nil for types without stages. Those that end the way badly are no steps of it:
// an item that reached one has lost its way.
func (f *formatter) stages() *Stages {
	field, id := f.schema.Field("stageId"), f.item.text("stageId")
	if field == nil || id == "" {
		return nil
	}
	s := &Stages{Name: id}
	var current Status
	for _, status := range f.pipeline(field, id) {
		if status.ID == id {
			current = status
			s.Name = status.Name
		}
		if status.Semantics != "F" {
			s.Steps = append(s.Steps, Step{Name: status.Name, Current: status.ID == id})
		}
	}
	s.Class = map[string]string{"S": "won", "F": "lost"}[current.Semantics]
	at := slices.IndexFunc(s.Steps, func(step Step) bool { return step.Current })
	s.Place = at + 1
	for i := range s.Steps {
		s.Steps[i].Reached = i <= at || s.Class == "lost"
	}
	s.Color = color(current.Color)
	return s
}

// color lets a colour of the portal pass, or gives the platform's own for a stage.
func color(text string) string {
	if len(text) == 7 && text[0] == '#' && strings.Trim(strings.ToLower(text[1:]), "0123456789abcdef") == "" {
		return text
	}
	return "#2fc6f6"
}
