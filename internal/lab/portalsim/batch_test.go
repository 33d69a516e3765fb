package portalsim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"itemlens/internal/lab/portalsim"
)

// hook is a webhook of the administrator, with everything that the simulator has.
func (w *world) hook() string { return w.portal.AddWebhook(1, "crm", "user", "placement") }

func (w *world) get(address string) reply {
	w.t.Helper()
	return w.do(http.MethodGet, address, "", "")
}

func contains(t *testing.T, r reply, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(r.body, part) {
			t.Errorf("lacks %s: %d %s", part, r.status, r.body)
		}
	}
}

func lacks(t *testing.T, r reply, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(r.body, part) {
			t.Errorf("has %s: %d %s", part, r.status, r.body)
		}
	}
}

func TestBatchAnswersAreListsOnlyWhereKeysAreThoseOfAList(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	for name, c := range map[string]struct{ cmd, parts, not string }{
		"one of a list fails": {`{"cmd":["crm.item.get?entityTypeId=1&id=99999","user.current","scope"]}`, `"result":{"1":{"ID":"1",` + "\n" + `"2":["crm"` + "\n" + `"result_error":[{"error":"NOT_FOUND"`, ``},
		"the last one fails":  {`{"cmd":["user.current","crm.item.get?entityTypeId=1&id=99999"]}`, `"result":[{"ID":"1",` + "\n" + `"result_error":{"1":{`, `"result":{"0"`},
		"names":               {`{"cmd":{"a":"scope"}}`, `"result":{"a":["crm"` + "\n" + `"result_error":[]` + "\n" + `"result_time":{"a":`, ``},
		"numbers in a row":    {`{"cmd":{"0":"user.get","1":"user.get"}}`, `"result_total":[3,3]` + "\n" + `"result_time":[{`, ``},
		"numbers with a gap":  {`{"cmd":{"1":"user.get","2":"user.get"}}`, `"result_total":{"1":3,"2":3}`, ``},
		"nothing":             {`{}`, `"result":{"result":[],"result_error":[],"result_total":[],"result_next":[],"result_time":[]}`, ``},
		"no text":             {`{"cmd":{"a":["scope"],"b":"scope"}}`, `"result":{"b":["crm"`, `"a":`},
		"null":                {`{"cmd":{"a":"crm.item.details.configuration.get?entityTypeId=2&scope=P"}}`, `"result":{"a":null}`, ``},
		"halt by any text":    {`{"halt":"N","cmd":{"a":"crm.item.get?entityTypeId=1&id=99999","b":"scope"}}`, `"result":[]`, ``},
		"no halt":             {`{"halt":"0","cmd":{"a":"crm.item.get?entityTypeId=1&id=99999","b":"scope"}}`, `"result":{"b":`, ``},
		"download":            {`{"cmd":{"a":"download"}}`, `"ERROR_BATCH_METHOD_NOT_ALLOWED"`, ``},
	} {
		r := w.call(access, "batch", c.cmd)
		for part := range strings.SplitSeq(c.parts, "\n") {
			if !strings.Contains(r.body, part) {
				t.Errorf("%s: lacks %s in %s", name, part, r.body)
			}
		}
		if c.not != "" && strings.Contains(r.body, c.not) {
			t.Errorf("%s: has %s in %s", name, c.not, r.body)
		}
	}
	form := url.Values{"auth": {access}, "cmd[0]": {"user.current"}, "cmd[1]": {"scope"}}
	contains(t, w.do(http.MethodPost, w.portal.Endpoint()+"batch", "application/x-www-form-urlencoded", form.Encode()), `"result":[{"ID":"1",`)
}

func TestReferencesFollowResultsTotalsAndKeys(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	r := w.call(access, "batch", `{"cmd":{
		"item":"crm.item.get?entityTypeId=2&id=20",
		"people":"user.get?FILTER[ID][0]=$result[item][item][createdBy]",
		"within":"crm.item.list?entityTypeId=2&select[]=id&filter[id]=2$result[item][item][categoryId]",
		"total":"crm.item.list?entityTypeId=2&select[]=id&filter[>id]=$total[people]9"}}`)
	contains(t, r, `"people":[{"ID":"2"`, `"within":{"items":[{"id":20}]`, `"total":{"items":[{"id":20}`)
}

// TestAnUnresolvedReferenceTakesTheBatchDown is the platform's code: an array where it wants a number or null.
func TestAnUnresolvedReferenceTakesTheBatchDown(t *testing.T) {
	const batch = `{"cmd":{"profile":"profile","item":"crm.item.get?entityTypeId=2&id=999",
		"layout":"crm.item.details.configuration.get?entityTypeId=2&scope=C&extras[dealCategoryId]=$result[item][item][categoryId]"}}`
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	if r := w.call(access, "batch", batch); r.status != 500 || strings.Contains(r.body, "{") {
		t.Errorf("%d %s", r.status, r.body)
	}
	// A prefix does not help a method that reads numbers, and a reference that leads nowhere is an array for all methods.
	r := w.call(access, "batch", `{"cmd":{"a":"crm.item.get?entityTypeId=1&id=$result[nothing][here]"}}`)
	contains(t, r, `"error":"100"`)
	// With a category, also the one of number 0, all is well.
	r = w.call(access, "batch", strings.Replace(batch, "id=999", "id=20", 1))
	contains(t, r, `"layout":[{"name":"main"`)
	// What is null leads to the item around it.
	r = w.call(access, "batch", `{"cmd":{"item":"crm.item.get?entityTypeId=1&id=250","a":"crm.item.get?entityTypeId=1&id=$result[item][item][isConvert]"}}`)
	contains(t, r, `"a":{"error":"100"`)
}
