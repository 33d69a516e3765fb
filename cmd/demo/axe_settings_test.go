//go:build npm

package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/portalsim"
)

// TestSettingsWithoutBarriers has axe-core read every part of the settings, and what they show when something happens.
func TestSettingsWithoutBarriers(t *testing.T) {
	axe, err := os.ReadFile("axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	read := func(state string) {
		t.Helper()
		for _, width := range []int64{1280, 375} {
			w.run(chromedp.EmulateViewport(width, 800))
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
				t.Errorf("%s at %d: axe-core passed %d rules", state, width, result.Passes)
			}
			for _, finding := range result.Found {
				t.Errorf("%s at %d: %s", state, width, finding)
			}
		}
		w.run(chromedp.EmulateViewport(1280, 800))
	}
	w.install()
	w.Portal.ChangeUser(2, func(u *portalsim.User) { u.Admin = true })
	w.openSettings()
	w.frame(`document.querySelectorAll('.settings details').forEach(d => d.open = true)`)
	read("tabs")
	w.section("display")
	read("display")
	w.section("cards")
	w.want(`document.querySelectorAll('#arrangement > .item').length > 20`, "true")
	read("fields as in the portal")
	w.frame(`document.querySelector('[value=own]').click()`)
	w.want(`document.querySelectorAll('#arrangement > .section').length > 1`, "true")
	w.press("preview")
	w.want(`document.querySelectorAll('[data-preview] [data-card]').length`, "1")
	read("fields of one's own, with a preview")
	w.frame(`document.querySelector('#arrangement [data-code] .handle').click()`)
	read("menu")
	w.frame(`document.querySelector('[data-action=back]').click()`)
	w.want(`document.querySelector('[data-question]').hidden`, "false")
	read("question")
	w.press("stay")
	w.section("tabs")
	w.choose("[data-title=en]", "Mine")
	w.saveAs(2, 0, `{"titles":{"en":"Theirs"}}`)
	w.press("save")
	w.want(`document.querySelector('[data-conflict]').hidden`, "false")
	read("conflict")
	w.press("save-mine")
	w.want(`document.querySelector('[data-settings]').dataset.version`, "2")
	read("saved")
	w.section("history")
	w.want(`document.querySelectorAll('[data-do=restore]').length`, "2")
	read("history")
	w.section("data")
	w.choose("#erase-confirm", "wrong")
	read("data, with an error")
	w.choose("#erase-confirm", w.Portal.Domain())
	w.press("erase")
	w.waitFrame("Data deleted")
	read("erased")
}
