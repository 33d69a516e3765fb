package portalsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Seed adds data from JSON: {"users":[...],"items":{"1":[{"id":7,"title":"..."}]},"types":[{"entityTypeId":1050,
// "title":"Trips"}]}. An item replaces the one with the same id; fields that the type does not know are kept, as a portal
// keeps fields that it does not describe. Nothing is changed where anything is wrong.
func (p *Portal) Seed(from io.Reader) error {
	raw, err := io.ReadAll(from)
	if err != nil {
		return fmt.Errorf("read seed: %w", err)
	}
	var seed struct {
		Users []User                     `json:"users"`
		Items map[string]json.RawMessage `json:"items"`
		Types []struct {
			EntityTypeID int    `json:"entityTypeId"`
			Title        string `json:"title"`
		} `json:"types"`
	}
	if err := json.Unmarshal(raw, &seed); err != nil {
		return fmt.Errorf("read seed: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	types := slices.Clone(p.types)
	for _, t := range seed.Types {
		if t.EntityTypeID < 128 || t.Title == "" || p.crmType(t.EntityTypeID) != nil {
			return fmt.Errorf("seed: type %d needs a free entityTypeId from 128 on and a title", t.EntityTypeID)
		}
		types = append(types, smartProcess(t.EntityTypeID, t.Title))
	}
	found := map[*crmType][]*object{}
	for id, list := range seed.Items {
		number, _ := strconv.Atoi(id)
		at := slices.IndexFunc(types, func(t *crmType) bool { return t.entityTypeID == number })
		value, err := decodeJSON(list)
		items, ok := value.(*object)
		if at < 0 || err != nil || !ok || !strings.HasPrefix(strings.TrimSpace(string(list)), "[") {
			return fmt.Errorf("seed: items of %q: no such type, or no list", id)
		}
		for _, key := range items.keys {
			item, ok := items.values[key].(*object)
			if !ok || item.int("id") <= 0 {
				return fmt.Errorf("seed: an item of type %s has no id", id)
			}
			found[types[at]] = append(found[types[at]], item.set("entityTypeId", number))
		}
	}
	for _, u := range seed.Users {
		if u.ID <= 0 {
			return errors.New("seed: a user has no id")
		}
	}
	p.types = types
	for t, items := range found {
		for _, item := range items {
			t.items = slices.DeleteFunc(t.items, func(o *object) bool { return o.int("id") == item.int("id") })
			t.items = append(t.items, item)
		}
	}
	for _, u := range seed.Users {
		if known := p.user(u.ID); known != nil {
			*known = u
			continue
		}
		p.users = append(p.users, &u)
	}
	return nil
}
