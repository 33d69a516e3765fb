package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestAroundAndCompareInABrowser: what hangs on a company, another item beside it, by pointer and by keyboard.
func TestAroundAndCompareInABrowser(t *testing.T) {
	w := newWorld(t)
	w.Portal.AddNeighbours(40)
	w.install()
	w.openTab("/crm/company/details/45/")
	w.waitFrame("Meridian Cold Storage")
	w.frame(`document.getElementById('view-around').focus(), document.activeElement.click()`)
	w.waitFrame("Ice Street 12")
	w.want(`document.querySelector('#panel-around .group a[data-path]').dataset.path`, "/crm/deal/details/1039/")
	w.wantFitted()
	w.both("around")
	w.look("dark")
	w.both("around-dark")
	w.look("light")

	// A deal: its parent, its own, the other deals of its client, one of which is compared with it.
	w.openTab("/crm/deal/details/1000/")
	w.waitFrame("Invoice 322")
	w.want(`document.querySelector('[role=tab][aria-selected=true]').id`, "view-around")
	w.both("around-deal")
	w.frame(`document.querySelector('[data-other="1039"]').focus(), document.activeElement.click()`)
	w.waitFrame("Same in both")
	w.want(`document.querySelector('[role=tab][aria-selected=true]').id + ' ' + document.activeElement.id`, "view-compare panel-compare")
	w.wantFitted()
	w.both("compare")
	w.run(chromedp.EmulateViewport(375, 800))
	w.want(`getComputedStyle(document.querySelector('.compare td')).display`, "block")
	w.wantFitted()
	w.run(chromedp.EmulateViewport(1280, 800))
	// Another one is chosen by its title.
	w.frame(`document.querySelector('#panel-compare [data-action=compare]').click()`)
	w.want(`document.querySelectorAll('#compare-query, #panel-compare [data-other]').length > 5`, "true")
	w.frame(`document.getElementById('compare-query').value = 'northern', document.querySelector('[data-candidates]').requestSubmit()`)
	w.want(`[...document.querySelectorAll('#panel-compare [data-other]')].map(b => b.dataset.other) + ' ' + document.activeElement.id`, "20 compare-query")
	w.screenshot("compare-choose", 375)
	w.frame(`document.querySelector('[data-other="20"]').click()`)
	w.waitFrame("5 rows")
	w.both("compare-products")
	// In the user's language; what was opened as a view is remembered, what a button opened is not.
	w.switchTo("lang", "ru")
	w.openTab("/crm/company/details/40/")
	w.waitFrame("Hafenstrasse 4")
	w.both("around-ru")
	w.frame(`document.getElementById('view-compare').click()`)
	w.want(`document.getElementById('compare-query')?.placeholder`, "Название другого элемента")
	w.frame(`document.getElementById('view-around').click()`)
	w.waitFrame("Hafenstrasse 4")
	w.openTab("/crm/company/details/41/")
	w.waitFrame("Quay 7")
	w.wantFitted()
	w.both("around-bare-ru")
	w.check()
}
