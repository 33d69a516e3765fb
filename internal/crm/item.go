package crm

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
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

func (it *item) flag(name string) bitrix24.Bool {
	var flag bitrix24.Bool
	_ = flag.UnmarshalJSON(it.values[name])
	return flag
}

// public is the item as it came, without fields that are hidden and what must not reach a browser: addresses of files for applications, and
// authorization in the other ones (crm.item.get's files; tutorials/crm/how-to-edit-crm-objects).
func (it *item) public(hidden []string) json.RawMessage {
	out := []byte{'{'}
	for _, name := range it.order {
		if slices.Contains(hidden, name) || name == "fm" && slices.ContainsFunc(hidden, func(h string) bool { return strings.HasPrefix(h, "fm.") }) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		key, _ := json.Marshal(name)
		out = append(append(out, key...), ':')
		out = append(out, withoutSecrets(it.values[name])...)
	}
	return append(out, '}')
}

func withoutSecrets(raw json.RawMessage) json.RawMessage {
	if !strings.Contains(string(raw), "{") {
		return raw
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return json.RawMessage("null")
	}
	clean, err := json.Marshal(cleaned(value))
	if err != nil {
		return json.RawMessage("null")
	}
	return clean
}

func cleaned(value any) any {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "urlMachine")
		for key, inner := range v {
			v[key] = cleaned(inner)
			if address, ok := v[key].(string); ok && strings.HasPrefix(strings.ToLower(key), "url") {
				v[key] = withoutAuth(address)
			}
		}
	case []any:
		for i, inner := range v {
			v[i] = cleaned(inner)
		}
	}
	return value
}

// withoutAuth takes authorization out of an address; the user's own session in the portal opens it.
func withoutAuth(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	query := u.Query()
	for name := range query {
		switch strings.ToLower(name) {
		case "auth", "token", "access_token", "sessid":
			query.Del(name)
		}
	}
	if len(query) != len(u.Query()) {
		u.RawQuery = query.Encode()
	}
	u.User = nil
	return u.String()
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

// positiveID reads an id; 0 where there is none.
func positiveID(text string) int64 {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}
