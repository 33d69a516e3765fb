package crm

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
)

// Card is an item as its page shows it.
type Card struct {
	TypeName    string
	ID          int64
	Title       string
	Stage       *Piece
	StageClass  string // "won", "lost" or ""
	Amount      string
	Client      []Piece
	Responsible []Piece
	Created     []Piece
	Updated     []Piece
	Groups      []Group
	Empty       []Row // fields without a value
}

// Group is a section of the card.
type Group struct {
	Key  string
	Rows []Row
}

// Row is a field with its value.
type Row struct {
	Code   string
	Title  string
	Pieces []Piece
}

// groupOrder is the order of the sections.
var groupOrder = []string{"about", "client", "money", "people", "dates", "custom", "links", "source", "system"}

// amountFields are plain numbers that are sums in the item's currency.
var amountFields = []string{"opportunity", "taxValue", "revenue"}

func newCard(ref Ref, it *item, schema *Schema, n *names, visit *gate.Visit, l *i18n.Printer) *Card {
	f := &formatter{l: l, schema: schema, names: n, origin: bitrix24.EndpointOrigin(visit.Portal.ClientEndpoint)}
	if visit.User.TimeZone != "" {
		if zone, err := time.LoadLocation(visit.User.TimeZone); err == nil {
			f.zone = zone
		}
	}
	card := &Card{TypeName: typeName(l, ref.EntityTypeID), ID: ref.ID}
	rows := map[string][]Row{}
	for _, name := range fieldOrder(it, schema) {
		field := schema.Field(name)
		known := field != nil
		if !known {
			field = &Field{Name: name}
		}
		row := Row{Code: name, Title: field.Title, Pieces: f.format(field, it.values[name])}
		if sum, err := strconv.ParseFloat(it.text(name), 64); err == nil && slices.Contains(amountFields, name) {
			row.Pieces = []Piece{{Text: f.amount(sum, it.text("currencyId"))}}
		}
		if row.Title == "" {
			row.Title = name
		}
		card.fillHead(row, it, field, f)
		if len(row.Pieces) == 0 {
			card.Empty = append(card.Empty, row)
			continue
		}
		group := groupOf(field, known)
		rows[group] = append(rows[group], row)
	}
	for _, key := range groupOrder {
		if len(rows[key]) > 0 {
			card.Groups = append(card.Groups, Group{key, rows[key]})
		}
	}
	if card.Title == "" {
		card.Title = strings.TrimSpace(it.text("name") + " " + it.text("lastName"))
	}
	if card.Title == "" {
		card.Title = card.TypeName + " #" + strconv.FormatInt(ref.ID, 10)
	}
	return card
}

// fieldOrder is the portal's order of the fields, then what the item has and the portal does not describe.
func fieldOrder(it *item, schema *Schema) []string {
	var order []string
	for _, field := range schema.Fields {
		if _, ok := it.values[field.Name]; ok {
			order = append(order, field.Name)
		}
	}
	for _, name := range it.order {
		if schema.Field(name) == nil && !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	return order
}

// fillHead takes what stands at the head of the card.
func (c *Card) fillHead(row Row, it *item, field *Field, f *formatter) {
	switch row.Code {
	case "title":
		c.Title = it.text("title")
	case "stageId":
		if len(row.Pieces) > 0 {
			c.Stage = &row.Pieces[0]
			status, _ := f.schema.Status(field.StatusType, it.text("stageId"))
			c.StageClass = map[string]string{"S": "won", "F": "lost"}[status.Semantics]
		}
	case "opportunity":
		if len(row.Pieces) > 0 {
			c.Amount = row.Pieces[0].Text
		}
	case "companyId":
		c.Client = append(row.Pieces[:len(row.Pieces):len(row.Pieces)], c.Client...)
	case "contactId":
		c.Client = append(c.Client, row.Pieces...)
	case "assignedById":
		c.Responsible = row.Pieces
	case "createdTime":
		c.Created = row.Pieces
	case "updatedTime":
		c.Updated = row.Pieces
	}
}

// groupOf chooses the section of a field.
func groupOf(field *Field, known bool) string {
	name := strings.ToLower(field.Name)
	hasPrefix := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	switch {
	case isCustom(field.Name):
		return "custom"
	case hasPrefix("parentid"):
		return "links"
	case !known || slices.Contains([]string{"id", "xmlid", "opened", "webformid", "stagesemanticid", "hasphone", "hasemail", "hasimol"}, name):
		return "system"
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
	case hasPrefix("phone", "email", "company", "skype", "icq", "address"):
		return "client"
	}
	return "about"
}
