package portalsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
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
		if at < 0 || err != nil || !ok || !items.list {
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

func smartProcess(entityTypeID int, title string) *crmType {
	titles := [2]string{title, title}
	return &crmType{entityTypeID: entityTypeID, typeID: entityTypeID - 1000, title: titles, plural: titles, fields: parseFields(commonFields)}
}

// AddField adds a custom field to a type, gives an item a value in it (JSON), and tells the apps that listen.
func (p *Portal) AddField(entityTypeID int, name, kind, title string, itemID int, value string) error {
	p.mu.Lock()
	t := p.crmType(entityTypeID)
	var item *object
	if t != nil {
		item = t.item(itemID)
	}
	parsed, err := decodeJSON([]byte(value))
	if item == nil || err != nil {
		p.mu.Unlock()
		return fmt.Errorf("add field: no item %d of type %d, or no JSON: %w", itemID, entityTypeID, err)
	}
	t.fields = append(slices.Clone(t.fields), field{name: name, kind: kind, titles: [2]string{title, title}, flags: "d"})
	item.set(name, parsed)
	var clients []string
	for clientID := range p.installs {
		clients = append(clients, clientID)
	}
	p.mu.Unlock()
	entity := map[int]string{1: "LEAD", 2: "DEAL", 3: "CONTACT", 4: "COMPANY", 7: "QUOTE"}[entityTypeID]
	if entity == "" {
		entity = "TYPE"
	}
	for _, clientID := range clients {
		p.Emit(clientID, "ONCRM"+entity+"USERFIELDADD", url.Values{"data[FIELDS][FIELD_NAME]": {upperName(name)}}, 1)
	}
	return nil
}

// Unbind takes an app's placement away, as another administrator's tool may.
func (p *Portal) Unbind(clientID, placementCode string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		in.placements = slices.DeleteFunc(in.placements, func(pl placement) bool { return pl.Placement == placementCode })
	}
}

// PlacementTitle is what an app's placement is called in a language.
func (p *Portal) PlacementTitle(clientID, placementCode, lang string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		for _, pl := range in.placements {
			if pl.Placement == placementCode {
				if local := pl.LangAll.text(lang, "TITLE"); local != "" {
					return local
				}
				return pl.Title
			}
		}
	}
	return ""
}

// ChangeItem gives an item another value (JSON) in a field, as somebody who edits it does.
func (p *Portal) ChangeItem(entityTypeID, id int, name, value string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.crmType(entityTypeID)
	parsed, err := decodeJSON([]byte(value))
	if t == nil || t.item(id) == nil || err != nil {
		return fmt.Errorf("change item: no item %d of type %d, or no JSON: %w", id, entityTypeID, err)
	}
	t.item(id).set(name, parsed)
	return nil
}

// MakeLarge gives an item so many custom fields and product rows, of various types.
func (p *Portal) MakeLarge(entityTypeID, id, fields, rows int) error {
	kinds := []struct{ kind, value string }{
		{"string", `"Some text of a usual length"`}, {"integer", `42`}, {"double", `1.5`}, {"boolean", `"Y"`}, {"date", `"2026-01-20T03:00:00+03:00"`},
		{"money", `"99.5|EUR"`}, {"employee", `1`}, {"url", `"https://example.com/page"`}, {"string", `null`},
	}
	for i := range fields {
		k := kinds[i%len(kinds)]
		if err := p.AddField(entityTypeID, fmt.Sprintf("ufCrm_%d", 1800000000000+i), k.kind, fmt.Sprintf("Field %d (%s)", i+1, k.kind), id, k.value); err != nil {
			return err
		}
	}
	return p.AddProducts(entityTypeID, id, rows)
}
