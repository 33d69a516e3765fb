package bitrix24

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ID is an id that one method writes as a number and another as a string. null, "" and 0 all mean "none".
type ID int64

// UnmarshalJSON reads a number, a string with a number, null or "".
func (id *ID) UnmarshalJSON(text []byte) error {
	var n flexInt
	if err := n.UnmarshalJSON(text); err != nil {
		return err
	}
	*id = ID(n)
	return nil
}

// Bool is a flag that comes as true/false, "Y"/"N" or 1/0. Whatever else comes is false.
type Bool bool

// UnmarshalJSON never fails: an unknown flag is not set.
func (b *Bool) UnmarshalJSON(text []byte) error {
	switch strings.ToLower(strings.Trim(string(text), `"`)) {
	case "true", "y", "1":
		*b = true
	default:
		*b = false
	}
	return nil
}

// Object is a JSON object that comes as [] when it is empty, because PHP knows one kind of array; a list comes with
// its indexes as keys.
type Object map[string]json.RawMessage

// UnmarshalJSON reads an object, a list, null or a blank.
func (o *Object) UnmarshalJSON(text []byte) error {
	*o = Object{}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || bytes.Equal(text, []byte("null")) || bytes.Equal(text, []byte(`""`)) {
		return nil
	}
	if text[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return err
		}
		for i, item := range list {
			(*o)[strconv.Itoa(i)] = item
		}
		return nil
	}
	return json.Unmarshal(text, (*map[string]json.RawMessage)(o))
}

// flexInt is a whole number that may come as text.
type flexInt int64

func (n *flexInt) UnmarshalJSON(text []byte) error {
	s := strings.TrimSpace(strings.Trim(string(text), `"`))
	if s == "" || s == "null" || s == "false" {
		*n = 0
		return nil
	}
	value, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return fmt.Errorf("not a whole number: %.40q", s)
	}
	*n = flexInt(value)
	return nil
}

// flexText is text that may come as a number, a flag or null.
type flexText string

func (t *flexText) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		*t = ""
		return nil
	}
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(t))
	}
	*t = flexText(text)
	return nil
}

// SplitScope reads a list of scopes: pages write it with commas, events with spaces.
func SplitScope(scope string) []string {
	return strings.FieldsFunc(scope, func(r rune) bool { return r == ',' || r == ' ' })
}
