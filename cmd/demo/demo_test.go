package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"itemlens/internal/stack"
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
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true),
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

// frame runs a script in the app's iframe, which is on another origin, and returns its text.
func (b *browser) frame(script string) string {
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
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+script+")", func(p *runtime.EvaluateParams) { p.UniqueContextID = id }))
	if err != nil {
		return "" // the frame is between two pages
	}
	return text
}

// waitFrame waits until the text of the app's page holds something.
func (b *browser) waitFrame(want string) string {
	b.t.Helper()
	var text string
	for deadline := time.Now().Add(45 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if text = b.frame("document.body.innerText"); strings.Contains(text, want) {
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

// TestWholePathInABrowser walks what the demo is for: install, look at a lead, be refused, remove.
func TestWholePathInABrowser(t *testing.T) {
	var log bytes.Buffer
	d, err := start(context.Background(), "127.0.0.1:0", &log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	b := newBrowser(t, d.AppURL)
	home := d.Portal.URL()

	b.run(chromedp.Navigate(home+"/market/"), chromedp.Click(chromedp.CSS("#install")))
	b.waitFrame("Item Lens is installed")
	b.screenshot("install", 1280)
	b.screenshot("install", 375)
	b.waitFrame("CRM items") // installFinish made the portal open the app itself
	b.screenshot("home", 1280)
	if !d.Portal.Finished(stack.ClientID) {
		t.Error("the portal does not count the app as installed")
	}

	openTab := func(path string) {
		b.run(chromedp.Navigate(home+path), chromedp.Click(chromedp.CSS(`[data-placement]`)))
	}
	openTab("/crm/lead/details/250/")
	text := b.waitFrame("Lead #250")
	for _, want := range []string{"In progress", "$999.90", "Stage group", "Anna Berger", "Jul 22, 2024, 6:00 PM", "Administrative Company", "Customer number", "321", "empty fields"} {
		if !strings.Contains(text, want) {
			t.Errorf("the lead lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Skype") {
		t.Error("empty fields are not folded")
	}
	b.wantFitted()
	b.screenshot("lead", 1280)
	b.screenshot("lead", 375)
	b.frame(`document.querySelector('details').open = true`)
	b.waitFrame("Skype")
	b.wantFitted()

	openTab("/crm/type/1038/details/5/")
	b.waitFrame("Floor scale FS-300")
	b.screenshot("smart-process", 1280)
	b.screenshot("smart-process", 375)
	openTab("/crm/lead/details/252/")
	b.waitFrame("Angle brackets")
	b.screenshot("long-values", 375)
	openTab("/crm/type/1038/details/6/")
	b.waitFrame("Bench scale BS-12")
	b.screenshot("empty-values", 1280)

	b.switchTo("user", "3")
	openTab("/crm/lead/details/250/")
	text = b.waitFrame("You may not read this item")
	if strings.Contains(text, "Lead #250") || strings.Contains(text, "999.9") {
		t.Errorf("the refused view shows the item:\n%s", text)
	}
	b.screenshot("refused", 1280)
	b.screenshot("refused", 375)

	b.switchTo("user", "1")
	b.switchTo("lang", "ru")
	openTab("/crm/lead/details/250/")
	b.waitFrame("В работе")
	b.screenshot("lead-ru", 1280)
	b.screenshot("lead-ru", 375)

	before := d.Portal.Requests("")
	openTab("/crm/lead/details/250/")
	b.waitFrame("Lead #250")
	t.Logf("portal requests for a warm page, by the simulator's own count: %d", d.Portal.Requests("")-before)

	b.run(chromedp.Navigate(home+"/market/"), chromedp.Click(chromedp.CSS("#remove")), chromedp.WaitVisible(chromedp.CSS("#install")))
	d.Sim.Deliveries()
	if _, err := d.Store.Portal(t.Context(), "x"); err == nil {
		t.Error("an unknown portal is known")
	}
	b.run(chromedp.Navigate(home + "/crm/lead/details/250/"))
	tabs, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll('[data-placement]').length`))
	if err != nil || tabs != 0 {
		t.Errorf("%d tabs are still there, %v", tabs, err)
	}
	res, err := http.Get(d.OperatorURL + "/readyz")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the app is not ready in the end: %v", err)
	}
	if res != nil {
		_ = res.Body.Close()
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	for _, problem := range b.problems {
		if !strings.Contains(problem, "status of 403") { // the refused view, which is the portal's answer
			t.Error(problem)
		}
	}
	for _, secret := range append(d.Sim.Issued(), d.App.ClientSecret) {
		if strings.Contains(log.String(), secret) {
			t.Fatal("a secret stands in the log")
		}
	}
}

func (b *browser) switchTo(name, value string) {
	b.t.Helper()
	b.run(chromedp.SetValue(chromedp.CSS("#"+name), value), chromedp.Click(chromedp.CSS(".switch button")), chromedp.WaitReady(chromedp.CSS("#"+name+` option[value="`+value+`"][selected]`)))
}

// wantFitted fails if the frame has a scroll bar of its own, once the portal had time to resize it.
func (b *browser) wantFitted() {
	b.t.Helper()
	var fits string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		fits = b.frame(`document.documentElement.scrollHeight <= window.innerHeight && document.documentElement.scrollWidth <= window.innerWidth`)
		if fits == "true" {
			return
		}
	}
	b.t.Errorf("the frame scrolls by itself: fits = %s", fits)
}
