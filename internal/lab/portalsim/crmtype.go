package portalsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// crmType is a type of CRM items with its fields and items.
type crmType struct {
	entityTypeID int
	typeID       int // of a smart process, in crm.type.list; 0 for system types
	title        [2]string
	plural       [2]string
	code         string // in placement codes and the portal's addresses
	fields       fieldList
	items        []*object
	generated    int        // how many more items are made up, with ids from firstGenerated on
	seed         int64      // what they are made of
	categories   []category // pipelines, the default one first; nil for types without
}

// category is a pipeline.
type category struct {
	id     int
	titles [2]string
}

func (t *crmType) defaultCategory() int {
	if len(t.categories) == 0 {
		return 0
	}
	return t.categories[0].id
}

// field is a field as crm.item.fields describes it.
type field struct {
	name       string
	kind       string
	titles     [2]string // English, Russian
	flags      string    // r read-only, q required, m multiple, d dynamic, x deprecated
	statusType string
	values     []enumValue
	settings   string // JSON of a custom field's settings; empty for none
}

type enumValue struct {
	id     int
	titles [2]string
}

type status struct {
	entityID, statusID, color, semantics string
	titles                               [2]string
}

func pick(titles [2]string, lang string) string {
	if lang == "ru" {
		return titles[1]
	}
	return titles[0]
}

func (s status) name(lang string) string { return pick(s.titles, lang) }

func (t *crmType) tab() string {
	if t.typeID > 0 {
		return fmt.Sprintf("CRM_DYNAMIC_%d_DETAIL_TAB", t.entityTypeID)
	}
	return "CRM_" + t.code + "_DETAIL_TAB"
}

// path is the address of the type's pages in the portal.
func (t *crmType) path() string {
	if t.typeID > 0 || t.entityTypeID == 31 {
		return fmt.Sprintf("/crm/type/%d/", t.entityTypeID)
	}
	return "/crm/" + strings.ToLower(t.code) + "/"
}

func (t *crmType) item(id int) *object {
	for _, item := range t.items {
		if item.int("id") == id {
			return item
		}
	}
	if id >= firstGenerated && id < firstGenerated+t.generated {
		return t.generate(id)
	}
	return nil
}

// field finds a field by name; the zero one where there is none.
func (t *crmType) field(name string) field {
	for _, f := range t.fields {
		if f.name == name {
			return f
		}
	}
	return field{}
}

func (p *Portal) crmType(entityTypeID int) *crmType {
	for _, t := range p.types {
		if t.entityTypeID == entityTypeID {
			return t
		}
	}
	return nil
}

func (f field) describe(lang string) *object {
	has := func(flag string) bool { return strings.Contains(f.flags, flag) }
	out := newObject().
		set("type", f.kind).
		set("isRequired", has("q")).
		set("isReadOnly", has("r")).
		set("isImmutable", false).
		set("isMultiple", has("m")).
		set("isDynamic", has("d"))
	if has("x") {
		out.set("isDeprecated", true)
	}
	if f.statusType != "" {
		out.set("statusType", f.statusType)
	}
	out.set("title", pick(f.titles, lang))
	if f.values != nil {
		items := newObject()
		for i, v := range f.values {
			items.set(fmt.Sprint(i), newObject().set("ID", fmt.Sprint(v.id)).set("VALUE", pick(v.titles, lang)))
		}
		out.set("items", items)
	}
	if f.settings != "" {
		out.set("settings", json.RawMessage(f.settings))
	}
	return out.set("upperName", upperName(f.name))
}

// upperName writes createdTime as CREATED_TIME, parentId1222 as PARENT_ID_1222 and ufCrm5_17 as UF_CRM_5_17.
func upperName(name string) string {
	var out strings.Builder
	previous := ' '
	for _, r := range name {
		boundary := unicode.IsUpper(r) || unicode.IsDigit(r) && unicode.IsLetter(previous)
		if boundary && previous != '_' {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToUpper(r))
		previous = r
	}
	return out.String()
}

type fieldList []field

// withValues gives an enumeration its values.
func (l fieldList) withValues(name string, values []enumValue) fieldList {
	for i := range l {
		if l[i].name == name {
			l[i].values = values
		}
	}
	return l
}

// parseFields reads lines of name|type|English|Russian|flags|statusType|settings.
func parseFields(text string) fieldList {
	var out fieldList
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		part := strings.Split(strings.TrimSpace(line), "|")
		for len(part) < 7 {
			part = append(part, "")
		}
		out = append(out, field{name: part[0], kind: part[1], titles: [2]string{part[2], part[3]}, flags: part[4], statusType: part[5], settings: part[6]})
	}
	return out
}

// parseItems reads a JSON list of items, with the order of their fields kept.
func parseItems(text string) []*object {
	value, err := decodeJSON([]byte(text))
	if err != nil {
		panic("portalsim: standard data: " + err.Error())
	}
	list := value.(*object)
	var out []*object
	for _, key := range list.keys {
		out = append(out, list.values[key].(*object))
	}
	return out
}
