package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"itemlens/internal/lab/apptest"
)

// views are the views beside the fields that every item has, by what is asked for them.
var views = []string{"history", "compare", "rest"}

// TestViewsAreAskedForByThePage: each with one request to the portal, as the user who looks, and nothing in it for whoever
// may not read the item.
func TestViewsAreAskedForByThePage(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(1, "CRM_DEAL_DETAIL_TAB", 20)
	stranger := app.Open(3, "DEFAULT", nil)
	for _, view := range views {
		if !strings.Contains(page.Body, `id="view-`+view+`"`) {
			t.Errorf("%s has no tab", view)
		}
		before, batches := app.Portal.Requests(""), app.Portal.Requests("batch")
		answer := app.Ask(page, "/in/lens/"+view, `{"entityTypeId":2,"id":20}`)
		if answer.Status != http.StatusOK || strings.Contains(answer.Body, "<html") {
			t.Fatalf("%s: status %d\n%s", view, answer.Status, answer.Body)
		}
		if all, batch := app.Portal.Requests("")-before, app.Portal.Requests("batch")-batches; all != 1 || batch != 1 {
			t.Errorf("%s: %d requests, %d batches", view, all, batch)
		}
		for body, want := range map[string]int{
			`{"entityTypeId":2,"id":999999}`: http.StatusNotFound, `{"entityTypeId":0,"id":20}`: http.StatusBadRequest, `[]`: http.StatusBadRequest,
		} {
			if answer := app.Ask(page, "/in/lens/"+view, body); answer.Status != want {
				t.Errorf("%s of %s: status %d, want %d", view, body, answer.Status, want)
			}
		}
		if answer := app.Ask(stranger, "/in/lens/"+view, `{"entityTypeId":2,"id":20}`); answer.Status != http.StatusForbidden || strings.Contains(answer.Body, "<d") {
			t.Errorf("%s for whoever may not read the deal: status %d\n%s", view, answer.Status, answer.Body)
		}
	}
	if answer := app.Ask(page, "/in/lens/nothing", `{"entityTypeId":2,"id":20}`); answer.Status != http.StatusNotFound {
		t.Errorf("a view that does not exist: status %d", answer.Status)
	}
}

// TestTheOpenViewIsRemembered: the next card comes with the view open that its user opened last, and nobody else's.
func TestTheOpenViewIsRemembered(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(1, "CRM_DEAL_DETAIL_TAB", 20)
	if strings.Contains(page.Body, "data-view=") {
		t.Error("a view is open that nobody opened")
	}
	if answer := app.Ask(page, "/in/view", `{"view":"history"}`); answer.Status != http.StatusNoContent {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	for name, body := range map[string]string{
		"opened": app.Open(1, "CRM_DEAL_DETAIL_TAB", 20).Body, "in place": app.Ask(page, "/in/item", `{"entityTypeId":2,"id":20}`).Body,
	} {
		inOrder(t, body, `data-view="history"`, `id="view-fields" data-action="view" aria-selected="false" tabindex="-1"`, `id="view-history" data-action="view" aria-selected="true">`)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if strings.Contains(app.Open(2, "CRM_LEAD_DETAIL_TAB", 250).Body, "data-view=") {
		t.Error("somebody else's card comes with the view")
	}
	if answer := app.Ask(page, "/in/view", `{"view":"\"><script>"}`); answer.Status != http.StatusBadRequest {
		t.Errorf("a view that does not exist: status %d", answer.Status)
	}
}

// TestHistory reads the histories of items of every kind, short and long.
func TestHistory(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Portal.AddActivities(2, 21, 500, 70)
	app.Portal.AddComments(2, 21, 1, strings.Fields(strings.Repeat("word ", 130))...)
	app.Install()
	t.Run("of every type", func(t *testing.T) { historyOfEveryType(t, app) })
	t.Run("to its end", func(t *testing.T) { timelineGoesOn(t, app) })
}

// historyOfEveryType: the way of those that have one, and the timeline of all; an estimate's stages are not asked for.
func historyOfEveryType(t *testing.T, app *apptest.App) {
	t.Helper()
	page := app.Open(1, "DEFAULT", nil)
	for _, tt := range []struct {
		item      string
		asked     int // commands for the steps
		want, not []string
	}{
		{`{"entityTypeId":2,"id":20}`, 2, []string{"May 20, 2026", " days", "Document preparation", "Overdue by", "Send the calibration certificate", "Marco Rossi, please ask for", "data-further"}, []string{"<script"}},
		{`{"entityTypeId":2,"id":22}`, 2, []string{"General", "Request", "Service", "Visit planned", "No comments"}, nil},
		{`{"entityTypeId":1,"id":252}`, 2, []string{"In progress", "Junk lead", "Took"}, []string{"In this stage"}},
		{`{"entityTypeId":31,"id":310}`, 2, []string{"Sent to client", "Payment due"}, nil},
		{`{"entityTypeId":1038,"id":5}`, 2, []string{"At the customer", "calibration certificate"}, nil},
		{`{"entityTypeId":7,"id":70}`, 0, []string{"Valid until", "Sent by mail and by post"}, []string{`id="history-way"`, "In this stage"}},
		{`{"entityTypeId":4,"id":40}`, 0, []string{"Framework agreement", "Incoming call from Clara Weiss", `data-name="item:2:20"`}, []string{`id="history-way"`}},
		{`{"entityTypeId":3,"id":30}`, 0, []string{"Chat on the website"}, []string{"data-name=\"item:3:30\""}},
	} {
		before := app.Portal.Commands("crm.stagehistory.list")
		answer := app.Ask(page, "/in/lens/history", tt.item)
		if answer.Status != http.StatusOK {
			t.Fatalf("%s: status %d\n%s", tt.item, answer.Status, answer.Body)
		}
		if got := app.Portal.Commands("crm.stagehistory.list") - before; got != tt.asked {
			t.Errorf("%s: the steps were asked for %d times, want %d", tt.item, got, tt.asked)
		}
		for _, want := range tt.want {
			if !strings.Contains(answer.Body, want) {
				t.Errorf("%s: no %q in\n%s", tt.item, want, answer.Body)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(answer.Body, not) {
				t.Errorf("%s: %q in\n%s", tt.item, not, answer.Body)
			}
		}
	}
	// What the user may not read is not there; what could not be read is told.
	for _, tt := range []struct{ code, want, not string }{
		{"ACCESS_DENIED", "Calibrate the first scale", "couldn’t be loaded"}, {"INTERNAL_SERVER_ERROR", "couldn’t be loaded", "Signed."},
	} {
		app.Portal.FailCommand("crm.timeline.comment.list", tt.code, 1)
		answer := app.Ask(page, "/in/lens/history", `{"entityTypeId":2,"id":20}`)
		if answer.Status != http.StatusOK || !strings.Contains(answer.Body, tt.want) || strings.Contains(answer.Body, tt.not) {
			t.Errorf("%s: status %d\n%s", tt.code, answer.Status, answer.Body)
		}
	}
}

// timelineGoesOn: to its end, a request each time, with nothing left out and nothing twice.
func timelineGoesOn(t *testing.T, app *apptest.App) {
	t.Helper()
	page := app.Open(1, "CRM_DEAL_DETAIL_TAB", 21)
	begin := time.Now()
	answer := app.Ask(page, "/in/lens/history", `{"entityTypeId":2,"id":21}`)
	t.Logf("500 activities: %v, %d bytes", time.Since(begin).Round(time.Millisecond), len(answer.Body))
	for _, want := range []string{`Planned activities <span class="note">70`, "36 overdue", "45 more", "20 more activities aren’t shown"} {
		if !strings.Contains(answer.Body, want) {
			t.Errorf("no %q in\n%s", want, answer.Body)
		}
	}
	seen := map[string]int{}
	further := regexp.MustCompile(`data-comments="(\d+)" data-activities="(\d+)"`)
	entry := regexp.MustCompile(`data-entry="(\w+)"`)
	_, timeline, _ := strings.Cut(answer.Body, "data-timeline")
	requests := 0
	for timeline != "" {
		for _, found := range entry.FindAllStringSubmatch(timeline, -1) {
			seen[found[1]]++
		}
		next := further.FindStringSubmatch(timeline)
		timeline = ""
		if next != nil {
			before := app.Portal.Requests("")
			part := app.Ask(page, "/in/lens/history/further", `{"entityTypeId":2,"id":21,"comments":`+next[1]+`,"activities":`+next[2]+`}`)
			if got := app.Portal.Requests("") - before; part.Status != http.StatusOK || got != 1 {
				t.Fatalf("status %d, %d requests\n%s", part.Status, got, part.Body)
			}
			timeline = part.Body
			requests++
		}
	}
	twice := 0
	for _, count := range seen {
		if count > 1 {
			twice++
		}
	}
	if len(seen) != 630 || twice > 0 || requests != 31 {
		t.Errorf("%d entries, %d twice, in %d further requests", len(seen), twice, requests)
	}
	for body, want := range map[string]int{
		`{"entityTypeId":2,"id":21,"comments":-1,"activities":0}`: http.StatusBadRequest, `{"entityTypeId":2,"id":999999}`: http.StatusNotFound, `{"comments":20}`: http.StatusBadRequest,
		`{"entityTypeId":2,"id":21,"comments":100000,"activities":100000}`: http.StatusOK,
	} {
		if answer := app.Ask(page, "/in/lens/history/further", body); answer.Status != want || strings.Contains(answer.Body, "data-entry") {
			t.Errorf("%s: status %d, want %d\n%s", body, answer.Status, want, answer.Body)
		}
	}
	stranger := app.Open(3, "DEFAULT", nil)
	if answer := app.Ask(stranger, "/in/lens/history/further", `{"entityTypeId":2,"id":21}`); answer.Status != http.StatusForbidden || strings.Contains(answer.Body, "word") {
		t.Errorf("whoever may not read the deal: status %d\n%s", answer.Status, answer.Body)
	}
}
