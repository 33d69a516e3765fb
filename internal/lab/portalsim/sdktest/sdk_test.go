//go:build npm

// Package sdktest holds the official JS SDK against the simulator: in the portal page's iframe in a browser, and over
// OAuth and webhooks from Node. It needs `npm ci` in this directory; `make test-npm` does both.
package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/portalsim"
)

const clientID = "app.sdk"

func newSim(t *testing.T, appURL string) (*portalsim.Sim, *portalsim.Portal) {
	t.Helper()
	sim, err := portalsim.New(portalsim.Options{RateBurst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	p, err := sim.AddPortalWith("Acme", portalsim.PortalOptions{Items: 700, OnPrem: true})
	if err != nil {
		t.Fatal(err)
	}
	sim.RegisterApp(portalsim.App{
		ClientID: clientID, ClientSecret: "sdk-secret", Name: "SDK", URL: appURL + "/?mode=page", InstallURL: appURL + "/?mode=install",
		Scope: []string{"crm", "placement", "user_brief"},
	})
	if err := p.Install(clientID, 1); err != nil {
		t.Fatal(err)
	}
	return sim, p
}

func TestSDKFromNode(t *testing.T) {
	sim, p := newSim(t, "http://127.0.0.1:1")
	pair := func() map[string]string {
		o, err := p.Open(clientID, 1, "DEFAULT", "")
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"access": o.Form.Get("AUTH_ID"), "refresh": o.Form.Get("REFRESH_ID")}
	}
	expired := pair()
	sim.ExpireAccessTokens()
	fresh := pair()
	// The SDK takes webhooks over https alone, so a front with TLS stands before the portal.
	origin, err := url.Parse(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(origin) }})
	defer front.Close()
	hook := strings.TrimRight(strings.Replace(p.AddWebhook(1, "crm", "user_brief", "placement"), p.URL(), front.URL, 1), "/")
	settings, err := json.Marshal(map[string]any{
		"access": fresh["access"], "refresh": fresh["refresh"], "expired": expired, "memberId": p.MemberID, "domain": p.URL(),
		"clientEndpoint": p.Endpoint(), "serverEndpoint": sim.OAuthURL() + "/rest/", "clientId": clientID, "clientSecret": "sdk-secret",
		"applicationToken": p.ApplicationToken(clientID), "webhook": hook,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "oauth.test.mjs")
	cmd.Env = append(os.Environ(), "SIM="+string(settings), "NODE_TLS_REJECT_UNAUTHORIZED=0", "NODE_NO_WARNINGS=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func TestSDKInTheFrame(t *testing.T) {
	var sim *portalsim.Sim
	reports := make(chan map[string]any, 4)
	app := http.NewServeMux()
	app.HandleFunc("GET /sdk.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "node_modules/@bitrix24/b24jssdk/dist/umd/index.min.js")
	})
	app.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen := map[string]any{}
		_ = json.Unmarshal(body, &seen)
		reports <- seen
	})
	app.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		name, library := "frame.html", ""
		if r.URL.Query().Get("mode") == "bx24" {
			name, library = "bx24.html", sim.JSLibraryURL()
		}
		page, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(bytes.Replace(page, []byte("LIBRARY"), []byte(library), 1))
	})
	server := httptest.NewServer(app)
	defer server.Close()
	var p *portalsim.Portal
	sim, p = newSim(t, server.URL)

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancelAllocator()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	ctx, cancelTimeout := context.WithTimeout(ctx, 3*time.Minute)
	defer cancelTimeout()
	report := func() map[string]any {
		select {
		case seen := <-reports:
			return seen
		case <-time.After(time.Minute):
			t.Fatal("the SDK reported nothing")
			return nil
		}
	}
	want := func(seen map[string]any, values map[string]any) {
		t.Helper()
		for name, value := range values {
			got, _ := json.Marshal(seen[name])
			expected, _ := json.Marshal(value)
			if string(got) != string(expected) {
				t.Errorf("%s: %s, want %s", name, got, expected)
			}
		}
		if fatal, ok := seen["fatal"]; ok {
			t.Errorf("fatal: %v", fatal)
		}
	}

	if err := chromedp.Do(ctx, chromedp.Navigate(p.URL()+"/market/app/"+clientID+"/")); err != nil {
		t.Fatal(err)
	}
	first := report()
	want(first, map[string]any{"install": true, "admin": true, "lang": "en", "placement": "DEFAULT", "origin": p.URL()})
	seen := report() // installFinish made the portal open the app's own page
	item := map[string]any{"item": 250, "person": "Anna"}
	want(seen, map[string]any{
		"install": false, "item": "Lead #250", "missing": "failed: Item not found", "list": []int{250, 251}, "batch": item,
		"refresh": true, "fit": true, "title": true, "appOption": "blue", "userOption": "large", "interface": true, "sid": 32,
	})
	if !p.Finished(clientID) {
		t.Error("installFinish did not finish the installation")
	}
	title, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS("h1")))
	if err != nil || title != "Title from the SDK" {
		t.Errorf("title %q, %v", title, err)
	}

	// A placement with its options, and the slider.
	p.BindForTest(clientID, "CRM_LEAD_DETAIL_TAB", server.URL+"/?mode=path")
	if err := chromedp.Do(ctx, chromedp.Navigate(p.URL()+"/crm/lead/details/250/"), chromedp.Click(chromedp.CSS("[data-placement]")),
		chromedp.Click(chromedp.CSS(".picker label:nth-of-type(2) input")), chromedp.Click(chromedp.CSS("#picker-ok")),
		chromedp.Click(chromedp.CSS(".picker label:nth-of-type(1) input[type=checkbox]")), chromedp.Click(chromedp.CSS("#picker-ok")),
		chromedp.WaitVisible(chromedp.CSS("#slider-close")), chromedp.Click(chromedp.CSS("#slider-close"))); err != nil {
		t.Fatal(err)
	}
	seen = report()
	want(seen, map[string]any{"placement": "CRM_LEAD_DETAIL_TAB", "openPath": true, "selectUser": "Marco Rossi", "selectCRM": []string{"D_20"}})
	if options, _ := seen["options"].(map[string]any); options["ID"] != "250" {
		t.Errorf("options %v", seen["options"])
	}

	// The platform's own library, as the simulator serves it.
	p.BindForTest(clientID, "CRM_DEAL_DETAIL_TAB", server.URL+"/?mode=bx24")
	if err := chromedp.Do(ctx, chromedp.Navigate(p.URL()+"/crm/deal/details/20/"), chromedp.Click(chromedp.CSS("[data-placement]"))); err != nil {
		t.Fatal(err)
	}
	want(report(), map[string]any{
		"admin": true, "lang": "en", "placement": "CRM_DEAL_DETAIL_TAB", "item": "Lead #250", "error": "NOT_FOUND", "person": "Anna",
		"bad": "ERROR_METHOD_NOT_FOUND", "first": 50, "more": true, "second": true, "option": map[string]any{"a": []int{1}}, "refreshed": true,
	})
}
