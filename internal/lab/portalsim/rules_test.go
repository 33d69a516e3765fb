package portalsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"itemlens/internal/lab/portalsim"
)

func TestOperatingTimeIsLimitedPerMethod(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	access, _ := w.tokens(1)
	item := `{"entityTypeId":1,"id":250}`
	w.portal.SetCost("crm.item.get", 19.9)
	for i := range 25 { // 497.5 s: the call that crosses 480 is still answered, the next one is not
		if r := w.call(access, "crm.item.get", item); r.status != 200 {
			t.Fatalf("call %d: %d", i+1, r.status)
		}
		if i == 11 {
			w.sim.Advance(2 * time.Minute)
			access, _ = w.tokens(1)
		}
	}
	want(t, w.call(access, "crm.item.get", item), 429, "OPERATION_TIME_LIMIT")
	if r := w.call(access, "profile", ""); r.status != 200 {
		t.Errorf("another method: %d", r.status)
	}
	if r := w.call(access, "batch", `{"cmd":{"a":"crm.item.get?entityTypeId=1&id=250"}}`); !strings.Contains(r.body, "OPERATION_TIME_LIMIT") {
		t.Errorf("within a batch: %s", r.body)
	}
	w.sim.Advance(8*time.Minute + time.Second) // the first baskets leave the sum
	if r := w.call(access, "crm.item.get", item); r.status != 200 || r.Time["operating"].(float64) < 200 || r.Time["operating"].(float64) > 300 {
		t.Errorf("after the oldest basket went: %d, operating %v", r.status, r.Time["operating"])
	}
}

func TestPlansPaymentAndDeletion(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	access, refresh := w.tokens(1)
	w.portal.SetPlan("enterprise")
	for i := range 200 {
		if r := w.call(access, "profile", ""); r.status != 200 {
			t.Fatalf("enterprise, request %d: %d", i+1, r.status)
		}
	}
	w.portal.SetPlan("free")
	w.sim.Advance(5 * time.Minute)
	want(t, w.call(access, "profile", ""), 403, "ACCESS_DENIED")
	w.portal.SetPlan("std")
	w.portal.SetDeleted(true)
	want(t, w.call(access, "profile", ""), 500, "PORTAL_DELETED")
	w.portal.SetDeleted(false)
	w.portal.SetPayment("app.1", "T", true)
	want(t, w.call(access, "profile", ""), 401, "PAYMENT_REQUIRED")
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app.1"}, "client_secret": {"secret"}, "refresh_token": {refresh}}
	want(t, w.exchange(form), 400, "PAYMENT_REQUIRED")
	w.portal.SetPayment("app.1", "P", false)
	if r := w.exchange(form); r.status != 200 {
		t.Errorf("once paid: %d %s", r.status, r.body)
	}
	w.portal.Uninstall("app.1", true)
	if r := w.call(access, "profile", ""); r.status != 401 {
		t.Errorf("after removal: %d", r.status)
	}
}

func TestWebhooksAndOnPremisePaths(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	p, err := w.sim.AddPortalWith("local", portalsim.PortalOptions{Path: "/crm24", OnPrem: true})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(p.Endpoint(), "/crm24/rest/") {
		t.Fatalf("endpoint %s", p.Endpoint())
	}
	hook := p.AddWebhook(2, "crm")
	if r := w.do(http.MethodGet, hook+"crm.item.get.json?entityTypeId=1&id=250", "", ""); r.status != 200 || !strings.Contains(r.body, "Lead #250") {
		t.Errorf("%d %s", r.status, r.body)
	}
	want(t, w.do(http.MethodGet, hook+"user.get", "", ""), 403, "insufficient_scope")
	want(t, w.do(http.MethodGet, hook+"event.get", "", ""), 403, "WRONG_AUTH_TYPE")
	want(t, w.do(http.MethodGet, p.Endpoint()+"2/invented/profile", "", ""), 401, "INVALID_CREDENTIALS")
}

func TestFaultsByUserAndTheLogOfRequests(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	w.portal.FinishInstall("app.1")
	anna, _ := w.tokens(1)
	marco, _ := w.tokens(2)
	w.portal.AddFault(portalsim.Fault{Method: "profile", User: 2, Kind: "empty", Count: 1})
	if r := w.call(anna, "profile", ""); r.status != 200 || r.body == "" {
		t.Errorf("the other user: %d", r.status)
	}
	if r := w.call(marco, "profile", ""); r.body != "" {
		t.Errorf("no fault: %s", r.body)
	}
	if r := w.call(marco, "profile", ""); r.body == "" {
		t.Error("the fault goes on")
	}
	log := w.portal.Log("profile", 2)
	if len(log) != 2 || log[0].Fault != "empty" || log[1].Fault != "" {
		t.Errorf("log %+v", log)
	}
	shown := w.do(http.MethodGet, w.sim.OAuthURL()+"/control/requests?portal=acme&method=profile&user=1", "", "").body
	if strings.Count(shown, `"method":"profile"`) != 1 || strings.Contains(shown, anna) {
		t.Errorf("requests %s", shown)
	}
}

func TestSeedAndReset(t *testing.T) {
	w := newWorld(t, portalsim.Options{})
	address := w.sim.OAuthURL() + "/control/portals/acme/seed"
	for _, bad := range []string{`nonsense`, `{"items":{"77":[{"id":1}]}}`, `{"items":{"1":[{"title":"x"}]}}`, `{"items":{"1":{}}}`, `{"types":[{"entityTypeId":3,"title":"x"}]}`} {
		if r := w.do(http.MethodPost, address, "application/json", bad); r.status != 400 {
			t.Errorf("%s: %d", bad, r.status)
		}
	}
	good := `{"types":[{"entityTypeId":1050,"title":"Trips"}],"users":[{"ID":9,"Name":"Zoe","CRM":true}],
		"items":{"1":[{"id":250,"title":"Changed","strange":{"a":[1]}}],"1050":[{"id":1,"title":"To the sea"}]}}`
	if r := w.do(http.MethodPost, address, "application/json", good); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	access, _ := w.tokens(1)
	if r := w.call(access, "crm.item.get", `{"entityTypeId":1,"id":250}`); !strings.Contains(r.body, `"strange":{"a":[1]}`) {
		t.Errorf("%s", r.body)
	}
	if r := w.call(access, "crm.item.get", `{"entityTypeId":1050,"id":1}`); !strings.Contains(r.body, "To the sea") {
		t.Errorf("%s", r.body)
	}
	w.do(http.MethodPost, w.sim.OAuthURL()+"/control/reset", "", "")
	if r := w.call(access, "profile", ""); r.status != 401 || w.portal.Requests("crm.item.get") != 0 {
		t.Errorf("a token outlived the reset: %d", r.status)
	}
	if err := w.portal.Install("app.1", 1); err != nil {
		t.Fatal(err)
	}
	access, _ = w.tokens(1)
	if r := w.call(access, "crm.item.get", `{"entityTypeId":1,"id":250}`); !strings.Contains(r.body, "Lead #250") {
		t.Errorf("%s", r.body)
	}
}

func TestTheSameSeedMakesTheSameWorld(t *testing.T) {
	run := func(seed int64) string {
		w := newWorld(t, portalsim.Options{Seed: seed, Vary: true})
		p, err := w.sim.AddPortalWith("big", portalsim.PortalOptions{Items: 700})
		if err != nil {
			t.Fatal(err)
		}
		out := p.MemberID
		for id := 10_000; id < 10_003; id++ {
			out += string(p.ItemJSON(1, id))
		}
		access, _ := w.tokens(1)
		for range 10 {
			r := w.call(access, "crm.item.get", `{"entityTypeId":1,"id":9}`)
			out += fmt.Sprint(r.status, r.Error)
		}
		return out
	}
	first, again, other := run(7), run(7), run(8)
	if first != again {
		t.Error("the same seed gave two worlds")
	}
	if first == other {
		t.Error("two seeds gave one world")
	}
}

// TestAMillionItemsTakeNoMemory makes items up as they are asked for.
func TestAMillionItemsTakeNoMemory(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 10_000, Seed: 3})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	p, err := w.sim.AddPortalWith("huge", portalsim.PortalOptions{Items: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	hook := p.AddWebhook(1, "crm")
	for _, start := range []int{0, 50, 70_000, 142_800} {
		r := w.do(http.MethodGet, fmt.Sprintf("%scrm.item.list?entityTypeId=1&start=%d", hook, start), "", "")
		if r.status != 200 || !strings.Contains(r.body, `"total":1428`) {
			t.Fatalf("start %d: %d %.200s", start, r.status, r.body)
		}
	}
	if r := w.do(http.MethodGet, hook+"crm.item.get?entityTypeId=2&id=100000", "", ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if after := heap(); after > before+8<<20 {
		t.Errorf("a million items took %d MiB", (after-before)>>20)
	}
}

func TestListsFilterOrderAndPage(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000, Seed: 3})
	p, err := w.sim.AddPortalWith("lists", portalsim.PortalOptions{Items: 7 * 120})
	if err != nil {
		t.Fatal(err)
	}
	hook := p.AddWebhook(1, "crm")
	for query, want := range map[string]string{
		"":                                       "total 123 next 50 items 50 first 250",
		"start=100":                              "total 123 next 0 items 23 first 10097",
		"start=-1":                               "total 0 next 0 items 50 first 250",
		"order[id]=DESC":                         "total 123 next 50 items 50 first 10119",
		"filter[>id]=10000":                      "total 119 next 50 items 50 first 10001",
		"filter[>id]=251&filter[%3C%3Did]=10001": "total 3 next 0 items 3 first 252",
		"filter[@id][0]=10003&filter[@id][1]=250": "total 2 next 0 items 2 first 250",
		"filter[id]=999999":                       "total 0 next 0 items 0 first 0",
		"filter[title]=Lead+%23250":               "total 1 next 0 items 1 first 250",
		"filter[%25title]=industrial":             "total 1 next 0 items 1 first 251",
		"filter[!stageId]=NEW&filter[%3Cid]=300":  "total 2 next 0 items 2 first 250",
	} {
		r := w.do(http.MethodGet, hook+"crm.item.list?entityTypeId=1&select[]=id&"+query, "", "")
		var answer struct {
			Result struct {
				Items []struct{ ID int }
			}
			Total, Next int
		}
		if err := json.Unmarshal([]byte(r.body), &answer); err != nil {
			t.Fatalf("%s: %v in %s", query, err, r.body)
		}
		first := 0
		if len(answer.Result.Items) > 0 {
			first = answer.Result.Items[0].ID
		}
		if got := fmt.Sprintf("total %d next %d items %d first %d", answer.Total, answer.Next, len(answer.Result.Items), first); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestEventsAreDeliveredOnceAndCanBeRepeated(t *testing.T) {
	var mu sync.Mutex
	var got []string
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.PostForm.Get("event")+" "+r.PostForm.Get("data[CLEAN]")+" "+r.PostForm.Get("auth[access_token]"))
		w.WriteHeader(http.StatusInternalServerError) // the queue does not try again
	}))
	defer app.Close()
	w := newWorld(t, portalsim.Options{})
	access, _ := w.tokens(1)
	for _, event := range []string{"ONAPPINSTALL", "ONAPPUNINSTALL"} {
		if r := w.call(access, "event.bind", `{"event":"`+event+`","handler":"`+app.URL+`"}`); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if d := w.sim.Deliveries(); len(d) != 0 {
		t.Errorf("%d events before installFinish", len(d))
	}
	w.portal.FinishInstall("app.1")
	w.sim.Deliveries()
	w.do(http.MethodPost, w.sim.OAuthURL()+"/control/portals/acme/emit", "application/x-www-form-urlencoded", "client=app.1&event=onAppInstall&data[CLEAN]=robot")
	w.sim.Deliveries()
	w.portal.Uninstall("app.1", true)
	w.sim.Deliveries()
	if err := w.sim.Redeliver(2); err != nil {
		t.Fatal(err)
	}
	w.sim.Deliveries()
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 4 || !strings.HasPrefix(got[0], "ONAPPINSTALL  ") || len(got[0]) < 40 || got[1] != "ONAPPINSTALL robot " || got[2] != "ONAPPUNINSTALL 1 " || got[3] != got[2] {
		t.Errorf("%d events, the later ones %q", len(got), got[1:])
	}
}

func TestVariationCoversWhatItSays(t *testing.T) {
	w := newWorld(t, portalsim.Options{Vary: true, Seed: 5, RateBurst: 10_000})
	seen := map[string]bool{}
	note := func(what string, found bool) { seen[what] = seen[what] || found }
	for range 60 {
		o, err := w.portal.Open("app.1", 1, "DEFAULT", "")
		if err != nil {
			t.Fatal(err)
		}
		access := o.Form.Get("AUTH_ID")
		note("APPLICATION_TOKEN missing", !o.Form.Has("APPLICATION_TOKEN"))
		note("APPLICATION_TOKEN there", o.Form.Has("APPLICATION_TOKEN"))
		note("regional OAuth server", strings.HasPrefix(o.Form.Get("SERVER_ENDPOINT"), w.sim.RegionalOAuthURL()))
		r := w.call(access, "profile", "")
		note("ID as text", strings.Contains(r.body, `"ID":"1"`))
		note("ID as a number", strings.Contains(r.body, `"ID":1,`))
		r = w.call(access, "crm.item.get", `{"entityTypeId":1,"id":250}`)
		note("sum as text", strings.Contains(r.body, `"opportunity":"999.90"`))
		note("sum as a number", strings.Contains(r.body, `"opportunity":999.9`))
		r = w.call(access, "crm.item.get", `{"entityTypeId":1,"id":9}`)
		note("NOT_FOUND as 400", r.status == 400)
		note("NOT_FOUND as 404", r.status == 404)
		note("code in lower case", r.Error == "not_found")
		r = w.call(access, "batch", `{"cmd":{"a":"profile"}}`)
		note("result_error as []", strings.Contains(r.body, `"result_error":[]`))
		note("result_error as {}", strings.Contains(r.body, `"result_error":{}`))
	}
	for what, found := range seen {
		if !found {
			t.Errorf("never seen: %s", what)
		}
	}
}
