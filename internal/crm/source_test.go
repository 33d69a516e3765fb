package crm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// items answers items of a category.
func inCategory(category int) reply {
	return reply{result: fmt.Sprintf(`{"item":{"id":5,"title":"Scales","categoryId":%d}}`, category)}
}

func pipelines(count int) reply {
	var list []string
	for i := range count {
		list = append(list, fmt.Sprintf(`{"id":%d,"name":"Pipeline %d"}`, i, i))
	}
	return reply{result: `{"categories":[` + strings.Join(list, ",") + `]}`}
}

// TestRequestsPerCard: one where the type is known to the viewer, two at most.
func TestRequestsPerCard(t *testing.T) {
	for _, tt := range []struct {
		name       string
		ref        Ref
		category   int
		cold, warm int
	}{
		{"deal of the default pipeline", deal, 0, 1, 1},
		{"deal of another pipeline", deal, 9, 2, 1},
		{"smart process", project, 9, 2, 1},
		{"smart invoice", Ref{bitrix24.SmartInvoice, 5}, 9, 2, 1},
		{"lead", Ref{bitrix24.Lead, 5}, 0, 1, 1},
		{"contact", Ref{bitrix24.Contact, 5}, 0, 1, 1},
		{"company", Ref{bitrix24.Company, 5}, 0, 1, 1},
		{"quote", Ref{bitrix24.Quote, 5}, 0, 1, 1},
	} {
		w := newWorld(t)
		w.say("crm.item.get", inCategory(tt.category))
		w.say("crm.category.list", pipelines(1))
		if tt.category == 9 {
			w.say("crm.category.list", reply{result: `{"categories":[{"id":0,"name":"General"},{"id":9,"name":"Service"}]}`})
		}
		w.visitor(1).read(tt.ref)
		if requests := w.asked(); len(requests) != tt.cold {
			t.Errorf("%s, cold: %d requests, want %d", tt.name, len(requests), tt.cold)
		}
		for user, want := range map[portal.UserID]int{1: tt.warm, 2: 1} { // a colleague who is known asks for all of it at once
			w.visitor(user).read(tt.ref)
			requests := w.asked()
			if len(requests) != want {
				t.Errorf("%s, warm: %d requests of user %d, want %d", tt.name, len(requests), user, want)
			}
			for _, method := range []string{"crm.item.fields", "crm.category.list", "crm.status.list", "crm.enum.ownertype", "crm.currency.list"} {
				if asked := times(requests, method); asked != int(user)-1 {
					t.Errorf("%s, warm: user %d asks %d times for %s", tt.name, user, asked, method)
				}
			}
			if times(requests, "crm.item.get") != 1 || times(requests, "crm.item.details.configuration.get") < 2 {
				t.Errorf("%s, warm: user %d asks for %v", tt.name, user, keysOf(requests[0]))
			}
		}
	}
}

// TestWhoLooksIsNotKnownYet: where somebody else read the type, a first small request tells who it is, and whatever that
// viewer was told already is not asked for again.
func TestWhoLooksIsNotKnownYet(t *testing.T) {
	stranger := func(w *world, user portal.UserID) *visitor {
		v := w.visitor(user)
		v.unknown = true
		return v
	}
	kept := []string{"fields", "pipelines", "statuses", "types", "currencies"}
	w := newWorld(t)
	stranger(w, 1).read(deal)
	if requests := w.asked(); len(requests) != 1 || !slices.Contains(keysOf(requests[0]), "fields") {
		t.Errorf("of a type that nobody read: %d requests", len(requests))
	}
	known := stranger(w, 1)
	known.read(deal)
	if requests := w.asked(); len(requests) != 1 || slices.ContainsFunc(kept, func(key string) bool { return slices.Contains(keysOf(requests[0]), key) }) {
		t.Errorf("the one who read it before: %d requests, %v", len(requests), keysOf(requests[0]))
	}
	w.limit(2, "crm.category.list", pipelines(3))
	other := stranger(w, 2).read(deal)
	requests := w.asked()
	if len(requests) != 2 || slices.Contains(keysOf(requests[0]), "fields") || !slices.Equal(keysOf(requests[1]), kept) {
		t.Errorf("somebody else: %d requests", len(requests))
	}
	if len(other.Type.Pipelines.IDs) != 3 {
		t.Errorf("somebody else sees the pipelines %v", other.Type.Pipelines.IDs)
	}
	// An item of another pipeline takes no third request.
	w = newWorld(t)
	w.visitor(1).read(deal)
	w.say("crm.item.get", inCategory(9))
	w.asked()
	stranger(w, 2).read(deal)
	if requests := w.asked(); len(requests) != 2 || !slices.Contains(keysOf(requests[1]), "arrangementP9") {
		t.Errorf("somebody else's deal of another pipeline: %d requests", len(requests))
	}
}

// arrangementsIn are the pipelines whose arrangements a request asks for.
func arrangementsIn(commands []bitrix24.Command) (categories []string) {
	for _, c := range commands {
		if c.Method == "crm.item.details.configuration.get" && c.Params["scope"] == "C" {
			categories = append(categories, bitrix24.EncodeParams(bitrix24.Params{"extras": c.Params["extras"]}))
		}
	}
	return categories
}

// TestArrangementsOfManyPipelines: up to eight are asked for before the item's own is known; of more, the item's own alone,
// in a second request.
func TestArrangementsOfManyPipelines(t *testing.T) {
	for _, tt := range []struct{ pipelines, requests int }{{1, 1}, {maxAskedPipelines, 1}, {maxAskedPipelines + 1, 2}, {40, 2}} {
		w := newWorld(t)
		w.say("crm.category.list", pipelines(tt.pipelines))
		w.say("crm.item.get", inCategory(tt.pipelines-1))
		own := "extras[categoryId]=" + strconv.Itoa(tt.pipelines-1)
		w.reply = func(_ portal.UserID, c bitrix24.Command) (reply, bool) {
			if len(arrangementsIn([]bitrix24.Command{c})) == 1 && arrangementsIn([]bitrix24.Command{c})[0] == own {
				return reply{result: `[{"title":"Own","elements":[{"name":"TITLE"}]}]`}, true
			}
			return reply{}, false
		}
		w.visitor(1).read(project)
		w.asked()
		r := w.visitor(1).read(project)
		requests := w.asked()
		if len(requests) != tt.requests {
			t.Fatalf("%d pipelines: %d requests, want %d", tt.pipelines, len(requests), tt.requests)
		}
		asked := arrangementsIn(requests[len(requests)-1])
		if tt.requests == 2 && !slices.Equal(asked, []string{own}) || tt.requests == 1 && len(asked) != tt.pipelines {
			t.Errorf("%d pipelines: asked for %v", tt.pipelines, asked)
		}
		if tt.requests == 2 && len(requests[1]) != 2 {
			t.Errorf("the second request asks for %v", keysOf(requests[1]))
		}
		if r.Arrangement == nil || r.Arrangement.Sections[0].Title != "Own" {
			t.Errorf("%d pipelines: arranged as %+v", tt.pipelines, r.Arrangement)
		}
	}
}

// TestNamesOfThePipelineInExtras: the platform renames the parameter for deals and smart processes, and not for invoices.
func TestNamesOfThePipelineInExtras(t *testing.T) {
	for entityTypeID, want := range map[int]string{bitrix24.Deal: "extras[dealCategoryId]=9", 1222: "extras[categoryId]=9", bitrix24.SmartInvoice: "extras[CATEGORY_ID]=9"} {
		if got := arrangementsIn(arrangementCommands(entityTypeID, []string{"9"})); !slices.Equal(got, []string{want}) {
			t.Errorf("type %d: %v, want %s", entityTypeID, got, want)
		}
	}
	if got := arrangementsIn(arrangementCommands(bitrix24.Lead, nil)); !slices.Equal(got, []string{"extras[leadCustomerType]=1", "extras[leadCustomerType]=2"}) {
		t.Errorf("leads: %v", got)
	}
}

// TestThePersonalViewGoesFirst, then the common one; of leads, that of their kind.
func TestThePersonalViewGoesFirst(t *testing.T) {
	arranged := func(title string) reply {
		return reply{result: `[{"title":"` + title + `","elements":[{"name":"TITLE"}]}]`}
	}
	for _, tt := range []struct {
		name string
		ref  Ref
		item string
		said map[string]reply
		want string
	}{
		{"personal", deal, `{"id":5,"categoryId":0}`, map[string]reply{"arrangementP0": arranged("mine"), "arrangementC0": arranged("ours")}, "mine"},
		{"common", deal, `{"id":5,"categoryId":0}`, map[string]reply{"arrangementP0": {result: `[]`}, "arrangementC0": arranged("ours")}, "ours"},
		{"personal refused", deal, `{"id":5,"categoryId":0}`, map[string]reply{"arrangementP0": {code: "ACCESS_DENIED"}, "arrangementC0": arranged("ours")}, "ours"},
		{"of another pipeline", deal, `{"id":5,"categoryId":0}`, map[string]reply{"arrangementC9": arranged("theirs")}, ""},
		{"simple lead", Ref{1, 5}, `{"id":5,"isReturnCustomer":"N"}`, map[string]reply{"arrangementCsimple": arranged("simple"), "arrangementCrepeat": arranged("repeat")}, "simple"},
		{"repeat lead", Ref{1, 5}, `{"id":5,"isReturnCustomer":"Y"}`, map[string]reply{"arrangementCsimple": arranged("simple"), "arrangementCrepeat": arranged("repeat")}, "repeat"},
		{"contact", Ref{3, 5}, `{"id":5,"categoryId":0}`, map[string]reply{"arrangementC": arranged("contact")}, "contact"},
	} {
		w := newWorld(t)
		w.say("crm.item.get", reply{result: `{"item":` + tt.item + `}`})
		w.reply = func(_ portal.UserID, c bitrix24.Command) (reply, bool) { r, ok := tt.said[c.Key]; return r, ok }
		got := ""
		if r := w.visitor(1).read(tt.ref); r.Arrangement != nil {
			got = r.Arrangement.Sections[0].Title
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// statusPages answers crm.status.list as a portal that pages it.
func statusPages(count int) func(portal.UserID, bitrix24.Command) (reply, bool) {
	return func(_ portal.UserID, c bitrix24.Command) (reply, bool) {
		if c.Method != "crm.status.list" {
			return reply{}, false
		}
		start, _ := c.Params["start"].(int)
		var list []string
		for i := start; i < min(start+statusesPage, count); i++ {
			list = append(list, fmt.Sprintf(`{"ENTITY_ID":"SOURCE","STATUS_ID":"S%d","NAME":"Source %d","SORT":%d}`, i, i, i))
		}
		return reply{result: "[" + strings.Join(list, ",") + "]", total: count}, true
	}
}

// TestDictionariesOfPortalsThatPageThem are read whole by the second request; those that are whole take none.
func TestDictionariesOfPortalsThatPageThem(t *testing.T) {
	for _, tt := range []struct{ count, requests, commands int }{{50, 1, 1}, {51, 2, 2}, {120, 2, 3}} {
		w := newWorld(t)
		w.reply = statusPages(tt.count)
		r := w.visitor(1).read(deal)
		requests := w.asked()
		if len(requests) != tt.requests || times(requests, "crm.status.list") != tt.commands {
			t.Errorf("%d entries: %d requests, %d commands", tt.count, len(requests), times(requests, "crm.status.list"))
		}
		if s, ok := r.Type.Statuses.Status("SOURCE", fmt.Sprint("S", tt.count-1)); !ok || s.Name != fmt.Sprint("Source ", tt.count-1) {
			t.Errorf("%d entries: the last one is not known", tt.count)
		}
		if s, ok := r.Type.Statuses.Status("SOURCE", "S0"); !ok || s.Name != "Source 0" {
			t.Errorf("%d entries: the first one is not known", tt.count)
		}
		w.visitor(1).read(deal)
		if requests := w.asked(); len(requests) != 1 || times(requests, "crm.status.list") != 0 {
			t.Errorf("%d entries, warm: %d requests", tt.count, len(requests))
		}
	}
	// The platform's own answer: everything at once, and a total that says so.
	w := newWorld(t)
	w.say("crm.status.list", reply{result: `[{"ENTITY_ID":"SOURCE","STATUS_ID":"CALL","NAME":"Call"}]`, total: 1})
	w.visitor(1).read(deal)
	if requests := w.asked(); len(requests) != 1 {
		t.Errorf("unpaged: %d requests", len(requests))
	}
	// A portal that tells of a million entries is asked for so many pages and no more.
	w = newWorld(t)
	w.reply = statusPages(1_000_000)
	w.visitor(1).read(deal)
	if asked := times(w.asked(), "crm.status.list"); asked != 1+maxStatusPages {
		t.Errorf("a million entries: %d commands", asked)
	}
}

// TestManyColdCardsAskForAType once, of one user and at once.
func TestManyColdCardsAskForAType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.before = func(context.Context) { time.Sleep(time.Second) }
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() { w.visitor(1).read(deal) })
		}
		wg.Wait()
		if requests := w.asked(); times(requests, "crm.item.fields") != 1 || times(requests, "crm.item.get") != 30 {
			t.Errorf("the fields were asked for %d times, items %d times", times(requests, "crm.item.fields"), times(requests, "crm.item.get"))
		}
		w.Cache.Close()
	})
}

// TestNobodyWaitsForAStalledCard for more than five seconds, nor once its own request is over.
func TestNobodyWaitsForAStalledCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var others atomic.Bool
		w.before = func(ctx context.Context) {
			if !others.Swap(true) {
				<-ctx.Done()
			}
		}
		stalled, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = w.Item(stalled, w.visitor(1), deal) })
		synctest.Wait()
		start := time.Now()
		wg.Go(func() {
			w.visitor(2).read(deal)
			if waited := time.Since(start); waited != flightWait {
				t.Errorf("a card waited %s for another one", waited)
			}
		})
		wg.Go(func() {
			short, end := context.WithTimeout(t.Context(), time.Second)
			defer end()
			if _, err := w.Item(short, w.visitor(3), deal); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("a card whose request ended: %v after %s", err, time.Since(start))
			}
		})
		wg.Wait()
		if len(w.Cache.flights.running) != 0 {
			t.Error("a flight never lands")
		}
		w.Cache.Close()
	})
}

// TestAnswersWithoutAnItem are none that the platform would give: the page says so, and shows no empty card.
func TestAnswersWithoutAnItem(t *testing.T) {
	for _, answer := range []string{`{"item":null}`, `{"item":{}}`, `{"item":[]}`, `{"item":7}`, `{"item":"x"}`, `{}`, `[]`, `null`, `true`, `"x"`, ""} {
		w := newWorld(t)
		w.say("crm.item.get", reply{result: answer})
		if _, err := w.Item(t.Context(), w.visitor(1), deal); !bitrix24.IsUnreachable(err) {
			t.Errorf("item %q: %v", answer, err)
		}
	}
	for _, answer := range []string{`{"fields":"x"}`, `{"fields":null}`, `{"fields":7}`, `{}`, `[]`, `null`, ""} {
		w := newWorld(t)
		w.say("crm.item.fields", reply{result: answer})
		for range 2 {
			if _, err := w.Item(t.Context(), w.visitor(1), deal); !bitrix24.IsUnreachable(err) {
				t.Errorf("fields %q: %v", answer, err)
			}
		}
		w.say("crm.item.fields", reply{result: parts[4].all})
		w.visitor(1).read(deal) // it was not kept
	}
	for _, answer := range []string{`{"fields":{}}`, `{"fields":[]}`, `{"fields":{"title":"x","id":{"type":"integer"}}}`} {
		w := newWorld(t)
		w.say("crm.item.fields", reply{result: answer})
		w.visitor(1).read(deal) // a type without fields, or with one that is told differently, is still a type
	}
	w := newWorld(t)
	for _, code := range []string{"ACCESS_DENIED", "NOT_FOUND"} {
		w.say("crm.item.get", reply{code: code})
		var platform *bitrix24.Error
		if _, err := w.Item(t.Context(), w.visitor(1), deal); !errors.As(err, &platform) || platform.Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestPartsThatAreNoneCostNoCard: pipelines, dictionaries, types, currencies, products and arrangements of any shape.
func TestPartsThatAreNoneCostNoCard(t *testing.T) {
	for _, answer := range []string{`null`, `[]`, `{}`, `"x"`, `7`, `[7,null,"x",{}]`, `{"categories":"x"}`, `{"categories":{}}`, `{"productRows":[1,null]}`} {
		w := newWorld(t)
		for _, method := range []string{"crm.category.list", "crm.status.list", "crm.enum.ownertype", "crm.currency.list", "crm.item.productrow.list", "crm.item.details.configuration.get"} {
			w.say(method, reply{result: answer})
		}
		if r := w.visitor(1).read(deal); r.Item.Title() != "Scales" || r.Type.Pipelines == nil || r.Type.Statuses == nil || r.Type.Types == nil || r.Type.Currencies == nil {
			t.Errorf("%s: %+v", answer, r.Type)
		}
	}
}

// TestManyLinksLoseNoProductRows: names that do not fit into one request give way, not the rows.
func TestManyLinksLoseNoProductRows(t *testing.T) {
	w := newWorld(t)
	w.say("crm.item.productrow.list", reply{result: `{"productRows":[{"productName":"Scale","price":1,"quantity":1}]}`, total: 60})
	request := NamesRequest{Items: map[int][]int64{}}
	for i := range 80 {
		request.Items[1000+i] = []int64{1}
	}
	found, err := w.Names(t.Context(), w.visitor(1), request, &ProductsRequest{Ref: deal, Count: 60})
	if err != nil {
		t.Fatal(err)
	}
	if requests := w.asked(); len(requests) != 1 || times(requests, "crm.item.productrow.list") != 2 || times(requests, "crm.item.list") < 30 {
		t.Errorf("%d requests, %d pages of rows, %d of names", len(requests), times(requests, "crm.item.productrow.list"), times(requests, "crm.item.list"))
	}
	if found.Products == nil || len(found.Products.Products.Rows) != 2 {
		t.Errorf("rows: %+v", found.Products)
	}
}
