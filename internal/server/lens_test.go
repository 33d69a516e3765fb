package server_test

import (
	"net/http"
	"strings"
	"testing"

	"itemlens/internal/lab/apptest"
)

// views are the views beside the fields that every item has, by what is asked for them.
var views = []string{"history", "compare"}

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
