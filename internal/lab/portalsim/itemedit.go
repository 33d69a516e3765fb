package portalsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// later does something after the call, when the portal is free again.
func (c *call) later(do func()) {
	c.portal.sim.events.Add(1)
	go func() {
		defer c.portal.sim.events.Done()
		do()
	}()
}

// tell emits an event of an item to every app, in all the forms that it has.
func (c *call) tell(t *crmType, id int, change string) {
	data := url.Values{"data[FIELDS][ID]": {strconv.Itoa(id)}}
	events := []string{"ONCRM" + t.code + change}
	if t.typeID > 0 || t.entityTypeID == 31 {
		data.Set("data[FIELDS][ENTITY_TYPE_ID]", strconv.Itoa(t.entityTypeID))
		events = []string{"ONCRMDYNAMICITEM" + change, fmt.Sprintf("ONCRMDYNAMICITEM%s_%d", change, t.entityTypeID)}
	}
	p, user := c.portal, c.user.ID
	var clients []string
	for clientID := range p.installs {
		clients = append(clients, clientID)
	}
	c.later(func() {
		for _, clientID := range clients {
			for _, event := range events {
				p.Emit(clientID, event, data, user)
			}
		}
	})
}

// assign puts what crm.item.add and update were given into an item. Names that the type does not know and fields that
// nobody may write are passed over.
func (c *call) assign(t *crmType, item *object) *apiError {
	fields, ok := c.params.get("fields").(*object)
	if !ok {
		return failure(400, "100", "Could not find value for parameter {fields}")
	}
	for _, key := range fields.keys {
		if key == "fm" && len(fields.texts("fm")) > 0 {
			continue
		}
		name, refusal := c.fieldName(t, key, "")
		if refusal != nil {
			continue
		}
		f, value := t.field(name), fields.values[key]
		_, isArray := value.(*object)
		switch {
		case containsFlag(f.flags, 'r'):
			continue
		case containsFlag(f.flags, 'm') && !isArray && value != nil:
			return failure(400, "100", fmt.Sprintf("Expected iterable value for multiple field, but got %T instead", value))
		case f.statusType != "" && value != nil && value != "" && !slices.Contains(c.portal.statusIDs(f.statusType), fields.text(key)) && strings.HasSuffix(name, "tageId"):
			return failure(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", "Invalid value for field \""+pick(f.titles, c.user.Lang)+"\"")
		}
		item.set(name, value)
	}
	item.set("updatedTime", moment(time.Now())).set("updatedBy", c.user.ID)
	return nil
}

// statusIDs are the entries of a dictionary; stages of every pipeline of a type count. Callers hold mu.
func (p *Portal) statusIDs(entityID string) []string {
	var ids []string
	for _, s := range p.statuses {
		if s.entityID == entityID || strings.HasPrefix(s.entityID, entityID+"_") {
			ids = append(ids, s.statusID)
		}
	}
	return ids
}

func methodItemAdd(c *call) (any, *apiError) {
	t, refusal := c.readable()
	if refusal != nil {
		return nil, refusal
	}
	id := 1
	for _, item := range t.items {
		id = max(id, item.int("id")+1)
	}
	if t.generated > 0 {
		id = max(id, firstGenerated+t.generated)
	}
	now := moment(time.Now())
	item := newObject()
	for _, f := range t.fields {
		var value any
		if containsFlag(f.flags, 'm') {
			value = newObject()
		}
		item.set(f.name, value)
	}
	item.set("id", id).set("title", fmt.Sprintf("%s #%d", t.title[0], id)).set("createdTime", now).set("createdBy", c.user.ID).
		set("assignedById", c.user.ID).set("opened", "N").set("entityTypeId", t.entityTypeID)
	if refusal := c.assign(t, item); refusal != nil {
		return nil, refusal
	}
	t.items = append(t.items, item)
	c.tell(t, id, "ADD")
	return newObject().set("item", c.shown(item, nil)), nil
}

func methodItemUpdate(c *call) (any, *apiError) {
	t, item, refusal := c.item()
	if refusal != nil {
		return nil, refusal
	}
	changed := newObject()
	for _, key := range item.keys {
		changed.set(key, item.values[key])
	}
	if refusal := c.assign(t, changed); refusal != nil {
		return nil, refusal
	}
	c.portal.moved(t, item, changed)
	t.items = append(slices.DeleteFunc(t.items, func(o *object) bool { return o == item }), changed)
	c.tell(t, item.int("id"), "UPDATE")
	return newObject().set("item", c.shown(changed, nil)), nil
}

func methodItemDelete(c *call) (any, *apiError) {
	t, item, refusal := c.item()
	if refusal != nil {
		return nil, refusal
	}
	before := len(t.items)
	t.items = slices.DeleteFunc(t.items, func(o *object) bool { return o == item })
	if len(t.items) == before { // one that is made up anew each time it is looked at
		return nil, failure(400, "ACCESS_DENIED", "Access denied")
	}
	c.tell(t, item.int("id"), "DELETE")
	return newObject(), nil
}

// ItemJSON is an item as crm.item.get answers it; nil where there is none.
func (p *Portal) ItemJSON(entityTypeID, id int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.crmType(entityTypeID); t != nil && t.item(id) != nil {
		text, _ := t.item(id).MarshalJSON()
		return text
	}
	return nil
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
