package crm

import (
	"encoding/json"
	"strconv"
	"strings"
)

// item is an answer of crm.item.get: every value as it came, in the order in which it came.
type item struct {
	order  []string
	values map[string]json.RawMessage
}

func readItem(raw json.RawMessage) (*item, error) {
	it := &item{values: map[string]json.RawMessage{}}
	err := eachMember(raw, func(name string, value json.RawMessage) error {
		it.order = append(it.order, name)
		it.values[name] = value
		return nil
	})
	return it, err
}

// text is a scalar value as text; empty for null, lists and objects.
func (it *item) text(name string) string { return scalar(it.values[name]) }

// ids are the positive ids that a value holds, single or several.
func (it *item) ids(name string) []int64 {
	var out []int64
	for _, value := range elements(it.values[name]) {
		if id, err := strconv.ParseInt(scalar(value), 10, 64); err == nil && id > 0 {
			out = append(out, id)
		}
	}
	return out
}

// elements are the values of a list, or the value itself.
func elements(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if len(raw) > 0 && raw[0] == '[' && json.Unmarshal(raw, &list) == nil {
		return list
	}
	if raw == nil {
		return nil
	}
	return []json.RawMessage{raw}
}

// scalar writes a JSON scalar as text.
func scalar(raw json.RawMessage) string {
	switch text := strings.TrimSpace(string(raw)); {
	case text == "" || text == "null" || text[0] == '{' || text[0] == '[':
		return ""
	case text[0] == '"':
		var s string
		_ = json.Unmarshal(raw, &s)
		return s
	default:
		return text
	}
}
