package portalsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// standardLayouts are arrangements of cards: that of deals is the documentation's example, with one more field of the
// portal's own; the others name the elements of the platform's default cards. Smart processes and other pipelines were
// never arranged, for which the method answers null.
func standardLayouts() map[string]json.RawMessage {
	out := map[string]json.RawMessage{
		layoutName(2, "C", 0, "0"): json.RawMessage(`[
			{"name":"main","title":"About the deal","type":"section","elements":[{"name":"TITLE","optionFlags":"0"},{"name":"STAGE_ID","optionFlags":"0"},
			 {"name":"OPPORTUNITY_WITH_CURRENCY","optionFlags":"0"},{"name":"CLOSEDATE","optionFlags":"0"},{"name":"CLIENT","optionFlags":"1","options":{"defaultCountry":"DE"}},
			 {"name":"UF_CRM_1700000000101","optionFlags":"1"}]},
			{"name":"additional","title":"Additional","type":"section","elements":[{"name":"TYPE_ID","optionFlags":"0"},{"name":"SOURCE_ID","optionFlags":"0"},
			 {"name":"SOURCE_DESCRIPTION","optionFlags":"1"},{"name":"BEGINDATE","optionFlags":"0"},{"name":"OPENED","optionFlags":"0"},{"name":"ASSIGNED_BY_ID","optionFlags":"0"},
			 {"name":"OBSERVER","optionFlags":"0"},{"name":"COMMENTS","optionFlags":"0"},{"name":"UTM","optionFlags":"0"}]},
			{"name":"products","title":"Products","type":"section","elements":[{"name":"PRODUCT_ROW_SUMMARY","optionFlags":"0"}]},
			{"name":"recurring","title":"Recurring deal","type":"section","elements":[{"name":"RECURRING","optionFlags":"0"}]}]`),
		// The pipeline of services has a shorter card, grouped into columns.
		layoutName(2, "C", 0, "9"): json.RawMessage(`[{"name":"default_column","type":"column","elements":[
			{"name":"main","title":"Service contract","type":"section","elements":[{"name":"TITLE"},{"name":"CLIENT"},{"name":"ASSIGNED_BY_ID"}]}]}]`),
	}
	maps.Copy(out, defaultLayouts())
	return out
}

// defaultLayouts are cards with the names of elements that the platform's own default cards have, many of which are no
// names of fields: CLIENT, ADDRESS, LINK, MOVED_BY_ID, COMPANY_TYPE, REVENUE_WITH_CURRENCY, FILES and others.
func defaultLayouts() map[string]json.RawMessage {
	card := func(main, additional string) json.RawMessage {
		section := func(name, title, elements string) string {
			var list []string
			for element := range strings.FieldsSeq(elements) {
				list = append(list, fmt.Sprintf(`{"name":%q,"optionFlags":"0"}`, element))
			}
			return fmt.Sprintf(`{"name":%q,"title":%q,"type":"section","elements":[%s]}`, name, title, strings.Join(list, ","))
		}
		return json.RawMessage("[" + section("main", "Main", main) + "," + section("additional", "Additional", additional) + "]")
	}
	return map[string]json.RawMessage{
		layoutName(1, "C", 0, "1"): card("TITLE STATUS_ID OPPORTUNITY_WITH_CURRENCY CLIENT HONORIFIC LAST_NAME NAME SECOND_NAME BIRTHDATE POST COMPANY_TITLE PHONE EMAIL WEB IM LINK",
			"SOURCE_ID SOURCE_DESCRIPTION OPENED ASSIGNED_BY_ID OBSERVER COMMENTS ADDRESS MOVED_BY_ID UTM"),
		layoutName(3, "C", 0, "0"): card("HONORIFIC LAST_NAME NAME SECOND_NAME PHOTO BIRTHDATE POST PHONE EMAIL WEB IM LINK COMPANY ADDRESS REQUISITES",
			"TYPE_ID SOURCE_ID SOURCE_DESCRIPTION OPENED EXPORT ASSIGNED_BY_ID OBSERVER COMMENTS UTM TRACKING_SOURCE_ID"),
		layoutName(4, "C", 0, "0"): card("TITLE LOGO COMPANY_TYPE INDUSTRY REVENUE_WITH_CURRENCY PHONE EMAIL WEB IM LINK CONTACT ADDRESS ADDRESS_LEGAL REQUISITES",
			"EMPLOYEES OPENED ASSIGNED_BY_ID OBSERVER COMMENTS UTM"),
		layoutName(7, "C", 0, "0"): card("STAGE_ID QUOTE_NUMBER TITLE OPPORTUNITY CLIENT MYCOMPANY_ID FILES",
			"LEAD_ID DEAL_ID BEGINDATE ACTUAL_DATE CLOSEDATE OPENED ASSIGNED_BY_ID CONTENT TERMS COMMENTS CLOSED UTM"),
		layoutName(31, "C", 0, "10"): card("STAGE_ID OPPORTUNITY BEGINDATE CLOSEDATE PARENT_ID_2 COMMENTS ASSIGNED_BY_ID CLIENT MYCOMPANY_ID", "RECURRING"),
	}
}

// layoutName names a card: whose (user 0 for the common view), of which type, and of which pipeline or kind of leads.
func layoutName(entityTypeID int, scope string, userID int, extra string) string {
	if scope == "C" {
		userID = 0
	}
	return fmt.Sprintf("%d/%s/%d/%s", entityTypeID, scope, userID, extra)
}

// SetLayout arranges a card; scope is P (of a user) or C, extra the pipeline's id, or the kind of leads. null takes the
// arrangement back.
func (p *Portal) SetLayout(entityTypeID int, scope string, userID int, extra, sections string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.layouts[layoutName(entityTypeID, scope, userID, extra)] = json.RawMessage(sections)
}

// layoutOf finds which card the parameters of crm.item.details.configuration.* name.
func (c *call) layoutOf() (string, *apiError) {
	if c.params.text("entityTypeId") == "" {
		return "", failure(400, "", "Parameter 'entityTypeId' is not defined")
	}
	t := c.portal.crmType(c.params.int("entityTypeId"))
	if t == nil {
		return "", failure(400, "", "The entity type is not supported in current context.")
	}
	scope, user := c.params.text("scope"), c.user.ID
	if scope == "" {
		scope = "P"
	}
	if id := c.params.int("userId"); id > 0 {
		user = id
	}
	if user != c.user.ID && !c.user.Admin {
		return "", failure(400, "", "Access denied.")
	}
	extra, refusal := c.cardOf(t)
	if refusal != nil {
		return "", refusal
	}
	return layoutName(t.entityTypeID, scope, user, extra), nil
}

// cardOf is the pipeline whose card is meant, or the kind of leads. The platform renames the parameter for smart processes
// alone; of invoices it reads the name inside, CATEGORY_ID. A pipeline that is an array breaks its code off, and with it
// the whole batch.
func (c *call) cardOf(t *crmType) (string, *apiError) {
	name, otherwise := "categoryId", strconv.Itoa(t.defaultCategory())
	switch {
	case t.entityTypeID == 1:
		name, otherwise = "leadCustomerType", "1"
	case t.entityTypeID == 2:
		name = "dealCategoryId"
	case t.entityTypeID == 31:
		name, otherwise = "CATEGORY_ID", ""
	case t.typeID == 0:
		name = "CATEGORY_ID"
	}
	if _, isArray := c.params.get("extras", name).(*object); isArray && t.entityTypeID != 1 {
		return "", collapse("Return value must be of type ?int, array returned")
	}
	extra := c.params.text("extras", name)
	if _, err := strconv.Atoi(extra); err != nil {
		return otherwise, nil
	}
	return extra, nil
}

// methodConfigurationGet answers null where nobody has arranged the card. Of columns it knows the first one alone, whose
// sections it answers.
func methodConfigurationGet(c *call) (any, *apiError) {
	name, refusal := c.layoutOf()
	if refusal != nil {
		return nil, refusal
	}
	stored := c.portal.layouts[name]
	if stored == nil {
		return nil, nil
	}
	value, err := decodeJSON(stored)
	if err != nil {
		return nil, collapse(err.Error())
	}
	layout, ok := value.(*object)
	if !ok { // taken back
		return nil, nil
	}
	if layout.text("0", "type") == "column" {
		layout, _ = layout.get("0", "elements").(*object)
	}
	return layout, nil
}

func methodConfigurationSet(c *call) (any, *apiError) {
	name, refusal := c.layoutOf()
	if refusal != nil {
		return nil, refusal
	}
	if c.params.text("scope") == "C" && !c.user.Admin {
		return nil, failure(400, "", "Access denied.")
	}
	data, ok := c.params.get("data").(*object)
	if !ok {
		return nil, failure(400, "", "Parameter 'data' must be array.")
	}
	if len(data.keys) == 0 {
		return nil, failure(400, "", "There are no data to write.")
	}
	if refusal := checkLayout(data); refusal != nil {
		return nil, refusal
	}
	text, err := json.Marshal(data)
	if err != nil {
		return nil, failure(400, "", err.Error())
	}
	c.portal.layouts[name] = text
	return true, nil
}

// checkLayout refuses what the platform refuses of an arrangement.
func checkLayout(data *object) *apiError {
	refuse := func(format string, values ...any) *apiError { return failure(400, "", fmt.Sprintf(format, values...)) }
	if !data.isList() {
		return refuse("The data must be indexed array.")
	}
	for i, key := range data.keys {
		section, _ := data.values[key].(*object)
		if section == nil {
			section = newObject()
		}
		kind := section.text("type")
		if kind == "" {
			kind = "section"
		}
		_, titled := section.get("title").(string)
		switch {
		case kind != "section":
			return refuse("Section at index %d have type '%s'. The expected type is 'section'.", i, kind)
		case strings.TrimSpace(section.text("name")) == "":
			return refuse("Section at index %d does not have name.", i)
		case !titled:
			return refuse("Section at index %d does not have title.", i)
		}
		section.set("type", kind)
		elements, _ := section.get("elements").(*object)
		if elements == nil {
			section.set("elements", newObject())
			continue
		}
		for j, element := range elements.keys {
			if strings.TrimSpace(elements.text(element, "name")) == "" {
				return refuse("Element at index %d in section at index %d does not have name.", j, i)
			}
		}
	}
	return nil
}
