package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// pages answers as a batch does: pages of types, each a list of ids.
func pages(t *testing.T, lists ...[]int) *bitrix24.BatchResult {
	t.Helper()
	result := &bitrix24.BatchResult{Result: bitrix24.Object{"placements": []byte(`[]`), "events": []byte(`[]`)}}
	for i := range typePages {
		var types []map[string]any
		if i < len(lists) {
			for _, id := range lists[i] {
				types = append(types, map[string]any{"entityTypeId": id, "title": fmt.Sprint("Process ", id)})
			}
		}
		raw, err := json.Marshal(map[string]any{"types": types})
		if err != nil {
			t.Fatal(err)
		}
		result.Result[fmt.Sprint("types", i)] = raw
	}
	return result
}

func ids(from, n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = from + i
	}
	return list
}

func TestTypesAreReadPageByPage(t *testing.T) {
	for name, tt := range map[string]struct {
		pages [][]int
		want  int
		more  bool
	}{
		"none":                      {nil, 0, false},
		"one":                       {[][]int{{1030}}, 1, false},
		"system types are left":     {[][]int{{31, 2, 1030, -1, 0}}, 1, false},
		"a full page and a rest":    {[][]int{ids(1030, 50), ids(1080, 3)}, 53, false},
		"the same twice":            {[][]int{ids(1030, 50), ids(1079, 2)}, 51, false},
		"four full pages":           {[][]int{ids(1000, 50), ids(1050, 50), ids(1100, 50), ids(1150, 50)}, 200, true},
		"one page again and again":  {[][]int{ids(1000, 50), ids(1000, 50), ids(1000, 50), ids(1000, 50)}, 50, false},
		"one after a page not full": {[][]int{ids(1000, 50), ids(1050, 3), ids(2000, 5)}, 53, false},
		"pages of any size":         {[][]int{ids(1000, 5000), ids(9000, 5000)}, 400, false},
	} {
		st := &portalBindings{}
		err := st.read(pages(t, tt.pages...))
		if len(st.types) != tt.want || errors.Is(err, errMoreTypes) != tt.more || err != nil && !tt.more {
			t.Errorf("%s: %d types, want %d; %v", name, len(st.types), tt.want, err)
		}
	}
	st := &portalBindings{}
	for i := range 10 {
		_ = st.read(pages(t, ids(1000+i*800, 200), ids(1200+i*800, 200), ids(1400+i*800, 200), ids(1600+i*800, 200)))
	}
	if len(st.types) != maxTypes {
		t.Errorf("%d types are kept, want %d", len(st.types), maxTypes)
	}
}

func TestTitlesOfTypesAreCut(t *testing.T) {
	if got := cut("Process", 7); got != "Process" {
		t.Errorf("%q", got)
	}
	if got := cut("ééé", 5); got != "éé" {
		t.Errorf("%q", got)
	}
}

// TestEndlessAnswersOfAPortalCostLittle: pages of types without end, and more placements than there are places.
func TestEndlessAnswersOfAPortalCostLittle(t *testing.T) {
	requests, next := 0, 1000
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		result := map[string]any{}
		for i := range typePages {
			var types []map[string]any
			for range 200 {
				next++
				types = append(types, map[string]any{"entityTypeId": next, "title": "x"})
			}
			result[fmt.Sprint("types", i)] = map[string]any{"types": types}
		}
		tabs := make([]tab, 20_000)
		for i := range tabs {
			tabs[i] = tab{Placement: bitrix24.DetailTab(2000 + i), Handler: "https://old.example/"}
		}
		result["placements"], result["events"] = tabs, []eventHandler{}
		_ = json.NewEncoder(w).Encode(map[string]any{"result": map[string]any{"result": result, "result_error": []string{}}})
	}))
	defer server.Close()
	rest, err := bitrix24.NewClient(bitrix24.Options{Timeout: 10 * time.Second, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()
	s := &Service{REST: rest, PublicURL: "https://lens.example", Titles: map[string]string{"en": "Lens"}, Log: slog.New(slog.DiscardHandler)}
	target := bitrix24.Target{Endpoint: server.URL + "/rest/", Access: secret.New("a")}
	st := &portalBindings{}
	result, err := rest.Batch(t.Context(), target, st.commands(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := st.read(result); !errors.Is(err, errMoreTypes) {
		t.Fatalf("the test shows nothing: %v", err)
	}
	if err := s.allTypes(t.Context(), target, st); err != nil {
		t.Fatal(err)
	}
	if len(st.types) != maxTypes || requests > maxTypes/50/typePages+1 {
		t.Errorf("%d types in %d requests", len(st.types), requests)
	}
	if commands := s.missing(st, portal.Settings{}); len(commands) > maxTypes+2*maxBound+len(boundEvents)+10 {
		t.Errorf("%d commands", len(commands))
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := requests
	if err := s.allTypes(ctx, target, &portalBindings{}); err == nil || requests != before {
		t.Errorf("nobody waits any more: %v, %d requests", err, requests-before)
	}
}

// TestWhatIsMissingInAPortal compares what stands with what should.
func TestWhatIsMissingInAPortal(t *testing.T) {
	s := &Service{PublicURL: "https://lens.example", Titles: map[string]string{"en": "Lens", "de": "Linse"}}
	methods := func(commands []bitrix24.Command) string {
		var list []string
		for _, c := range commands {
			list = append(list, strings.TrimSuffix(strings.TrimPrefix(c.Method+" "+c.Key, "event.bind "), "_DETAIL_TAB"))
		}
		return strings.Join(list, ", ")
	}
	complete := func() *portalBindings {
		st := &portalBindings{types: []SmartType{{1038, "Equipment"}}, known: map[int]bool{1038: true}}
		for _, id := range append(bitrix24.SystemTypes(), 1038) {
			st.tabs = append(st.tabs, tab{Placement: bitrix24.DetailTab(id), Handler: s.tabHandler(), Title: "Lens"})
		}
		for _, event := range boundEvents {
			st.handlers = append(st.handlers, eventHandler{Event: strings.ToLower(event), Handler: s.eventHandler()})
		}
		return st
	}
	if all := s.missing(&portalBindings{}, portal.Settings{}); len(all) != len(bitrix24.SystemTypes())+len(boundEvents) {
		t.Errorf("a new portal: %d commands", len(all))
	}
	for name, tt := range map[string]struct {
		change func(*portalBindings)
		chosen portal.Settings
		want   string
	}{
		"all stands": {},
		"a tab is missing": {func(st *portalBindings) {
			st.tabs = slices.DeleteFunc(st.tabs, func(t tab) bool { return t.Placement == "CRM_DEAL_DETAIL_TAB" })
		}, portal.Settings{}, "placement.bind CRM_DEAL"},
		"an old address of the app": {func(st *portalBindings) { st.tabs[0].Handler = "https://old.example/" }, portal.Settings{}, "placement.unbind oldtab0, placement.bind CRM_LEAD"},
		"an old address beside ours": {func(st *portalBindings) {
			st.tabs = append(st.tabs, tab{Placement: "CRM_LEAD_DETAIL_TAB", Handler: "https://old.example/"})
		}, portal.Settings{}, "placement.unbind oldtab7"},
		"another title":                   {func(st *portalBindings) { st.tabs[1].Title = "Was" }, portal.Settings{}, "placement.unbind oldtab1, placement.bind CRM_DEAL"},
		"a title of blanks":               {nil, portal.Settings{Titles: map[string]string{"en": " "}}, ""},
		"a tab that was switched off":     {nil, portal.Settings{TabsOff: []int{2}}, "placement.unbind oldtab1"},
		"a type that is gone":             {func(st *portalBindings) { st.types, st.known = nil, nil }, portal.Settings{}, "placement.unbind oldtab6"},
		"a place that is no tab of ours":  {func(st *portalBindings) { st.tabs = append(st.tabs, tab{Placement: "LEFT_MENU", Handler: "x"}) }, portal.Settings{}, ""},
		"an event to an old address":      {func(st *portalBindings) { st.handlers[0].Handler = "https://old.example/events" }, portal.Settings{}, "event.unbind oldevent0, ONAPPINSTALL"},
		"an event that is missing":        {func(st *portalBindings) { st.handlers = st.handlers[1:] }, portal.Settings{}, "ONAPPINSTALL"},
		"an event of no interest is left": {func(st *portalBindings) { st.handlers = append(st.handlers, eventHandler{"ONIMBOTMESSAGEADD", "x"}) }, portal.Settings{}, ""},
	} {
		st := complete()
		if tt.change != nil {
			tt.change(st)
		}
		if got := methods(s.missing(st, tt.chosen)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
