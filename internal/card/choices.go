package card

import (
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
)

// Choices are the fields and pipelines of a type, for an administrator to choose from.
type Choices struct {
	Fields    []Choice `json:"fields"`
	Pipelines []Choice `json:"pipelines"` // more than one, or none
}

// Choice is a field, or a pipeline, with what it is called.
type Choice struct {
	Code  string `json:"code"`
	Title string `json:"title"`
}

// NewChoices lists what can be arranged of a type.
func NewChoices(l *i18n.Printer, entityTypeID int, t *crm.Type) *Choices {
	out := &Choices{Fields: []Choice{}, Pipelines: []Choice{}}
	for _, d := range describeFields(l, t.Fields).fields {
		if d.field.Name != detailsField {
			out.Fields = append(out.Fields, Choice{d.field.Name, d.title})
		}
	}
	// Types with contact details describe them as one field, and answer some of them as fields of their own.
	if t.Fields.Field(detailsField) != nil || t.Fields.Field("phone") != nil || t.Fields.Field("email") != nil {
		f := &formatter{Reader: Reader{L: l}}
		for _, row := range f.contactRows(nil) {
			out.Fields = append(out.Fields, Choice{row.Code, row.Title})
		}
	}
	if crm.HasProducts(entityTypeID) {
		out.Fields = append(out.Fields, Choice{productsCode, l.T("products.title")})
	}
	if len(t.Pipelines.IDs) > 1 {
		for _, id := range t.Pipelines.IDs {
			out.Pipelines = append(out.Pipelines, Choice{id, t.Pipelines.Names[id]})
		}
	}
	return out
}
