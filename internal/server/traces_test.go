package server_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/collector"
	"itemlens/internal/tracing"
)

// tree finds spans by their place.
type tree struct {
	t     *testing.T
	spans []collector.Span
}

// below are the spans of a name anywhere below one.
func (f tree) below(parent collector.Span, name string) (found []collector.Span) {
	for _, span := range f.spans {
		if span.Trace != parent.Trace || span.Parent != parent.ID {
			continue
		}
		if span.Name == name {
			found = append(found, span)
		}
		found = append(found, f.below(span, name)...)
	}
	return found
}

// one is the first span of a name below one, which has to be there.
func (f tree) one(parent collector.Span, name string) collector.Span {
	f.t.Helper()
	found := f.below(parent, name)
	if len(found) == 0 {
		f.t.Fatalf("%q has no %q below it:\n%+v", parent.Name, name, f.spans)
	}
	return found[0]
}

// requestSpan is the span of an answered request.
func (f tree) requestSpan(answer apptest.Answer) collector.Span {
	f.t.Helper()
	id := answer.Header.Get("X-Request-Id")
	at := slices.IndexFunc(f.spans, func(s collector.Span) bool { return s.Attributes["itemlens.request_id"] == id })
	if at < 0 {
		f.t.Fatalf("no span of request %s", id)
	}
	return f.spans[at]
}

// TestAPageIsTraced follows pages, an installation and its jobs to an operator's collector.
func TestAPageIsTraced(t *testing.T) {
	c := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	traces, err := tracing.FromEnvironment(t.Context(), os.Getenv, "test", slog.New(slog.DiscardHandler))
	if err != nil || traces == nil {
		t.Fatal(traces, err)
	}
	t.Cleanup(func() { _ = traces.Shutdown(context.Background()) })
	app := apptest.Start(t, &cluster, apptest.Configure(func(c *config.Config) { c.Traces = traces }))
	app.Install()
	good := app.Open(2, "CRM_LEAD_DETAIL_TAB", 250)
	refused := app.Open(2, "CRM_DEAL_DETAIL_TAB", 99999)
	more := app.Ask(good, "/in/names", `{"names":["user:2"]}`)
	opening := app.Opening(2, "CRM_LEAD_DETAIL_TAB", 250)
	app.Sim.ExpireAccessTokens()
	app.Sim.RefuseExchanges(app.App.ClientID, "invalid_grant")
	dead := app.Post(opening.URL, opening.Form)
	if err := traces.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := tree{t, c.Spans()}

	t.Run("page, gate, REST and SQL", func(t *testing.T) {
		f := tree{t, f.spans}
		page := f.requestSpan(good)
		if page.Name != "POST /" || page.Parent != "" || page.Attributes["itemlens.portal"] != app.Portal.MemberID || page.Attributes["itemlens.user"] != "2" ||
			page.Attributes["http.response.status_code"] != "200" || page.Failed {
			t.Errorf("%+v", page)
		}
		statement := f.one(f.one(page, "gate.Admit"), "SELECT")
		if !strings.Contains(statement.Attributes["db.query.text"], "FROM portals") {
			t.Errorf("the statement says %q", statement.Attributes["db.query.text"])
		}
		batch := f.one(f.one(page, "gate.Batch"), "batch")
		if batch.Attributes["itemlens.code"] != "ok" || batch.Attributes["itemlens.commands"] == "" {
			t.Errorf("%+v", batch)
		}
		for _, method := range []string{"profile", "crm.item.get", "crm.item.fields"} {
			if command := f.one(batch, method); command.Nanos > batch.Nanos {
				t.Errorf("%s took %d ns of %d", method, command.Nanos, batch.Nanos)
			}
		}
	})
	t.Run("a method that fails", func(t *testing.T) {
		f := tree{t, f.spans}
		page := f.requestSpan(refused)
		command := f.one(page, "crm.item.get")
		if page.Attributes["itemlens.problem"] != "not_found" || command.Attributes["itemlens.code"] != "not_found" || !command.Failed {
			t.Errorf("%+v\n%+v", page, command)
		}
	})
	t.Run("what an open page asks for", func(t *testing.T) {
		f := tree{t, f.spans}
		if page := f.requestSpan(more); page.Name != "POST /in/names" || len(f.below(page, "gate.Resume")) != 1 {
			t.Errorf("%+v", page)
		}
	})
	t.Run("an exchange that fails", func(t *testing.T) {
		f := tree{t, f.spans}
		exchange := f.one(f.one(f.requestSpan(dead), "oauth.Renew"), "oauth/token")
		if exchange.Attributes["itemlens.code"] != "invalid_grant" || !exchange.Failed {
			t.Errorf("%+v", exchange)
		}
	})
	t.Run("an installation", func(t *testing.T) {
		f := tree{t, f.spans}
		var exchanged, asked bool
		for _, span := range f.spans {
			exchanged = exchanged || span.Name == "POST /install" && len(f.below(span, "oauth/token")) > 0
			asked = asked || span.Name == "oauth/app.info"
		}
		if !exchanged || !asked {
			t.Errorf("the exchange of the installation: %t, app.info: %t", exchanged, asked)
		}
	})
	t.Run("jobs", func(t *testing.T) {
		for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			_ = traces.ForceFlush(t.Context())
			f := tree{t, c.Spans()}
			if slices.ContainsFunc(f.spans, func(span collector.Span) bool {
				return strings.HasPrefix(span.Name, "river.work/") && span.Attributes["kind"] != "" && len(f.below(span, "SELECT")) > 0
			}) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("no job has a span with its statements")
			}
		}
	})
	t.Run("lines of the log lead to traces", func(t *testing.T) {
		f := tree{t, f.spans}
		page := f.requestSpan(good)
		found := false
		for line := range strings.SplitSeq(app.Log.String(), "\n") {
			var entry struct {
				Msg       string `json:"msg"`
				RequestID string `json:"request_id"`
				TraceID   string `json:"trace_id"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.RequestID == good.Header.Get("X-Request-Id") {
				found = found || entry.TraceID == page.Trace && entry.Msg == "request"
				if strings.Count(line, `"request_id"`) != 1 {
					t.Errorf("the request is named twice: %s", line)
				}
			}
		}
		if !found {
			t.Error("no line of the log names the page's trace")
		}
		if !strings.Contains(app.Log.String(), `the user has to open the app again","portal":"`+app.Portal.MemberID+`","code":"invalid_grant","request_id":"`+dead.Header.Get("X-Request-Id")) {
			t.Error("the line about the dead token names no request")
		}
	})
	t.Run("no secret, address or word of the portal", func(t *testing.T) {
		sent := c.Text()
		words := append(app.Sim.Issued(), opening.Form.Get("AUTH_ID"), opening.Form.Get("REFRESH_ID"), app.App.ClientSecret, apptest.Session(good), "Comment about the admin", "DOMAIN=", "127.0.0.1", "Go-http-client", "acme")
		for _, word := range words {
			if word == "" || strings.Contains(sent, word) {
				t.Errorf("%q was sent to the collector", word)
			}
		}
		if c.Resource("service.name") != "itemlens" {
			t.Errorf("the service is called %q", c.Resource("service.name"))
		}
	})
	t.Run("nobody outside decides what is recorded", func(t *testing.T) {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, app.AppURL+"/privacy", nil)
		request.Header.Set("Traceparent", "00-11111111111111111111111111111111-2222222222222222-01")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		_ = traces.ForceFlush(t.Context())
		if strings.Contains(c.Text(), `\x11\x11\x11\x11`) || !slices.ContainsFunc(c.Spans(), func(s collector.Span) bool { return s.Name == "GET /privacy" }) {
			t.Error("the page is part of a stranger's trace, or of none")
		}
	})
}
