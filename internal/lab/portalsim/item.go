package portalsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// pageLength is how many entries a page of a list has.
const pageLength = 50

// entityTypeID reads the parameter that names a type and checks the user, in this order.
func (c *call) entityTypeID() (int, *apiError) {
	if c.params.text("entityTypeId") == "" {
		return 0, failure(400, "100", "Could not find value for parameter {entityTypeId}")
	}
	if c.user.Extranet {
		return 0, failure(403, "allowed_only_intranet_user", "Action allowed only for intranet users")
	}
	return c.params.int("entityTypeId"), nil
}

// itemType finds the type that a method of crm.item.* names and checks the user, in the platform's order: employee, then
// type; rights come last.
func (c *call) itemType() (*crmType, *apiError) {
	id, refusal := c.entityTypeID()
	if refusal != nil {
		return nil, refusal
	}
	t := c.portal.crmType(id)
	if t == nil && id < firstSmartProcess && c.truth().Readers {
		return nil, failure(400, "ENTITY_TYPE_NOT_SUPPORTED", "Entity type is not supported")
	}
	if t == nil {
		return nil, failure(400, "NOT_FOUND", "SPA not found")
	}
	return t, nil
}

// readable is itemType for users who may read it.
func (c *call) readable() (*crmType, *apiError) {
	t, refusal := c.itemType()
	if refusal == nil && !c.user.CRM {
		return nil, itemDenied()
	}
	return t, refusal
}

func itemDenied() *apiError {
	return failure(400, "ACCESS_DENIED", "You do not have permission to view this item")
}

func (c *call) truth() Truth { return c.portal.sim.options.Truth }

// number reads a parameter that has to be a number: missing ones and arrays are refused before anything else happens.
func (c *call) number(name string) (int, *apiError) {
	value := c.params.get(name)
	if value == nil {
		return 0, failure(400, "100", "Could not find value for parameter {"+name+"}")
	}
	if _, ok := value.(*object); ok {
		return 0, failure(400, "100", "Invalid value {Array} to match with parameter {"+name+"}. Should be value of type int.")
	}
	if text := c.params.text(name); !isNumeric(text) {
		return 0, failure(400, "100", "Invalid value {"+text+"} to match with parameter {"+name+"}. Should be value of type int.")
	}
	return c.params.int(name), nil
}

// isNumeric is PHP's is_numeric, as far as ids go.
func isNumeric(text string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return err == nil
}

// item finds the item that a method names; rights are looked at after the item was found.
func (c *call) item() (*crmType, *object, *apiError) {
	t, refusal := c.itemType()
	if refusal != nil {
		return nil, nil, refusal
	}
	id, refusal := c.number("id")
	if refusal != nil {
		return nil, nil, refusal
	}
	item := t.item(id)
	switch {
	case item == nil && (c.user.CRM || c.truth().Readers):
		return nil, nil, failure(400, "NOT_FOUND", "Item not found")
	case !c.user.CRM, slices.Contains(c.user.hidden(t.entityTypeID), item.text("id")):
		return nil, nil, itemDenied()
	}
	return t, item, nil
}

// original reports whether custom fields go by the names that they were made with (UF_CRM_…).
func (c *call) original() bool { return c.params.text("useOriginalUfNames") == "Y" }

// shown is an item as it is answered: of the fields that were asked for, with the names that were asked for. fm comes with
// * alone (crm-item-list.md).
func (c *call) shown(item *object, selected []string) *object {
	item = c.withFiles(item)
	all := len(selected) == 0 || slices.Contains(selected, "*")
	if !all && !c.original() {
		selected = slices.DeleteFunc(slices.Clone(selected), func(name string) bool { return name == "fm" })
		return item.only(append(selected, "id"))
	}
	out := newObject()
	for _, key := range item.keys {
		name := key
		if c.original() && strings.HasPrefix(key, "ufCrm") {
			name = upperName(key)
		}
		if all || key == "id" || slices.Contains(selected, name) {
			out.set(name, item.values[key])
		}
	}
	return out
}

// withFiles gives the files of custom fields the addresses that portals give them: absolute, with the field's name in
// capitals and the site.
func (c *call) withFiles(item *object) *object {
	out, origin := newObject(), c.portal.servers[len(c.portal.servers)-1].url()
	address := func(field string, file *object) *object {
		whole := newObject()
		for _, key := range file.keys {
			whole.set(key, file.values[key])
		}
		return whole.set("url", fmt.Sprintf("%s/bitrix/services/main/ajax.php?action=crm.controller.item.getFile&SITE_ID=s1&entityTypeId=%s&id=%s&fieldName=%s&fileId=%s",
			origin, item.text("entityTypeId"), item.text("id"), upperName(field), file.text("id")))
	}
	for _, key := range item.keys {
		value, isArray := item.values[key].(*object)
		switch {
		case isArray && value.get("url") != nil:
			out.set(key, address(key, value))
		case isArray && value.get("0", "url") != nil:
			list := newObject()
			for _, n := range value.keys {
				list.push(address(key, value.values[n].(*object)))
			}
			out.set(key, list)
		default:
			out.set(key, item.values[key])
		}
	}
	return out
}

func methodItemGet(c *call) (any, *apiError) {
	_, item, refusal := c.item()
	if refusal != nil {
		return nil, refusal
	}
	return newObject().set("item", c.shown(item, nil)), nil
}

// methodItemList pages by whole pages: the start of 70 gives the second one (the platform's code).
func methodItemList(c *call) (any, *apiError) {
	t, refusal := c.itemType()
	if refusal != nil {
		return nil, refusal
	}
	if !c.user.CRM && !c.truth().Readers {
		return nil, itemDenied()
	}
	given, _ := c.params.get("filter").(*object)
	f, refusal := parseFilter(given, func(key, name string) (string, *apiError) {
		return c.fieldName(t, name, fmt.Sprintf("Invalid filter: field '%s' is not allowed in filter", strings.TrimSuffix(key, name)+inCapitals(name)))
	})
	if refusal != nil {
		return nil, refusal
	}
	order, refusal := c.order(t)
	if refusal != nil {
		return nil, refusal
	}
	start := c.params.int("start")
	counted := start >= 0 // -1 asks for a page without counting (settings/performance/huge-data.md)
	start = max(0, start) / pageLength * pageLength
	if hidden := c.user.hidden(t.entityTypeID); len(hidden) > 0 {
		f = filter{conditions: []condition{{"!@", "id", hidden}}, nested: []filter{f}}
	}
	total, page := t.list(f, order, start, pageLength)
	if !c.user.CRM {
		total, page = 0, nil
	}
	if counted {
		c.total = &total
		if start+pageLength < total {
			next := start + pageLength
			c.next = &next
		}
	}
	selected := c.params.texts("select")
	items := newObject()
	for _, item := range page {
		items.push(c.shown(item, selected))
	}
	return newObject().set("items", items), nil
}

// order reads the order of a list; directions may be written in any case.
func (c *call) order(t *crmType) ([]sorting, *apiError) {
	given, _ := c.params.get("order").(*object)
	if given == nil {
		return nil, nil
	}
	var out []sorting
	for _, key := range given.keys {
		name, refusal := c.fieldName(t, key, fmt.Sprintf("Invalid order: field '%s' is not allowed in order", inCapitals(key)))
		if refusal != nil {
			return nil, refusal
		}
		direction := strings.ToUpper(given.text(key))
		if direction != "ASC" && direction != "DESC" {
			return nil, failure(400, "INVALID_ARG_VALUE", fmt.Sprintf("Invalid order: allowed sort directions are ASC, DESC. But got '%s' for field '%s'", direction, inCapitals(key)))
		}
		out = append(out, sorting{name, direction == "DESC"})
	}
	return out, nil
}

// fieldName is the name under which items hold a field that a filter or an order names. Sources leave open whether ID in
// capitals is taken: with Vary it is refused now and then.
func (c *call) fieldName(t *crmType, name, refusal string) (string, *apiError) {
	if name == "ID" && !c.portal.sim.chance(2) {
		return "id", nil
	}
	for _, f := range t.fields {
		switch {
		case f.name == name && !(c.original() && strings.HasPrefix(name, "ufCrm")):
			return name, nil
		case c.original() && strings.HasPrefix(f.name, "ufCrm") && upperName(f.name) == name:
			return f.name, nil
		}
	}
	return "", failure(400, "INVALID_ARG_VALUE", refusal)
}

// inCapitals is how errors write a field's name.
func inCapitals(name string) string {
	if name == strings.ToUpper(name) {
		return name
	}
	return upperName(name)
}

func methodItemFields(c *call) (any, *apiError) {
	t, refusal := c.readable()
	if refusal != nil {
		return nil, refusal
	}
	fields := newObject()
	for _, f := range t.fields {
		name := f.name
		if c.original() && strings.HasPrefix(name, "ufCrm") {
			name = upperName(name)
		}
		fields.set(name, f.describe(c.user.Lang))
	}
	return newObject().set("fields", fields), nil
}
