package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"itemlens/internal/lab/apptest"
)

const deployFiles = "../../deploy/"

// exposed are the labels of each metric that a running app tells, by name; histograms have three names.
func exposed(t *testing.T, app *apptest.App) (text string, labels map[string]map[string]bool) {
	t.Helper()
	text = app.Send(http.MethodGet, app.OperatorURL+"/metrics", "", "").Body
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	labels = map[string]map[string]bool{}
	for name, family := range families {
		known := map[string]bool{"instance": true, "job": true}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				known[label.GetName()] = true
			}
		}
		if family.GetType() == dto.MetricType_HISTOGRAM {
			buckets := maps.Clone(known)
			buckets["le"] = true
			labels[name+"_bucket"], labels[name+"_count"], labels[name+"_sum"] = buckets, known, known
			continue
		}
		labels[name] = known
	}
	labels["up"], labels["ALERTS"] = map[string]bool{"job": true, "instance": true}, map[string]bool{"alertname": true, "alertstate": true} // Prometheus' own
	return text, labels
}

// selector finds metrics in PromQL, with their braces where they have any. What follows a parenthesis is a function.
var selector = regexp.MustCompile(`\b((?:itemlens|process|go)_[a-z_]+|up|ALERTS)\b(?:\{([^}]*)\})?`)

// matcher finds labels in braces, and the texts that they are compared with.
var matcher = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)

// checkExpression looks for metrics, labels and values that the app does not tell.
func checkExpression(t *testing.T, where, expression, operate string, labels map[string]map[string]bool) {
	t.Helper()
	found := selector.FindAllStringSubmatch(expression, -1)
	if len(found) == 0 {
		t.Errorf("%s asks for nothing: %s", where, expression)
	}
	for _, match := range found {
		known, ok := labels[match[1]]
		if !ok {
			t.Errorf("%s: a running app does not tell %s", where, match[1])
			continue
		}
		for _, m := range matcher.FindAllStringSubmatch(match[2], -1) {
			if !known[m[1]] {
				t.Errorf("%s: %s has no label %s", where, match[1], m[1])
			}
			if slices.Contains([]string{"outcome", "reason", "limit", "code"}, m[1]) {
				for value := range strings.SplitSeq(m[2], "|") {
					if value != "answer_.*" && !strings.Contains(operate, "`"+value+"`") {
						t.Errorf("%s: docs/operate.md does not know %s %q", where, m[1], value)
					}
				}
			}
		}
		for _, grouping := range regexp.MustCompile(`\bby \(([^)]*)\)`).FindAllStringSubmatch(expression, -1) {
			for by := range strings.SplitSeq(grouping[1], ",") {
				if by = strings.TrimSpace(by); !known[by] {
					t.Errorf("%s: %s has no label %s", where, match[1], by)
				}
			}
		}
	}
}

// TestDashboardAndAlertsAskForWhatTheAppTells: whatever they name is there in a running app, and told in docs/operate.md.
func TestDashboardAndAlertsAskForWhatTheAppTells(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	operate, alerts := read(t, "../../docs/operate.md"), read(t, deployFiles+"prometheus/alerts.yml")
	var text string
	var labels map[string]map[string]bool
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) { // until a first job is done
		if text, labels = exposed(t, app); labels["itemlens_job_seconds_bucket"] != nil || time.Now().After(deadline) {
			break
		}
	}

	t.Run("alerts", func(t *testing.T) {
		rules := regexp.MustCompile(`(?m)^ {6}- alert: `).Split(alerts, -1)[1:]
		if len(rules) < 10 {
			t.Fatalf("%d alerts", len(rules))
		}
		tests := read(t, deployFiles+"prometheus/alerts_test.yml")
		for _, rule := range rules {
			name, rest, _ := strings.Cut(rule, "\n")
			expression, _, _ := strings.Cut(rest, "        labels:")
			checkExpression(t, name, expression, operate, labels)
			if !strings.Contains(tests, `- labels: '{alertname="`+name+`"}'`) {
				t.Errorf("no unit test makes %s fire", name)
			}
			if !strings.Contains(rule, "runbook_url: docs/operate.md#"+strings.ToLower(name)+"\n") {
				t.Errorf("%s leads to no section of docs/operate.md", name)
			}
			_, section, found := strings.Cut(operate, "\n### "+name+"\n")
			section, _, _ = strings.Cut(section, "\n##")
			if !found || !strings.Contains(section, "Means:") || !strings.Contains(section, "Do:") {
				t.Errorf("docs/operate.md does not say what %s means and what to do", name)
			}
		}
		for _, heading := range regexp.MustCompile(`(?m)^### (ItemLens\w+)$`).FindAllStringSubmatch(operate, -1) {
			if !strings.Contains(alerts, "- alert: "+heading[1]+"\n") {
				t.Errorf("docs/operate.md tells of %s, which is no alert", heading[1])
			}
		}
	})
	t.Run("dashboard", func(t *testing.T) {
		var dashboard struct {
			UID    string `json:"uid"`
			Panels []struct {
				Title   string `json:"title"`
				Type    string `json:"type"`
				Targets []struct {
					Expr string `json:"expr"`
				} `json:"targets"`
			} `json:"panels"`
			Templating struct {
				List []struct {
					Query json.RawMessage `json:"query"`
				} `json:"list"`
			} `json:"templating"`
		}
		if err := json.Unmarshal([]byte(read(t, deployFiles+"grafana/item-lens.json")), &dashboard); err != nil {
			t.Fatal(err)
		}
		shown := map[string]bool{}
		for _, panel := range dashboard.Panels {
			if panel.Type == "row" {
				continue
			}
			for _, target := range panel.Targets {
				checkExpression(t, panel.Title, target.Expr, operate, labels)
				for _, match := range selector.FindAllStringSubmatch(target.Expr, -1) {
					shown[match[1]] = true
				}
			}
			if len(panel.Targets) == 0 {
				t.Errorf("%s shows nothing", panel.Title)
			}
		}
		for name := range labels {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
			if strings.HasPrefix(name, "itemlens_") && !shown[name] && !shown[name+"_bucket"] && !shown[name+"_count"] {
				t.Errorf("no panel shows %s", name)
			}
		}
	})
	t.Run("docs", func(t *testing.T) {
		for name := range labels {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
			if strings.HasPrefix(name, "itemlens_") && !strings.Contains(operate, "`"+name+"`") {
				t.Errorf("docs/operate.md does not list %s", name)
			}
		}
	})
	t.Run("no portal in a label", func(t *testing.T) {
		for _, word := range []string{app.Portal.MemberID, strings.TrimPrefix(app.Portal.URL(), "http://"), app.DatabaseURL} {
			if strings.Contains(text, word) {
				t.Errorf("%s stands among the metrics", word)
			}
		}
	})
}

// TestAlertsByPrometheusItself has promtool check the rules and run their unit tests.
func TestAlertsByPrometheusItself(t *testing.T) {
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}} {
		command := exec.CommandContext(t.Context(), "promtool", args...)
		command.Dir = deployFiles + "prometheus"
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %s (make deps installs it): %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
