package server_test

import (
	"encoding/json"
	"go/format"
	"html"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lens"
)

var (
	programs = regexp.MustCompile(`(?s)<summary><bdi>(.*?)</bdi></summary>.*?<pre [^>]*>(.*?)</pre>`)
	answer   = regexp.MustCompile(`(?s)aria-label="Response">(.*?)</pre>`)
)

// TestRequestOfAnItem: the view holds the answer and programs that get the same item, for those who may see codes; no
// token of anybody stands in it (apptest looks into every answer for those).
func TestRequestOfAnItem(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	page := app.Open(1, "CRM_DEAL_DETAIL_TAB", 20)
	view := app.Ask(page, "/in/lens/rest", `{"entityTypeId":2,"id":20}`)
	if view.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", view.Status, view.Body)
	}
	inOrder(t, view.Body, "POST "+app.Portal.Endpoint()+"crm.item.get", "&#34;entityTypeId&#34;: 2", "operating</bdi>", " s</bdi>", "Response", "ufCrm_1700000000101", "enumeration", "Delivery")
	var told struct {
		Result struct{ Item map[string]any }
		Time   map[string]any
	}
	if found := answer.FindStringSubmatch(view.Body); found == nil || json.Unmarshal([]byte(html.UnescapeString(found[1])), &told) != nil {
		t.Fatalf("no answer in\n%s", view.Body)
	}
	if told.Result.Item["title"] != "Scales for the northern warehouse" || told.Time["operating"] == nil {
		t.Errorf("the answer is %v, its time %v", told.Result.Item["title"], told.Time)
	}
	found := programs.FindAllStringSubmatch(view.Body, -1)
	if len(found) != 8 {
		t.Fatalf("%d programs", len(found))
	}
	hook := strings.Split(strings.Trim(strings.TrimPrefix(app.Portal.AddWebhook(1, "crm"), app.Portal.Endpoint()), "/"), "/")
	fill := strings.NewReplacer(lens.PlaceUser, hook[0], lens.PlaceWebhook, hook[1], lens.PlaceToken, app.Opening(1, "CRM_DEAL_DETAIL_TAB", 20).Form.Get("AUTH_ID"))
	for _, program := range found {
		name, code := html.UnescapeString(program[1]), html.UnescapeString(program[2])
		switch {
		case strings.HasPrefix(name, "cURL"):
			out, err := exec.CommandContext(t.Context(), "sh", "-c", fill.Replace(code)).Output()
			var got struct {
				Result struct{ Item map[string]any }
			}
			if err != nil || json.Unmarshal(out, &got) != nil || got.Result.Item["title"] != told.Result.Item["title"] {
				t.Errorf("%s: %v\n%s\n%s", name, err, code, out)
			}
		case strings.HasPrefix(name, "Python"):
			checked(t, name, code, "python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())")
		case strings.HasPrefix(name, "PHP"):
			checked(t, name, code, "php", "-l")
		case strings.HasPrefix(name, "JavaScript"):
			checked(t, name, code, "node", "--check", "--input-type=module", "-")
		case strings.HasPrefix(name, "Go"):
			if formatted, err := format.Source([]byte(code)); err != nil || string(formatted) != code {
				t.Errorf("%s: %v\n%s", name, err, formatted)
			}
		}
		if !strings.Contains(code, "crm.item.get") || !strings.Contains(code, "20") || strings.Contains(code, "TYPE") {
			t.Errorf("%s asks for something else:\n%s", name, code)
		}
	}
}

// checked has a language's own tool read a program, where this machine has the tool.
func checked(t *testing.T, name, code, tool string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Logf("%s: nobody reads it: %v", name, err)
		return
	}
	command := exec.CommandContext(t.Context(), tool, args...)
	command.Stdin = strings.NewReader(code)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%s", name, err, out, code)
	}
}

// TestRequestIsForThoseWhoSeeCodes: where those are administrators, the server decides, whatever a page asks for.
func TestRequestIsForThoseWhoSeeCodes(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	before := app.Open(2, "CRM_DEAL_DETAIL_TAB", 20)
	if !strings.Contains(before.Body, `id="view-rest"`) {
		t.Error("no tab while everybody sees codes")
	}
	admin := app.Open(1, "DEFAULT", nil)
	wantVersion(t, save(app, admin, 0, `{"codesFor":"administrators","cards":{"2":{"hidden":["probability"]}}}`), 1)
	if strings.Contains(app.Open(2, "CRM_DEAL_DETAIL_TAB", 20).Body, `id="view-rest"`) {
		t.Error("a tab for somebody who may not see codes")
	}
	for name, page := range map[string]apptest.Answer{"opened before": before, "opened now": app.Open(2, "CRM_DEAL_DETAIL_TAB", 20)} {
		if got := app.Ask(page, "/in/lens/rest", `{"entityTypeId":2,"id":20}`); got.Status != http.StatusForbidden || strings.Contains(got.Body, "opportunity") || strings.Contains(got.Body, "<") {
			t.Errorf("a page %s: status %d\n%s", name, got.Status, got.Body)
		}
	}
	requests := app.Portal.Requests("")
	mine := app.Ask(admin, "/in/lens/rest", `{"entityTypeId":2,"id":20}`)
	if mine.Status != http.StatusOK || !strings.Contains(mine.Body, "opportunity") || strings.Contains(mine.Body, "probability") {
		t.Errorf("an administrator: status %d\n%s", mine.Status, mine.Body)
	}
	if n := app.Portal.Requests("") - requests; n != 1 {
		t.Errorf("%d requests", n)
	}
}
