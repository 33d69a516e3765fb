package portalsim

import (
	"fmt"
	"strconv"
	"strings"
)

// readable finds the type that a method names and checks the user's rights, with crm.item.get's documented errors.
func (c *call) readable() (*crmType, *apiError) {
	if c.params.text("entityTypeId") == "" {
		return nil, &apiError{400, "100", "Could not find value for parameter {entityTypeId}", nil}
	}
	if c.user.Extranet {
		return nil, &apiError{403, "allowed_only_intranet_user", "Action allowed only for intranet users", nil}
	}
	t := c.portal.crmType(c.params.int("entityTypeId"))
	if t == nil {
		return nil, &apiError{400, "NOT_FOUND", "SPA not found", nil}
	}
	if !c.user.CRM {
		return nil, &apiError{400, "ACCESS_DENIED", "You do not have permission to view this item", nil}
	}
	return t, nil
}

func methodItemGet(c *call) (any, *apiError) {
	t, refusal := c.readable()
	if refusal != nil {
		return nil, refusal
	}
	item := t.item(c.params.int("id"))
	if item == nil {
		return nil, &apiError{400, "NOT_FOUND", "Item not found", nil}
	}
	return newObject().set("item", item), nil
}

func methodItemList(c *call) (any, *apiError) {
	t, refusal := c.readable()
	if refusal != nil {
		return nil, refusal
	}
	filter, _ := c.params.get("filter").(*object)
	start := c.params.int("start")
	counted := start >= 0 // -1 asks for a page without counting (settings/performance/huge-data.md)
	start = max(0, start)
	descending := strings.EqualFold(c.params.text("order", "id"), "DESC")
	total, page := t.list(filter, descending, start, 50)
	if counted {
		c.total = &total
		if start+50 < total {
			next := start + 50
			c.next = &next
		}
	}
	selected := c.params.texts("select")
	items := newObject()
	items.list = true
	for i, item := range page {
		items.set(strconv.Itoa(i), item.only(selected))
	}
	return newObject().set("items", items), nil
}

func methodItemFields(c *call) (any, *apiError) {
	t, refusal := c.readable()
	if refusal != nil {
		return nil, refusal
	}
	fields := newObject()
	for _, f := range t.fields {
		fields.set(f.name, f.describe(c.user.Lang))
	}
	return newObject().set("fields", fields), nil
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
