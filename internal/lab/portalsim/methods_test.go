package portalsim_test

import (
	"net/url"
	"strings"
	"testing"

	"itemlens/internal/lab/portalsim"
)

func TestTheDirectoryOfMethods(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	r := w.call(access, "methods", "")
	contains(t, r, `"crm.item.get"`, `"batch"`, `"user.get"`)
	w.portal.GrantScope("app.1", "placement")
	narrow, _ := w.tokens(1)
	r = w.call(narrow, "methods", "")
	contains(t, r, `"placement.bind"`, `"profile"`)
	lacks(t, r, `"crm.item.get"`)
	contains(t, w.call(narrow, "methods", `{"full":true}`), `"crm.item.get"`)
	r = w.call(narrow, "methods", `{"scope":"crm"}`)
	contains(t, r, `"crm.item.get"`)
	lacks(t, r, `"profile"`)
	r = w.call(narrow, "methods", `{"scope":""}`)
	contains(t, r, `"profile"`)
	lacks(t, r, `"placement.bind"`)
	contains(t, w.call(narrow, "method.get", `{"name":"crm.item.get"}`), `"isExisting":true,"isAvailable":false`)
	contains(t, w.call(access, "method.get", `{"name":"crm.item.get"}`), `"isExisting":true,"isAvailable":true`)
	contains(t, w.call(access, "method.get", `{"name":"no.such"}`), `"isExisting":false,"isAvailable":false`)
	contains(t, w.call(access, "method.get", ""), `"isExisting":false`)
}

func TestFeatures(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	want(t, w.call(access, "feature.get", ""), 400, "CODE_EMPTY")
	contains(t, w.call(access, "feature.get", `{"CODE":"rest_auth_connector"}`), `"value":"N"`)
	w.portal.SetPlan("enterprise")
	contains(t, w.call(access, "feature.get", `{"code":"rest_auth_connector"}`), `"value":"Y"`)
	p, err := w.sim.AddPortalWith("own", portalsim.PortalOptions{OnPrem: true})
	if err != nil {
		t.Fatal(err)
	}
	contains(t, w.get(p.AddWebhook(1)+"feature.get?CODE=rest_auth_connector"), `"value":"en_selfhosted"`)
}

func TestThePlansFamilyIsTold(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	contains(t, w.call(access, "app.info", ""), `"LICENSE":"en_std","LICENSE_TYPE":"std","LICENSE_FAMILY":"std"`)
	w.portal.SetPlan("enterprise")
	contains(t, w.call(access, "app.info", ""), `"LICENSE":"en_ent250","LICENSE_TYPE":"ent250","LICENSE_FAMILY":"ent"`)
	contains(t, w.get(w.hook()+"app.info"), `"result":{"SCOPE":["crm","user","placement"],"LICENSE":"en_ent250"}`)
}

func TestOptionsNeedAnAppAndSomethingToSet(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	w.portal.FinishInstall("app.1")
	admin, _ := w.tokens(1)
	marco, _ := w.tokens(2)
	contains(t, w.call(admin, "app.option.set", `{"options":{"a":"b"}}`), `"result":true`)
	contains(t, w.call(admin, "app.option.set", `{"c":"d"}`), `"result":true`) // the parameters themselves
	contains(t, w.call(marco, "app.option.get", ""), `"result":{"a":"b","c":"d"}`)
	want(t, w.call(marco, "app.option.set", `{"options":{"a":"x"}}`), 403, "ACCESS_DENIED")
	contains(t, w.call(marco, "app.option.set", `{"options":{"a":"x"}}`), "Administrator authorization required")
	for _, method := range []string{"app.option.set", "user.option.set"} {
		want(t, w.call(admin, method, ""), 400, "ERROR_ARGUMENT")
		want(t, w.call(admin, method, `{"options":{}}`), 400, "ERROR_ARGUMENT")
		want(t, w.get(w.hook()+method+"?options[a]=b"), 403, "ACCESS_DENIED")
	}
	contains(t, w.get(w.hook()+"app.option.get"), "Application context required")
}

func TestTheOlderMethodsOfItems(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	hook := w.hook()
	contains(t, w.get(hook+"crm.lead.get?id=250"), `"ID":"250"`, `"STATUS_ID":"IN_PROCESS"`, `"OPPORTUNITY":"999.90"`, `"DATE_CREATE":"2024-07-22T18:00:08+02:00"`,
		`"CREATED_BY_ID":"1"`, `"COMPANY_ID":null`, `"HAS_PHONE":"Y"`, `"PHONE":[{"ID":"101","VALUE_TYPE":"WORK","VALUE":"+16111111111","TYPE_ID":"PHONE"}]`)
	contains(t, w.get(hook+"crm.deal.get?ID=20"), `"STAGE_ID":"EXECUTING"`, `"CATEGORY_ID":"0"`, `"UF_CRM_1700000000101":"41"`, `"CONTACT_ID":"30"`)
	contains(t, w.get(hook+"crm.contact.get?id=30"), `"LAST_NAME":"Weiss"`, `"EMAIL":[{"ID":"113"`)
	contains(t, w.get(hook+"crm.company.get?id=40"), `"REVENUE":"4200000.00"`)
	contains(t, w.get(hook+"crm.quote.get?id=70"), `"STATUS_ID":"SENT"`, `"QUOTE_NUMBER":"2026-0070"`)
	for _, entity := range []string{"lead", "deal", "contact", "company", "quote"} {
		r := w.get(hook + "crm." + entity + ".get?id=99999")
		want(t, r, 400, "")
		contains(t, r, `"error_description":"Not found"`)
		contains(t, w.get(hook+"crm."+entity+".get"), "ID is not defined or invalid")
		contains(t, w.get(w.portal.AddWebhook(3, "crm")+"crm."+entity+".get?id=1"), "Access denied.")
		contains(t, w.get(hook+"crm."+entity+".fields"), `"DATE_CREATE":{"type":"datetime","isRequired":false,"isReadOnly":true`)
		contains(t, w.get(hook+"crm."+entity+".list"), `"total":`)
	}
	lacks(t, w.get(hook+"crm.lead.fields"), `"upperName"`)
	contains(t, w.get(hook+"crm.deal.fields"), `"title":"UF_CRM_1700000000101"`, `"listLabel":"Delivery"`)
	r := w.get(hook + "crm.deal.list?filter[>OPPORTUNITY]=1000&order[OPPORTUNITY]=DESC")
	contains(t, r, `"total":2`, `"result":[{"ID":"22"`)
	lacks(t, r, `"UF_CRM_1700000000101"`)
	contains(t, w.get(hook+"crm.deal.list?select[]=ID&select[]=UF_*&filter[ID]=20"), `"result":[{"ID":"20","UF_CRM_1700000000101":"41"}]`)
	r = w.get(hook + "crm.contact.list?filter[ID]=30&select[]=ID&select[]=PHONE")
	contains(t, r, `"PHONE":[{"ID":"111"`)
	lacks(t, r, `"EMAIL"`)
	lacks(t, w.get(hook+"crm.contact.list?filter[ID]=30"), `"PHONE":[`)
}

func TestItemsAreAddedChangedAndDeleted(t *testing.T) {
	app := newListener(t)
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	access, _ := w.tokens(1)
	for _, event := range []string{"ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALDELETE", "ONCRMDYNAMICITEMADD", "ONCRMDYNAMICITEMADD_1038"} {
		contains(t, w.call(access, "event.bind", `{"event":"`+event+`","handler":"`+app.URL+`"}`), `"result":true`)
	}
	w.portal.FinishInstall("app.1")
	r := w.call(access, "crm.item.add", `{"entityTypeId":2,"fields":{"title":"New","stageId":"NEW","opportunity":10,"contactIds":[30],"id":7,"nothing":1}}`)
	contains(t, r, `"item":{"id":23,"title":"New"`, `"createdBy":1`, `"contactIds":[30]`, `"probability":null`, `"entityTypeId":2`)
	lacks(t, r, `"nothing"`)
	w.sim.Deliveries()
	contains(t, w.call(access, "crm.item.update", `{"entityTypeId":2,"id":23,"fields":{"title":"Changed"}}`), `"title":"Changed"`)
	w.sim.Deliveries()
	contains(t, w.call(access, "crm.item.get", `{"entityTypeId":2,"id":23}`), `"title":"Changed"`, `"opportunity":10`)
	contains(t, w.call(access, "crm.item.delete", `{"entityTypeId":2,"id":23}`), `"result":[]`)
	w.sim.Deliveries()
	want(t, w.call(access, "crm.item.get", `{"entityTypeId":2,"id":23}`), 400, "NOT_FOUND")
	if got := app.names(w, "data[FIELDS][ID]"); got != "ONCRMDEALADD 23, ONCRMDEALUPDATE 23, ONCRMDEALDELETE 23" {
		t.Errorf("events: %s", got)
	}
	app.forms = nil
	contains(t, w.call(access, "crm.item.add", `{"entityTypeId":1038,"useOriginalUfNames":"Y","fields":{"title":"Scale","UF_CRM_5_1002":2026}}`), `"UF_CRM_5_1002":2026`)
	if got := app.names(w, "data[FIELDS][ENTITY_TYPE_ID]"); !strings.Contains(got, "ONCRMDYNAMICITEMADD 1038") || !strings.Contains(got, "ONCRMDYNAMICITEMADD_1038 1038") {
		t.Errorf("events: %s", got)
	}
	want(t, w.call(access, "crm.item.add", `{"entityTypeId":2,"fields":{"contactIds":30}}`), 400, "100")
	want(t, w.call(access, "crm.item.add", `{"entityTypeId":2,"fields":{"stageId":"NOWHERE"}}`), 400, "CRM_FIELD_ERROR_VALUE_NOT_VALID")
	want(t, w.call(access, "crm.item.add", `{"entityTypeId":2}`), 400, "100")
	want(t, w.call(access, "crm.item.delete", `{"entityTypeId":2,"id":999}`), 400, "NOT_FOUND")
	want(t, w.get(w.portal.AddWebhook(3, "crm")+"crm.item.delete?entityTypeId=2&id=20"), 400, "ACCESS_DENIED")
	want(t, w.get(w.portal.AddWebhook(3, "crm")+"crm.item.add?entityTypeId=2&fields[title]=x"), 400, "ACCESS_DENIED")
}

func TestRefusalsOfTokensWithTheirStatuses(t *testing.T) {
	for truth, status := range map[bool]int{true: 401, false: 403} {
		w := newWorld(t, portalsim.Options{Truth: portalsim.Truth{Refusals: truth}})
		access, _ := w.tokens(1)
		w.portal.GrantScope("app.1", "placement")
		narrow, _ := w.tokens(1)
		want(t, w.call(narrow, "crm.item.get", ""), status, "insufficient_scope")
		contains(t, w.call(narrow, "batch", `{"cmd":{"a":"crm.item.get"}}`), `"error":"insufficient_scope"`)
		w.portal.SetPlan("free")
		r := w.call(access, "profile", "")
		want(t, r, status, "ACCESS_DENIED")
		contains(t, r, "available only on commercial plans")
		want(t, w.call(access, "no.such", ""), 404, "ERROR_METHOD_NOT_FOUND") // told before the token is looked at
		want(t, w.call("", "no.such", ""), 404, "ERROR_METHOD_NOT_FOUND")
		w.portal.SetPlan("std")
		w.portal.ChangeUser(1, func(u *portalsim.User) { u.NoApp = true })
		want(t, w.call(access, "profile", ""), status, "user_access_error")
		w.portal.SetDeleted(true)
		want(t, w.call(access, "profile", ""), map[bool]int{true: 403, false: 500}[truth], "PORTAL_DELETED")
	}
}

func TestArrangementsAreFoundAndChecked(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	hook := w.hook()
	w.portal.SetLayout(31, "C", 0, "10", `[{"name":"main","title":"Invoice","type":"section","elements":[]}]`)
	ask := func(query string) string {
		t.Helper()
		return string(w.get(hook + "crm.item.details.configuration.get?scope=C&" + query).Result)
	}
	if got := ask("entityTypeId=31&extras[categoryId]=10"); got != "null" {
		t.Errorf("by categoryId: %s", got)
	}
	if got := ask("entityTypeId=31&extras[CATEGORY_ID]=10"); !strings.Contains(got, "Invoice") {
		t.Errorf("by CATEGORY_ID: %s", got)
	}
	// Sections, without a column around them; of two columns the first one's.
	if got := ask("entityTypeId=2&extras[dealCategoryId]=9"); !strings.HasPrefix(got, `[{"name":"main","title":"Service contract"`) {
		t.Errorf("columns: %s", got)
	}
	w.portal.SetLayout(2, "C", 0, "9", "null")
	if got := ask("entityTypeId=2&extras[dealCategoryId]=9"); got != "null" {
		t.Errorf("taken back: %s", got)
	}
	set := func(data string) reply {
		t.Helper()
		access, _ := w.tokens(1)
		return w.call(access, "crm.item.details.configuration.set", `{"entityTypeId":2,"scope":"C","data":`+data+`}`)
	}
	for data, why := range map[string]string{
		`[]`:                                     "There are no data to write.",
		`"x"`:                                    "Parameter 'data' must be array.",
		`{"a":{"name":"x"}}`:                     "The data must be indexed array.",
		`[{"title":"x"}]`:                        "Section at index 0 does not have name.",
		`[{"name":"x"}]`:                         "Section at index 0 does not have title.",
		`[{"name":"x","title":"","type":"tab"}]`: "Section at index 0 have type 'tab'. The expected type is 'section'.",
		`[{"name":"x","title":"y","elements":[{"name":"TITLE"},{}]}]`: "Element at index 1 in section at index 0 does not have name.",
	} {
		r := set(data)
		want(t, r, 400, "")
		contains(t, r, why)
	}
	contains(t, set(`[{"name":"x","title":"y","elements":[{"name":"TITLE","optionFlags":"1"}]}]`), `"result":true`)
	if got := ask("entityTypeId=2"); !strings.Contains(got, `"optionFlags":"1"`) {
		t.Errorf("stored: %s", got)
	}
}

func TestFieldSetsAreThoseOfTheDocumentation(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	hook := w.hook()
	fields := func(id string) reply { return w.get(hook + "crm.item.fields?entityTypeId=" + id) }
	item := func(query string) reply { return w.get(hook + "crm.item.get?" + query) }
	contains(t, fields("1"), `"fm":{"type":"crm_multifield"`, `"lastCommunicationTime":{"type":"string"`, `"lastCommunicationCallTime":{"type":"datetime"`)
	for _, id := range []string{"1", "3", "4"} {
		lacks(t, fields(id), `"phone":{`, `"email":{`, `"phoneWork":{`, `"imol":{`)
	}
	contains(t, item("entityTypeId=1&id=251"), `"phone":"+1 202 555 0134"`, `"addressCity":null`)
	contains(t, fields("2"), `"isRecurring":{`, `"orderStage":{`, `"quoteId":{"type":"crm_quote"`, `"repeatSaleSegmentId":{"type":"crm_repeat_sale_segment_title"`)
	contains(t, item("entityTypeId=2&id=20"), `"leadId":251`, `"isNew":"N"`, `"searchContent":null`, `"hasProducts":"Y"`, `"lastCommunicationTime":"2026-05-11T21:06:22+03:00"`)
	contains(t, item("entityTypeId=3&id=30"), `"photo":905`, `"export":"Y"`, `"originVersion":null`, `"addressCity":"Port Town"`)
	contains(t, item("entityTypeId=4&id=40"), `"logo":906`, `"addressLegal":"Lagerweg 1, Port Town"`, `"bankingDetails":`)
	contains(t, item("entityTypeId=7&id=70"), `"storageElementIds":[907,908]`, `"clientTitle":"Nordlicht Logistics"`, `"closed":"N"`)
	contains(t, item("entityTypeId=31&id=310"), `"locationId":null`)
	contains(t, item("entityTypeId=3&id=31"), `"fm":[]`)
	contains(t, fields("31"), `"settings":{"parentEntityTypeId":2}`, `"settings":{"isMyCompany":true,"parentEntityTypeId":4`)
	contains(t, item("entityTypeId=1038&id=5"), `"ufCrm5_1010":{"id":901,"url":"`+w.portal.URL()+`/bitrix/services/main/ajax.php?action=crm.controller.item.getFile\u0026SITE_ID=s1`,
		`\u0026fieldName=UF_CRM_5_1011\u0026fileId=903"`)
	contains(t, fields("1038"), `"USE_TIMEZONE":"N"`, `"USE_TIMEZONE":"Y"`)
	contains(t, item("entityTypeId=1038&id=5"), `"ufCrm5_1023":"2026-03-05T10:00:00+03:00"`, `"accountCurrencyId":"EUR"`)
	for query, name := range map[string]string{"1": "MOVED_BY_ID", "3": "LINK", "4": "REVENUE_WITH_CURRENCY", "7": "FILES", "31&extras[CATEGORY_ID]=10": "RECURRING"} {
		contains(t, w.get(hook+"crm.item.details.configuration.get?scope=C&entityTypeId="+query), `"name":"`+name+`"`)
	}
}

func TestTruthsByName(t *testing.T) {
	all, err := portalsim.ParseTruth("all")
	if err != nil || all != portalsim.Everything() {
		t.Errorf("all: %+v, %v", all, err)
	}
	some, err := portalsim.ParseTruth(" statuses, tokens ")
	if err != nil || some != (portalsim.Truth{Statuses: true, Tokens: true}) {
		t.Errorf("some: %+v, %v", some, err)
	}
	most, err := portalsim.ParseTruth("all,-frames")
	if err != nil || most.Frames || !most.Statuses {
		t.Errorf("most: %+v, %v", most, err)
	}
	if _, err := portalsim.ParseTruth("statusses"); err == nil || !strings.Contains(err.Error(), "statuses") {
		t.Errorf("a name that is none: %v", err)
	}
}

func TestRefusalsOfTheOAuthServerVary(t *testing.T) {
	w := newWorld(t, portalsim.Options{Vary: true, Seed: 4, RateBurst: 10_000})
	_, refresh := w.tokens(1)
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app.1"}, "client_secret": {"secret"}, "refresh_token": {refresh}}
	seen := map[int]bool{}
	w.sim.RefuseExchanges("app.1", "wrong_client")
	for range 40 {
		seen[w.exchange(form).status] = true
	}
	if !seen[200] || !seen[401] {
		t.Errorf("wrong_client: %v", seen)
	}
	access, _ := w.tokens(1)
	w.sim.ExpireAccessTokens()
	seen = map[int]bool{}
	for range 60 {
		if r := w.call(access, "profile", ""); r.Error != "expired_token" {
			t.Fatalf("expired_token in another case: %s", r.body)
		}
		seen[w.get(w.portal.Endpoint()+"1/invented/profile").status] = true
	}
	if !seen[401] || !seen[403] {
		t.Errorf("INVALID_CREDENTIALS: %v", seen)
	}
}
