package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/portalsim"
)

// slowDown has the next answer of an address come late, whoever gives up waiting for it.
func (w *world) slowDown(path string, by time.Duration) {
	w.t.Helper()
	w.frame(fmt.Sprintf(`(() => { const real = window.fetch; window.fetch = (address, how) => {
		if (new URL(address, location.href).pathname !== %q) return real(address, how);
		window.fetch = real;
		return real(address, {...how, signal: null}).then((answer) => new Promise((done) => setTimeout(() => done(answer), %d)));
	}; })()`, path, by.Milliseconds()))
}

// TestTheNewestRequestWinsInABrowser: an answer that was overtaken changes nothing.
func TestTheNewestRequestWinsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.waitFrame("Scales for the northern warehouse")
	const pause = 1500 * time.Millisecond
	link := func(id int) string { return fmt.Sprintf(`document.querySelector('#items [data-item-ref="2:%d"]')`, id) }
	w.slowDown("/in/item", pause)
	w.frame(link(21) + `.click()`)
	w.want(`document.querySelector('[data-home]').hidden + document.querySelector('[data-home]').getAttribute('aria-busy') + document.querySelector('[data-home-status]').textContent`, "falsetrueLoading…")
	w.frame(link(20) + `.click()`)
	w.want(`document.querySelector('[data-viewer] h1').textContent + document.activeElement.tagName + document.title`, "Scales for the northern warehouseH1Scales for the northern warehouse · Item Lens")
	time.Sleep(pause + 300*time.Millisecond)
	w.want(`document.querySelectorAll('h1').length + document.querySelector('[data-viewer] h1').textContent`, "2Scales for the northern warehouse")

	// Back while something is under way.
	w.slowDown("/in/item", pause)
	w.frame(`document.querySelector('[data-action=refresh]').click()`)
	w.frame(`document.querySelector('[data-action=back]').click()`)
	w.want(`document.activeElement.dataset.itemRef + document.title`, "2:20Item Lens · Item Lens")
	time.Sleep(pause + 300*time.Millisecond)
	w.want(`document.querySelector('[data-slot]').childElementCount + String(document.querySelector('[data-viewer]').hidden)`, "0true")

	// Lists.
	choose := func(value string) {
		w.frame(`(e => { e.value = '` + value + `'; e.dispatchEvent(new Event('change', {bubbles: true})); })(document.getElementById('type'))`)
	}
	w.slowDown("/in/items", pause)
	choose("3")
	choose("4")
	w.waitFrame("Blue Harbor Software")
	time.Sleep(pause + 300*time.Millisecond)
	w.want(`[...document.querySelectorAll('#items a')].every(a => a.dataset.itemRef.startsWith('4:'))`, "true")
	w.check()
}

// TestCopyingInABrowser copies values without what describes them, one of several, numbers alone, a table, and by hand where
// the browser forbids it.
func TestCopyingInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openTab("/crm/company/details/40/")
	w.waitFrame("Clara Weiss")
	copies := func(click, want string) {
		t.Helper()
		w.frame(`window.copied = '', document.execCommand = function () { copied = document.activeElement.value; return true; }`)
		w.frame(click)
		w.want(`copied`, want)
	}
	w.want(`document.querySelector('[data-code="fm.PHONE"] .note').textContent`, "work")
	copies(`document.querySelector('[data-code="fm.EMAIL"] dd > .copy').click()`, "office@nordlicht.example")
	copies(`document.querySelector('[data-code="fm.PHONE"] dd > .copy').click()`, "+1 202 555 0110\n+1 202 555 0111")
	copies(`document.querySelectorAll('[data-code="fm.PHONE"] li .copy')[1].click()`, "+1 202 555 0111")
	w.want(`document.querySelector('[data-status]').textContent`, "Copied")
	w.want(`document.querySelector('[data-status]').textContent`, "") // after a while

	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	alt := func(selector string) string {
		return `document.querySelector('` + selector + `').dispatchEvent(new MouseEvent('click', {bubbles: true, altKey: true}))`
	}
	copies(alt(`[data-code=opportunity] .copy`), "48250.50")
	copies(alt(`[data-code=closedate] .copy`), "Jul 31, 2026")
	copies(alt(`.amount .copy`), "48250.50")
	copies(`document.querySelector('.title .copy').click()`, "Scales for the northern warehouse")
	w.frame(`document.querySelector('.group > .copy').click()`)
	w.want(`copied.split('\n')[0].split('\t').length + copied.split('\n')[1].split('\t')[0]`, "7"+w.frame(`document.querySelector('.products tbody th').textContent`))
	copies(`document.querySelector('[data-action=link]').click()`, w.Portal.URL()+"/crm/deal/details/20/")
	w.want(`[...document.querySelectorAll('.copy')].filter(b => b.tabIndex === 0).length`, "1")
	w.frame(`document.querySelector('.copy').focus(), document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}))`)
	w.want(`[...document.querySelectorAll('.copy')].filter(b => b.checkVisibility()).at(-1) === document.activeElement`, "true")

	// Fingers see the buttons that a mouse finds.
	opaque := `getComputedStyle(document.querySelector('[data-code=begindate] .copy')).opacity`
	w.run(chromedp.EmulateViewport(1024, 800, chromedp.EmulateMobile, chromedp.EmulateTouch))
	w.want(opaque+` + matchMedia('(hover: none)').matches`, "1true")
	w.run(chromedp.EmulateViewport(1280, 800))

	w.frame(`document.execCommand = () => false, navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden'))`)
	w.frame(`document.querySelector('[data-code=closedate] .copy').click()`)
	w.want(`document.querySelector('.by-hand p').textContent + document.activeElement.value + getSelection()`, "Press Ctrl+C to copyJul 31, 2026Jul 31, 2026")
	w.want(`document.querySelectorAll('.copy.done').length + document.querySelector('[data-status]').textContent`, "0")
	w.frame(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))`)
	w.want(`document.querySelectorAll('.by-hand').length + document.activeElement.closest('.field').dataset.code`, "0closedate")
	w.check()
}

// TestFrameFollowsItsContentInABrowser, smaller and larger, on a portal whose frames behave as the platform's, and links lead
// somewhere where the portal refuses to open them.
func TestFrameFollowsItsContentInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	w.wantFitted()
	if allowed, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`document.querySelector('iframe').allow`)); err != nil || !strings.Contains(allowed, "camera *") || strings.Contains(allowed, "clipboard") {
		t.Errorf("the frame may use %q, %v", allowed, err)
	}
	tight := `Math.abs(innerHeight - Math.ceil(document.body.getBoundingClientRect().height)) <= 1 && innerWidth > 500`
	w.want(tight, "true")
	tall := w.frame(`innerHeight`)
	w.typeInto("filter", "probab")
	w.want(tight+` && innerHeight < 600`, "true")
	w.typeInto("filter", "")
	w.want(tight+` && String(innerHeight)`, tall)

	w.frame(`window.went = [], window.open = (address) => { went.push(address); return null; }`)
	w.frame(`(link => { link.dataset.path = '/crm/quote/show/70/'; link.href = 'https://example.com/quote'; link.click(); })(document.querySelector('[data-code=companyId] a'))`)
	w.want(`went.join()`, "https://example.com/quote")
	w.check()
}

// TestBrowsersTimeZoneCountsWhereThePortalKnowsNone, from the second page on without a jump.
func TestBrowsersTimeZoneCountsWhereThePortalKnowsNone(t *testing.T) {
	w := newWorld(t)
	w.install()
	if _, err := chromedp.Call(w.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"}); err != nil {
		t.Fatal(err)
	}
	w.switchTo("user", "2")
	w.openTab("/crm/lead/details/250/")
	w.waitFrame("Jul 23, 2024, 12:00 AM")
	w.want(`document.querySelectorAll('.changed').length + document.body.dataset.zone`, "0")
	w.openTab("/crm/lead/details/250/")
	w.waitFrame("Jul 23, 2024, 12:00 AM")
	w.want(`document.body.dataset.zone`, "Asia/Tokyo")
	w.check()
}

// layoutShift is how much of the page has moved by itself, as browsers measure it.
func (w *world) layoutShift() string {
	w.t.Helper()
	w.frame(`window.shift = 0, new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value; }).observe({type: 'layout-shift', buffered: true})`)
	time.Sleep(300 * time.Millisecond)
	return w.frame(`shift.toFixed(3)`)
}

// TestNothingJumpsInABrowser: codes and empty fields that are remembered are there with the first paint.
func TestNothingJumpsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openTab("/crm/lead/details/250/")
	w.waitFrame("Anna Berger")
	w.frame(`document.querySelectorAll('[data-toggle]').forEach(b => b.click())`)
	w.want(`document.body.className`, "tab show-empty show-codes")
	for _, path := range []string{"/crm/lead/details/250/", "/crm/type/1038/details/5/"} {
		w.openTab(path)
		w.want(`[...document.querySelectorAll('[data-toggle]')].map(b => b.getAttribute('aria-pressed')).join() + document.querySelectorAll('[data-name]').length`, "true,true0")
		if shift := w.layoutShift(); shift > "0.020" {
			t.Errorf("%s moves by %s", path, shift)
		}
	}
	w.check()
}

// TestComingBackInABrowser: a card that was left for a while is read anew, and what differs is marked with what it was.
func TestComingBackInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	w.want(`/^As of \d+:\d\d/.test(document.querySelector('[data-as-of]').textContent)`, "true")
	if err := w.Portal.ChangeItem(2, 20, "probability", "85"); err != nil {
		t.Fatal(err)
	}
	show := `document.dispatchEvent(new Event('visibilitychange'))`
	w.frame(show)
	time.Sleep(500 * time.Millisecond)
	w.want(`document.querySelectorAll('.changed').length`, "0") // it is not that long ago
	w.frame(`document.querySelector('[data-code=closedate] .copy').focus()`)
	w.frame(`(real => { Date.now = () => real() + 6 * 60000; })(Date.now), ` + show)
	w.want(`[...document.querySelectorAll('.changed')].map(e => e.dataset.code + e.querySelector('.was').textContent).join()`, "probabilityBefore: 70")
	w.want(`document.activeElement.closest('.field').dataset.code`, "closedate")

	// What is gone or not to be seen leads nowhere.
	if err := w.Portal.ChangeItem(2, 20, "assignedById", "999"); err != nil {
		t.Fatal(err)
	}
	w.frame(`document.querySelector('[data-action=refresh]').click()`)
	w.waitFrame("User #999 (not available)")
	w.want(`document.querySelectorAll('[data-code=assignedById] a').length`, "0")
	w.check()
}

// TestSearchingOwnPageInABrowser finds by phone and address, lists only one's own, goes on, and leaves tabs to the browser.
func TestSearchingOwnPageInABrowser(t *testing.T) {
	w := newWorld(t)
	if err := w.Portal.AddCopies(4, 40, 30, "Branch", 2); err != nil {
		t.Fatal(err)
	}
	w.install()
	choose := `(e => { e.value = '4'; e.dispatchEvent(new Event('change', {bubbles: true})); })(document.getElementById('type'))`
	w.frame(choose)
	w.waitFrame("Branch 29")
	w.want(`document.querySelectorAll('#items a').length + document.querySelector('[data-list-status]').textContent`, "20Items found: 20")
	w.frame(`document.querySelector('[data-action=more]').click()`)
	w.waitFrame("Nordlicht Logistics")
	w.want(`new Set([...document.querySelectorAll('#items a')].map(a => a.dataset.itemRef)).size > 30 && document.querySelectorAll('[data-action=more]').length + document.activeElement.textContent`, "0Branch 09")
	w.wantFitted()
	find := func(query, want string) {
		t.Helper()
		w.frame(`document.getElementById('query').value = '` + query + `', document.querySelector('.search').requestSubmit()`)
		w.want(`[...document.querySelectorAll('#items a')].map(a => a.textContent).join()`, want)
	}
	find("+1 (202) 555-0110", "Nordlicht Logistics")
	find("Office@nordlicht.example", "Nordlicht Logistics")
	find("+1 202 555 9999", "")
	find("Branch 07", "Branch 07")
	w.frame(`document.getElementById('mine').click()`)
	find("Branch 07", "")
	find("Blue", "Blue Harbor Software")
	w.frame(`document.getElementById('mine').click()`)
	find("Nordlicht", "Nordlicht Logistics")

	w.frame(`document.querySelector('#items a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, ctrlKey: true}))`)
	time.Sleep(300 * time.Millisecond)
	w.want(`String(document.querySelector('[data-viewer]').hidden) + document.querySelector('#items a').href`, "true"+w.Portal.URL()+"/crm/company/details/40/")
	w.frame(`document.querySelector('#items a').click()`)
	w.waitFrame("Clara Weiss")
	w.frame(`document.querySelector('[data-action=back]').click()`)
	w.want(`document.querySelector('[data-recent] li').textContent`, "Nordlicht Logistics Company #40")
	w.Portal.AddFault(portalsim.Fault{Method: "batch", Kind: "INTERNAL_SERVER_ERROR", Status: 500})
	w.frame(`document.querySelector('#items a').click()`)
	w.waitFrame("Bitrix24 isn’t responding")
	w.want(`document.querySelector('[data-home]').hidden + String(document.querySelector('[data-home]').hasAttribute('aria-busy'))`, "falsefalse")
	w.check("status of 502")
}
