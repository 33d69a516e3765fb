//go:build npm

package main

import (
	"testing"

	"itemlens/internal/lab/portalsim"
)

// TestSettingsWithoutBarriers has axe-core read every part of the settings, and what they show when something happens.
func TestSettingsWithoutBarriers(t *testing.T) {
	w := newWorld(t)
	read := w.axe()
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
