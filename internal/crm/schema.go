package crm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"itemlens/internal/bitrix24"
)

// Field is a field of a type, as crm.item.fields describes it (api-reference/crm/universal/crm-item-fields.md).
type Field struct {
	Name       string
	Type       string            `json:"type"`
	Title      string            `json:"title"`
	Deprecated bitrix24.Bool     `json:"isDeprecated"`
	StatusType string            `json:"statusType"`
	Items      []EnumItem        `json:"items"`
	Settings   bitrix24.Object   `json:"settings"`
	UpperName  string            `json:"upperName"`
	choices    map[string]string // Items by id
}

// EnumItem is a value of an enumeration.
type EnumItem struct {
	ID    bitrix24.ID `json:"ID"`
	Value string      `json:"VALUE"`
}

// Schema is what a portal says of a type in one language: its fields in the portal's order, and its pipelines.
type Schema struct {
	Fields     []Field
	byName     map[string]*Field
	byUpper    map[string]*Field
	categories map[string]string
}

// Field finds a field by name; nil where the portal does not describe it.
func (s *Schema) Field(name string) *Field { return s.byName[name] }

// schemaCommands ask for a schema.
func schemaCommands(entityTypeID int) []bitrix24.Command {
	params := bitrix24.Params{"entityTypeId": entityTypeID}
	return []bitrix24.Command{
		{Key: "fields", Method: "crm.item.fields", Params: params},
		{Key: "categories", Method: "crm.category.list", Params: params},
	}
}

// readSchema reads the answers to schemaCommands. A type without pipelines answers an error for them, which is none.
func readSchema(result *bitrix24.BatchResult) (*Schema, error) {
	schema := &Schema{byName: map[string]*Field{}, byUpper: map[string]*Field{}, categories: map[string]string{}}
	var fields struct {
		Fields json.RawMessage `json:"fields"`
	}
	if err := result.Decode("fields", &fields); err != nil {
		return nil, err
	}
	err := eachMember(fields.Fields, func(name string, value json.RawMessage) error {
		field := Field{Name: name}
		if err := json.Unmarshal(value, &field); err != nil {
			field = Field{Name: name} // one field that is told differently must not cost the page
		}
		field.choices = map[string]string{}
		for _, item := range field.Items {
			field.choices[fmt.Sprint(int64(item.ID))] = item.Value
		}
		schema.Fields = append(schema.Fields, field)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read fields: %w", err)
	}
	for i := range schema.Fields {
		field := &schema.Fields[i]
		schema.byName[field.Name] = field
		schema.byUpper[strings.ToUpper(field.UpperName)] = field
	}
	var list struct {
		Categories []struct {
			ID   bitrix24.ID `json:"id"`
			Name string      `json:"name"`
		} `json:"categories"`
	}
	if result.Decode("categories", &list) == nil {
		for _, c := range list.Categories {
			schema.categories[fmt.Sprint(int64(c.ID))] = c.Name
		}
	}
	return schema, nil
}

// eachMember walks an object in the order in which it is written; [] is an empty one.
func eachMember(object json.RawMessage, do func(name string, value json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader(object))
	open, err := decoder.Token()
	if err == io.EOF || open == json.Delim('[') || open == nil {
		return nil
	}
	if err != nil || open != json.Delim('{') {
		return fmt.Errorf("not an object: %w", err)
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		if err := do(name, value); err != nil {
			return err
		}
	}
	return nil
}

// isCustom reports whether a field was made in the portal rather than by the platform.
func isCustom(name string) bool {
	return strings.HasPrefix(name, "uf") || strings.HasPrefix(name, "UF_")
}
