package portalsim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"itemlens/internal/lab/portalsim"
)

// listed answers the ids that a list has, or its error.
func (w *world) listed(hook, query string) string {
	w.t.Helper()
	r := w.get(hook + "crm.item.list?" + query)
	if r.status != 200 {
		var e struct {
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal([]byte(r.body), &e)
		return fmt.Sprint(r.status, " ", r.Error, " ", e.Description)
	}
	var answer struct {
		Items []struct{ ID int }
	}
	if err := json.Unmarshal(r.Result, &answer); err != nil {
		w.t.Fatalf("%s: %v in %s", query, err, r.body)
	}
	var out []string
	for _, item := range answer.Items {
		out = append(out, fmt.Sprint(item.ID))
	}
	return strings.Join(out, ",")
}

func TestItemListsFilterAndOrderByEveryField(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	hook := w.hook()
	for query, want := range map[string]string{
		"entityTypeId=2&order[opportunity]=DESC":                                                            "22,20,21",
		"entityTypeId=2&order[currencyId]=ASC&order[id]=DESC":                                               "21,20,22",
		"entityTypeId=2&order[title]=asc":                                                                   "22,20,21",
		"entityTypeId=2&order[id]=DESC":                                                                     "22,21,20",
		"entityTypeId=2&order[ID]=DESC":                                                                     "22,21,20",
		"entityTypeId=2&order[nothing]=ASC":                                                                 "400 INVALID_ARG_VALUE Invalid order: field 'NOTHING' is not allowed in order",
		"entityTypeId=2&order[id]=UP":                                                                       "400 INVALID_ARG_VALUE Invalid order: allowed sort directions are ASC, DESC. But got 'UP' for field 'ID'",
		"entityTypeId=2&filter[nothing]=1":                                                                  "400 INVALID_ARG_VALUE Invalid filter: field 'NOTHING' is not allowed in filter",
		"entityTypeId=2&filter[0][>nothing]=1":                                                              "400 INVALID_ARG_VALUE Invalid filter: field '>NOTHING' is not allowed in filter",
		"entityTypeId=2&filter[0][logic]=OR&filter[0][0][id]=20&filter[0][1][id]=22":                        "20,22",
		"entityTypeId=2&filter[logic]=OR&filter[id]=21&filter[stageId]=C9:VISIT":                            "21,22",
		"entityTypeId=2&filter[0][logic]=OR&filter[0][0][id]=20&filter[0][1][id]=22&filter[currencyId]=KZT": "22",
		"entityTypeId=2&filter[contactIds]=31":                                                              "20",
		"entityTypeId=2&filter[@observers][]=3":                                                             "20",
		"entityTypeId=2&filter[!contactIds]=31":                                                             "21,22",
		"entityTypeId=2&filter[%3D%25title]=serv%25":                                                        "21",
		"entityTypeId=2&filter[%3D%25title]=%25scale":                                                       "22",
		"entityTypeId=2&filter[!%3D%25title]=%25contract":                                                   "20,22",
		"entityTypeId=2&filter[%3E%3DcreatedTime]=2026-04-02T08:00:00%2B01:00":                              "21,22", // the same moment elsewhere
		"entityTypeId=2&filter[createdTime]=2026-04-02T08:00:00%2B01:00":                                    "21",
		"entityTypeId=2&filter[companyId]=41&filter[!stageId]=WON":                                          "22",
		"entityTypeId=1038&filter[ufCrm5_1004]=1":                                                           "5",
		"entityTypeId=1038&filter[ufCrm5_1004]=0":                                                           "6",
		"entityTypeId=1038&filter[ufCrm5_1004]=Y":                                                           "",
		"entityTypeId=1038&filter[ufCrm5_1021]=heavy":                                                       "5",
		"entityTypeId=1038&useOriginalUfNames=Y&filter[UF_CRM_5_1002]=2025":                                 "5",
		"entityTypeId=1038&filter[UF_CRM_5_1002]=2025":                                                      "400 INVALID_ARG_VALUE Invalid filter: field 'UF_CRM_5_1002' is not allowed in filter",
	} {
		if got := w.listed(hook, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"crm.item.list?entityTypeId=1038&useOriginalUfNames=Y&select[]=UF_CRM_5_1002", "crm.item.get?entityTypeId=1038&id=5&useOriginalUfNames=Y"} {
		r := w.get(hook + query)
		contains(t, r, `"UF_CRM_5_1002":2025`)
		lacks(t, r, `"ufCrm5_1002"`)
	}
	contains(t, w.get(hook+"crm.item.fields?entityTypeId=1038&useOriginalUfNames=Y"), `"UF_CRM_5_1002":{`)
	// fm comes with * alone.
	lacks(t, w.get(hook+"crm.item.list?entityTypeId=3&select[]=id&select[]=fm"), `"fm"`)
	contains(t, w.get(hook+"crm.item.list?entityTypeId=3&select[]=*"), `"fm":[{"id":111`)
	want(t, w.get(hook+"crm.item.get?entityTypeId=1"), 400, "100")
}

func TestItemListsPageByWholePages(t *testing.T) {
	w := newWorld(t, portalsim.Options{Seed: 3, RateBurst: 1000})
	p, err := w.sim.AddPortalWith("pages", portalsim.PortalOptions{Items: 7 * 120})
	if err != nil {
		t.Fatal(err)
	}
	hook := p.AddWebhook(1, "crm")
	if a, b := w.listed(hook, "entityTypeId=1&start=70"), w.listed(hook, "entityTypeId=1&start=50"); a != b || a == "" {
		t.Errorf("start=70: %s\nstart=50: %s", a, b)
	}
	sorted := w.listed(hook, "entityTypeId=1&order[opportunity]=DESC&select[]=id&filter[%3C%3Did]=10020")
	if !strings.HasSuffix(sorted, ",252") || strings.Count(sorted, ",") != 23 { // 252 has no sum
		t.Errorf("by sum: %s", sorted)
	}
}

func TestReadersWithoutRights(t *testing.T) {
	truth := newWorld(t, portalsim.Options{Truth: portalsim.Truth{Readers: true}})
	hook := truth.portal.AddWebhook(3, "crm")
	if got := truth.listed(hook, "entityTypeId=2"); got != "" {
		t.Errorf("a list without rights: %q", got)
	}
	want(t, truth.get(hook+"crm.item.fields?entityTypeId=2"), 400, "ACCESS_DENIED")
	want(t, truth.get(hook+"crm.item.get?entityTypeId=2&id=20"), 400, "ACCESS_DENIED")
	want(t, truth.get(hook+"crm.item.get?entityTypeId=2&id=99"), 400, "NOT_FOUND") // looked for before rights are
	want(t, truth.get(hook+"crm.item.get?entityTypeId=5&id=1"), 400, "ENTITY_TYPE_NOT_SUPPORTED")
	want(t, truth.get(hook+"crm.item.get?entityTypeId=1234&id=1"), 400, "NOT_FOUND")
	contains(t, truth.get(truth.hook()+"crm.category.list?entityTypeId=3"), `"categories":[{"id":0,`, `"originId":"","originatorId":""`)
	want(t, truth.get(truth.hook()+"crm.category.list?entityTypeId=7"), 400, "ENTITY_TYPE_NOT_SUPPORTED")

	want(t, truth.get(hook+"crm.enum.ownertype"), 400, "")

	old := newWorld(t, portalsim.Options{})
	hook = old.portal.AddWebhook(3, "crm")
	contains(t, old.get(hook+"crm.enum.ownertype"), `"SYMBOL_CODE":"DEAL"`)
	if got := old.listed(hook, "entityTypeId=2"); !strings.HasPrefix(got, "400 ACCESS_DENIED") {
		t.Errorf("a list without rights: %q", got)
	}
	want(t, old.get(hook+"crm.item.get?entityTypeId=5&id=1"), 400, "NOT_FOUND")
}

func TestDictionariesAndTypesFilterAndOrder(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000, Truth: portalsim.Truth{Statuses: true}})
	w.portal.AddSmartProcess(1050, "Trips")
	hook := w.hook()
	first := func(query string) string {
		t.Helper()
		r := w.get(hook + query)
		if i := strings.Index(r.body, `"STATUS_ID":"`); i >= 0 {
			return strings.SplitN(r.body[i+13:], `"`, 2)[0]
		}
		return r.body
	}
	for query, want := range map[string]string{
		"crm.status.list?filter[ENTITY_ID]=STATUS&order[SORT]=DESC":       "JUNK",
		"crm.status.list?filter[ENTITY_ID]=STATUS&order[STATUS_ID]=ASC":   "CONVERTED",
		"crm.status.list?filter[STATUS_ID]=DT31_10:P":                     "DT31_10:P",
		"crm.status.list?filter[ENTITY_ID]=STATUS&filter[SEMANTICS]=F":    "JUNK",
		"crm.status.list?filter[!ENTITY_ID]=STATUS&filter[STATUS_ID]=NEW": "NEW", // an operator is no field's name
		"crm.status.list?FILTER[entity_id]=HONORIFIC&ORDER[NAME]=desc":    "UC_N1LWUS",
	} {
		if got := first(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	want(t, w.get(hook+"crm.status.list?filter[ENTITY_ID][]=STATUS"), 400, "")
	contains(t, w.get(hook+"crm.status.list?filter[ENTITY_ID][]=STATUS"), "Filter by ENTITY_ID must be a string")
	all := w.get(hook + "crm.status.list?start=50")
	lacks(t, all, `"next"`)
	if got := first("crm.status.list?start=50"); got != "NEW" {
		t.Errorf("start=50 begins with %s", got)
	}
	contains(t, w.get(hook+"crm.type.list?filter[title]=Trips"), `"types":[{"id":50,`, `"total":1`)
	contains(t, w.get(hook+"crm.type.list?order[title]=DESC"), `"types":[{"id":50,`, `"isRecyclebinEnabled":"N"`, `"isCountersEnabled":"N"`, `"isMycompanyEnabled":"N"`)
	contains(t, w.get(hook+"crm.currency.list"), `"total":0`)
	contains(t, w.get(hook+"crm.category.list?entityTypeId=2"), `"originatorId":""`)
}

func TestStatusesArePagedWhereTruthIsOff(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	for i := range 3 { // 42 entries: more than one page needs more types
		w.portal.AddSmartProcess(1050+2*i, "Trips")
	}
	r := w.get(w.hook() + "crm.status.list?start=" + url.QueryEscape("50"))
	lacks(t, r, `"STATUS_ID":"NEW"`)
}
