//go:build npm

package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/stack"
)

// TestPagesWithoutBarriers has axe-core read every kind of page by the rules of WCAG 2.1 AA, at both widths and in both
// looks. It needs
// `npm ci` in axe/; `make test-npm` does both.
func TestPagesWithoutBarriers(t *testing.T) {
	w := newWorld(t)
	w.Portal.AddNeighbours(8)
	read := w.axe()
	w.install()
	read("own page")
	for _, lang := range []string{"en", "ar"} {
		w.switchTo("lang", lang)
		w.openTab("/crm/deal/details/20/")
		w.waitFrame("Nordlicht Logistics")
		w.frame(`document.querySelectorAll('[aria-pressed=false]').forEach(b => b.click()), document.querySelector('details').open = true`)
		read("deal in " + lang)
		w.frame(`document.querySelectorAll('[aria-pressed=true]').forEach(b => b.click())`)
		for _, view := range []string{"history"} {
			w.frame(`document.getElementById('view-` + view + `').click()`)
			w.want(`document.querySelectorAll('#panel-`+view+`[data-loaded]').length`, "1")
			read(view + " in " + lang)
		}
		w.frame(`document.getElementById('view-fields').click()`)
		w.openTab("/crm/type/1038/details/5/")
		w.waitFrame("Nora Lind")
		read("smart process in " + lang)
	}
	w.frame(`document.getElementById('view-rest').click()`)
	w.waitFrame("B24PySDK")
	w.frame(`document.querySelector('[data-action=take]').click()`)
	w.want(`document.querySelectorAll('.take[open]').length`, "1")
	read("REST in ar")
	w.frame(`document.getElementById('view-fields').click()`)
	w.openTab("/crm/contact/details/34/")
	w.waitFrame("Clara")
	w.frame(`document.getElementById('view-around').click()`)
	w.want(`document.querySelectorAll('#panel-around .lines').length > 1`, "true")
	read("what hangs on a contact, in ar")
	w.switchTo("lang", "en")
	w.openTab("/crm/deal/details/1000/")
	w.waitFrame("Billing details")
	read("what hangs on a deal")
	w.frame(`document.querySelector('#panel-around [data-other]').click()`)
	w.waitFrame("Same in both")
	w.frame(`document.querySelector('#panel-compare details').open = true`)
	read("two deals side by side")
	w.frame(`document.getElementById('view-fields').click()`)
	w.run(chromedp.Navigate(w.Portal.URL() + "/market/app/" + stack.ClientID + "/"))
	w.waitFrame("Recently viewed")
	read("own page with items looked at")
	w.frame(`document.querySelector('[data-action=settings]').click()`)
	w.waitFrame("Tabs in CRM cards")
	w.frame(`document.querySelector('[value=own]').click(), document.querySelectorAll('.settings details').forEach(d => d.open = true)`)
	read("settings")
	w.switchTo("user", "3")
	w.openTab("/crm/lead/details/250/")
	w.waitFrame("You don’t have access to this item")
	read("refused")
}

// axe reads axe-core, and gives a function that has it read what is shown, at both widths and in both looks.
func (w *world) axe() func(shown string) {
	w.t.Helper()
	axe, err := os.ReadFile("axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		w.t.Fatal(err)
	}
	return func(shown string) {
		w.t.Helper()
		for _, as := range []struct {
			width int64
			look  string
		}{{1280, "light"}, {1280, "dark"}, {375, "dark"}, {375, "light"}} {
			w.run(chromedp.EmulateViewport(as.width, 800))
			w.look(as.look)
			w.wantFitted()
			w.script(string(axe) + `; window.findings = ''; axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(r => {
				window.findings = JSON.stringify({passes: r.passes.length, found: r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3).join(' '))}); }); ''`)
			var result struct {
				Passes int
				Found  []string
			}
			for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && result.Passes == 0; time.Sleep(50 * time.Millisecond) {
				_ = json.Unmarshal([]byte(w.frame("window.findings")), &result)
			}
			if result.Passes < 10 {
				w.t.Errorf("%s at %d, %s: axe-core passed %d rules", shown, as.width, as.look, result.Passes)
			}
			for _, finding := range result.Found {
				w.t.Errorf("%s at %d, %s: %s", shown, as.width, as.look, finding)
			}
		}
		w.run(chromedp.EmulateViewport(1280, 800))
	}
}
