package main

import "testing"

// TestRequestInABrowser: the REST view, whose program for apps runs in this one, and what is copied of it.
func TestRequestInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	w.frame(`document.getElementById('view-rest').click()`)
	w.waitFrame("In your code")
	w.wantFitted()
	w.both("rest")
	w.frame(`window.copied = '', document.execCommand = function () { copied = document.activeElement.value; return true; }`)
	w.frame(`document.querySelectorAll('.rest-code')[1].querySelector('button').click()`)
	w.want(`JSON.parse(copied).result.item.title + document.querySelector('[data-status]').textContent`, "Scales for the northern warehouseCopied")
	// One program is open at a time.
	w.want(`[...document.querySelectorAll('.rest-programs details')].filter(d => d.open).length`, "1")
	w.frame(`[...document.querySelectorAll('.rest-programs summary')].find(s => s.textContent.includes('BX24')).click()`)
	w.want(`[...document.querySelectorAll('.rest-programs details')].filter(d => d.open).map(d => d.querySelector('summary').textContent.trim()).join()`, "JavaScript (BX24.js)")
	w.frame(`[...document.querySelectorAll('.rest-programs details[open] button')].at(-1).click()`)
	w.want(`copied.includes('callMethod')`, "true")
	w.frame(`console.log = (item) => { window.got = item.title; }, (0, eval)(copied)`)
	w.want(`window.got`, "Scales for the northern warehouse")
	w.takes("tsv")
	w.want(`(rows => rows[0].join() + '|' + rows.find(r => r[0] === 'ufCrm_1700000000101').join())(copied.split('\n').map(r => r.split('\t')))`,
		"Code,Type,Multiple,Read-only,Required,Name|ufCrm_1700000000101,enumeration,,,,Delivery")
	for _, at := range []struct{ lang, look string }{{"en", "dark"}, {"ru", "light"}, {"ar", "dark"}} {
		w.switchTo("lang", at.lang)
		w.look(at.look)
		w.openTab("/crm/type/1038/details/5/")
		w.waitFrame("B24PySDK")
		w.both("rest-" + at.lang + "-" + at.look)
	}
	w.media("print")
	w.want(`document.querySelector('#panel-fields')?.checkVisibility() + '' + document.querySelector('#panel-rest').checkVisibility()`, "falsetrue")
	w.want(`(p => p.scrollHeight <= p.clientHeight + 1)(document.querySelectorAll('.rest-code pre')[1])`, "true")
	w.check()
}

// takes chooses what to take along.
func (w *world) takes(kind string) {
	w.t.Helper()
	w.frame(`document.querySelector('[data-action=take]').click()`)
	w.want(`document.activeElement.dataset.kind`, "tsv")
	w.frame(`document.querySelector('[data-kind=` + kind + `]').click()`)
	w.want(`document.querySelectorAll('.take').length + document.querySelector('[data-action=take]').getAttribute('aria-expanded')`, "0false")
}

// caught puts files into window.files in place of the reader's disk.
const caught = `window.files = {}, URL.createObjectURL = function (blob) { blob.arrayBuffer().then(b => { files.last = new TextDecoder('utf-8', {ignoreBOM: true}).decode(b); files[files.name] = files.last; }); return 'blob:x'; },
	HTMLAnchorElement.prototype.click = function () { files.name = this.download; }`

// TestTakingAlongInABrowser: what is shown as a table and as files, in which nothing runs.
func TestTakingAlongInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	w.frame(`window.copied = '', document.execCommand = function () { copied = document.activeElement.value; return true; }`)
	w.frame(caught)
	// What a client filled in, and what stands in place of it in a cell.
	const put = `(function () {
		const values = [...document.querySelectorAll('#panel-fields .field:not(.empty) .value')].filter(v => v.checkVisibility() && !v.querySelector('.values'));
		['=HYPERLINK("https://evil.example")', '+1 202 555', '@sum', '-7,5', '-2+3', 'two\nlines, "quoted"'].forEach((text, i) => { values[i].textContent = text; });
		return values.length;
	})()`
	if n := w.frame(put); len(n) < 2 {
		t.Fatalf("%s values", n)
	}
	w.frame(`document.querySelector('[data-action=take]').click()`)
	w.want(`document.querySelector('[data-action=take]').getAttribute('aria-expanded') + document.activeElement.textContent`, "trueCopy for a spreadsheet")
	w.both("take")
	w.frame(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))`)
	w.want(`document.querySelectorAll('.take').length + document.activeElement.dataset.action`, "0take")
	w.takes("tsv")
	w.want(`copied.includes("\t\"'=HYPERLINK(\"\"https") + ' ' + copied.includes("\t'+1 202") + ' ' + copied.includes("\t'@sum") + ' ' + copied.includes('\t-7,5') + ' ' + copied.includes("\t'-2+3") + ' ' + copied.includes('\t"two\nlines, ""quoted"""')`,
		"true true true true true true")
	w.want(`copied.includes('Delivery\tBy courier\tufCrm_1700000000101') + ' ' + copied.includes('Display cable\t')`, "true true")
	w.takes("csv")
	const csv = `files['item-2-20.csv']`
	w.want(csv+`?.charCodeAt(0) + ' ' + `+csv+`.includes('"two\nlines, ""quoted"""') + ' ' + `+csv+`.includes('=HYPERLINK(""https') + ' ' + `+csv+`.includes('Delivery,By courier,ufCrm_1700000000101\r\n')`, "65279 true true true")
	w.takes("json")
	w.want(`JSON.parse(files['item-2-20.json'] ?? '{}').title`, "Scales for the northern warehouse")
	// What the filter leaves is what is taken.
	w.typeInto("filter", "delivery")
	w.takes("tsv")
	w.want(`copied.split('\n').filter(r => r.startsWith('Delivery')).length + ' ' + copied.includes('Display cable')`, "1 false")
	w.typeInto("filter", "")
	// A view's tables, and where decimals have a comma, cells that a semicolon parts.
	w.switchTo("lang", "de")
	w.openTab("/crm/deal/details/20/")
	w.waitFrame("Nordlicht Logistics")
	w.frame(`document.getElementById('view-rest').click()`)
	w.waitFrame("B24PySDK")
	w.frame(caught)
	w.takes("csv")
	w.want(`files['item-2-20-rest.csv']?.slice(1).split('\r\n')[0]`, "Code;Typ;Mehrfach;Schreibgeschützt;Pflichtfeld;Name")
	w.check()
}
