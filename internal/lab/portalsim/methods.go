package portalsim

import (
	"strconv"
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
