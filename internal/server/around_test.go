package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
)

// asked counts the requests and the commands of some methods that a view takes.
func asked(app *apptest.App, methods ...string) func() (requests int, commands map[string]int) {
	before, counts := app.Portal.Requests(""), map[string]int{}
	for _, method := range methods {
		counts[method] = app.Portal.Commands(method)
	}
	return func() (int, map[string]int) {
		now := map[string]int{}
		for _, method := range methods {
			now[method] = app.Portal.Commands(method) - counts[method]
		}
		return app.Portal.Requests("") - before, now
	}
}

// TestAround: what hangs on an item, as the user who looks, with two requests and one where nothing takes a second.
func TestAround(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Portal.AddNeighbours(40)
	app.Install()
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.Hidden = []string{"4:45", "2:1000", "2:1007", "3:30"} })
	admin, seller, stranger := app.Open(1, "CRM_COMPANY_DETAIL_TAB", 45), app.Open(2, "CRM_DEAL_DETAIL_TAB", 1001), app.Open(3, "DEFAULT", nil)
	details := []string{"crm.requisite.list", "crm.requisite.bankdetail.list", "crm.address.list"}

	// The first look asks which smart processes are tied to what; the next ones do not.
	for i, relations := range []int{3, 0} {
		done := asked(app, append(details, "crm.type.getbyentitytypeid")...)
		answer := app.Ask(admin, "/in/lens/around", `{"entityTypeId":4,"id":45}`)
		if answer.Status != http.StatusOK {
			t.Fatalf("status %d\n%s", answer.Status, answer.Body)
		}
		if requests, commands := done(); requests != 2 || commands["crm.type.getbyentitytypeid"] != relations || commands["crm.requisite.list"] != 1 {
			t.Errorf("look %d: %d requests, %v", i, requests, commands)
		}
		inOrder(t, answer.Body, `Deal <span class="count">40</span>`, `<dt>Open</dt><dd>21</dd>`, "€", "₸", "$", "order 40", "order 36", "Not shown here: 35", "/crm/deal/list/",
			"Invoice", "Estimate", "Contact", "Project", "Cold chain 2026", "Billing details", "Meridian Cold Storage International", "0000000045",
			"Bank of Nowhere", "Ice Street 12, 00045 Northport")
		if n := strings.Count(answer.Body, "Cold chain 2026</a>"); n != 1 {
			t.Errorf("a project whose client and parent the company is, is told %d times", n)
		}
	}
	// Of a company that this user may not read, nothing is asked for beside it; what they may not read is not counted.
	done := asked(app, details...)
	answer := app.Ask(seller, "/in/lens/around", `{"entityTypeId":2,"id":1001}`)
	if _, commands := done(); commands["crm.requisite.list"] != 1 || commands["crm.address.list"] != 1 { // of contact 32, whom they may read
		t.Errorf("the deal: %v", commands)
	}
	for _, secret := range []string{"Meridian", "0000000045", "Ice Street", "Nowhere"} {
		if strings.Contains(answer.Body, secret) {
			t.Errorf("the deal tells %q of a company that its reader may not read\n%s", secret, answer.Body)
		}
	}
	if !strings.Contains(answer.Body, `Deal <span class="count">37</span>`) { // 40 without itself and two that are hidden
		t.Errorf("what cannot be read is counted\n%s", answer.Body)
	}
	done = asked(app, details...)
	if answer := app.Ask(seller, "/in/lens/around", `{"entityTypeId":4,"id":45}`); answer.Status != http.StatusForbidden || strings.Contains(answer.Body, "count") {
		t.Errorf("the company: status %d\n%s", answer.Status, answer.Body)
	}
	if requests, commands := done(); requests != 1 || commands["crm.requisite.list"]+commands["crm.address.list"]+commands["crm.requisite.bankdetail.list"] != 0 {
		t.Errorf("the company: %d requests, %v", requests, commands)
	}
	if answer := app.Ask(stranger, "/in/lens/around", `{"entityTypeId":2,"id":20}`); answer.Status != http.StatusForbidden || strings.Contains(answer.Body, "<section") {
		t.Errorf("whoever may not read CRM: status %d\n%s", answer.Status, answer.Body)
	}
	// The same phone number: those that this user may read.
	if answer := app.Ask(admin, "/in/lens/around", `{"entityTypeId":3,"id":34}`); !strings.Contains(answer.Body, "Same phone or email") || !strings.Contains(answer.Body, "Clara Weiss</a>") {
		t.Errorf("nobody has the same number\n%s", answer.Body)
	}
	if answer := app.Ask(seller, "/in/lens/around", `{"entityTypeId":3,"id":34}`); strings.Contains(answer.Body, "Clara Weiss</a>") {
		t.Errorf("somebody is told whom this user may not read\n%s", answer.Body)
	}
	// A project's deals, and the company that it is of.
	inOrder(t, app.Ask(admin, "/in/lens/around", `{"entityTypeId":1222,"id":3}`).Body, "Parent items", "Meridian Cold Storage", `Deal <span class="count">6</span>`)
	for body, want := range map[string]int{`{"entityTypeId":2,"id":999999}`: http.StatusNotFound, `{"entityTypeId":2}`: http.StatusBadRequest} {
		if answer := app.Ask(admin, "/in/lens/around", body); answer.Status != want {
			t.Errorf("%s: status %d, want %d", body, answer.Status, want)
		}
	}
}

// TestAroundOfVeryMany: 2,000 deals and 200 smart processes stay usable, and say what their sums are of.
func TestAroundOfVeryMany(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Portal.AddNeighbours(2000)
	for id := 2000; id < 2200; id++ {
		app.Portal.AddSmartProcess(id, "Process")
	}
	app.Install()
	page := app.Open(1, "CRM_COMPANY_DETAIL_TAB", 45)
	for i, most := range []int{7, 2} {
		done, start := asked(app, "crm.item.list"), time.Now()
		answer := app.Ask(page, "/in/lens/around", `{"entityTypeId":4,"id":45}`)
		requests, commands := done()
		t.Logf("2,000 deals, 200 smart processes, look %d: %d requests, %d lists, %d bytes, %s", i+1, requests, commands["crm.item.list"], len(answer.Body), time.Since(start).Round(time.Millisecond))
		if answer.Status != http.StatusOK || requests > most || commands["crm.item.list"] > 20 || len(answer.Body) > 30_000 {
			t.Errorf("look %d: status %d, %d requests, %v, %d bytes", i, answer.Status, requests, commands, len(answer.Body))
		}
		inOrder(t, answer.Body, `Deal <span class="count">2,000</span>`, `<dt>Open</dt><dd>1,001</dd>`, "Amounts cover only the newest 500 of 2,000.")
	}
}

// TestCompare: two items side by side, both read as the user who looks.
func TestCompare(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.Hidden = []string{"2:21"} })
	admin, seller := app.Open(1, "CRM_DEAL_DETAIL_TAB", 20), app.Open(2, "CRM_DEAL_DETAIL_TAB", 20)
	choice := app.Ask(admin, "/in/lens/compare", `{"entityTypeId":2,"id":20}`)
	inOrder(t, choice.Body, "compare-query", "Repair of the bench scale", `data-other="22"`, "Service contract", `data-other="21"`)
	if strings.Contains(choice.Body, `data-other="20"`) {
		t.Error("an item can be compared with itself")
	}
	if found := app.Ask(admin, "/in/lens/compare", `{"entityTypeId":2,"id":20,"query":"contr"}`); !strings.Contains(found.Body, "Service contract") || strings.Contains(found.Body, "bench scale") {
		t.Errorf("found\n%s", found.Body)
	}
	if found := app.Ask(seller, "/in/lens/compare", `{"entityTypeId":2,"id":20,"query":"contr"}`); strings.Contains(found.Body, "Service contract") || !strings.Contains(found.Body, "No results for “contr”.") {
		t.Errorf("a user who may not read it finds\n%s", found.Body)
	}
	done := asked(app)
	both := app.Ask(admin, "/in/lens/compare", `{"entityTypeId":2,"id":20,"other":21}`)
	if requests, _ := done(); requests != 2 {
		t.Errorf("%d requests", requests)
	}
	inOrder(t, both.Body, "Different fields:", "Scales for the northern warehouse", "Service contract", "Products", "5 rows", "empty", "Same in both:")
	for body, want := range map[string]int{
		`{"entityTypeId":2,"id":20,"other":20}`: http.StatusBadRequest, `{"entityTypeId":2,"id":20,"other":-1}`: http.StatusBadRequest,
		`{"entityTypeId":2,"id":20,"other":999}`: http.StatusNotFound, `{"entityTypeId":2,"id":20,"query":"` + strings.Repeat("x", 500) + `"}`: http.StatusBadRequest,
	} {
		if answer := app.Ask(admin, "/in/lens/compare", body); answer.Status != want {
			t.Errorf("%s: status %d, want %d", body, answer.Status, want)
		}
	}
	for _, body := range []string{`{"entityTypeId":2,"id":20,"other":21}`, `{"entityTypeId":2,"id":21,"other":20}`, `{"entityTypeId":2,"id":21}`} {
		if answer := app.Ask(seller, "/in/lens/compare", body); answer.Status != http.StatusForbidden || strings.Contains(answer.Body, "Service contract") {
			t.Errorf("%s of a user who may not read one of them: status %d\n%s", body, answer.Status, answer.Body)
		}
	}
}
