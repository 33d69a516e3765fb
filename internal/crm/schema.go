package crm

import (
	"encoding/json"
	"fmt"
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
			field := Field{Name: bitrix24.Text(name)}
			if err := json.Unmarshal(value, &field); err != nil {
				field = Field{Name: field.Name} // one field that is told differently must not cost the page
			}
			all = append(all, field.WithChoices())
			return len(all) < MaxMembers
		})
		return false
	})
	if !described {
		return nil, &bitrix24.AnswerError{Method: "crm.item.fields", Status: 200, Kind: "not_json", Err: fmt.Errorf("fields are no object")}
	}
	return NewFields(all), nil
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
