package crm

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"itemlens/internal/gate"
	"itemlens/internal/i18n"
)

// TypeFields are the fields of a type, to choose from.
type TypeFields struct {
	Fields    []NamedField `json:"fields"`
	Pipelines []NamedField `json:"pipelines"` // more than one, or none
}

// NamedField is a field, or a pipeline, with what it is called.
type NamedField struct {
	Code  string `json:"code"`
	Title string `json:"title"`
}

// Fields reads the fields of a type, as the portal has them now. Errors are problems for people.
func (c *Cards) Fields(ctx context.Context, visit *gate.Visit, r Reader, entityTypeID int) (*TypeFields, error) {
	result, err := visit.Batch(ctx, schemaCommands(entityTypeID))
	if err != nil {
		return nil, err
	}
	schema, err := readSchema(result)
	if err != nil {
		return nil, gate.Problem(err)
	}
	f := &formatter{l: r.L, schema: schema, dictionary: &Dictionaries{}, names: c.names(visit), item: &item{}}
	out := &TypeFields{Fields: []NamedField{}, Pipelines: []NamedField{}}
	for i := range schema.Fields {
		field := &schema.Fields[i]
		if field.Name != "fm" {
			out.Fields = append(out.Fields, NamedField{field.Name, f.row(field, nil).Title})
		}
	}
	if schema.byName["phone"] != nil || schema.byName["email"] != nil { // types with contact details
		for _, row := range f.contactRows(nil) {
			out.Fields = append(out.Fields, NamedField{row.Code, row.Title})
		}
	}
	if hasProducts(entityTypeID) {
		out.Fields = append(out.Fields, NamedField{productsCode, r.L.T("products.title")})
	}
	if len(schema.categories) > 1 {
		for id, name := range schema.categories {
			out.Pipelines = append(out.Pipelines, NamedField{id, name})
		}
		slices.SortFunc(out.Pipelines, func(a, b NamedField) int {
			x, _ := strconv.Atoi(a.Code)
			y, _ := strconv.Atoi(b.Code)
			return cmp.Compare(x, y)
		})
	}
	return out, nil
}

// TypeName is what a type is called: in the reader's language, or as the portal calls a smart process.
func TypeName(l *i18n.Printer, entityTypeID int, title string) string {
	return typeName(l, &Dictionaries{types: map[int]string{entityTypeID: title}}, entityTypeID)
}
