package portalsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// AddSmartProcess adds a smart process type without items.
func (p *Portal) AddSmartProcess(entityTypeID int, title string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.types = append(p.types, smartProcess(entityTypeID, title))
}

// RemoveType removes a type with its items and its placement.
func (p *Portal) RemoveType(entityTypeID int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.types = slices.DeleteFunc(p.types, func(t *crmType) bool { return t.entityTypeID == entityTypeID })
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

func methodTypeList(c *call) (any, *apiError) {
	if c.user.Extranet {
		return nil, &apiError{403, "allowed_only_intranet_user", "Action allowed only for intranet users", nil}
	}
	if !c.user.Admin {
		return nil, &apiError{400, "ACCESS_DENIED", "Access denied", nil}
	}
	var custom []*crmType
	for _, t := range c.portal.types {
		if t.typeID > 0 {
			custom = append(custom, t)
		}
	}
	types := newObject()
	for i, t := range custom {
		types.set(strconv.Itoa(i), newObject().
			set("id", t.typeID).set("title", t.title[0]).set("code", "").set("createdBy", 1).
			set("entityTypeId", t.entityTypeID).set("customSectionId", nil).set("isCategoriesEnabled", "N").
			set("isStagesEnabled", "Y").set("isClientEnabled", "Y").set("createdTime", "2024-07-08T17:24:55+02:00").
			set("updatedTime", "2024-07-08T17:24:55+02:00").set("updatedBy", 1))
	}
	return newObject().set("types", c.page(types)), nil
}

// methodOwnerTypes answers the types of items, and those that are no items of crm.item.* (crm/auxiliary/enum).
func methodOwnerTypes(c *call) (any, *apiError) {
	out := newObject()
	out.list = true
	add := func(id int, name, symbol, short string) {
		out.set(strconv.Itoa(len(out.keys)), newObject().set("ID", id).set("NAME", name).set("SYMBOL_CODE", symbol).set("SYMBOL_CODE_SHORT", short))
	}
	add(5, "Invoice (old version)", "INVOICE", "I")
	add(8, "Billing Details", "REQUISITE", "RQ")
	for _, t := range c.portal.types {
		symbol := t.code
		if t.typeID > 0 {
			symbol = fmt.Sprintf("DYNAMIC_%d", t.entityTypeID)
		}
		add(t.entityTypeID, pick(t.title, c.user.Lang), symbol, t.shortCode())
	}
	return out, nil
}

func methodCategoryList(c *call) (any, *apiError) {
	t, refusal := c.readable()
	if refusal != nil {
		return nil, refusal
	}
	if t.categories == nil {
		return nil, &apiError{400, "ENTITY_TYPE_NOT_SUPPORTED", "Entity type is not supported", nil}
	}
	categories := newObject()
	categories.list = true
	for i, category := range t.categories {
		categories.set(strconv.Itoa(i), newObject().set("id", category.id).set("name", pick(category.titles, c.user.Lang)).
			set("sort", 100*(i+1)).set("entityTypeId", t.entityTypeID).set("isDefault", map[bool]string{true: "Y", false: "N"}[i == 0]))
	}
	total := len(t.categories)
	c.total = &total
	return newObject().set("categories", categories), nil
}
