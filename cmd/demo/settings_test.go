package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// openSettings opens the app's own page and its settings.
func (w *world) openSettings() {
	w.t.Helper()
	w.run(chromedp.Navigate(w.Portal.URL() + "/market/app/" + stack.ClientID + "/"))
	w.waitFrame("CRM items")
	w.frame(`document.querySelector('[data-action=settings]').click()`)
	w.waitFrame("Tabs in CRM cards")
	w.want(`document.querySelectorAll('#arrangement > .item').length > 20`, "true")
}

// press clicks a button of the settings.
func (w *world) press(action string) {
	w.t.Helper()
	w.frame(`document.querySelector('[data-do="` + action + `"]').focus(), document.querySelector('[data-do="` + action + `"]').click()`)
}

// choose chooses from a list, as a person does.
func (w *world) choose(selector, value string) {
	w.t.Helper()
	w.frame(fmt.Sprintf(`(e => { e.focus(); e.value = %q; for (const name of ['input', 'change']) e.dispatchEvent(new Event(name, {bubbles: true})); })(document.querySelector(%q))`, value, selector))
}

// chooseType chooses whose cards are arranged, which takes an answer of the app. Until then nothing of another type's cards
// can be changed.
func (w *world) chooseType(id string) {
	w.t.Helper()
	w.choose("#card-type", id)
	w.want(`document.getElementById('arrangement').inert`, "false")
}

// section shows a part of the settings.
func (w *world) section(name string) { w.frame(`document.getElementById('tab-` + name + `').click()`) }

// wantUnsaved waits until the page says that something is not saved, or does not.
func (w *world) wantUnsaved(want bool) {
	w.t.Helper()
	w.want(`!document.querySelector('[data-unsaved]').hidden`, strconv.FormatBool(want))
}

// message is a script that tells what stands beside a button.
func message(action string) string {
	return `document.querySelector('[data-do="` + action + `"]').closest('[data-row]').querySelector('[data-message]').textContent`
}

const rowsShown = `[...document.querySelectorAll('#arrangement > li')].slice(0, 4).map(e => e.dataset.code || e.className).join()`

// key presses a key on what has the focus in the frame.
func (w *world) key(name string) {
	w.t.Helper()
	w.frame(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: '` + name + `', bubbles: true, cancelable: true}))`)
}

// saveAs saves settings as another administrator does, from a page of their own.
func (w *world) saveAs(user int, version int, settings string) {
	w.t.Helper()
	opening, err := w.Portal.Open(stack.ClientID, user, "DEFAULT", "")
	if err != nil {
		w.t.Fatal(err)
	}
	page := w.post(opening.URL, "application/x-www-form-urlencoded", "", opening.Form.Encode())
	session := regexp.MustCompile(`data-session="([^"]+)"`).FindStringSubmatch(page)
	if session == nil {
		w.t.Fatalf("no session in\n%s", page)
	}
	if answer := w.post(w.AppURL+"/in/settings/save", "application/json", session[1], fmt.Sprintf(`{"version":%d,"settings":%s}`, version, settings)); !strings.Contains(answer, `"version":`) {
		w.t.Fatal(answer)
	}
}

func (w *world) post(address, media, session, body string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	if session != "" {
		req.Header.Set("Authorization", "Bearer "+session)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// place is where an element of the frame stands in the portal's page.
func (w *world) place(selector string) (x, y float64) {
	w.t.Helper()
	point := func(text string) (found [2]float64) {
		w.t.Helper()
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			w.t.Fatalf("%s: %v", selector, err)
		}
		return found
	}
	inside := point(w.frame(`JSON.stringify((r => [r.left + r.width / 2, r.top + r.height / 2])(document.querySelector('` + selector + `').getBoundingClientRect()))`))
	text, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`JSON.stringify((r => [r.left, r.top])(document.querySelector('iframe').getBoundingClientRect()))`))
	if err != nil {
		w.t.Fatal(err)
	}
	frame := point(text)
	return inside[0] + frame[0], inside[1] + frame[1]
}

// drag moves a row of the arrangement by its handle, with the mouse or with a finger, to just before another.
func (w *world) drag(from, to string, finger bool) {
	w.t.Helper()
	x, y := w.place(from + " .handle")
	_, end := w.place(to)
	end -= 8 // its upper half
	step := func(kind string, y float64) {
		w.t.Helper()
		var err error
		if finger {
			params := input.DispatchTouchEventParams{Type: map[string]input.DispatchTouchEventType{
				"down": input.DispatchTouchEventTypeTouchStart, "move": input.DispatchTouchEventTypeTouchMove, "up": input.DispatchTouchEventTypeTouchEnd,
			}[kind]}
			if kind != "up" {
				params.TouchPoints = []*input.TouchPoint{{X: x, Y: y}}
			} else {
				params.TouchPoints = []*input.TouchPoint{}
			}
			_, err = chromedp.Call(w.ctx, input.DispatchTouchEvent, params)
		} else {
			params := input.DispatchMouseEventParams{X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1, Type: map[string]input.DispatchMouseEventType{
				"down": input.DispatchMouseEventTypeMousePressed, "move": input.DispatchMouseEventTypeMouseMoved, "up": input.DispatchMouseEventTypeMouseReleased,
			}[kind]}
			_, err = chromedp.Call(w.ctx, input.DispatchMouseEvent, params)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	step("down", y)
	for i := 1; i <= 8; i++ {
		step("move", y+(end-y)*float64(i)/8)
	}
	step("up", end)
}

// TestSettingsInABrowser has an administrator choose tabs, arrange a card, look at a preview, save, undo, and erase.
func TestSettingsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openSettings()
	w.want(`document.querySelector('[data-state]').dataset.drift`, "false")
	w.wantFitted()
	w.want(`getComputedStyle(document.querySelector('[role=tablist]')).display + document.querySelectorAll('[placeholder*="."]').length`, "flex0") // its look is there, and its words are
	w.wantUnsaved(false)
	w.press("save")
	w.want(message("save"), "No changes to save.")
	w.frame(`document.querySelector('[data-tab="4"]').click()`)
	w.wantUnsaved(true)
	w.section("cards")
	w.chooseType("2")
	w.want(`String(document.getElementById('card-pipeline').hidden) + document.getElementById('card-pipeline').options.length`, "false3")
	w.want(rowsShown, "heading,title,stageId,opportunity") // as the portal's card
	w.frame(`document.querySelector('[value=own]').click()`)
	w.want(rowsShown, "item section,title,stageId,opportunity")
	w.want(`document.querySelector('#arrangement .section input').value`, "About the deal")

	// By keyboard: the stage goes up one place, and the page says so.
	w.frame(`document.querySelector('#arrangement [data-code=stageId] .handle').focus()`)
	w.key("ArrowUp")
	w.want(rowsShown, "item section,stageId,title,opportunity")
	w.want(`document.activeElement.closest('li').dataset.code + ' ' + document.querySelector('#find-field').closest('[data-row]').querySelector('[data-message]').textContent.replace(/of \d+/, 'of N')`,
		"stageId Stage: 1 of N, in section About the deal")
	w.choose(`#arrangement [data-code=taxValue] select`, "hidden")
	w.choose(`#arrangement [data-code=closedate] select`, "top")
	w.choose(`#arrangement .section input`, "Our order")

	// The preview follows by itself where there is room.
	w.want(`document.getElementById('preview-item').options[0].text`, "Newest: Repair of the bench scale")
	w.typeInto("preview-query", "20")
	w.want(`document.getElementById('preview-item').options[0].text`, "Scales for the northern warehouse #20")
	w.run(chromedp.EmulateViewport(1600, 900))
	w.want(`[...document.querySelectorAll('[data-preview] h2')].slice(0, 2).map(e => e.textContent).join()`, "At a glance,Our order")
	w.run(chromedp.EmulateViewport(1280, 800))
	w.wantFitted()
	w.both("settings")

	// Saving keeps everything where it is.
	w.press("save")
	w.want(message("save")+` + document.querySelector('[data-settings]').dataset.version + document.activeElement.dataset.do + document.getElementById('card-type').value + document.getElementById('settings-cards').hidden`, "Saved.1save2false")
	w.wantUnsaved(false)
	w.want(`document.querySelector('[data-state]').dataset.drift`, "false") // no alarm while the portal follows, and none after
	w.want(`document.querySelector('[data-state]').dataset.following + document.querySelector('[data-state-text]').textContent.slice(0, 10)`, "falseAll tabs a")
	w.want(`document.querySelector('[data-changes]').innerText.includes('Anna Berger')`, "true")

	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Our order")
	w.want(`[...document.querySelectorAll('.group')][1].querySelector('.field').dataset.code + document.querySelectorAll('[data-code=taxValue]').length`, "stageId0")
	w.run(chromedp.Navigate(w.Portal.URL() + "/crm/company/details/40/"))
	tabs, err := chromedp.Run(w.ctx, chromedp.Evaluate[int](`document.querySelectorAll('[data-placement]').length`))
	if err != nil || tabs != 0 {
		t.Errorf("%d tabs on the card of a company, %v", tabs, err)
	}

	// Undo, which tells whose change that was; what is not saved stays.
	w.openSettings()
	w.section("display")
	w.frame(`document.getElementById('show-empty').click()`)
	w.section("history")
	w.want(`document.querySelector('[data-changes] li li').textContent`, "Tab: Company: on → off")
	w.both("settings-history")
	w.press("undo")
	w.want(message("undo")+`.replace(/of .* by/, 'of … by') + document.querySelector('[data-tab="4"]').checked + document.getElementById('show-empty').checked`, "Change of … by Anna Berger undone.truetrue")
	w.wantUnsaved(true)
	w.press("undo")
	w.want(message("undo")+`.slice(0, 24)`, "There is nothing to undo")
	w.want(`document.querySelectorAll('[data-do=restore]').length`, "2")
	w.frame(`document.querySelector('[data-do=restore]').click()`) // before the undo
	w.want(message("undo")+`.slice(0, 20) + document.querySelector('[data-tab="4"]').checked`, "The settings are as false")

	// Erase, which takes the portal's domain.
	w.section("data")
	w.frame(`document.querySelector('.danger').open = true`)
	w.want(`document.querySelector('[data-do=erase]').disabled`, "true")
	w.choose("#erase-confirm", "no.such.domain")
	w.want(`document.getElementById('erase-error').textContent + document.querySelector('[data-do=erase]').disabled`, "The text is not "+w.Portal.Domain()+".true")
	w.both("settings-erase")
	w.choose("#erase-confirm", strings.ToUpper(w.Portal.Domain()))
	w.press("erase")
	w.waitFrame("Data deleted")
	w.want(`document.activeElement.tagName + document.querySelector('[data-action=back]').hidden`, "H1true")
	w.both("settings-erased")
	w.frame(`document.querySelector('[data-action=reload]').click()`)
	w.waitFrame("CRM items") // the app, which begins anew
	w.frame(`document.querySelector('[data-action=settings]').click()`)
	w.want(`document.querySelector('[data-settings]').dataset.version`, "0")
	w.check("status of 409")
}

// TestNothingOfTheSettingsIsLostInABrowser neither by going back, nor by looking at another type, nor by following the
// portal's card for a while.
func TestNothingOfTheSettingsIsLostInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openSettings()
	w.section("cards")
	w.chooseType("2")
	w.want(rowsShown, "heading,title,stageId,opportunity")

	// Other choices of the order keep what was done.
	w.choose(`#arrangement [data-code=title] select`, "top")
	w.frame(`document.querySelector('[value=own]').click()`)
	w.want(`document.querySelector('#arrangement [data-code=title] select').value`, "top")
	w.choose(`#arrangement .section input`, "Mine")
	w.frame(`document.querySelector('[value=follow]').click()`)
	w.want(rowsShown, "heading,title,stageId,opportunity")
	w.frame(`document.querySelector('[value=own]').click()`)
	w.want(`document.querySelector('#arrangement .section input').value`, "Mine")
	w.chooseType("4")
	w.want(`document.querySelector('#arrangement > [data-code=industry]') !== null`, "true")
	w.chooseType("2")
	w.want(`document.querySelector('#arrangement .section input')?.value`, "Mine")

	// Beginning anew can be taken back.
	w.press("start-groups")
	w.want(`document.querySelector('#arrangement .section input').value`, "General")
	w.press("start-empty")
	w.want(`document.querySelectorAll('#arrangement .section').length + document.querySelector('#arrangement .section input').value`, "1")
	w.press("take-back")
	w.want(`document.querySelector('#arrangement .section input').value`, "General")
	w.press("start-portal")
	w.want(`document.querySelector('#arrangement .section input').value`, "About the deal")

	// Closing the page is asked about by the browser; going back by the page.
	w.want(`(e => { window.dispatchEvent(e); return e.defaultPrevented; })(new Event('beforeunload', {cancelable: true}))`, "true")
	back := `document.querySelector('[data-action=back]').click()`
	w.frame(back)
	w.want(`document.querySelector('[data-question]').hidden + document.activeElement.dataset.do`, "falseleave-save")
	w.both("settings-leave")
	w.press("stay")
	w.want(`document.querySelector('[data-question]').hidden + document.activeElement.dataset.do + document.querySelector('[data-viewer]').hidden`, "truesavefalse")
	w.wantUnsaved(true)
	w.frame(back)
	w.press("leave-save")
	w.want(`document.querySelector('[data-viewer]').hidden`, "true")
	w.openSettings()
	w.want(`document.querySelector('[data-settings]').dataset.version`, "1")
	w.want(`(e => { window.dispatchEvent(e); return e.defaultPrevented; })(new Event('beforeunload', {cancelable: true}))`, "false")
	w.frame(`document.querySelector('[data-tab="1"]').click()`)
	w.frame(back)
	w.press("leave-discard")
	w.want(`document.querySelector('[data-viewer]').hidden`, "true")
	w.frame(`document.querySelector('[data-action=settings]').click()`)
	w.waitFrame("Tabs in CRM cards")
	w.want(`document.querySelector('[data-settings]').dataset.version + document.querySelector('[data-tab="1"]').checked`, "1true")

	// Discarding shows what is saved.
	w.frame(`document.querySelector('[data-tab="1"]').click()`)
	w.press("discard")
	w.want(`document.querySelector('[data-tab="1"]').checked + document.activeElement.dataset.do`, "truesave")
	w.wantUnsaved(false)
	w.check()
}

// TestArrangingInABrowser moves fields and sections by every means.
func TestArrangingInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.run(chromedp.EmulateViewport(1280, 2000))
	w.openSettings()
	w.section("cards")
	w.chooseType("2")
	w.want(rowsShown, "heading,title,stageId,opportunity")
	w.frame(`document.querySelector('[value=own]').click()`)
	w.want(rowsShown, "item section,title,stageId,opportunity")
	row := func(code string) string { return `#arrangement [data-code=` + code + `]` }

	// With the mouse, and with a finger.
	w.drag(row("opportunity"), row("title"), false)
	w.want(rowsShown, "item section,opportunity,title,stageId")
	w.drag(row("stageId"), row("opportunity"), true)
	w.want(rowsShown, "item section,stageId,opportunity,title")

	// With buttons, and by the menu of the handle.
	w.frame(`document.querySelector('` + row("stageId") + ` [data-step=down]').click()`)
	w.want(rowsShown, "item section,opportunity,stageId,title")
	w.frame(`document.querySelector('` + row("title") + ` .handle').click()`)
	w.want(`document.activeElement.textContent + document.querySelectorAll('[role=menuitem]').length`, "To the beginning7")
	w.screenshot("settings-menu", 1280)
	w.key("Escape")
	w.want(`document.activeElement.className + document.querySelectorAll('[role=menu]').length`, "handle0")
	w.frame(`document.querySelector('` + row("title") + ` .handle').click()`)
	w.key("ArrowDown")
	w.key("ArrowDown")
	w.key("ArrowDown") // the second section
	w.want(`document.activeElement.textContent`, "Additional")
	w.frame(`document.activeElement.click()`)
	w.want(`document.querySelectorAll('#arrangement .section')[2].previousElementSibling.dataset.code + document.activeElement.className`, "titlehandle")

	// Far, with one key.
	w.key("Home")
	w.want(rowsShown, "item section,title,opportunity,stageId")
	w.key("End")
	w.want(`document.querySelector('#arrangement .rest').previousElementSibling.dataset.code`, "title")
	w.key("PageUp")
	w.want(`document.querySelector('#arrangement .rest').previousElementSibling.dataset.code !== 'title'`, "true")
	w.key("Home")
	w.key("ArrowUp") // no field goes before the first section
	w.want(rowsShown, "item section,title,opportunity,stageId")

	// A section takes its fields along.
	w.frame(`document.querySelector('#arrangement .section .handle').focus()`)
	w.key("ArrowDown")
	w.want(`[...document.querySelectorAll('#arrangement .section input')].slice(0, 2).map(e => e.value).join() + ',' + document.activeElement.closest('li').nextElementSibling.dataset.code`, "Additional,About the deal,title")

	// A new section goes where one works; a removed one leaves its fields, and the focus does not get lost.
	w.frame(`document.querySelector('` + row("opportunity") + ` .handle').focus()`)
	w.press("add-section")
	w.want(`document.activeElement.placeholder + '|' + document.activeElement.closest('li').previousElementSibling.dataset.code`, "Name of the section|opportunity")
	w.frame(`document.activeElement.closest('li').querySelector('[data-remove]').click()`)
	w.want(`document.querySelectorAll('#arrangement .section').length + document.activeElement.className`, "4handle")

	// The search finds rows; names of controls say which field they are about.
	w.typeInto("find-field", "tax")
	w.want(`[...document.querySelectorAll('#arrangement > [data-code]:not([hidden])')].map(e => e.dataset.code).join()`, "taxValue")
	w.want(`document.querySelector('`+row("taxValue")+` select').getAttribute('aria-label') + '|' + document.querySelector('#find-field').closest('[data-row]').querySelector('[data-message]').textContent.replace(/\d+$/, 'N')`, "Tax: how it is shown|Fields: 1 of N")
	w.typeInto("find-field", "")
	w.want(`document.querySelectorAll('#arrangement > [hidden]').length`, "0")
	w.check()
}

// TestSettingsOfTwoInABrowser joins what two administrators change at once, and asks where both change the same.
func TestSettingsOfTwoInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.Portal.ChangeUser(2, func(u *portalsim.User) { u.Admin = true })
	w.openSettings()

	// Different parts: both are kept.
	w.frame(`document.querySelector('[data-tab="4"]').click()`)
	w.saveAs(2, 0, `{"showEmpty":true}`)
	w.press("save")
	w.want(message("save"), "Saved. Marco Rossi saved meanwhile as well (empty fields); both are kept.")
	w.want(`document.querySelector('[data-settings]').dataset.version + document.getElementById('show-empty').checked + document.querySelector('[data-tab="4"]').checked`, "2truefalse")

	// The same part: who works here decides, and hears who it was.
	w.frame(`document.querySelector('[data-title=en]').value = 'Mine', document.querySelector('[data-title=en]').dispatchEvent(new Event('input', {bubbles: true})), document.querySelector('[data-tab="1"]').click()`)
	w.saveAs(2, 2, `{"showEmpty":true,"tabsOff":[4],"titles":{"en":"Theirs"}}`)
	w.press("save")
	w.want(`document.querySelector('[data-conflict]').hidden + document.querySelector('[data-conflict-text]').textContent.replace(/on .*:/, 'on …:')`, "falseMarco Rossi saved other settings on …: tab titles (en).")
	w.want(`document.querySelector('[data-conflict-text]').textContent.includes('Marco Rossi saved other settings on ')`, "true")
	w.both("settings-conflict")
	w.press("load-theirs")
	w.want(message("save")+` + document.querySelector('[data-title=en]').value + document.querySelector('[data-tab="1"]').checked`, "Loaded the settings of Marco Rossi.Theirsfalse")
	w.wantUnsaved(true) // what only I changed

	w.choose(`[data-title=en]`, "Mine again")
	w.saveAs(2, 3, `{"showEmpty":true,"titles":{"en":"Theirs again"},"language":""}`)
	w.press("save")
	w.want(`document.querySelector('[data-conflict]').hidden`, "false")
	w.press("save-mine")
	w.want(message("save")+` + document.querySelector('[data-settings]').dataset.version + document.querySelector('[data-title=en]').value + document.querySelector('[data-tab="4"]').checked + document.querySelector('[data-conflict]').hidden`, "Saved.5Mine againtruetrue")
	w.check("status of 409")
}

// TestSettingsFromAFileInABrowser loads files into the page: nothing is saved before somebody does.
func TestSettingsFromAFileInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openSettings()
	w.section("data")
	file := func(name, text string) {
		w.frame(fmt.Sprintf(`(e => { const files = new DataTransfer(); files.items.add(new File([%q], %q)); e.files = files.files; e.dispatchEvent(new Event('change', {bubbles: true})); })(document.getElementById('import'))`, text, name))
	}
	for _, none := range []string{"no JSON", `{"tabsOff":4}`, `{"tabsOff":["x"]}`, `[]`} {
		file("other.json", none)
		w.want(message("import")+` + document.querySelectorAll('#settings-data [role=alert]').length`, "This file is not an export of Item Lens.1")
		w.frame(`document.querySelector('#settings-data [data-message]').textContent = ''`)
	}
	w.wantUnsaved(false)
	file("settings.json", `{"tabsOff":[4,9999],"titles":{"en":"Lens"},"cards":{"2":{"top":["title","gone"]},"4":{"hidden":["title"]}}}`)
	w.want(message("import"), "Imported from settings.json: field layout (2), tabs, tab titles. Save to apply. Left out, because your Bitrix24 doesn’t have it: type 9999, Deal: gone.")
	w.wantUnsaved(true)
	w.both("settings-import")
	w.press("import-back")
	w.wantUnsaved(false)
	file("settings.json", `{"titles":{"en":"Lens"}}`)
	w.wantUnsaved(true)
	w.press("save")
	w.want(`document.querySelector('[data-settings]').dataset.version`, "1")
	w.want(`document.querySelector('[data-changes]').textContent.includes('imported')`, "true")
	file("settings.json", `{"titles":{"en":"Lens"}}`)
	w.want(message("import"), "The file holds the same settings.")
	w.check("status of 422", "status of 400")
}

// TestTabsThatDoNotFollowInABrowser warns once the portal has failed, not before.
func TestTabsThatDoNotFollowInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.Portal.ChangeUser(2, func(u *portalsim.User) { u.Admin = true })
	w.switchTo("user", "2")
	w.openSettings()
	w.frame(`document.querySelector('[data-tab="4"]').click()`)
	w.Portal.ChangeUser(1, func(u *portalsim.User) { u.Admin = false }) // whose token stands for the portal
	w.press("save")
	w.want(`document.querySelector('[data-state]').dataset.following + document.querySelector('[data-state-text]').textContent`, "trueUpdating the tabs in your cards…")
	w.both("settings-following")
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && w.frame(`document.querySelector('[data-state]').dataset.drift`) != "true"; {
		time.Sleep(100 * time.Millisecond)
	}
	w.want(`document.querySelector('[data-state]').dataset.drift + document.querySelector('[data-do=repair]').hidden + (document.querySelector('[data-state-failed]').textContent !== '')`, "truefalsetrue")
	w.both("settings-drift")
	w.Portal.ChangeUser(1, func(u *portalsim.User) { u.Admin = true })
	w.press("repair")
	w.want(`document.querySelector('[data-state]').dataset.drift + document.querySelector('[data-state-text]').textContent`, "falseUpdating the tabs in your cards…")
	w.check()
}
