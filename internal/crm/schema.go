package crm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"itemlens/internal/bitrix24"
)

// Field is a field of a type, as crm.item.fields describes it (api-reference/crm/universal/crm-item-fields.md).
type Field struct {
	Name       string
	Type       string          `json:"type"`
	Title      string          `json:"title"`
	Deprecated bitrix24.Bool   `json:"isDeprecated"`
	Required   bitrix24.Bool   `json:"isRequired"` // at every stage; what a single stage requires, the method does not tell
	ReadOnly   bitrix24.Bool   `json:"isReadOnly"`
	Multiple   bitrix24.Bool   `json:"isMultiple"`
	StatusType string          `json:"statusType"`
	Items      []EnumItem      `json:"items"`
	Settings   bitrix24.Object `json:"settings"`
	UpperName  string          `json:"upperName"`

	choices map[string]string // Items by id
}

// EnumItem is a value of an enumeration.
type EnumItem struct {
	ID    bitrix24.ID `json:"ID"`
	Value string      `json:"VALUE"`
}

// Choice finds a value of an enumeration by its id.
func (f *Field) Choice(id string) (string, bool) {
	value, ok := f.choices[id]
	return value, ok
}

// WithChoices makes the field's values known by their ids.
func (f Field) WithChoices() Field {
	if len(f.Items) == 0 {
		return f
	}
	f.choices = make(map[string]string, len(f.Items))
	for _, item := range f.Items {
		f.choices[strconv.FormatInt(int64(item.ID), 10)] = item.Value
	}
	return f
}

// IsCustom reports whether a field was made in the portal rather than by the platform.
func IsCustom(name string) bool {
	return strings.HasPrefix(name, "uf") || strings.HasPrefix(name, "UF_")
}

// Fields are the fields of a type in one language, in the portal's order.
type Fields struct {
	All     []Field
	byName  map[string]int
	byUpper map[string]int
	derived sync.Map
}

// NewFields makes Fields of a list.
func NewFields(all []Field) *Fields {
	f := &Fields{All: all, byName: make(map[string]int, len(all)), byUpper: make(map[string]int, len(all))}
	for i := range all {
		f.byName[all[i].Name] = i
		f.byUpper[strings.ToUpper(all[i].UpperName)] = i
	}
	return f
}

// Field finds a field by name; nil where the portal does not describe it.
func (f *Fields) Field(name string) *Field {
	if at, ok := f.byName[name]; ok {
		return &f.All[at]
	}
	return nil
}

// ByUpper finds a field by its original name in capitals; nil where the portal does not describe it.
func (f *Fields) ByUpper(name string) *Field {
	if at, ok := f.byUpper[name]; ok {
		return &f.All[at]
	}
	return nil
}

// Derive keeps what is worked out of these fields alone for as long as they are kept. key is of a type of the caller's
// own, and there are few of them: a language of the catalog.
func (f *Fields) Derive(key any, make func() any) any {
	if kept, ok := f.derived.Load(key); ok {
		return kept
	}
	kept, _ := f.derived.LoadOrStore(key, make())
	return kept
}

func fieldsCommand(entityTypeID int) bitrix24.Command {
	return bitrix24.Command{Key: "fields", Method: "crm.item.fields", Params: bitrix24.Params{"entityTypeId": entityTypeID}}
}

// readFields reads the answer of crm.item.fields.
func readFields(raw json.RawMessage) (*Fields, error) {
	var all []Field
	described := false
	bitrix24.EachMember(raw, func(name, value []byte) bool {
		if string(name) != `"fields"` {
			return true
		}
		described = len(value) > 0 && (value[0] == '{' || value[0] == '[')
		bitrix24.EachMember(value, func(name, value []byte) bool {
			field := parseField(value)
			field.Name = bitrix24.Text(name)
			all = append(all, field.WithChoices())
			return len(all) < MaxMembers
		})
		return false
	})
	if !described {
		return nil, &bitrix24.AnswerError{Method: "crm.item.fields", Status: 200, Kind: "not_json", Err: fmt.Errorf("fields are no object")}
	}
	return NewFields(slices.Clone(all)), nil // kept for long, so without the room that appending left
}

// parseField reads the description of a field. One that is told differently must not cost the page.
func parseField(raw []byte) Field {
	var f Field
	var settings []byte
	bitrix24.EachMember(raw, func(name, value []byte) bool {
		switch string(name) {
		case `"type"`:
			f.Type = fieldType(value)
		case `"title"`:
			f.Title = bitrix24.Text(value)
		case `"isDeprecated"`:
			_ = f.Deprecated.UnmarshalJSON(value)
		case `"isRequired"`:
			_ = f.Required.UnmarshalJSON(value)
		case `"isReadOnly"`:
			_ = f.ReadOnly.UnmarshalJSON(value)
		case `"isMultiple"`:
			_ = f.Multiple.UnmarshalJSON(value)
		case `"statusType"`:
			f.StatusType = bitrix24.Text(value)
		case `"upperName"`:
			f.UpperName = bitrix24.Text(value)
		case `"items"`:
			_ = json.Unmarshal(value, &f.Items)
		case `"settings"`:
			settings = value
		}
		return true
	})
	f.Settings = usedSettings(f.Type, settings)
	return f
}

// usedSettings are the settings of a field that say how its values are read. Portals tell half a dozen of every field, and
// most are about typing values in.
func usedSettings(fieldType string, raw []byte) bitrix24.Object {
	var used bitrix24.Object
	bitrix24.EachMember(raw, func(quoted, value []byte) bool {
		name := bitrix24.Text(quoted)
		if fieldType != "crm" && name != "USE_TIMEZONE" && name != "parentEntityTypeId" { // those of crm name types
			return true
		}
		if used == nil {
			used = bitrix24.Object{}
		}
		used[name] = bytes.Clone(value)
		return true
	})
	return used
}

// fieldType reads the name of a type. Thousands of fields share a few of them, so those are kept once.
func fieldType(raw []byte) string {
	for _, known := range []string{
		"string", "text", "integer", "double", "boolean", "char", "money", "date", "datetime", "enumeration", "user", "employee", "file",
		"crm_status", "crm_currency", "crm_category", "crm_company", "crm_contact", "crm_entity", "crm_multifield", "crm", "url", "address",
	} {
		if len(raw) == len(known)+2 && string(raw[1:len(raw)-1]) == known {
			return known
		}
	}
	return bitrix24.Text(raw)
}

// bytesPerField is about what a field costs in memory beside its texts: here, in the maps, and in what package card works
// out of it for one language.
const bytesPerField = 310

// bytes is about what the fields cost in memory.
func (f *Fields) bytes() int {
	size := 0
	for i := range f.All {
		field := &f.All[i]
		size += bytesPerField + len(field.Name) + len(field.Title) + len(field.UpperName)
		for _, item := range field.Items {
			size += 2*len(item.Value) + 100
		}
		for name, value := range field.Settings {
			size += len(name) + len(value) + 100
		}
	}
	return size
}

// Pipelines are the pipelines of a type that a user may see, by id.
type Pipelines struct {
	IDs   []string // in the portal's order
	Names map[string]string
}

// maxPipelines is how many pipelines of a type are read.
const maxPipelines = 1000

func pipelinesCommand(entityTypeID int) bitrix24.Command {
	return bitrix24.Command{Key: "pipelines", Method: "crm.category.list", Params: bitrix24.Params{"entityTypeId": entityTypeID}}
}

// readPipelines reads the answer of crm.category.list (api-reference/crm/universal/category/crm-category-list.md); nil of
// a type that has none.
func readPipelines(raw json.RawMessage) (*Pipelines, error) {
	p := &Pipelines{Names: map[string]string{}}
	if raw == nil {
		return p, nil
	}
	var list struct {
		Categories []struct {
			ID   bitrix24.ID `json:"id"`
			Name string      `json:"name"`
		} `json:"categories"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read pipelines: %w", err)
	}
	for _, c := range list.Categories[:min(len(list.Categories), maxPipelines)] {
		id := strconv.FormatInt(int64(c.ID), 10)
		if _, twice := p.Names[id]; !twice {
			p.IDs = append(p.IDs, id)
		}
		p.Names[id] = c.Name
	}
	return p, nil
}
