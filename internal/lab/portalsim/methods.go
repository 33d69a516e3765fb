package portalsim

import "maps"

// methods are the REST methods that the simulator has; every other one answers ERROR_METHOD_NOT_FOUND.
func methods() map[string]method {
	const people = "user|user_basic|user_brief"
	out := map[string]method{
		"profile":          {run: methodProfile},
		"app.info":         {run: methodAppInfo},
		"scope":            {run: methodScope},
		"methods":          {run: methodMethods},
		"method.get":       {run: methodMethodGet},
		"feature.get":      {run: methodFeatureGet},
		"server.time":      {run: methodServerTime},
		"user.admin":       {run: methodUserAdmin},
		"user.current":     {scope: people, run: methodUserCurrent},
		"user.get":         {scope: people, run: methodUserGet},
		"user.search":      {scope: people, run: methodUserSearch},
		"user.fields":      {scope: people, run: methodUserFields},
		"app.option.get":   {run: methodOptionGet},
		"app.option.set":   {run: methodOptionSet},
		"user.option.get":  {run: methodUserOptionGet},
		"user.option.set":  {run: methodUserOptionSet},
		"placement.list":   {appOnly: true, scope: "placement", run: methodPlacementList},
		"placement.get":    {appOnly: true, scope: "placement", run: methodPlacementGet},
		"placement.bind":   {appOnly: true, scope: "placement", run: methodPlacementBind},
		"placement.unbind": {appOnly: true, scope: "placement", run: methodPlacementUnbind},
		"event.bind":       {appOnly: true, run: methodEventBind},
		"event.get":        {appOnly: true, run: methodEventGet},
		"event.unbind":     {appOnly: true, run: methodEventUnbind},
		"event.test":       {appOnly: true, run: methodEventTest},
		"events":           {run: methodEvents},

		"crm.item.get":                       {scope: "crm", run: methodItemGet},
		"crm.item.list":                      {scope: "crm", run: methodItemList},
		"crm.item.fields":                    {scope: "crm", run: methodItemFields},
		"crm.item.add":                       {scope: "crm", run: methodItemAdd},
		"crm.item.update":                    {scope: "crm", run: methodItemUpdate},
		"crm.item.delete":                    {scope: "crm", run: methodItemDelete},
		"crm.type.list":                      {scope: "crm", run: methodTypeList},
		"crm.type.getbyentitytypeid":         {scope: "crm", run: methodTypeGet},
		"crm.requisite.list":                 {scope: "crm", run: methodRequisiteList},
		"crm.requisite.fields":               {scope: "crm", run: methodRequisiteFields},
		"crm.requisite.bankdetail.list":      {scope: "crm", run: methodBankDetailList},
		"crm.requisite.bankdetail.fields":    {scope: "crm", run: methodBankDetailFields},
		"crm.address.list":                   {scope: "crm", run: methodAddressList},
		"crm.enum.addresstype":               {scope: "crm", run: methodAddressTypes},
		"crm.status.list":                    {scope: "crm", run: methodStatusList},
		"crm.category.list":                  {scope: "crm", run: methodCategoryList},
		"crm.currency.list":                  {scope: "crm", run: methodCurrencyList},
		"crm.duplicate.findbycomm":           {scope: "crm", run: methodFindByComm},
		"crm.enum.ownertype":                 {scope: "crm", run: methodOwnerTypes},
		"crm.item.productrow.list":           {scope: "crm", run: methodProductRowList},
		"crm.item.details.configuration.get": {scope: "crm", run: methodConfigurationGet},
		"crm.item.details.configuration.set": {scope: "crm", run: methodConfigurationSet},
		"crm.stagehistory.list":              {scope: "crm", run: methodStageHistory},
		"crm.timeline.comment.list":          {scope: "crm", run: methodCommentList},
		"crm.activity.list":                  {scope: "crm", run: methodActivityList},
	}
	maps.Copy(out, classicMethods())
	return out
}

func argument(name string) *apiError {
	return &apiError{status: 400, code: "ERROR_ARGUMENT", description: "Argument '" + name + "' is null or empty", extra: newObject().set("argument", name)}
}

// page cuts a list to the page that the parameter start names, 50 entries long.
func (c *call) page(all *object) *object { return c.pageFrom(all, c.params.int("start")) }

// wholePage cuts a list to the whole page that start lies in, as methods do that page by number: 70 gives the second one.
func (c *call) wholePage(all *object) *object {
	start := c.params.int("start")
	if start > 0 {
		start = start / pageLength * pageLength
	}
	return c.pageFrom(all, start)
}

func (c *call) pageFrom(all *object, start int) *object {
	total := len(all.keys)
	if start < 0 { // a page without counting
		return all.first(pageLength)
	}
	c.total = &total
	if start+pageLength < total {
		next := start + pageLength
		c.next = &next
	}
	out := newObject()
	for _, key := range all.keys[min(start, total):min(start+pageLength, total)] {
		out.push(all.values[key])
	}
	return out
}
