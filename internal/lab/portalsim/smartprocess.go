package portalsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// firstSmartProcess is the first entityTypeId of smart processes.
const firstSmartProcess = 128

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
		return nil, failure(403, "allowed_only_intranet_user", "Action allowed only for intranet users")
	}
	if !c.user.Admin {
		return nil, failure(400, "ACCESS_DENIED", "Access denied")
	}
	var custom []*crmType
	for _, t := range c.portal.types {
		if t.typeID > 0 {
			custom = append(custom, t)
		}
	}
	given, _ := c.params.get("filter").(*object)
	f, refusal := parseFilter(given, nil)
	if refusal != nil {
		return nil, refusal
	}
	var rows []*object
	for _, t := range custom {
		if row := t.describe(); f.holds(func(field string) []string { return row.texts(field) }) {
			rows = append(rows, row)
		}
	}
	if order, ok := c.params.get("order").(*object); ok {
		slices.SortStableFunc(rows, func(a, b *object) int {
			for _, key := range order.keys {
				if by := compare(a.text(key), b.text(key)); by != 0 {
					return map[bool]int{true: -by, false: by}[strings.EqualFold(order.text(key), "DESC")]
				}
			}
			return 0
		})
	}
	types := newObject()
	for _, row := range rows {
		types.push(row)
	}
	return newObject().set("types", c.page(types)), nil
}

// describe is the type as crm.type.list answers it (crm-type-list.md).
func (t *crmType) describe() *object {
	yes := func(on bool) string { return map[bool]string{true: "Y", false: "N"}[on] }
	return newObject().
		set("id", t.typeID).set("title", t.title[0]).set("code", "").set("createdBy", 1).
		set("entityTypeId", t.entityTypeID).set("customSectionId", nil).
		set("isCategoriesEnabled", "N").set("isStagesEnabled", "Y").set("isBeginCloseDatesEnabled", yes(t.field("begindate").name != "")).
		set("isClientEnabled", "Y").set("isUseInUserfieldEnabled", "Y").set("isLinkWithProductsEnabled", yes(t.field("opportunity").name != "")).
		set("isMycompanyEnabled", yes(t.field("mycompanyId").name != "")).set("isDocumentsEnabled", "Y").
		set("isSourceEnabled", yes(t.field("sourceId").name != "")).set("isObserversEnabled", yes(t.field("observers").name != "")).
		set("isRecyclebinEnabled", "N").set("isAutomationEnabled", "Y").set("isBizProcEnabled", "N").set("isSetOpenPermissions", "Y").
		set("isPaymentsEnabled", "N").set("isCountersEnabled", "N").
		set("createdTime", "2024-07-08T17:24:55+02:00").set("updatedTime", "2024-07-08T17:24:55+02:00").set("updatedBy", 1)
}

// methodOwnerTypes answers the types of items, and those that are no items of crm.item.* (crm/auxiliary/enum).
func methodOwnerTypes(c *call) (any, *apiError) {
	if !c.user.CRM && c.truth().Readers {
		return nil, failure(400, "", "Access denied.")
	}
	out := newObject()
	add := func(id int, name, symbol, short string) {
		out.push(newObject().set("ID", id).set("NAME", name).set("SYMBOL_CODE", symbol).set("SYMBOL_CODE_SHORT", short))
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

// methodTypeGet tells of a smart process, or of invoices, and which types its items are parents or children of
// (crm-type-get-by-entity-type-id.md): whoever may read items of the type is told. Other types are none.
func methodTypeGet(c *call) (any, *apiError) {
	if c.user.Extranet {
		return nil, failure(403, "allowed_only_intranet_user", "Action allowed only for intranet users")
	}
	id, refusal := c.number("entityTypeId")
	if refusal != nil {
		return nil, refusal
	}
	t := c.portal.crmType(id)
	switch {
	case !c.user.CRM && !c.user.Admin:
		return nil, failure(400, "ACCESS_DENIED", "Access denied")
	case t == nil || t.typeID == 0 && t.entityTypeID != 31:
		return nil, failure(400, "0", "Smart process not found")
	}
	yes := map[bool]string{true: "Y", false: "N"}
	relation := func(entityTypeID int, predefined bool) *object {
		return newObject().set("entityTypeId", entityTypeID).set("isChildrenListEnabled", "Y").set("isPredefined", yes[predefined])
	}
	parents, children := newObject(), newObject()
	if t.field("companyId").name != "" {
		parents.push(relation(3, true)).push(relation(4, true))
	}
	for _, other := range c.portal.types {
		if t.field("parentId"+strconv.Itoa(other.entityTypeID)).name != "" {
			parents.push(relation(other.entityTypeID, false))
		}
		if other.field("parentId"+strconv.Itoa(t.entityTypeID)).name != "" {
			children.push(relation(other.entityTypeID, false))
		}
	}
	return newObject().set("type", t.describe().set("relations", newObject().set("parent", parents).set("child", children))), nil
}

func methodCategoryList(c *call) (any, *apiError) {
	t, refusal := c.readable()
	if refusal != nil {
		return nil, refusal
	}
	if t.categories == nil && (t.entityTypeID == 1 || t.entityTypeID == 7 || !c.truth().Readers) {
		return nil, failure(400, "ENTITY_TYPE_NOT_SUPPORTED", "Entity type is not supported")
	}
	pipelines := t.categories
	if pipelines == nil { // what has none has one that nobody sees
		pipelines = []category{{t.typeID, [2]string{"General", "Общее"}}}
	}
	categories := newObject()
	for i, category := range pipelines {
		categories.push(newObject().set("id", category.id).set("name", pick(category.titles, c.user.Lang)).
			set("sort", 100*(i+1)).set("entityTypeId", t.entityTypeID).set("isDefault", map[bool]string{true: "Y", false: "N"}[i == 0]).
			set("originId", "").set("originatorId", ""))
	}
	total := len(pipelines)
	c.total = &total
	return newObject().set("categories", categories), nil
}
