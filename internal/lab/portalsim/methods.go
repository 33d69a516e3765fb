package portalsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// methods are the REST methods that the simulator has; every other one answers ERROR_METHOD_NOT_FOUND.
func methods() map[string]method {
	return map[string]method{
		"profile":          {run: methodProfile},
		"app.info":         {appOnly: true, run: methodAppInfo},
		"scope":            {run: func(c *call) (any, *apiError) { return c.scope, nil }},
		"server.time":      {run: func(*call) (any, *apiError) { return time.Now().Format(time.RFC3339), nil }},
		"user.admin":       {run: func(c *call) (any, *apiError) { return c.user.Admin, nil }},
		"user.current":     {scope: "user|user_basic|user_brief", run: func(c *call) (any, *apiError) { return c.userFields(c.user), nil }},
		"user.get":         {scope: "user|user_basic|user_brief", run: methodUserGet},
		"app.option.get":   {appOnly: true, run: methodOptionGet},
		"app.option.set":   {appOnly: true, run: methodOptionSet},
		"user.option.get":  {appOnly: true, run: methodUserOptionGet},
		"user.option.set":  {appOnly: true, run: methodUserOptionSet},
		"placement.list":   {appOnly: true, scope: "placement", run: methodPlacementList},
		"placement.get":    {appOnly: true, scope: "placement", run: methodPlacementGet},
		"placement.bind":   {appOnly: true, scope: "placement", run: methodPlacementBind},
		"placement.unbind": {appOnly: true, scope: "placement", run: methodPlacementUnbind},
		"event.bind":       {appOnly: true, run: methodEventBind},
		"event.get":        {appOnly: true, run: methodEventGet},
		"event.unbind":     {appOnly: true, run: methodEventUnbind},
		"events":           {run: func(*call) (any, *apiError) { return knownEvents, nil }},

		"crm.item.get":                       {scope: "crm", run: methodItemGet},
		"crm.item.list":                      {scope: "crm", run: methodItemList},
		"crm.item.fields":                    {scope: "crm", run: methodItemFields},
		"crm.type.list":                      {scope: "crm", run: methodTypeList},
		"crm.status.list":                    {scope: "crm", run: methodStatusList},
		"crm.category.list":                  {scope: "crm", run: methodCategoryList},
		"crm.currency.list":                  {scope: "crm", run: methodCurrencyList},
		"crm.enum.ownertype":                 {scope: "crm", run: methodOwnerTypes},
		"crm.item.productrow.list":           {scope: "crm", run: methodProductRowList},
		"crm.item.details.configuration.get": {scope: "crm", run: methodConfigurationGet},
		"crm.item.details.configuration.set": {scope: "crm", run: methodConfigurationSet},
	}
}

func argument(name string) *apiError {
	return &apiError{400, "ERROR_ARGUMENT", "Argument '" + name + "' is null or empty", newObject().set("argument", name)}
}

func methodProfile(c *call) (any, *apiError) {
	return newObject().
		set("ID", strconv.Itoa(c.user.ID)).
		set("ADMIN", c.user.Admin).
		set("NAME", c.user.Name).
		set("LAST_NAME", c.user.LastName).
		set("PERSONAL_GENDER", "").
		set("TIME_ZONE", c.user.TimeZone), nil
}

func methodAppInfo(c *call) (any, *apiError) {
	return newObject().
		set("ID", 5).
		set("CODE", c.app.ClientID).
		set("VERSION", c.install.version).
		set("STATUS", c.app.Status).
		set("INSTALLED", c.install.finished).
		set("PAYMENT_EXPIRED", map[bool]string{true: "Y", false: "N"}[c.install.paymentExpired]).
		set("DAYS", nil).
		set("LANGUAGE_ID", c.user.Lang).
		set("LICENSE", "en_std").
		set("LICENSE_TYPE", "std").
		set("LICENSE_FAMILY", "std"), nil
}

// userFields are those that user_brief gives; user_basic and user give more.
func (c *call) userFields(u *User) *object {
	out := newObject().set("ID", strconv.Itoa(u.ID)).set("ACTIVE", true).set("NAME", u.Name).
		set("LAST_NAME", u.LastName).set("SECOND_NAME", "").set("WORK_POSITION", u.Position)
	if u.Photo {
		out.set("PERSONAL_PHOTO", "http://"+c.portal.servers[len(c.portal.servers)-1].host()+"/sim/photo.svg?user="+strconv.Itoa(u.ID))
	}
	if u.Extranet {
		return out.set("USER_TYPE", "extranet")
	}
	return out.set("USER_TYPE", "employee")
}

func methodUserGet(c *call) (any, *apiError) {
	ids := c.params.texts("FILTER", "ID")
	if ids == nil {
		ids = c.params.texts("FILTER", "@ID")
	}
	out := newObject()
	out.list = true
	for _, u := range c.portal.users {
		if ids == nil || slices.Contains(ids, strconv.Itoa(u.ID)) {
			out.set(strconv.Itoa(len(out.keys)), c.userFields(u))
		}
	}
	return c.page(out), nil
}

// page cuts a list to the page that the parameter start names, 50 entries long.
func (c *call) page(all *object) *object {
	total, start := len(all.keys), max(0, c.params.int("start"))
	c.total = &total
	if start+50 < total {
		next := start + 50
		c.next = &next
	}
	out := newObject()
	out.list = true
	for _, key := range all.keys[min(start, total):min(start+50, total)] {
		out.set(strconv.Itoa(len(out.keys)), all.values[key])
	}
	return out
}

func methodOptionGet(c *call) (any, *apiError) {
	if name := c.params.text("option"); name != "" {
		return c.install.options.get(name), nil
	}
	return c.install.options, nil
}

func methodOptionSet(c *call) (any, *apiError) {
	if !c.user.Admin {
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	}
	options, ok := c.params.get("options").(*object)
	if !ok {
		return nil, argument("options")
	}
	for _, key := range options.keys {
		c.install.options.set(key, options.values[key])
	}
	return true, nil
}

func methodUserOptionGet(c *call) (any, *apiError) {
	if name := c.params.text("option"); name != "" {
		return c.install.optionsOf(c.user.ID).get(name), nil
	}
	return c.install.optionsOf(c.user.ID), nil
}

func methodUserOptionSet(c *call) (any, *apiError) {
	options, ok := c.params.get("options").(*object)
	if !ok {
		return nil, argument("options")
	}
	for _, key := range options.keys {
		c.install.optionsOf(c.user.ID).set(key, options.values[key])
	}
	return true, nil
}

// detailTabs are the placements of CRM cards (api-reference/widgets/crm/detail-tab.md).
func (p *Portal) detailTabs() []string {
	tabs := []string{}
	for _, t := range p.types {
		tabs = append(tabs, t.tab())
	}
	return append(tabs, "CRM_ORDER_DETAIL_TAB")
}

func methodPlacementList(c *call) (any, *apiError) {
	return append(c.portal.detailTabs(), "LEFT_MENU", "PAGE_BACKGROUND_WORKER"), nil
}

func methodPlacementGet(c *call) (any, *apiError) {
	if !c.user.Admin {
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	}
	return append([]placement{}, c.install.placements...), nil
}

func methodPlacementBind(c *call) (any, *apiError) {
	code, handler := c.params.text("PLACEMENT"), c.params.text("HANDLER")
	switch {
	case !c.user.Admin:
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	case code == "":
		return nil, &apiError{200, "ERROR_ARGUMENT", "Argument 'PLACEMENT' is null or empty", newObject().set("argument", "PLACEMENT")}
	case handler == "":
		return nil, &apiError{200, "ERROR_ARGUMENT", "Argument 'HANDLER' is null or empty", newObject().set("argument", "HANDLER")}
	case !slices.Contains(c.portal.detailTabs(), code) && code != "LEFT_MENU":
		return nil, &apiError{200, "ERROR_PLACEMENT_NOT_FOUND", "Placement not found", nil}
	}
	for _, bound := range c.install.placements {
		if bound.Placement == code && bound.Handler == handler {
			return nil, &apiError{200, "ERROR_CORE", "Unable to set placement handler: Handler already binded", nil}
		}
	}
	langs, _ := c.params.get("LANG_ALL").(*object)
	if langs == nil {
		langs = newObject()
	}
	c.install.placements = append(c.install.placements, placement{
		Placement: code, Handler: handler, Options: []any{}, Title: c.params.text("TITLE"), LangAll: langs,
	})
	return true, nil
}

func methodPlacementUnbind(c *call) (any, *apiError) {
	code, handler := c.params.text("PLACEMENT"), c.params.text("HANDLER")
	if !c.user.Admin {
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	}
	before := len(c.install.placements)
	c.install.placements = slices.DeleteFunc(c.install.placements, func(pl placement) bool {
		return pl.Placement == code && (handler == "" || pl.Handler == handler)
	})
	return newObject().set("count", before-len(c.install.placements)), nil
}

var knownEvents = []string{
	"ONAPPINSTALL", "ONAPPUPDATE", "ONAPPUNINSTALL", "ONAPPPAYMENT", "ONUSERADD", "ONCRMLEADADD", "ONCRMLEADUPDATE",
	"ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMTYPEADD", "ONCRMTYPEUPDATE", "ONCRMTYPEDELETE", "ONCRMDYNAMICITEMADD",
	"ONCRMCURRENCYADD", "ONCRMCURRENCYUPDATE", "ONCRMCURRENCYDELETE",
	"ONCRMLEADUSERFIELDADD", "ONCRMLEADUSERFIELDUPDATE", "ONCRMLEADUSERFIELDDELETE", "ONCRMLEADUSERFIELDSETENUMVALUES",
	"ONCRMDEALUSERFIELDADD", "ONCRMDEALUSERFIELDUPDATE", "ONCRMDEALUSERFIELDDELETE", "ONCRMDEALUSERFIELDSETENUMVALUES",
	"ONCRMCONTACTUSERFIELDADD", "ONCRMCONTACTUSERFIELDUPDATE", "ONCRMCONTACTUSERFIELDDELETE", "ONCRMCONTACTUSERFIELDSETENUMVALUES",
	"ONCRMCOMPANYUSERFIELDADD", "ONCRMCOMPANYUSERFIELDUPDATE", "ONCRMCOMPANYUSERFIELDDELETE", "ONCRMCOMPANYUSERFIELDSETENUMVALUES",
	"ONCRMQUOTEUSERFIELDADD", "ONCRMQUOTEUSERFIELDUPDATE", "ONCRMQUOTEUSERFIELDDELETE", "ONCRMQUOTEUSERFIELDSETENUMVALUES",
	"ONCRMTYPEUSERFIELDADD", "ONCRMTYPEUSERFIELDUPDATE", "ONCRMTYPEUSERFIELDDELETE", "ONCRMTYPEUSERFIELDSETENUMVALUES",
}

func methodEventBind(c *call) (any, *apiError) {
	event, url := strings.ToUpper(c.params.text("event")), c.params.text("handler")
	switch {
	case !slices.Contains(knownEvents, event):
		return nil, &apiError{400, "ERROR_EVENT_NOT_FOUND", "Event not found", nil}
	case url == "":
		return nil, argument("handler")
	}
	for _, bound := range c.install.handlers {
		if bound.Event == event && bound.Handler == url {
			return nil, &apiError{400, "ERROR_CORE", "Unable to set event handler: Handler already binded", nil}
		}
	}
	c.install.handlers = append(c.install.handlers, handler{Event: event, Handler: url, AuthType: "0", id: 100 + len(c.install.handlers)})
	return true, nil
}

func methodEventGet(c *call) (any, *apiError) { return append([]handler{}, c.install.handlers...), nil }

func methodEventUnbind(c *call) (any, *apiError) {
	event, url := strings.ToUpper(c.params.text("event")), c.params.text("handler")
	before := len(c.install.handlers)
	c.install.handlers = slices.DeleteFunc(c.install.handlers, func(h handler) bool {
		return h.Event == event && h.Handler == url
	})
	return newObject().set("count", before-len(c.install.handlers)), nil
}

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

func methodStatusList(c *call) (any, *apiError) {
	if !c.user.CRM {
		return nil, &apiError{400, "", "Access denied.", nil}
	}
	entity := c.params.texts("filter", "ENTITY_ID")
	out := newObject()
	out.list = true
	for i, s := range c.portal.statuses {
		if entity != nil && !slices.Contains(entity, s.entityID) {
			continue
		}
		row := newObject().
			set("ID", strconv.Itoa(101+2*i)).set("ENTITY_ID", s.entityID).set("STATUS_ID", s.statusID).
			set("NAME", s.name(c.user.Lang)).set("NAME_INIT", "").set("SORT", strconv.Itoa(10*(i+1))).
			set("SYSTEM", "N").set("CATEGORY_ID", nil).set("COLOR", s.color)
		if s.semantics == "" {
			row.set("SEMANTICS", nil)
		} else {
			row.set("SEMANTICS", s.semantics)
		}
		process := map[string]string{"": "process", "S": "success", "F": "failure"}[s.semantics]
		if s.color != "" {
			row.set("EXTRA", newObject().set("SEMANTICS", process).set("COLOR", s.color))
		}
		out.set(strconv.Itoa(len(out.keys)), row)
	}
	return c.page(out), nil
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

func methodCurrencyList(c *call) (any, *apiError) {
	if !c.user.CRM {
		return nil, &apiError{400, "", "Access denied.", nil}
	}
	return json.RawMessage(`[
		{"CURRENCY":"EUR","AMOUNT_CNT":"1","AMOUNT":"1.0000","SORT":"100","BASE":"Y","FULL_NAME":"Euro","LID":"en","FORMAT_STRING":"&euro;&nbsp;#","DEC_POINT":".","THOUSANDS_SEP":",","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"},
		{"CURRENCY":"USD","AMOUNT_CNT":"1","AMOUNT":"0.9200","SORT":"200","BASE":"N","FULL_NAME":"US Dollar","LID":"en","FORMAT_STRING":"$#","DEC_POINT":".","THOUSANDS_SEP":",","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"},
		{"CURRENCY":"KZT","AMOUNT_CNT":"100","AMOUNT":"0.1800","SORT":"300","BASE":"N","FULL_NAME":"Tenge","LID":"en","FORMAT_STRING":"# &#8376;","DEC_POINT":",","THOUSANDS_SEP":"&nbsp;","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"},
		{"CURRENCY":"JPY","AMOUNT_CNT":"1","AMOUNT":"0.0060","SORT":"400","BASE":"N","FULL_NAME":"Yen","LID":"en","FORMAT_STRING":"&yen;#","DEC_POINT":null,"THOUSANDS_SEP":null,"DECIMALS":"0","DATE_UPDATE":"2024-01-29T12:28:40+02:00"}
	]`), nil
}
