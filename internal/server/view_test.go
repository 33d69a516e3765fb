package server_test

import (
	"net/http"
	"strings"
	"testing"

	"itemlens/internal/lab/apptest"
)

// TestPagesComeAsTheirUserWantsThem: what a browser told of its user is in the next page from the beginning, and in no page
// of anybody else.
func TestPagesComeAsTheirUserWantsThem(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	body := func(user int) string {
		t.Helper()
		page := app.Open(user, "CRM_LEAD_DETAIL_TAB", 250)
		_, after, _ := strings.Cut(page.Body, "<body")
		tag, _, _ := strings.Cut(after, ">")
		return tag
	}
	if tag := body(2); !strings.Contains(tag, `class="tab"`) || strings.Contains(tag, "data-empty") {
		t.Errorf("a new user's page: %s", tag)
	}
	page := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	if answer := app.Ask(page, "/in/view", `{"empty":true,"codes":false}`); answer.Status != http.StatusNoContent {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	if tag := body(2); !strings.Contains(tag, `class="tab show-empty"`) || !strings.Contains(tag, `data-empty="true"`) || !strings.Contains(tag, `data-codes="false"`) {
		t.Errorf("the next page: %s", tag)
	}
	if tag := body(1); strings.Contains(tag, "show-empty") {
		t.Errorf("somebody else's page: %s", tag)
	}
	for _, body := range []string{`{"empty":"yes"}`, `[]`, ``} {
		if answer := app.Ask(page, "/in/view", body); answer.Status != http.StatusBadRequest {
			t.Errorf("%q: status %d", body, answer.Status)
		}
	}
}

// TestListsGoOn: what comes next, one's own, and people by what they can be called or written at.
func TestListsGoOn(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if err := app.Portal.AddCopies(4, 40, 30, "Branch", 2); err != nil {
		t.Fatal(err)
	}
	app.Install()
	page := app.Open(1, "DEFAULT", nil)
	for _, tt := range []struct {
		name, question string
		want, not      []string
	}{
		{"newest", `{"entityTypeId":4}`, []string{"Branch 29", "Branch 10", `data-before="52"`}, []string{"Branch 09"}},
		{"the next ones", `{"entityTypeId":4,"before":52}`, []string{"Branch 09", "Nordlicht"}, []string{"Branch 10", "data-before"}},
		{"one's own", `{"entityTypeId":4,"mine":true}`, []string{"Blue Harbor"}, []string{"Branch", "Nordlicht"}},
		{"by phone", `{"entityTypeId":4,"query":"+1 (202) 555-0110"}`, []string{"Nordlicht"}, []string{"Branch", "Blue"}},
		{"by address", `{"entityTypeId":4,"query":"OFFICE@nordlicht.example"}`, []string{"Nordlicht"}, []string{"Branch", "Blue"}},
		{"another's phone", `{"entityTypeId":4,"query":"+1 202 555 0110","mine":true}`, nil, []string{"Nordlicht", "Branch"}},
		{"deals have no phone", `{"entityTypeId":2,"query":"+1 202 555 0110"}`, []string{"+1 202 555 0110"}, []string{"data-item-ref"}},
	} {
		answer := app.Ask(page, "/in/items", tt.question)
		for _, want := range tt.want {
			if !strings.Contains(answer.Body, want) {
				t.Errorf("%s: no %q in\n%s", tt.name, want, answer.Body)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(answer.Body, not) {
				t.Errorf("%s: %q in\n%s", tt.name, not, answer.Body)
			}
		}
	}
	if answer := app.Ask(page, "/in/items", `{"entityTypeId":4,"before":-1}`); answer.Status != http.StatusBadRequest {
		t.Errorf("an id below zero: status %d", answer.Status)
	}
}

// TestExtranetUsersAreToldWhomToAsk: in the app's own page there is no item that somebody could show.
func TestExtranetUsersAreToldWhomToAsk(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	const administrator = "If you need CRM, contact your Bitrix24 administrator."
	if page := app.Open(4, "DEFAULT", nil); !strings.Contains(page.Body, administrator) {
		t.Errorf("the own page says\n%s", page.Body)
	}
	if page := app.Open(4, "CRM_LEAD_DETAIL_TAB", 250); strings.Contains(page.Body, administrator) || !strings.Contains(page.Body, "extranet_user") {
		t.Errorf("the tab says\n%s", page.Body)
	}
}
