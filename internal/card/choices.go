package card

import (
	"slices"

	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// Choices are what an administrator can arrange of a type's cards, and the arrangements to begin with.
type Choices struct {
	Fields    []Choice             `json:"fields"`
	Pipelines []Choice             `json:"pipelines"` // more than one, or none
	Portal    []portal.CardSection `json:"portal"`    // as the portal's own card stands; none where nobody arranged it
	Groups    []portal.CardSection `json:"groups"`    // by what the fields are about
}

// Choice is a field, or a pipeline, with what it is called.
type Choice struct {
	Code   string `json:"code"`
	Title  string `json:"title"`
	System bool   `json:"system,omitempty"` // the platform's own
}

// NewChoices lists what can be arranged of a type.
func NewChoices(l *i18n.Printer, entityTypeID int, t *crm.TypeCard) *Choices {
	out := &Choices{Pipelines: []Choice{}}
	groups := map[string][]string{}
	out.Fields = choicesOf(l, entityTypeID, t.Fields, func(group, code string) { groups[group] = append(groups[group], code) })
	if len(t.Pipelines.IDs) > 1 {
		for _, id := range t.Pipelines.IDs {
			out.Pipelines = append(out.Pipelines, Choice{Code: id, Title: t.Pipelines.Names[id]})
		}
	}
	for _, key := range groupOrder {
		if len(groups[key]) > 0 {
			out.Groups = append(out.Groups, portal.CardSection{Title: l.T("group." + key), Fields: groups[key]})
		}
	}
	out.Portal = out.arranged(t)
	return out
}

// choicesOf are the fields of a type that can be arranged; grouped is told the group of each.
func choicesOf(l *i18n.Printer, entityTypeID int, fields *crm.Fields, grouped func(group, code string)) []Choice {
	all := []Choice{}
	add := func(code, title, group string) {
		all = append(all, Choice{code, title, group == systemGroup})
		grouped(group, code)
	}
	for _, d := range describeFields(l, fields).fields {
		if d.field.Name != detailsField {
			add(d.field.Name, d.title, d.group)
		}
	}
	// Types with contact details describe them as one field, and answer some of them as fields of their own.
	if fields.Field(detailsField) != nil || fields.Field("phone") != nil || fields.Field("email") != nil {
		f := &formatter{Reader: Reader{L: l}}
		for _, row := range f.contactRows(nil) {
			add(row.Code, row.Title, "client")
		}
	}
	if crm.HasProducts(entityTypeID) {
		add(productsCode, l.T("products.title"), "money")
	}
	return all
}

// Names are what a type's fields and pipelines are called, by their codes and ids.
type Names struct {
	Fields, Pipelines map[string]string
}

// NewNames tells what fields and pipelines of a type are called, as far as it is described.
func NewNames(l *i18n.Printer, entityTypeID int, t *crm.Type) Names {
	names := Names{Fields: map[string]string{}}
	if t.Fields != nil {
		for _, choice := range choicesOf(l, entityTypeID, t.Fields, func(string, string) {}) {
			names.Fields[choice.Code] = choice.Title
		}
	}
	if t.Pipelines != nil {
		names.Pipelines = t.Pipelines.Names
	}
	return names
}

// arranged is the portal's own arrangement in terms of what can be chosen, each field once.
func (c *Choices) arranged(t *crm.TypeCard) []portal.CardSection {
	if t.Arrangement == nil {
		return nil
	}
	left := make(map[string]bool, len(c.Fields))
	for _, field := range c.Fields {
		left[field.Code] = true
	}
	var sections []portal.CardSection
	for _, s := range t.Arrangement.Sections {
		section := portal.CardSection{Title: portal.FitTitle(s.Title), Fields: []string{}}
		for _, e := range s.Elements {
			codes := codesOf(e.Name, t.Fields)
			if e.Name == productsElement {
				codes = []string{productsCode}
			}
			for _, code := range codes {
				// One place for several fields: contactIds tells what contactId does.
				if code == "contactId" && slices.Contains(codes, "contactIds") && t.Fields.Field("contactIds") != nil || !left[code] {
					continue
				}
				left[code] = false
				section.Fields = append(section.Fields, code)
			}
		}
		if len(section.Fields) > 0 {
			sections = append(sections, section)
		}
	}
	return sections
}
