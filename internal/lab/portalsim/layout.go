package portalsim

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// standardLayouts are arrangements of cards: that of deals is the documentation's example, with one more field of the
// portal's own. Cards that are not named here were never arranged, for which the method answers null.
func standardLayouts() map[string]json.RawMessage {
	return map[string]json.RawMessage{
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
		return "", &apiError{400, "", "Parameter 'entityTypeId' is not defined", nil}
	}
	t := c.portal.crmType(c.params.int("entityTypeId"))
	if t == nil {
		return "", &apiError{400, "", "The entity type is not supported in current context.", nil}
	}
	scope, user := c.params.text("scope"), c.user.ID
	if scope == "" {
		scope = "P"
	}
	if id := c.params.int("userId"); id > 0 {
		user = id
	}
	if user != c.user.ID && !c.user.Admin {
		return "", &apiError{400, "", "Access denied.", nil}
	}
	name := map[int]string{1: "leadCustomerType", 2: "dealCategoryId"}[t.entityTypeID]
	if name == "" {
		name = "categoryId"
	}
	extra := c.params.text("extras", name)
	if _, err := strconv.Atoi(extra); err != nil {
		extra = strconv.Itoa(t.defaultCategory())
		if t.entityTypeID == 1 {
			extra = "1"
		}
	}
	return layoutName(t.entityTypeID, scope, user, extra), nil
}

// methodConfigurationGet answers null where nobody has arranged the card.
func methodConfigurationGet(c *call) (any, *apiError) {
	name, refusal := c.layoutOf()
	if refusal != nil {
		return nil, refusal
	}
	if layout := c.portal.layouts[name]; layout != nil {
		return layout, nil
	}
	return nil, nil
}

func methodConfigurationSet(c *call) (any, *apiError) {
	name, refusal := c.layoutOf()
	if refusal != nil {
		return nil, refusal
	}
	if c.params.text("scope") == "C" && !c.user.Admin {
		return nil, &apiError{400, "", "Access denied.", nil}
	}
	data, ok := c.params.get("data").(*object)
	if !ok || len(data.keys) == 0 {
		return nil, &apiError{400, "", "Parameter 'data' must be array.", nil}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return nil, &apiError{400, "", err.Error(), nil}
	}
	c.portal.layouts[name] = text
	return true, nil
}
