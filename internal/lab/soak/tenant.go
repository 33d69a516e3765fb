package soak

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"itemlens/internal/lab/portalsim"
)

// items are what is opened.
var items = []struct {
	placement string
	id        int
}{
	{"CRM_LEAD_DETAIL_TAB", 250}, {"CRM_DEAL_DETAIL_TAB", 20}, {"CRM_DEAL_DETAIL_TAB", 22}, {"CRM_COMPANY_DETAIL_TAB", 40}, {"DEFAULT", 0},
}

// keptForms is how many pages of a portal are remembered, to be posted again.
const keptForms = 4

// page is one that was opened.
type page struct {
	opening portalsim.Opening
	session string
}

// tenant is one portal and what its people do. One goroutine works on it.
type tenant struct {
	world   *world
	portal  *portalsim.Portal
	address string // of its people, as a proxy tells it
	pages   []page // of this installation, the newest last
	there   bool   // the platform has the app
	seen    bool   // the app may know the portal
	cleaned bool   // it was last removed with its data
	renamed int
}

var (
	sessionOf = regexp.MustCompile(`data-session="([^"]+)"`)
	problemOf = regexp.MustCompile(`data-problem="([^"]+)"|^\{[^}]*"error":"([^"]+)"`)
)

// do takes a step. What needs an installation is an installation where there is none, once in four times.
func (t *tenant) do(ctx context.Context, s step) {
	switch {
	case !t.there && s.kind%4 != 0:
		return
	case !t.there || !t.portal.Finished(clientID):
		t.install(ctx)
		return
	}
	switch s.act {
	case open:
		t.open(ctx, s, "")
	case garbage:
		t.open(ctx, s, fmt.Sprintf("garbage%d", s.kind))
	case ask:
		if p := t.page(s); p != nil {
			target, body := "/in/item", fmt.Sprintf(`{"entityTypeId":1,"id":%d}`, items[0].id)
			if s.yes {
				target, body = "/in/names", `{"names":["user:1","user:2"]}`
			}
			t.send(ctx, target, p.session, "application/json", body)
		}
	case reload:
		if p := t.page(s); p != nil {
			t.post(ctx, p.opening)
		}
	case together:
		if p := t.page(s); p != nil {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { t.post(ctx, p.opening) })
			}
			wg.Wait()
		}
	case event:
		name := []string{"ONCRMLEADUSERFIELDADD", "ONCRMTYPEADD", "ONCRMTYPEUPDATE"}[s.kind%3]
		t.portal.Emit(clientID, name, url.Values{"data[FIELDS][ID]": {"1"}}, s.user)
	case payment:
		t.portal.SetPayment(clientID, []string{"S", "P", "F"}[s.kind%3], false)
	case fault:
		t.portal.AddFault(t.fault(s))
	case oauthFault:
		f := portalsim.Fault{Kind: []string{"html", "reset", "empty", "delay"}[s.kind%4], Count: 1, Delay: 200 * time.Millisecond}
		f.Method = []string{"oauth/token", "app.info"}[s.count%2]
		t.world.sim.AddOAuthFault(f)
	case stranger:
		form := url.Values{"AUTH_ID": {"forged"}, "REFRESH_ID": {"forged"}, "member_id": {t.portal.MemberID}, "PLACEMENT": {"DEFAULT"}}
		t.send(ctx, "/?DOMAIN="+t.portal.Domain()+"&PROTOCOL=0&LANG=en&APP_SID=x", "", formType, form.Encode())
	case update:
		t.portal.UpdateAs(clientID, []string{portalsim.UpdateHidden, portalsim.UpdateErased, portalsim.UpdateTold}[s.kind%3])
		t.install(ctx)
	case rename:
		if t.renamed < 2 && t.portal.Rename() == nil {
			t.renamed++
		}
	case remove:
		t.remove(s.yes)
	}
}

// faultKinds are the ways in which portals fail.
var faultKinds = []string{"html", "empty", "text", "truncated", "cut", "reset", "delay", "huge", "QUERY_LIMIT_EXCEEDED", "INTERNAL_SERVER_ERROR"}

func (t *tenant) fault(s step) portalsim.Fault {
	f := portalsim.Fault{Kind: faultKinds[s.kind%len(faultKinds)], Count: s.count, Status: http.StatusServiceUnavailable}
	if f.Kind == "delay" {
		f.Delay = time.Duration(s.kind%1500) * time.Millisecond
	}
	return f
}

// install opens the install page until the platform counts the installation as finished: the page's script says so.
func (t *tenant) install(ctx context.Context) bool {
	if err := t.portal.Install(clientID, 1); err != nil {
		t.world.found("install in %s: %v", t.portal.Name, err)
		return false
	}
	t.there, t.seen = true, true
	if t.portal.Finished(clientID) {
		return true
	}
	opening, err := t.portal.Open(clientID, 1, "DEFAULT", "")
	if err != nil {
		t.world.found("install page of %s: %v", t.portal.Name, err)
		return false
	}
	status, body := t.post(ctx, opening)
	if status != http.StatusOK || !strings.Contains(body, "data-install-finish") {
		return false
	}
	t.portal.FinishInstall(clientID)
	return true
}

// remove takes the app out of the portal. What was posted before is of no use afterwards.
func (t *tenant) remove(clean bool) {
	t.portal.Uninstall(clientID, clean)
	t.there, t.cleaned, t.pages = false, clean, nil
}

func (t *tenant) page(s step) *page {
	if len(t.pages) == 0 {
		return nil
	}
	return &t.pages[len(t.pages)-1-s.form%len(t.pages)]
}

// open opens an item, with another refresh token than the platform's where one is given.
func (t *tenant) open(ctx context.Context, s step, refresh string) int {
	item := items[s.item]
	options := ""
	if item.id > 0 {
		options = fmt.Sprintf(`{"ID":"%d"}`, item.id)
	}
	opening, err := t.portal.Open(clientID, s.user, item.placement, options)
	if err != nil {
		return 0 // a tab that is not bound yet is not there to be opened
	}
	if refresh != "" {
		opening.Form.Set("REFRESH_ID", refresh)
	}
	status, body := t.post(ctx, opening)
	if status == http.StatusOK {
		opened := page{opening: opening}
		if match := sessionOf.FindStringSubmatch(body); match != nil {
			opened.session = match[1]
		}
		t.pages = append(t.pages, opened)
		t.pages = t.pages[max(0, len(t.pages)-keptForms):]
	}
	return status
}

const formType = "application/x-www-form-urlencoded"

func (t *tenant) post(ctx context.Context, o portalsim.Opening) (status int, body string) {
	return t.send(ctx, o.URL, "", formType, o.Form.Encode())
}

// send sends one request, and counts what came back. A page that fails for a reason of the app's own is a finding.
func (t *tenant) send(ctx context.Context, target, session, contentType, body string) (status int, text string) {
	if strings.HasPrefix(target, "/") {
		target = t.world.appURL + target
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.world.found("make a request: %v", err)
		return 0, ""
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Forwarded-For", t.address)
	if session != "" {
		req.Header.Set("Authorization", "Bearer "+session)
	}
	res, err := t.world.client.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			t.world.found("no answer: %v", err)
		}
		return 0, ""
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.world.found("half an answer: %v", err)
	}
	problem := ""
	if match := problemOf.FindStringSubmatch(string(answer)); match != nil {
		problem = match[1] + match[2]
	}
	t.world.count(res.StatusCode, problem)
	if problem == "internal" || problem == "storage_down" || res.StatusCode == http.StatusInternalServerError {
		t.world.found("a page of %s: %d %s", t.portal.Name, res.StatusCode, problem)
	}
	return res.StatusCode, string(answer)
}
