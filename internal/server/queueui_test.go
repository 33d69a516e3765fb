package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/secret"
)

const operatorPassword = "the-operators-password-of-this-test"

// operatorAsk asks the operator's address.
func operatorAsk(t *testing.T, app *apptest.App, method, path string, prepare func(*http.Request)) (status int, body string, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, app.OperatorURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,application/json")
	if prepare != nil {
		prepare(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text), response.Header
}

func basic(r *http.Request)  { r.SetBasicAuth("night", operatorPassword) }
func bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+operatorPassword) }

// withQueueUI starts an app with the pages about the queue, and a job in it.
func withQueueUI(t *testing.T, mode config.QueueUI) *apptest.App {
	t.Helper()
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) {
		c.QueueUI, c.OperatorPassword = mode, secret.New(operatorPassword)
	}))
	app.SQL(`INSERT INTO river_job (args, kind, max_attempts, queue, state, scheduled_at) VALUES ('{"member_id":"a-portal"}', 'bind', 3, 'bind', 'scheduled', now() + interval '1 day')`)
	return app
}

func TestTheQueueIsShownToOperatorsAlone(t *testing.T) {
	app := withQueueUI(t, config.QueueUIRead)
	for name, prepare := range map[string]func(*http.Request){
		"nothing":          nil,
		"a wrong password": func(r *http.Request) { r.SetBasicAuth("night", operatorPassword+"x") },
		"no password":      func(r *http.Request) { r.SetBasicAuth("night", "") },
		"the name":         func(r *http.Request) { r.SetBasicAuth(operatorPassword, "") },
		"a wrong token":    func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") },
		"another kind":     func(r *http.Request) { r.Header.Set("Authorization", "Digest "+operatorPassword) },
	} {
		for _, path := range []string{"/queue", "/queue/", "/queue/api/jobs?state=scheduled"} {
			status, body, header := operatorAsk(t, app, http.MethodGet, path, prepare)
			if status != http.StatusUnauthorized || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Basic ") || strings.Contains(body, "a-portal") {
				t.Errorf("%s shows %s: %d %s", name, path, status, body)
			}
		}
	}
	for name, prepare := range map[string]func(*http.Request){"basic": basic, "bearer": bearer} {
		status, body, header := operatorAsk(t, app, http.MethodGet, "/queue/", prepare)
		if status != http.StatusOK || !strings.Contains(body, "<title>River</title>") || !strings.Contains(header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %d %s", name, status, body)
		}
		script := regexp.MustCompile(`/queue/assets/[^"]+\.js`).FindString(body)
		if status, _, header := operatorAsk(t, app, http.MethodGet, script, prepare); script == "" || status != http.StatusOK || !strings.Contains(header.Get("Content-Type"), "javascript") {
			t.Errorf("%s: the script %q: %d %s", name, script, status, header.Get("Content-Type"))
		}
		if status, body, _ := operatorAsk(t, app, http.MethodGet, "/queue/api/jobs?state=scheduled", prepare); status != http.StatusOK || !strings.Contains(body, "a-portal") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	// What may only be looked at stays as it is.
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if status, body, _ := operatorAsk(t, app, method, "/queue/api/jobs/cancel", basic); status != http.StatusForbidden || !strings.Contains(body, "ITEMLENS_QUEUE_UI") {
			t.Errorf("%s: %d %s", method, status, body)
		}
	}
	if status, _, _ := operatorAsk(t, app, http.MethodGet, "/metrics", nil); status != http.StatusOK {
		t.Errorf("metrics: %d", status)
	}
	if answer := app.Send(http.MethodGet, "/queue/", "", ""); answer.Status != http.StatusNotFound {
		t.Error("the queue is public")
	}
	if strings.Contains(app.Log.String(), operatorPassword) {
		t.Error("the password stands in the log")
	}
}

// TestOperatorsMayCancelJobsWhereTheSettingsSaySo, and no other site may do it in their browser's name.
func TestOperatorsMayCancelJobsWhereTheSettingsSaySo(t *testing.T) {
	app := withQueueUI(t, config.QueueUIWrite)
	_, list, _ := operatorAsk(t, app, http.MethodGet, "/queue/api/jobs?state=scheduled", basic)
	var jobs struct {
		Data []struct {
			ID json.RawMessage `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(list), &jobs); err != nil || len(jobs.Data) == 0 {
		t.Fatal(err, list)
	}
	body := `{"ids":[` + string(jobs.Data[0].ID) + `]}`
	cancel := func(origin string) int {
		status, _, _ := operatorAsk(t, app, http.MethodPost, "/queue/api/jobs/cancel", func(r *http.Request) {
			basic(r)
			r.Header.Set("Origin", origin)
			r.Header.Set("Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		})
		return status
	}
	if status := cancel("https://evil.example"); status != http.StatusForbidden {
		t.Errorf("another site cancels: %d", status)
	}
	if status := cancel(app.OperatorURL); status != http.StatusOK {
		t.Errorf("an operator does not cancel: %d", status)
	}
	if _, list, _ := operatorAsk(t, app, http.MethodGet, "/queue/api/jobs?state=cancelled", basic); !strings.Contains(list, "a-portal") {
		t.Errorf("the job is not cancelled: %s", list)
	}
}

func TestNoQueuePagesUnlessAskedFor(t *testing.T) {
	app := apptest.Start(t, &cluster)
	if status, _, _ := operatorAsk(t, app, http.MethodGet, "/queue/", basic); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
}
