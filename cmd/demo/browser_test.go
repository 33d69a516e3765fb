package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium that collects what goes wrong in its pages.
type browser struct {
	t         *testing.T
	appOrigin string
	ctx       context.Context
	mu        sync.Mutex
	problems  []string
	contexts  []*runtime.ExecutionContextDescription // living script contexts, the newest last
}

func newBrowser(t *testing.T, appOrigin string) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Fatal("no Chromium on this machine: `apt-get install chromium` (or `make deps`)")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Env("TZ=Europe/Istanbul"), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true),
		// A mouse, which a headless browser has not: what shows beneath a pointer alone is not shown.
		chromedp.Flag("blink-settings", "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-site-isolation-trials", true), chromedp.Flag("disable-features", "IsolateOrigins,site-per-process,Translate"))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	ctx, cancelTimeout := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(func() { cancelTimeout(); cancel(); cancelAllocator() })
	b := &browser{t: t, appOrigin: appOrigin, ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExecutionContextCreated:
			b.contexts = append(b.contexts, e.Context)
		case *runtime.EventExecutionContextDestroyed:
			b.contexts = slices.DeleteFunc(b.contexts, func(c *runtime.ExecutionContextDescription) bool { return c.UniqueID == e.ExecutionContextUniqueID })
		case *runtime.EventExecutionContextsCleared:
			b.contexts = nil
		case *runtime.EventExceptionThrown:
			b.problems = append(b.problems, "exception: "+e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				b.problems = append(b.problems, "console: "+fmt.Sprint(e.Args))
			}
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == cdplog.EntryLevelError {
				b.problems = append(b.problems, "log: "+e.Entry.Text+" "+e.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// frame runs an expression in the app's iframe, which is on another origin, and returns its text.
func (b *browser) frame(expression string) string {
	b.t.Helper()
	return b.script("String(" + expression + ")")
}

// script runs statements there; the last one's value is text.
func (b *browser) script(statements string) string {
	b.t.Helper()
	b.mu.Lock()
	id := ""
	for _, c := range b.contexts {
		if c.Origin == b.appOrigin {
			id = c.UniqueID
		}
	}
	b.mu.Unlock()
	if id == "" {
		return "" // no page of the app is open
	}
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](statements, func(p *runtime.EvaluateParams) { p.UniqueContextID = id }))
	if err != nil {
		return "" // the frame is between two pages
	}
	return text
}

// waitFrame waits until the text of the app's page holds something and its script runs, which takes the session out of it.
func (b *browser) waitFrame(want string) string {
	b.t.Helper()
	var text string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if text = b.frame("document.body.innerText"); strings.Contains(text, want) && b.frame("document.body.dataset.session") == "undefined" {
			return text
		}
	}
	b.screenshot("failed", 1280)
	b.t.Fatalf("the frame does not show %q but\n%s\nproblems: %v", want, text, b.problems)
	return ""
}

// screenshot writes a picture where ITEMLENS_SCREENSHOTS says, if it says so.
func (b *browser) screenshot(name string, width int64) {
	b.t.Helper()
	dir := os.Getenv("ITEMLENS_SCREENSHOTS")
	if dir == "" {
		return
	}
	b.run(chromedp.EmulateViewport(width, 800), chromedp.Sleep(400*time.Millisecond))
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(chromedp.EmulateViewport(1280, 800))
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// switchTo chooses a user or a language on the portal's page.
func (b *browser) switchTo(name, value string) {
	b.t.Helper()
	if now, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.getElementById("`+name+`").value`)); err == nil && now == value {
		return
	}
	b.run(chromedp.SetValue(chromedp.CSS("#"+name), value), chromedp.Click(chromedp.CSS(".switch button")), chromedp.WaitReady(chromedp.CSS("#"+name+` option[value="`+value+`"][selected]`)))
}

// wantFitted fails if the frame has a scroll bar of its own, once the portal had time to resize it.
func (b *browser) wantFitted() {
	b.t.Helper()
	var fits string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		fits = b.frame(`document.documentElement.scrollHeight <= window.innerHeight && document.documentElement.scrollWidth <= window.innerWidth`)
		if fits == "true" {
			return
		}
	}
	wide := b.frame(`[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1).slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join(' | ')`)
	b.t.Errorf("the frame scrolls by itself: fits = %s; height %s; too wide: %s", fits, b.frame(`document.documentElement.scrollHeight + ' of ' + innerHeight`), wide)
}

// block keeps an address from being loaded.
func (b *browser) block(address string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	params := network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: address, Block: true}}}
	if _, err := chromedp.Call(b.ctx, network.SetBlockedURLs, params); err != nil {
		b.t.Fatal(err)
	}
}

// media shows pages as on another medium: print, or "" for the screen.
func (b *browser) media(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name}); err != nil {
		b.t.Fatal(err)
	}
}

// look shows pages in the light or the dark look, as the system asks for it.
func (b *browser) look(scheme string) {
	b.t.Helper()
	params := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, params); err != nil {
		b.t.Fatal(err)
	}
}

// slow gives every page a line of 400 kbit/s that takes 400 ms there and back.
func (b *browser) slow() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	params := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{{Latency: 400, DownloadThroughput: 50_000, UploadThroughput: 50_000}}}
	if _, err := chromedp.Call(b.ctx, network.EmulateNetworkConditionsByRule, params); err != nil {
		b.t.Fatal(err)
	}
}

// both takes a picture at both widths.
func (b *browser) both(name string) {
	b.t.Helper()
	b.screenshot(name, 1280)
	b.screenshot(name, 375)
}

// want waits until a script in the frame gives a text.
func (b *browser) want(script, want string) {
	b.t.Helper()
	var got string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = b.frame(script); got == want {
			return
		}
	}
	b.t.Errorf("%s is %q, want %q", script, got, want)
}

// typeInto gives a field of the frame a value, as typing does.
func (b *browser) typeInto(id, text string) {
	b.t.Helper()
	b.frame(fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event('input', {bubbles: true})); })(document.getElementById(%q))`, text, id))
}
