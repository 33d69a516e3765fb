package card

import (
	"context"
	"slices"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// groupOrder is the order of the sections of a card that nobody has arranged.
var groupOrder = []string{"about", "client", "money", "people", "dates", "custom", "links", "source"}

// productsElement is the place of the product rows in an arrangement; productsCode is that in one of our own.
const (
	productsElement = "PRODUCT_ROW_SUMMARY"
	productsCode    = "products"
)

// builder arranges the rows of an item. Each row is found by its code and taken once.
type builder struct {
	f        *formatter
	hidden   hiddenFields
	rows     []Row // in the portal's order of fields, then those that the portal does not describe
	groups   []string
	taken    []bool
	byCode   map[string]int
	products *Products
}

// ctxEvery is after how many rows it is looked whether anybody still waits.
const ctxEvery = 64

// formatRows formats every field that is not hidden.
func (b *builder) formatRows(ctx context.Context) error {
	item, described := b.f.item, b.f.described
	b.rows = make([]Row, 0, len(item.Members)+len(contactKinds))
	b.groups = make([]string, 0, cap(b.rows))
	b.byCode = make(map[string]int, cap(b.rows))
	add := func(row Row, group string) {
		if !b.hidden.has(row.Code) {
			b.byCode[row.Code] = len(b.rows)
			b.rows, b.groups = append(b.rows, row), append(b.groups, group)
		}
	}
	n := 0
	for i := range described.fields {
		d := &described.fields[i]
		at := item.At(d.field.Name)
		if at < 0 || d.field.Name == detailsField || b.hidden.has(d.field.Name) {
			continue
		}
		if n++; n%ctxEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		pieces, beyond := b.f.format(d.field, item.Members[at].Value)
		row := Row{Code: d.field.Name, Upper: d.upper, Title: d.title, Pieces: pieces, Beyond: beyond, Wide: wide(pieces)}
		row.Technical = b.f.technical(d.field, &row)
		b.f.missing(d.field, &row)
		group := d.group
		if group != systemGroup && b.f.superseded(d.field.Name) {
			group = systemGroup
		}
		add(row, group)
	}
	for i := range item.Members {
		m := &item.Members[i]
		switch {
		case m.Name == detailsField:
			for _, row := range b.f.contactRows(m.Value) {
				group := systemGroup
				if isContactCode(row.Code) {
					group = "client"
				}
				add(row, group)
			}
		case b.f.typ.Fields.Field(m.Name) == nil && !b.hidden.has(m.Name):
			if n++; n%ctxEvery == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			d := describe(b.f.L, &crm.Field{Name: m.Name})
			pieces, beyond := b.f.format(d.field, m.Value)
			row := Row{Code: m.Name, Title: d.title, Pieces: pieces, Beyond: beyond, Wide: wide(pieces)}
			row.Technical = b.f.technical(d.field, &row)
			add(row, systemGroup)
		}
	}
	b.taken = make([]bool, len(b.rows))
	return nil
}

// row is the row of a field, taken or not.
func (b *builder) row(code string) (Row, bool) {
	if at, ok := b.byCode[code]; ok {
		return b.rows[at], true
	}
	return Row{}, false
}

// take is the row of a field that no section has yet.
func (b *builder) take(code string) (Row, bool) {
	at, ok := b.byCode[code]
	if !ok || b.taken[at] {
		return Row{}, false
	}
	b.taken[at] = true
	return b.rows[at], true
}

// arrange puts the rows into sections.
func (b *builder) arrange(card *Card, settings portal.CardSettings, arrangement *crm.Arrangement) {
	top := Section{Key: "top"}
	for _, code := range settings.Top {
		if row, ok := b.take(code); ok {
			top.Rows = append(top.Rows, row)
		}
	}
	card.add(top)
	places := b.places(settings, arrangement)
	for i := range places {
		section := Section{Title: places[i].title}
		for _, e := range places[i].elements {
			if e.products {
				section.Products, b.products = b.products, nil
			}
			for _, code := range e.codes {
				// One place for several fields: what is empty of them is not missed.
				if len(e.codes) > 1 && b.f.superseded(code) {
					continue
				}
				if row, ok := b.take(code); ok {
					row.Always = row.Always || e.always
					section.Rows = append(section.Rows, row)
				}
			}
		}
		card.add(section)
	}
	groups := map[string][]Row{}
	for i, row := range b.rows {
		if b.taken[i] {
			continue
		}
		group := b.groups[i]
		if group != systemGroup && places != nil {
			group = "hidden"
		}
		groups[group] = append(groups[group], row)
	}
	rest := func(key string, withProducts bool) {
		section := Section{Key: key, Rows: groups[key]}
		if withProducts {
			section.Products, b.products = b.products, nil
		}
		card.add(section)
	}
	rest("hidden", places != nil)
	for _, key := range groupOrder {
		rest(key, key == "money")
	}
	card.System = groups[systemGroup]
	card.countEmpty()
	card.pairShort()
}

// countEmpty counts the rows that are hidden while empty fields are. Those of the platform's own are folded away anyhow.
func (c *Card) countEmpty() {
	for _, s := range c.Sections {
		for i := range s.Rows {
			if r := &s.Rows[i]; r.Empty() && !r.Always && !r.Technical {
				c.Empty++
			}
		}
	}
}

// pairShort puts short sections that follow each other side by side.
func (c *Card) pairShort() {
	var before *Section
	for i := range c.Sections {
		s := &c.Sections[i]
		switch {
		case !s.Filled():
		case !s.short():
			before = nil
		case before == nil:
			before = s
		default:
			before.Half, s.Half, before = true, true, nil
		}
	}
}

// maxShort is how many values a short section has at most.
const maxShort = 3

func (s *Section) short() bool {
	if s.Products != nil {
		return false
	}
	shown := 0
	for i := range s.Rows {
		if r := &s.Rows[i]; !r.Empty() || r.Always {
			if shown++; r.Wide || len(r.Pieces) > maxShort {
				return false
			}
		}
	}
	return shown <= maxShort
}

// longText is from how many bytes on a text takes the whole width of a card.
const longText = 240

// wide reports whether values need the whole width of a card.
func wide(pieces []Piece) bool {
	return slices.ContainsFunc(pieces, func(p Piece) bool {
		html := string(p.HTML)
		return len(p.Text) > longText || len(html) > longText || strings.Contains(html, "<table") || strings.Contains(html, "<li>")
	})
}

// technical decides Row.Technical.
func (f *formatter) technical(field *crm.Field, row *Row) bool {
	if row.Code == "searchContent" || row.Code == "entityTypeId" {
		return true
	}
	if !row.Empty() {
		return false
	}
	parent := strings.HasPrefix(row.Code, "parentId") && f.typ.Types.Name(parentType(field)) == "" && !slices.Contains(bitrix24.SystemTypes(), parentType(field))
	return parent || row.Title == row.Code
}

func (c *Card) add(s Section) {
	if len(s.Rows) > 0 || s.Products != nil {
		c.Sections = append(c.Sections, s)
	}
}

// placedSection is a section of an arrangement with the codes of the rows that belong into it.
type placedSection struct {
	title    string
	elements []placedElement
}

type placedElement struct {
	codes    []string
	always   bool
	products bool
}

// places resolves the arrangement of a card; nil where nobody arranged it. That of the portal is worked out once for
// everybody who was given it.
func (b *builder) places(settings portal.CardSettings, arrangement *crm.Arrangement) []placedSection {
	if len(settings.Sections) > 0 {
		sections := make([]placedSection, len(settings.Sections))
		for i, s := range settings.Sections {
			sections[i].title = s.Title
			for _, code := range s.Fields {
				sections[i].elements = append(sections[i].elements, placedElement{codes: []string{code}, products: code == productsCode})
			}
		}
		return sections
	}
	if arrangement == nil {
		return nil
	}
	fields := b.f.typ.Fields
	return arrangement.Derive(fields, func() any {
		sections := make([]placedSection, len(arrangement.Sections))
		for i, s := range arrangement.Sections {
			sections[i].title = s.Title
			for _, e := range s.Elements {
				sections[i].elements = append(sections[i].elements, placedElement{codesOf(e.Name, fields), e.Always, e.Name == productsElement})
			}
		}
		return sections
	}).([]placedSection)
}

// composed are the elements of a card that stand for several fields, or that have another name than the field: those of
// the documentation's examples and of the platform's default cards, and the names that the methods for single types
// (crm.lead.*, crm.deal.*) give the fields.
var composed = map[string][]string{
	"OPPORTUNITY_WITH_CURRENCY": {"opportunity", "currencyId", "isManualOpportunity"},
	"REVENUE_WITH_CURRENCY":     {"revenue", "currencyId"},
	"CLIENT":                    {"companyId", "contactIds", "contactId"},
	"COMPANY":                   {"companyIds", "companyId"},
	"CONTACT":                   {"contactIds", "contactId"},
	"OBSERVER":                  {"observers"},
	"UTM":                       {"utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm"},
	"STATUS_ID":                 {"stageId"},
	"DATE_CREATE":               {"createdTime"},
	"DATE_MODIFY":               {"updatedTime"},
	"CREATED_BY_ID":             {"createdBy"},
	"MODIFY_BY_ID":              {"updatedBy"},
	"MOVED_BY_ID":               {"movedBy"},
	"PHONE":                     {"fm.PHONE", "phone"},
	"EMAIL":                     {"fm.EMAIL", "email"},
	"WEB":                       {"fm.WEB"},
	"IM":                        {"fm.IM"},
	"LINK":                      {"fm.LINK"},
	"COMPANY_TYPE":              {"typeId"},
	"RECURRING":                 {"isRecurring"},
	"FILES":                     {"storageElementIds"},
	"ADDRESS": {
		"address", "address2", "addressCity", "addressPostalCode", "addressRegion", "addressProvince", "addressCountry", "addressCountryCode", "addressLocAddrId",
	},
	"ADDRESS_LEGAL": {
		"addressLegal", "regAddress", "regAddress2", "regAddressCity", "regAddressPostalCode", "regAddressRegion", "regAddressProvince", "regAddressCountry", "regAddressCountryCode",
	},
}

// codesOf names the rows that an element of an arrangement shows.
func codesOf(element string, fields *crm.Fields) []string {
	if codes, ok := composed[element]; ok {
		return codes
	}
	if field := fields.ByUpper(element); field != nil {
		return []string{field.Name}
	}
	return nil
}

// superseded reports whether another field of the item tells the same better: contactIds what contactId does, and fm
// what the single phones and e-mails do.
func (f *formatter) superseded(name string) bool {
	switch name {
	case "contactId":
		return f.item.Filled("contactIds")
	case "companyId":
		return f.item.Filled("companyIds")
	}
	return (hasPrefixFold(name, "phone") || hasPrefixFold(name, "email")) && f.item.Value(detailsField) != nil
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
