package crm

import (
	"bytes"
	"encoding/json"
	"errors"

	"itemlens/internal/bitrix24"
)

// MaxMembers is how many fields of an item are read: far more than any portal has.
const MaxMembers = 20_000

// Item is an answer of crm.item.get: every value as it came, in the order in which it came, without what must not reach a
// browser (see WithoutAuthorizationIn).
type Item struct {
	Members []Member
	Beyond  int // how many fields the answer has beyond MaxMembers
	index   map[string]int
}

// Member is a field of an item with its value: valid JSON.
type Member struct {
	Name  string
	Value json.RawMessage
}

// ParseItem reads an item. raw is valid JSON.
func ParseItem(raw []byte) *Item {
	it := &Item{}
	count := bytes.Count(raw[:min(len(raw), 1<<20)], []byte(`":`))
	it.Members = make([]Member, 0, min(count, MaxMembers))
	it.index = make(map[string]int, min(count, MaxMembers))
	bitrix24.EachMember(raw, func(quoted, value []byte) bool {
		if len(it.Members) >= MaxMembers {
			it.Beyond++
			return true
		}
		name := bitrix24.Text(quoted)
		value = WithoutAuthorizationIn(value)
		if at, twice := it.index[name]; twice {
			it.Members[at].Value = value // as JSON readers do
			return true
		}
		it.index[name] = len(it.Members)
		it.Members = append(it.Members, Member{name, value})
		return true
	})
	return it
}

// Value is a field's value; nil where the item has no such field.
func (it *Item) Value(name string) json.RawMessage {
	if at, ok := it.index[name]; ok {
		return it.Members[at].Value
	}
	return nil
}

// At is the place of a field among Members; -1 where the item has no such field.
func (it *Item) At(name string) int {
	if at, ok := it.index[name]; ok {
		return at
	}
	return -1
}

// Text is a scalar value as text; empty for null, lists and objects.
func (it *Item) Text(name string) string { return bitrix24.Text(it.Value(name)) }

// Flag is a value as yes or no.
func (it *Item) Flag(name string) bool {
	var flag bitrix24.Bool
	_ = flag.UnmarshalJSON(it.Value(name))
	return bool(flag)
}

// Filled reports whether a field has any value.
func (it *Item) Filled(name string) bool {
	switch string(bytes.TrimSpace(it.Value(name))) {
	case "", "null", "[]", "{}", `""`:
		return false
	}
	return true
}

// itemCommand asks for an item (api-reference/crm/universal/crm-item-get.md).
func itemCommand(ref Ref) bitrix24.Command {
	return bitrix24.Command{Key: "item", Method: "crm.item.get", Params: bitrix24.Params{"entityTypeId": ref.EntityTypeID, "id": ref.ID}}
}

// itemOf reads the item of an answer. An answer without an item is none that the platform would give.
func itemOf(result *bitrix24.BatchResult) (*Item, error) {
	raw, err := result.Raw("item")
	if err != nil {
		return nil, err
	}
	it := &Item{}
	bitrix24.EachMember(raw, func(name, value []byte) bool {
		if string(name) != `"item"` {
			return true
		}
		it = ParseItem(value)
		return false
	})
	if len(it.Members) == 0 {
		return nil, &bitrix24.AnswerError{Method: "crm.item.get", Status: 200, Kind: "no_result", Err: errors.New("no item in the answer")}
	}
	return it, nil
}
