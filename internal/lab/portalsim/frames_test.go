package portalsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/portalsim"
)

// framePage is an app's page that tries what frames do and reports what it saw.
const framePage = `<!doctype html><style>body{margin:0}</style><div id="content"></div><script src="%s"></script><script>
const content = document.getElementById('content'), seen = {};
const pause = () => new Promise((done) => setTimeout(done, 300));
const call = (f) => new Promise((done) => { f(done); setTimeout(() => done({ unanswered: true }), 1500); });
BX24.init(async () => {
	try {
		content.style.height = '3000px'; BX24.fitWindow(); await pause(); seen.tall = innerHeight;
		content.style.height = '200px'; BX24.fitWindow(); await pause(); seen.shrunk = innerHeight;
		BX24.resizeWindow('100%%', 400); await pause(); seen.percent = innerWidth;
		BX24.resizeWindow(300, 200); await pause(); seen.pixels = [innerWidth, innerHeight];
		BX24.fitWindow(); await pause(); seen.wide = innerWidth > 300; seen.own = innerHeight;
		seen.quote = await call((done) => BX24.openPath('/crm/quote/details/70/', done));
		seen.title = await call((done) => BX24.setTitle('Title of a tab', done));
		
		seen.refusal = await new Promise((done) => BX24.callMethod('no.such.method', {}, (r) => done(String(r.error()))));
		const context = { n: 2, add(m) { return this.n + m; } };
		seen.proxy = [BX24.proxy(context.add, context)(3), BX24.proxy(context.add, context) === BX24.proxy(context.add, context), BX24.proxyContext()];
		const button = document.createElement('button'); let clicks = 0; const count = () => clicks++;
		BX24.bind(button, 'click', count); button.click(); BX24.unbind(button, 'click', count); button.click(); seen.clicks = clicks;
		BX24.placement.bindEvent('onSomething', () => {}); seen.called = await call((done) => BX24.placement.call('reloadData', {}, done));
		seen.im = Object.keys(BX24.im).length;
		await new Promise((done) => BX24.loadScript(['/one.js', '/two.js'], done)); seen.scripts = window.loaded;
	} catch (error) { seen.fatal = String(error); }
	fetch('/report', { method: 'POST', body: JSON.stringify(seen) });
});
</script>`

// tryFrame opens the page in a tab of a lead, in a browser.
func tryFrame(t *testing.T, truth portalsim.Truth, more ...chromedp.ExecAllocatorOption) map[string]any {
	t.Helper()
	sim, err := portalsim.New(portalsim.Options{RateBurst: 1000, Truth: truth})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	p, err := sim.AddPortal("acme", "")
	if err != nil {
		t.Fatal(err)
	}
	reports := make(chan map[string]any, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, framePage, sim.JSLibraryURL())
	})
	mux.HandleFunc("GET /one.js", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "window.loaded = 'one'") })
	mux.HandleFunc("GET /two.js", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "window.loaded += ' two'") })
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		seen := map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&seen)
		reports <- seen
	})
	app := httptest.NewServer(mux)
	defer app.Close()
	sim.RegisterApp(portalsim.App{ClientID: "app.frame", ClientSecret: "secret", Name: "Frame", URL: app.URL + "/", Scope: []string{"crm", "placement"}})
	if err := p.Install("app.frame", 1); err != nil {
		t.Fatal(err)
	}
	p.FinishInstall("app.frame")
	p.BindForTest("app.frame", "CRM_LEAD_DETAIL_TAB", app.URL+"/")

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true))
	options = append(options, more...)
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancelAllocator()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	ctx, cancelTimeout := context.WithTimeout(ctx, 90*time.Second)
	defer cancelTimeout()
	if err := chromedp.Do(ctx, chromedp.Navigate(p.URL()+"/crm/lead/details/250/"), chromedp.Click(chromedp.CSS("[data-placement]"))); err != nil {
		t.Fatal(err)
	}
	select {
	case seen := <-reports:
		if seen["fatal"] != nil {
			t.Fatalf("the page broke off: %v", seen["fatal"])
		}
		return seen
	case <-ctx.Done():
		t.Fatal("the page reported nothing")
		return nil
	}
}

func expect(t *testing.T, seen map[string]any, values map[string]any) {
	t.Helper()
	for name, value := range values {
		got, _ := json.Marshal(seen[name])
		wanted, _ := json.Marshal(value)
		if string(got) != string(wanted) {
			t.Errorf("%s: %s, want %s", name, got, wanted)
		}
	}
}

func TestFramesBehaveAsThePlatforms(t *testing.T) {
	seen := tryFrame(t, portalsim.Truth{Frames: true})
	expect(t, seen, map[string]any{
		"tall": 3000, "shrunk": 3000, // never smaller
		"percent": 100, "pixels": []int{300, 200}, "wide": true, "own": 200,
		"quote": map[string]any{"result": "error", "errorCode": "PATH_NOT_AVAILABLE"}, "title": map[string]any{"unanswered": true},
	})
	// The library, whatever the frame does.
	expect(t, seen, map[string]any{
		"refusal": "ERROR_METHOD_NOT_FOUND: Method not found! (404)", "proxy": []any{5, true, nil}, "clicks": 1, "im": 4, "scripts": "one two",
		"called": map[string]any{},
	})
}

func TestFramesAsTheyWere(t *testing.T) {
	seen := tryFrame(t, portalsim.Truth{})
	expect(t, seen, map[string]any{"tall": 3000, "shrunk": 200, "pixels": []int{300, 200}, "title": map[string]any{}})
	if percent, _ := seen["percent"].(float64); percent < 300 {
		t.Errorf("100%% became %v pixels", percent)
	}
}

func TestMobilesOpenNoPaths(t *testing.T) {
	seen := tryFrame(t, portalsim.Truth{Frames: true}, chromedp.UserAgent("Mozilla/5.0 (Linux; Android 15) Mobile Safari/537.36"))
	expect(t, seen, map[string]any{"quote": map[string]any{"result": "error", "errorCode": "METHOD_NOT_SUPPORTED_ON_DEVICE"}})
}
