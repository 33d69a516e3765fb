package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/stack"
)

// marketDirectory is the environment variable that says where the market's pictures go.
const marketDirectory = "ITEMLENS_MARKET"

// The market's form: pictures of at most 1280 by 720, an icon from 250 to 650 without transparency
// (market/preparing-to-publish/common-requirements.md).
const (
	pictureWidth, pictureHeight = 1280, 720
	iconSide                    = 512
)

// TestMarketPicturesInABrowser opens what the market's pictures show, in the portal's slider: a card, its products and
// history, the app's own
// page and the settings, in English and Russian. It writes them and the icon where ITEMLENS_MARKET says, if it says so.
func TestMarketPicturesInABrowser(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.run(chromedp.EmulateViewport(pictureWidth, pictureHeight))
	for _, lang := range []struct{ code, home, settings string }{
		{"en", "CRM items", "Tabs in CRM cards"},
		{"ru", "Элементы CRM", "Вкладки в карточках CRM"},
	} {
		w.run(chromedp.Navigate(w.Portal.URL() + "/crm/deal/list/"))
		w.switchTo("lang", lang.code)
		w.inSlider("/crm/deal/details/20/")
		w.slide(`document.querySelector('[data-placement]').click()`)
		w.waitFrame("Nordlicht Logistics")
		w.wantFitted()
		w.want(`document.querySelectorAll('[data-name]').length`, "0") // no name is still to come
		w.picture("card-" + lang.code)
		products := w.frame(`document.querySelector('.products').getBoundingClientRect().top - 64`)
		w.slide(`document.documentElement.scrollTo(0, document.querySelector('.panel iframe').getBoundingClientRect().top + ` + products + `)`)
		w.picture("fields-" + lang.code)

		w.slide(`document.documentElement.scrollTo(0, 0)`)
		w.frame(`document.getElementById('view-history').click()`)
		w.want(`document.querySelectorAll('#panel-history .day').length > 0`, "true")
		w.picture("history-" + lang.code)
		w.frame(`document.getElementById('view-fields').click()`) // for the next language; the choice is remembered

		w.run(chromedp.Navigate(w.Portal.URL() + "/market/"))
		w.inSlider("/market/app/" + stack.ClientID + "/")
		w.waitFrame(lang.home)
		w.waitFrame("Scales for the northern warehouse")
		w.picture("search-" + lang.code)
		w.frame(`document.querySelector('[data-action=settings]').click()`)
		w.waitFrame(lang.settings)
		w.want(`document.querySelectorAll('#arrangement > .item').length > 20`, "true")
		w.section("cards")
		w.chooseType("2")
		w.frame(`document.activeElement.blur()`)
		w.picture("settings-" + lang.code)
	}
	w.icon()
	w.check()
}

// inSlider follows a link of the portal's page, which opens in the slider.
func (w *world) inSlider(path string) {
	w.t.Helper()
	w.run(chromedp.Click(chromedp.CSS(`a[data-slider][href$="`+path+`"]`)), chromedp.WaitVisible(chromedp.CSS("#slider-close")))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if w.slide(`document.readyState === 'complete' && !document.querySelector('nav, header') && document.body.className`) == "slid-open" {
			return
		}
	}
	w.t.Fatalf("%s did not open in the slider, or not without the portal's menu", path)
}

// slide runs an expression in the page that the slider shows, and returns its text.
func (w *world) slide(expression string) string {
	w.t.Helper()
	text, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`String((document => `+expression+`)(document.querySelector('.slider iframe').contentDocument))`))
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// picture takes one of what the window shows, as the market wants it.
func (w *world) picture(name string) {
	w.t.Helper()
	if os.Getenv(marketDirectory) != "" {
		w.run(chromedp.Sleep(400 * time.Millisecond)) // what fades in has done so
	}
	w.save(name, pictureWidth, pictureHeight)
}

// icon draws the app's icon on a ground of its own colour, without which its round corners would be transparent.
func (w *world) icon() {
	w.t.Helper()
	drawing, err := os.ReadFile(filepath.Join("..", "..", "web", "static", "icon.svg"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(chromedp.Navigate("about:blank"), chromedp.EmulateViewport(iconSide, iconSide))
	script := "document.body.innerHTML = `" + string(drawing) + "`;" + `
		document.body.style = 'margin: 0; overflow: hidden; background: ' + document.querySelector('rect').getAttribute('fill');
		document.querySelector('svg').style = 'display: block; width: 100vw; height: 100vh';
		'drawn'`
	if _, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](script)); err != nil {
		w.t.Fatal(err)
	}
	w.save("icon-512", iconSide, iconSide)
}

// save takes a picture of the window and writes it where ITEMLENS_MARKET says.
func (w *world) save(name string, width, height int) {
	w.t.Helper()
	shot, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Fatal(err)
	}
	drawn, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		w.t.Fatal(err)
	}
	if got := drawn.Bounds(); got != image.Rect(0, 0, width, height) {
		w.t.Errorf("%s is %v, want %d by %d", name, got, width, height)
	}
	if opaque, ok := drawn.(interface{ Opaque() bool }); !ok || !opaque.Opaque() {
		w.t.Errorf("%s is transparent", name)
	}
	dir := os.Getenv(marketDirectory)
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
