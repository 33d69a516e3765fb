package main

import (
	"strconv"
	"testing"
)

// tabKey presses a key where the focus is, as a keyboard does.
func (w *world) tabKey(key string) {
	w.frame(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: '` + key + `', bubbles: true, cancelable: true}))`)
}

// TestViewsInABrowser: tabs by pointer and keyboard, what is remembered, what is told where a view cannot be shown.
func TestViewsInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	const open = `(document.querySelector('[role=tab][aria-selected=true]')?.id + ' ' + [...document.querySelectorAll('[role=tabpanel]')].filter(p => p.checkVisibility()).map(p => p.id))`
	w.want(open, "view-fields panel-fields")
	w.frame(`document.getElementById('view-history').click()`)
	w.waitFrame("In this stage")
	w.want(open, "view-history panel-history")
	w.wantFitted()
	w.both("history")
	// What was done before comes in parts; the focus goes where it begins.
	for _, shown := range []int{20, 28} {
		w.want(`new Set([...document.querySelectorAll('[data-timeline] [data-entry]')].map(e => e.dataset.entry)).size`, strconv.Itoa(shown))
		w.frame(`document.querySelector('[data-further]')?.click()`)
	}
	w.want(`document.activeElement.dataset.entry + document.querySelectorAll('[data-further]').length`, "a8040")
	// Arrows move among the tabs and around their ends; nothing is asked for on the way.
	asked := w.Portal.Requests("batch")
	w.frame(`document.getElementById('view-history').focus()`)
	w.tabKey("Home")
	w.want(`document.activeElement.id`, "view-fields")
	w.tabKey("ArrowLeft")
	w.want(`document.activeElement === [...document.querySelectorAll('[role=tab]')].at(-1)`, "true")
	w.tabKey("ArrowRight")
	w.want(`document.activeElement.id`, "view-fields")
	w.tabKey("End")
	w.want(`document.activeElement === [...document.querySelectorAll('[role=tab]')].at(-1)`, "true")
	if n := w.Portal.Requests("batch") - asked; n != 0 {
		t.Errorf("moving among the tabs asked the portal %d times", n)
	}
	// A card that is read anew shows the view, read anew as well; so does the next card.
	w.frame(`document.getElementById('panel-history').firstElementChild.dataset.old = ''`)
	w.frame(`document.querySelector('[data-action=refresh]').click()`)
	w.want(`document.querySelectorAll('#panel-history [data-old]').length + ' ' + document.querySelectorAll('#panel-history .figures').length`, "0 1")
	w.want(open, "view-history panel-history")
	w.openTab("/crm/lead/details/250/")
	w.waitFrame("In this stage")
	w.want(open, "view-history panel-history")
	w.frame(`document.getElementById('view-fields').click()`)
	w.want(open, "view-fields panel-fields")
	// As others see it: in the dark, from the right, without the bar of time.
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	for lang, name := range map[string]string{"ru": "История", "ar": "السجل"} {
		w.switchTo("lang", lang)
		w.openTab("/crm/deal/details/20/")
		w.waitFrame(name)
		w.frame(`document.getElementById('view-history').click()`)
		w.want(`document.querySelectorAll('#panel-history .day').length > 0`, "true")
		w.wantFitted()
		w.look("dark")
		w.both("history-" + lang)
		w.look("light")
		w.frame(`document.getElementById('view-fields').click()`)
	}
	w.switchTo("lang", "en")
	// What cannot be shown says so, and is asked for once more where its reader wants it.
	w.block(w.AppURL + "/in/lens/*")
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	w.want(open, "view-fields panel-fields")
	w.frame(`document.getElementById('view-history').click()`)
	w.waitFrame("The app isn’t responding")
	w.block(w.AppURL + "/in/nothing")
	w.frame(`document.querySelector('[data-action=view-again]').click()`)
	w.waitFrame("In this stage")
	w.want(`document.activeElement.id`, "panel-history")
	w.check("/in/lens/history", "Failed to load resource")
}
