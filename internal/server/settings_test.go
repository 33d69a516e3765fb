package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
	"itemlens/internal/portal"
)

// inPageRoutes are all requests that pages make, with a body that each would take.
var inPageRoutes = map[string]string{
	"/in/item":             `{"entityTypeId":2,"id":20}`,
	"/in/names":            `{"names":["item:2:20","user:1"]}`,
	"/in/items":            `{"entityTypeId":2,"query":""}`,
	"/in/settings":         `{}`,
	"/in/settings/state":   `{"version":0}`,
	"/in/settings/items":   `{"entityTypeId":2,"query":""}`,
	"/in/settings/import":  `{"settings":{"showEmpty":true}}`,
	"/in/settings/restore": `{"version":0,"before":1}`,
	"/in/settings/card":    `{"entityTypeId":2}`,
	"/in/settings/preview": `{"entityTypeId":2,"id":20,"settings":{}}`,
	"/in/settings/save":    `{"version":0,"settings":{"showEmpty":true}}`,
	"/in/settings/undo":    `{"version":0}`,
	"/in/settings/repair":  `{}`,
	"/in/settings/erase":   `{"confirm":"x"}`,
}

func save(app *apptest.App, page apptest.Answer, version int, settings string) apptest.Answer {
	return app.Ask(page, "/in/settings/save", fmt.Sprintf(`{"version":%d,"settings":%s}`, version, settings))
}

func wantVersion(t *testing.T, answer apptest.Answer, version int) {
	t.Helper()
	if answer.Status != http.StatusOK || !strings.Contains(answer.Body, `"version":`+strconv.Itoa(version)) {
		t.Fatalf("status %d, want version %d\n%s", answer.Status, version, answer.Body)
	}
}

// wantTabs waits until exactly these tabs stand in the portal.
func wantTabs(t *testing.T, app *apptest.App, want ...string) {
	t.Helper()
	slices.Sort(want)
	var tabs []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		tabs = app.Portal.Placements(stack.ClientID)
		slices.Sort(tabs)
		if slices.Equal(tabs, want) {
			return
		}
	}
	t.Errorf("tabs %v, want %v", tabs, want)
}

func without(tabs []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(tabs), func(tab string) bool { return tab == one })
}

func TestSettingsChangeTheCard(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	if !strings.Contains(admin.Body, `data-action="settings"`) || strings.Contains(app.Open(2, "DEFAULT", nil).Body, `data-action="settings"`) {
		t.Error("the way to the settings is not for administrators, or not for them alone")
	}
	wantVersion(t, save(app, admin, 0, `{"cards":{"2":{"sections":[{"title":"Ours","fields":["probability","title","products"]},{"title":"Second","fields":["companyId"]}],
		"hidden":["taxValue","opportunity"],"top":["closedate"]},"2/9":{"top":["stageId"]}},"showEmpty":true,"codesFor":"administrators","language":"de"}`), 1)

	body := app.Open(2, "CRM_DEAL_DETAIL_TAB", 20).Body
	inOrder(t, body, `lang="de"`, "data-show-empty", "Auf einen Blick", "31.07.2026", ">Ours<", "Probability", ">Title<", "Floor scale", ">Second<", "Company", "Weitere Felder")
	if strings.Contains(body, `class="amount"`) || strings.Contains(body, "<bdi>Amount</bdi>") || strings.Contains(body, "<bdi>Tax</bdi>") {
		t.Error("a hidden field is shown")
	}
	if strings.Contains(body, "probability") || strings.Contains(body, "ufCrm_") || strings.Contains(body, "data-item>") || strings.Contains(body, `data-toggle="codes"`) {
		t.Error("field codes or JSON are shown to somebody who is no administrator")
	}
	// The same in place, where the session says nothing of rights.
	page := app.Open(2, "CRM_DEAL_DETAIL_TAB", 20)
	if fresh := app.Ask(page, "/in/item", `{"entityTypeId":2,"id":20}`); fresh.Status != 200 || strings.Contains(fresh.Body, "probability") || strings.Contains(fresh.Body, "data-item>") {
		t.Errorf("status %d: codes in a refreshed card", fresh.Status)
	}
	mine := app.Open(1, "CRM_DEAL_DETAIL_TAB", 20)
	if !strings.Contains(mine.Body, `data-code="probability"`) || !strings.Contains(mine.Body, "data-item>") || strings.Contains(mine.Body, `"taxValue"`) {
		t.Error("an administrator does not see codes, or sees a hidden field in JSON")
	}
	inOrder(t, app.Open(2, "CRM_DEAL_DETAIL_TAB", 22).Body, "Auf einen Blick", "Visit planned", ">Service contract<") // its pipeline's own
	inOrder(t, app.Open(2, "CRM_DYNAMIC_1038_DETAIL_TAB", 5).Body, `lang="de"`, "Allgemein")                          // nobody has arranged it
}

// TestWhatThePortalHasDeletedSinceDoesNotHinderSaving: nobody sees it, so nobody could take it out.
func TestWhatThePortalHasDeletedSinceDoesNotHinderSaving(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	if _, err := app.Store.SaveSettings(t.Context(), portal.MemberID(app.Portal.MemberID), 0, portal.SettingsChange{UserID: 1, UserName: "Anna Berger", Action: "save", After: portal.Settings{
		TabsOff: []int{7, 9999}, Cards: map[string]portal.CardSettings{"2": {Top: []string{"ufCrm_gone", "title"}}, "9999": {Top: []string{"id"}}},
	}}); err != nil {
		t.Fatal(err)
	}
	admin := app.Open(1, "DEFAULT", nil)
	answer := save(app, admin, 1, `{"tabsOff":[7,9999],"cards":{"2":{"top":["ufCrm_gone","title"],"hidden":["comments"]},"9999":{"top":["id"]}}}`)
	wantVersion(t, answer, 2)
	p, err := app.Store.Portal(t.Context(), portal.MemberID(app.Portal.MemberID))
	if err != nil {
		t.Fatal(err)
	}
	if stored, _ := json.Marshal(p.Settings); string(stored) != `{"tabsOff":[7],"cards":{"2":{"hidden":["comments"],"top":["title"]}}}` {
		t.Errorf("stored %s", stored)
	}
	// What is not in force is a mistake.
	wantJSONProblem(t, save(app, admin, 2, `{"cards":{"2":{"top":["ufCrm_gone"]}}}`), 422, "invalid_settings")
}

func TestSettingsAreCheckedAgainstThePortal(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	for settings, detail := range map[string]string{
		`{"cards":{"2":{"top":["ufCrm_gone","title","alsoGone"]}}}`: "2: alsoGone, ufCrm_gone",
		`{"cards":{"2/77":{"top":["title"]}}}`:                      "cards: 2/77",
		`{"cards":{"1/0":{"top":["title"]}}}`:                       "cards: 1/0",
		`{"cards":{"5555":{"top":["title"]}}}`:                      "cards: 5555",
		`{"cards":{"x":{}}}`:                                        "cards: x",
		`{"cards":{"2":{"sections":[{"title":"a","fields":["title"]},{"title":"b","fields":["title"]}]}}}`: "2: title × 2",
		`{"tabsOff":[5555]}`:       "tabsOff: 5555",
		`{"tabsOff":[-1]}`:         "tabsOff",
		`{"titles":{"xx":"Lens"}}`: "titles: xx",
		`{"titles":{"en":"` + strings.Repeat("x", 101) + `"}}`: "titles: en",
		`{"language":"xx"}`:     "language: xx",
		`{"codesFor":"nobody"}`: "codesFor",
		`{"unknown":1}`:         "",
		`"text"`:                "",
		`[]`:                    "",
	} {
		answer := save(app, admin, 0, settings)
		wantJSONProblem(t, answer, 422, "invalid_settings")
		var body struct{ Detail string }
		if json.Unmarshal([]byte(answer.Body), &body); body.Detail != detail {
			t.Errorf("%s: detail %q, want %q", settings, body.Detail, detail)
		}
	}
	var many []string
	for id := range 25 {
		many = append(many, fmt.Sprintf(`"%d":{}`, 1000+id))
	}
	if answer := save(app, admin, 0, `{"cards":{`+strings.Join(many, ",")+`}}`); !strings.Contains(answer.Body, `"detail":"cards: \u003e 24"`) {
		t.Errorf("more types than one request asks about: status %d\n%s", answer.Status, answer.Body)
	}
	if app.Rows("portal_settings") != 0 || app.Rows("settings_changes") != 0 {
		t.Error("something of invalid settings was kept")
	}
	wantJSONProblem(t, app.Ask(admin, "/in/settings/save", `{"version":0}`), 422, "invalid_settings")
	app.Portal.AddFault(portalsim.Fault{Method: "batch", Kind: "INTERNAL_SERVER_ERROR", Status: 500})
	wantJSONProblem(t, save(app, admin, 0, `{"showEmpty":true}`), 502, "portal_unreachable")
	app.Portal.ClearFaults()
	if app.Rows("portal_settings") != 0 {
		t.Error("settings were kept although the portal could not be asked who saves them")
	}
}

func TestSettingsHaveAHistoryAndNoLostChange(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.Admin = true })
	anna, marco := app.Open(1, "DEFAULT", nil), app.Open(2, "DEFAULT", nil)
	wantJSONProblem(t, app.Ask(anna, "/in/settings/undo", `{"version":0}`), 409, "nothing_to_undo")
	wantVersion(t, save(app, anna, 0, `{"showEmpty":true}`), 1)
	wantJSONProblem(t, save(app, marco, 0, `{"language":"fr"}`), 409, "settings_conflict") // Marco's page is older
	wantVersion(t, save(app, marco, 1, `{"showEmpty":true,"language":"fr"}`), 2)
	wantJSONProblem(t, app.Ask(anna, "/in/settings/undo", `{"version":1}`), 409, "settings_conflict")
	undone := app.Ask(anna, "/in/settings/undo", `{"version":2}`)
	wantVersion(t, undone, 3)
	if !strings.Contains(undone.Body, `"settings":{"showEmpty":true}`) || !strings.Contains(undone.Body, "par Marco Rossi annulée") {
		t.Errorf("the page is not told what was undone, or what stands now:\n%s", undone.Body)
	}
	shown := app.Ask(anna, "/in/settings", `{}`).Body
	inOrder(t, shown, `data-version="3"`, "Anna Berger", "undone", "Français → Each user", "Marco Rossi", "changed", "→ Français", "Anna Berger", "changed", "empty fields", "off → on")
	// Its times are those of whoever looks.
	const zone = "Pacific/Kiritimati"
	app.Portal.ChangeUser(1, func(u *portalsim.User) { u.TimeZone = zone })
	east, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	times, now := app.Ask(anna, "/in/settings", `{}`).Body, time.Now().In(east)
	if !strings.Contains(times, now.Format("3:04 PM")) && !strings.Contains(times, now.Add(-time.Minute).Format("3:04 PM")) {
		t.Errorf("the history does not tell the time of %s", zone)
	}
	if !strings.Contains(shown, `{"showEmpty":true}`) {
		t.Error("the undone settings are not those from before")
	}

	// A hundred at once from the same page: one of them wins.
	won := make(chan bool, 30)
	for i := range 30 {
		go func() {
			won <- save(app, anna, 3, fmt.Sprintf(`{"titles":{"en":"Lens %d"}}`, i)).Status == http.StatusOK
		}()
	}
	count := 0
	for range 30 {
		if <-won {
			count++
		}
	}
	if count != 1 || app.Rows("settings_changes") != 4 {
		t.Errorf("%d of 30 simultaneous changes were saved, %d rows of history", count, app.Rows("settings_changes"))
	}

	// What one portal exports, another one takes.
	document := regexp.MustCompile(`data-settings-json>([^<]*)<`).FindStringSubmatch(app.Ask(anna, "/in/settings", `{}`).Body)[1]
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	app.InstallIn(other)
	opening, err := other.Open(stack.ClientID, 1, "DEFAULT", "")
	if err != nil {
		t.Fatal(err)
	}
	there := app.Post(opening.URL, opening.Form)
	wantVersion(t, app.Ask(there, "/in/settings/save", `{"version":0,"import":true,"settings":`+document+`}`), 1)
	inOrder(t, app.Ask(there, "/in/settings", `{}`).Body, "imported", "titles")

	// They survive a removal that keeps data, and go with one that does not.
	app.Portal.Uninstall(stack.ClientID, false)
	app.Sim.Deliveries()
	app.Install()
	if body := app.Ask(app.Open(1, "DEFAULT", nil), "/in/settings", `{}`).Body; !strings.Contains(body, `data-version="4"`) {
		t.Error("a removal that keeps data lost the settings")
	}
	app.Portal.Uninstall(stack.ClientID, true)
	app.Sim.Deliveries()
	if app.Rows("portal_settings") != 1 || app.Rows("settings_changes") != 1 {
		t.Error("a removal left settings, or took those of another portal")
	}
}

// settingsOf are the settings that the page shows.
func settingsOf(t *testing.T, app *apptest.App, page apptest.Answer) string {
	t.Helper()
	found := regexp.MustCompile(`data-settings-json>([^<]*)<`).FindStringSubmatch(app.Ask(page, "/in/settings", `{}`).Body)
	if found == nil {
		t.Fatal("no settings in the page")
	}
	return found[1]
}

// TestUndoWalksBackwards one change at a time, over changes of everybody, and never redoes; any change can be gone back
// before, which is a change itself.
func TestUndoWalksBackwards(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	for i, title := range []string{"A", "B", "C"} {
		wantVersion(t, save(app, admin, i, fmt.Sprintf(`{"titles":{"en":%q}}`, title)), i+1)
	}
	title := func() string {
		t.Helper()
		var s struct{ Titles map[string]string }
		if err := json.Unmarshal([]byte(settingsOf(t, app, admin)), &s); err != nil {
			t.Fatal(err)
		}
		return s.Titles["en"]
	}
	version := 3
	step := func(route, more, want string) {
		t.Helper()
		wantVersion(t, app.Ask(admin, route, fmt.Sprintf(`{"version":%d%s}`, version, more)), version+1)
		version++
		if got := title(); got != want {
			t.Errorf("after %s: title %q, want %q", route+more, got, want)
		}
	}
	step("/in/settings/undo", "", "B")
	step("/in/settings/undo", "", "A") // not C again
	wantVersion(t, save(app, admin, version, `{"titles":{"en":"D"}}`), version+1)
	version++
	step("/in/settings/undo", "", "A")
	step("/in/settings/undo", "", "")
	wantJSONProblem(t, app.Ask(admin, "/in/settings/undo", fmt.Sprintf(`{"version":%d}`, version)), 409, "nothing_to_undo")
	step("/in/settings/restore", `,"before":4`, "C") // before the first undo
	step("/in/settings/undo", "", "")                // of the restoring
	wantJSONProblem(t, app.Ask(admin, "/in/settings/restore", fmt.Sprintf(`{"version":%d,"before":77}`, version)), 409, "nothing_to_undo")
	wantJSONProblem(t, app.Ask(admin, "/in/settings/restore", `{"version":1,"before":1}`), 409, "settings_conflict")
}

// TestAConflictTellsWhoAndWhat so that the page can join both, and names what stands now.
func TestAConflictTellsWhoAndWhat(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.Admin = true })
	anna, marco := app.Open(1, "DEFAULT", nil), app.Open(2, "DEFAULT", nil)
	wantVersion(t, save(app, anna, 0, `{"titles":{"en":"Lens"}}`), 1)
	wantVersion(t, save(app, anna, 1, `{"titles":{"en":"Lens"},"tabsOff":[4]}`), 2)
	answer := save(app, marco, 0, `{"language":"fr"}`)
	wantJSONProblem(t, answer, 409, "settings_conflict")
	var body struct {
		Name   string
		Theirs struct {
			Version  int
			Message  string
			Settings json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
		t.Fatal(err)
	}
	if body.Name != "Anna Berger" || body.Theirs.Version != 2 || string(body.Theirs.Settings) != `{"tabsOff":[4],"titles":{"en":"Lens"}}` {
		t.Errorf("%s", answer.Body)
	}
	inOrder(t, body.Theirs.Message, "Anna Berger", "tabs, ", "titles")
	wantVersion(t, save(app, marco, 2, `{"titles":{"en":"Lens"},"tabsOff":[4],"language":"fr"}`), 3)
	wantJSONProblem(t, save(app, marco, 9, `{}`), 409, "settings_conflict") // of a version that never was
}

// TestAFileIsFittedToThePortal leaves out what the portal lacks, says so, and changes nothing.
func TestAFileIsFittedToThePortal(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	fit := func(settings string) apptest.Answer {
		return app.Ask(admin, "/in/settings/import", `{"settings":`+settings+`}`)
	}
	answer := fit(`{"tabsOff":[4,9999],"cards":{"2":{"top":["ufCrm_theirs","title"],"sections":[{"title":"Ours","fields":["companyId","gone"]}]},"2/77":{"top":["title"]},"8888":{"top":["id"]}}}`)
	var body struct {
		Settings json.RawMessage
		Left     []string
	}
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("status %d, %v\n%s", answer.Status, err, answer.Body)
	}
	if want := `{"tabsOff":[4],"cards":{"2":{"sections":[{"title":"Ours","fields":["companyId"]}],"top":["title"]}}}`; string(body.Settings) != want {
		t.Errorf("settings %s, want %s", body.Settings, want)
	}
	if got := strings.Join(body.Left, "|"); got != "type 9999|Deal: gone, ufCrm_theirs|Deal / 77|type 8888" {
		t.Errorf("left out: %s", got)
	}
	wantVersion(t, save(app, admin, 0, string(body.Settings)), 1)
	for _, none := range []string{`"text"`, `{"unknown":1}`, `{"language":"xx"}`} {
		wantJSONProblem(t, fit(none), 422, "invalid_settings")
	}
	if app.Rows("settings_changes") != 1 {
		t.Error("looking at a file changed settings")
	}
}

// TestTheHistoryNamesFields and pipelines by what the portal calls them; what it no longer has keeps its code.
func TestTheHistoryNamesFields(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Portal.AddSmartProcess(1060, "Trips")
	app.Install()
	page := app.Open(1, "DEFAULT", nil)
	wantVersion(t, save(app, page, 0, `{"cards":{"2":{"top":["opportunity","products"]},"4":{"hidden":["fm.PHONE"]},"2/9":{"top":["title"]},"1060":{"hidden":["title"]}}}`), 1)
	wantVersion(t, save(app, page, 1, `{"cards":{"2":{"top":["products"],"hidden":["opportunity"]},"2/9":{"top":["title"],"sections":[{"title":"Mine","fields":["title"]}]},"1060":{"hidden":["title"]}}}`), 2)
	app.Portal.RemoveType(1060)
	shown := app.Ask(page, "/in/settings", `{}`).Body
	inOrder(t, shown,
		"Deal: Amount: Pin to top → Hide", "Deal / Service: Same as the Bitrix24 card → Custom", "Company: Phone: Hide → As is",
		"1060: title: As is → Hide", "Deal: Amount: As is → Pin to top", "Deal: Products: As is → Pin to top", "Deal / Service: Title: As is → Pin to top", "Company: Phone: As is → Hide")
	if strings.Contains(shown, "fm.PHONE: ") || strings.Contains(shown, "2/9: ") {
		t.Errorf("codes stand where names are known:\n%s", shown)
	}
}

// TestTheStateOfTheTabsIsTold to a page that waits for the portal to follow, with the history that is new to it.
func TestTheStateOfTheTabsIsTold(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	type told struct {
		Version       int
		Drift         bool
		BoundAt       string
		Tabs          map[string]string
		History, Data string
	}
	state := func(version int) (s told) {
		t.Helper()
		answer := app.Ask(admin, "/in/settings/state", fmt.Sprintf(`{"version":%d}`, version))
		if err := json.Unmarshal([]byte(answer.Body), &s); err != nil || answer.Status != http.StatusOK {
			t.Fatalf("status %d, %v\n%s", answer.Status, err, answer.Body)
		}
		return s
	}
	before := state(0)
	if before.Drift || before.History != "" || before.Tabs["4"] == "" {
		t.Errorf("%+v", before)
	}
	wantVersion(t, save(app, admin, 0, `{"tabsOff":[4],"titles":{"en":"All fields"}}`), 1)
	wantTabs(t, app, without(allTabs, "CRM_COMPANY_DETAIL_TAB")...)
	var after told
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if after = state(0); !after.Drift && after.BoundAt != before.BoundAt {
			break
		}
	}
	if after.Drift || after.Version != 1 || after.BoundAt == before.BoundAt || after.Tabs["4"] == before.Tabs["4"] || after.Tabs["2"] != before.Tabs["2"] {
		t.Errorf("%+v", after)
	}
	inOrder(t, after.History, "Anna Berger", "Tab: Company: on → off", "All fields")
	if state(1).History != "" {
		t.Error("a history that the page has is sent again")
	}
}

func TestThePortalFollowsTheSettings(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	wantVersion(t, save(app, admin, 0, `{"tabsOff":[4],"titles":{"en":"All fields","pt-BR":"Todos"}}`), 1)
	wantTabs(t, app, without(allTabs, "CRM_COMPANY_DETAIL_TAB")...)
	title := func(lang string) string {
		var text string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if text = app.Portal.PlacementTitle(stack.ClientID, "CRM_DEAL_DETAIL_TAB", lang); text != "Item Lens" {
				break
			}
		}
		return text
	}
	if title("en") != "All fields" || title("br") != "Todos" || app.Portal.PlacementTitle(stack.ClientID, "CRM_DEAL_DETAIL_TAB", "de") != "Item Lens" {
		t.Errorf("titles %q, %q", title("en"), title("br"))
	}
	shown := app.Ask(admin, "/in/settings", `{}`).Body
	if !strings.Contains(shown, "All tabs are up to date") || !strings.Contains(shown, `data-do="repair" hidden`) {
		t.Errorf("no drift, but\n%s", shown)
	}

	// Somebody takes a tab away: the page tells, and repairs.
	app.Portal.Unbind(stack.ClientID, "CRM_LEAD_DETAIL_TAB")
	shown = app.Ask(admin, "/in/settings", `{}`).Body
	inOrder(t, shown, `data-drift="true" data-following="true"`, `data-do="repair"`, `data-tab="1"`, "being added", `data-tab="4"`, "hidden")
	if answer := app.Ask(admin, "/in/settings/repair", `{}`); answer.Status != http.StatusOK {
		t.Errorf("repair: status %d\n%s", answer.Status, answer.Body)
	}
	wantTabs(t, app, without(allTabs, "CRM_COMPANY_DETAIL_TAB")...)

	// A new smart process gets its tab by itself, a removed one loses it.
	app.Portal.AddSmartProcess(1060, "Trips")
	app.Portal.Emit(stack.ClientID, "ONCRMTYPEADD", url.Values{"data[FIELDS][ID]": {"60"}}, 1)
	wantTabs(t, app, append(without(allTabs, "CRM_COMPANY_DETAIL_TAB"), "CRM_DYNAMIC_1060_DETAIL_TAB")...)
	app.Portal.RemoveType(1060)
	app.Portal.Emit(stack.ClientID, "ONCRMTYPEDELETE", url.Values{"data[FIELDS][ID]": {"60"}}, 1)
	wantTabs(t, app, without(allTabs, "CRM_COMPANY_DETAIL_TAB")...)

	// A failure is told with its reason, and made good by the queue.
	app.Portal.ChangeUser(1, func(u *portalsim.User) { u.Admin = false })
	app.Portal.ChangeUser(2, func(u *portalsim.User) { u.Admin = true })
	marco := app.Open(2, "DEFAULT", nil)
	wantVersion(t, save(app, marco, 1, `{}`), 2)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if shown = app.Ask(marco, "/in/settings", `{}`).Body; strings.Contains(shown, "Last update failed") {
			break
		}
	}
	inOrder(t, shown, `data-drift="true"`, "Last update failed: Only an administrator")
	app.Portal.ChangeUser(1, func(u *portalsim.User) { u.Admin = true })
	if answer := app.Ask(marco, "/in/settings/repair", `{}`); answer.Status != http.StatusOK {
		t.Errorf("repair: status %d", answer.Status)
	}
	wantTabs(t, app, allTabs...)
}

// TestAPlaceThatThePortalLacksIsNoDrift installs into a portal whose cards of quotes have no tabs of apps.
func TestAPlaceThatThePortalLacksIsNoDrift(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Portal.RemoveType(7)
	app.Install()
	shown := app.Ask(app.Open(1, "DEFAULT", nil), "/in/settings", `{}`).Body
	inOrder(t, shown, `data-drift="false"`, `data-tab="7"`, "not available in your Bitrix24")
}

// TestSettingsAreForAdministratorsOfThePortal tries every request of a page with every session that must not do.
func TestSettingsAreForAdministratorsOfThePortal(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(1, "DEFAULT", nil)
	plain := app.Open(2, "DEFAULT", nil)
	for route, body := range inPageRoutes {
		// Somebody who never was one.
		answer := app.Ask(plain, route, body)
		if strings.HasPrefix(route, "/in/settings") {
			wantJSONProblem(t, answer, 403, "admin_only")
		} else if answer.Status != http.StatusOK {
			t.Errorf("%s for a plain user: status %d", route, answer.Status)
		}
		// No session, and one that was changed.
		session := apptest.Session(page)
		for _, token := range []string{"", session[:len(session)-6] + "AAAAAA", "x"} {
			wantJSONProblem(t, app.SendAs(token, http.MethodPost, route, "application/json", body), 403, "unverified")
		}
		// Not by GET, which a link could do.
		if answer := app.SendAs(session, http.MethodGet, route, "application/json", ""); answer.Status != http.StatusNotFound {
			t.Errorf("GET %s: status %d", route, answer.Status)
		}
	}
	// Somebody who lost the right, with the session from before.
	app.Portal.ChangeUser(1, func(u *portalsim.User) { u.Admin = false })
	for route, body := range inPageRoutes {
		if strings.HasPrefix(route, "/in/settings") {
			wantJSONProblem(t, app.Ask(page, route, body), 403, "admin_only")
		}
	}
	app.Portal.ChangeUser(1, func(u *portalsim.User) { u.Admin = true })
	if app.Rows("portal_settings") != 0 || app.Rows("portals") != 1 {
		t.Error("a refused request changed something")
	}
	// After a removal, and after a new installation.
	app.Portal.Uninstall(stack.ClientID, false)
	app.Sim.Deliveries()
	for route, body := range inPageRoutes {
		wantJSONProblem(t, app.Ask(page, route, body), 403, "not_installed")
	}
	app.Install()
	for route, body := range inPageRoutes {
		wantJSONProblem(t, app.Ask(page, route, body), 401, "token_expired")
	}
}

// TestPortalsDoNotMeet walks every request of a page with the session of another portal's administrator: what it reads
// and changes is that other portal's own.
func TestPortalsDoNotMeet(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	other, err := app.Sim.AddPortal("other", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Seed(strings.NewReader(`{"users":[{"ID":1,"Name":"Olga","LastName":"Other","Lang":"en","Admin":true,"CRM":true}],"items":{"2":[{"id":20,"title":"Their deal"}]}}`)); err != nil {
		t.Fatal(err)
	}
	app.InstallIn(other)
	mine := app.Open(1, "DEFAULT", nil)
	opening, err := other.Open(stack.ClientID, 1, "DEFAULT", "")
	if err != nil {
		t.Fatal(err)
	}
	theirs := app.Post(opening.URL, opening.Form)
	wantVersion(t, save(app, mine, 0, `{"titles":{"en":"Our title"}}`), 1)
	before := app.Dump()
	domain := other.Domain()
	for route, body := range inPageRoutes {
		if route == "/in/settings/erase" {
			continue // below
		}
		answer := app.Ask(theirs, route, strings.Replace(body, `"x"`, strconv.Quote(domain), 1))
		for _, ours := range []string{"Scales for the northern warehouse", "Anna Berger", "Our title", app.Portal.MemberID} {
			if strings.Contains(answer.Body, ours) {
				t.Errorf("%s: %q of another portal in\n%s", route, ours, answer.Body)
			}
		}
	}
	// The portal's id in a body or an address is nothing that anybody reads.
	app.Ask(theirs, "/in/settings/save?member_id="+app.Portal.MemberID, `{"version":1,"member_id":"`+app.Portal.MemberID+`","settings":{"language":"ja"}}`)
	wantJSONProblem(t, app.Ask(theirs, "/in/settings/erase", `{"confirm":"`+app.Portal.Domain()+`"}`), 400, "bad_request")
	if body := app.Ask(mine, "/in/settings", `{}`).Body; !strings.Contains(body, `data-version="1"`) || !strings.Contains(body, "Our title") {
		t.Error("a foreign session changed our settings")
	}
	if answer := app.Ask(theirs, "/in/settings/erase", `{"confirm":"`+domain+`"}`); answer.Status != http.StatusOK {
		t.Errorf("erase: status %d\n%s", answer.Status, answer.Body)
	}
	if after := app.Dump(); !strings.Contains(after, app.Portal.MemberID) || strings.Contains(after, other.MemberID) || !strings.Contains(before, other.MemberID) {
		t.Error("erasing one portal touched another, or left something")
	}
	if !strings.Contains(app.Log.String(), "erased by an administrator") {
		t.Error("the log does not tell of the erasing")
	}
	wantJSONProblem(t, app.Ask(theirs, "/in/settings", `{}`), 403, "not_installed") // effective at once
	// Whoever opens it next starts anew.
	if opening, err = other.Open(stack.ClientID, 1, "DEFAULT", ""); err != nil {
		t.Fatal(err)
	}
	if again := app.Post(opening.URL, opening.Form); again.Status != http.StatusOK || !strings.Contains(app.Ask(again, "/in/settings", `{}`).Body, `data-version="0"`) {
		t.Errorf("after erasing: status %d", again.Status)
	}
}

func TestPreviewShowsWhatIsNotSaved(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	answer := app.Ask(admin, "/in/settings/preview", `{"entityTypeId":2,"id":0,"settings":{"cards":{"2":{"top":["title"]}}}}`)
	if answer.Status != http.StatusOK || !strings.Contains(answer.Body, "At a glance") || !strings.Contains(answer.Body, "Repair of the bench scale") {
		t.Errorf("status %d\n%s", answer.Status, answer.Body)
	}
	if app.Rows("portal_settings") != 0 || strings.Contains(app.Open(1, "CRM_DEAL_DETAIL_TAB", 22).Body, "At a glance") {
		t.Error("a preview was kept")
	}
	wantJSONProblem(t, app.Ask(admin, "/in/settings/preview", `{"entityTypeId":2,"id":999999,"settings":{}}`), 404, "not_found")
	wantJSONProblem(t, app.Ask(admin, "/in/settings/preview", `{"entityTypeId":2,"id":20,"settings":{"language":"xx"}}`), 422, "invalid_settings")
	items := app.Ask(admin, "/in/settings/items", `{"entityTypeId":2,"query":"20"}`)
	if items.Status != http.StatusOK || items.Body != `[{"id":20,"title":"Scales for the northern warehouse","pipeline":"0"}]`+"\n" {
		t.Errorf("items to preview: status %d\n%s", items.Status, items.Body)
	}
	fields := app.Ask(admin, "/in/settings/card", `{"entityTypeId":2}`)
	inOrder(t, fields.Body, `"code":"title"`, `"system":true`, `"code":"products"`, `"pipelines":[{"code":"0","title":"General"},{"code":"9","title":"Service"}]`, `"groups":[{"title":"General"`)
	wantJSONProblem(t, app.Ask(admin, "/in/settings/card", `{"entityTypeId":2,"pipeline":"x"}`), 400, "bad_request")
	wantJSONProblem(t, app.Ask(admin, "/in/settings/card", `{"entityTypeId":5555}`), 404, "not_found")
	for _, none := range []string{`{}`, `{"entityTypeId":-1}`} {
		wantJSONProblem(t, app.Ask(admin, "/in/settings/card", none), 400, "bad_request")
	}
}

// TestAnArrangementBeginsWithThePortalsCard of the type's first pipeline, or of the one that is named.
func TestAnArrangementBeginsWithThePortalsCard(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	admin := app.Open(1, "DEFAULT", nil)
	arrange := func(pipeline int, section, elements string) {
		t.Helper()
		app.Portal.SetLayout(2, "C", 0, strconv.Itoa(pipeline), `[{"name":"main","title":"`+section+`","type":"section","elements":[`+elements+`]}]`)
	}
	arrange(0, "Sales", `{"name":"TITLE"},{"name":"OPPORTUNITY_WITH_CURRENCY"},{"name":"CLIENT"},{"name":"PRODUCT_ROW_SUMMARY"},{"name":"NO_SUCH_FIELD"}`)
	arrange(9, "Repairs", `{"name":"CLOSEDATE"}`)
	portal := func(body string) (titles, fields []string) {
		t.Helper()
		answer := app.Ask(admin, "/in/settings/card", body)
		var choices struct {
			Portal []struct {
				Title  string
				Fields []string
			}
		}
		if err := json.Unmarshal([]byte(answer.Body), &choices); err != nil || answer.Status != http.StatusOK {
			t.Fatalf("status %d, %v\n%s", answer.Status, err, answer.Body)
		}
		for _, s := range choices.Portal {
			titles, fields = append(titles, s.Title), append(fields, s.Fields...)
		}
		return titles, fields
	}
	titles, fields := portal(`{"entityTypeId":2}`)
	if got := strings.Join(append(titles, fields...), " "); got != "Sales title opportunity currencyId isManualOpportunity companyId contactIds products" {
		t.Errorf("%s", got)
	}
	if titles, fields = portal(`{"entityTypeId":2,"pipeline":"9"}`); strings.Join(append(titles, fields...), " ") != "Repairs closedate" {
		t.Errorf("%v %v", titles, fields)
	}
	if titles, _ = portal(`{"entityTypeId":1038}`); len(titles) != 0 {
		t.Errorf("a card that nobody arranged: %v", titles)
	}
}

func TestLegalPages(t *testing.T) {
	app := apptest.Start(t, &cluster)
	for path, want := range map[string]string{
		"/privacy": "Privacy policy of Item Lens", "/license": "License agreement of Item Lens", "/privacy?LANG=ru": "Политика конфиденциальности", "/license?LANG=ru": "Лицензионное соглашение", "/privacy?LANG=xx": "Privacy policy",
	} {
		answer := app.Send(http.MethodGet, path, "", "")
		if answer.Status != http.StatusOK || !strings.Contains(answer.Body, want) || strings.Contains(answer.Body, "&lt;h1") {
			t.Errorf("%s: status %d\n%s", path, answer.Status, answer.Body)
		}
		if strings.Contains(answer.Body, "Vendor (licensor)") || strings.Contains(answer.Body, "mailto:") || strings.Contains(answer.Body, "Support:") {
			t.Errorf("%s names somebody, though nobody is set\n%s", path, answer.Body)
		}
	}
}

func TestLegalPagesNameTheVendor(t *testing.T) {
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) {
		c.Vendor, c.Support = "Acme <Lenses> & Söhne", "help@acme.example"
	}))
	mailbox := `<a href="mailto:help@acme.example" rel="noreferrer"><bdi>help@acme.example</bdi></a>`
	for path, want := range map[string]string{
		"/privacy": "Vendor (licensor):", "/license": "Vendor (licensor):", "/privacy?LANG=ru": "Поставщик (лицензиар):", "/license?LANG=ru": "Поставщик (лицензиар):",
	} {
		answer := app.Send(http.MethodGet, path, "", "")
		if !strings.Contains(answer.Body, want+"</strong> <bdi>Acme &lt;Lenses&gt; &amp; Söhne</bdi>") || !strings.Contains(answer.Body, mailbox) {
			t.Errorf("%s: status %d\n%s", path, answer.Status, answer.Body)
		}
	}
}
