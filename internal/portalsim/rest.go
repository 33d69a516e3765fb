package portalsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// apiError is an error as the platform answers it.
type apiError struct {
	status      int
	code        string
	description string
	extra       *object
}

// call is one method call under way: its parameters, and who calls.
type call struct {
	portal  *Portal
	user    *User
	app     *App
	install *install
	scope   []string
	params  *object
	total   *int
	next    *int
}

type method struct {
	scope string // needed scope, or several of which one is enough; "" for methods that every token may call
	run   func(*call) (any, *apiError)
}

func (p *Portal) serveREST(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/rest/"), "/"), ".json")
	name = strings.ToLower(name)
	params, err := restParams(w, r)
	if err != nil {
		writeError(w, http.StatusBadRequest, "INVALID_REQUEST", "Malformed parameters")
		return
	}
	p.sim.mu.Lock()
	now := p.sim.now()
	t := p.sim.access[params.text("auth")]
	p.sim.mu.Unlock()

	p.mu.Lock()
	p.requests[name]++
	fault := p.fault(name)
	limited := p.overLimit(now)
	p.mu.Unlock()
	if fault != nil && fault.write(w, r) {
		return
	}
	if limited {
		writeError(w, http.StatusServiceUnavailable, "QUERY_LIMIT_EXCEEDED", "Too many requests")
		return
	}
	c, refusal := p.authorize(params, t, now)
	if refusal != nil {
		refusal.write(w)
		return
	}
	if name == "batch" {
		result, refusal := c.batch()
		if refusal != nil {
			refusal.write(w)
			return
		}
		writeJSON(w, http.StatusOK, newObject().set("result", result).set("time", timing(start)))
		return
	}
	result, refusal := c.run(name)
	if refusal != nil {
		refusal.write(w)
		return
	}
	writeJSON(w, http.StatusOK, c.envelope(result, start))
}

// authorize checks a token (_includes/system-errors.md).
func (p *Portal) authorize(params *object, t *token, now time.Time) (*call, *apiError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if params.text("auth") == "" {
		return nil, &apiError{401, "NO_AUTH_FOUND", "Wrong authorization data", nil}
	}
	if t == nil || t.portal != p || p.installs[t.clientID] == nil {
		return nil, &apiError{401, "invalid_token", "Unable to get application by token", nil}
	}
	if !now.Before(t.expires) {
		return nil, &apiError{401, "expired_token", "The access token provided has expired.", nil}
	}
	if t.user.NoApp {
		return nil, &apiError{403, "user_access_error", "The user does not have access to the application.", nil}
	}
	in := p.installs[t.clientID]
	return &call{portal: p, user: t.user, app: in.app, install: in, scope: t.scope, params: params}, nil
}

// run calls one method. One portal runs one method at a time: it is a simulator.
func (c *call) run(name string) (any, *apiError) {
	m, ok := methods()[name]
	if !ok {
		return nil, &apiError{404, "ERROR_METHOD_NOT_FOUND", "Method not found!", nil}
	}
	if m.scope != "" && !slices.ContainsFunc(strings.Split(m.scope, "|"), func(s string) bool { return slices.Contains(c.scope, s) }) {
		return nil, &apiError{403, "insufficient_scope", "The request requires higher privileges than provided by the access token", nil}
	}
	c.portal.mu.Lock()
	defer c.portal.mu.Unlock()
	c.portal.commands[name]++
	if f := c.portal.failing[name]; f != nil && f.done < f.Count {
		f.done++
		return nil, &apiError{400, f.Kind, "Failing on purpose", nil}
	}
	return m.run(c)
}

func (c *call) envelope(result any, start time.Time) *object {
	out := newObject().set("result", result)
	if c.next != nil {
		out.set("next", *c.next)
	}
	if c.total != nil {
		out.set("total", *c.total)
	}
	return out.set("time", timing(start))
}

// batch runs commands in order, each able to use the results before it (settings/how-to-call-rest-api/batch.md).
func (c *call) batch() (any, *apiError) {
	commands, _ := c.params.get("cmd").(*object)
	if commands == nil {
		return nil, &apiError{400, "ERROR_ARGUMENT", "Argument 'cmd' is null or empty", newObject().set("argument", "cmd")}
	}
	halt := slices.Contains([]string{"1", "Y", "true"}, c.params.text("halt"))
	results, errs, totals, nexts, times := newObject(), newObject(), newObject(), newObject(), newObject()
	results.list, errs.list = commands.list, false
	for i, key := range commands.keys {
		start := time.Now()
		name, query, _ := strings.Cut(commands.text(key), "?")
		name = strings.ToLower(name)
		params := newObject()
		decodeQuery(params, query)
		substitute(params, results)
		sub := *c
		sub.params, sub.total, sub.next = params, nil, nil
		var result any
		var refusal *apiError
		switch {
		case i >= 50:
			refusal = &apiError{400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded", nil}
		case name == "batch":
			refusal = &apiError{405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage", nil}
		default:
			result, refusal = sub.run(name)
		}
		if refusal != nil {
			errs.set(key, refusal.body())
			if halt {
				break
			}
			continue
		}
		plain, _ := json.Marshal(result)
		tree, _ := decodeJSON(plain) // the form that later commands refer to
		results.set(key, tree)
		if sub.total != nil {
			totals.set(key, *sub.total)
		}
		if sub.next != nil {
			nexts.set(key, *sub.next)
		}
		times.set(key, timing(start))
	}
	return newObject().set("result", results).set("result_error", errs).set("result_total", totals).
		set("result_next", nexts).set("result_time", times), nil
}

var reference = regexp.MustCompile(`\$result((?:\[[^\]\s]+\])+)`)

// substitute puts results in place of $result[key][field]; what does not resolve to a scalar stays as text.
func substitute(params *object, results *object) {
	for _, key := range params.keys {
		switch v := params.values[key].(type) {
		case *object:
			substitute(v, results)
		case string:
			params.values[key] = reference.ReplaceAllStringFunc(v, func(ref string) string {
				path := strings.Split(strings.Trim(strings.TrimPrefix(ref, "$result"), "[]"), "][")
				switch found := results.get(path...).(type) {
				case nil, *object:
					return ref
				default:
					return fmt.Sprint(found)
				}
			})
		}
	}
}

func (e *apiError) body() *object {
	out := newObject().set("error", e.code).set("error_description", e.description)
	if e.extra != nil {
		for _, key := range e.extra.keys {
			out.set(key, e.extra.values[key])
		}
	}
	return out
}

func (e *apiError) write(w http.ResponseWriter) { writeJSON(w, e.status, e.body()) }

// restParams reads parameters from the query and from a JSON or form body.
func restParams(w http.ResponseWriter, r *http.Request) (*object, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	params := newObject()
	decodeQuery(params, r.URL.RawQuery)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && len(body) > 0 {
		value, err := decodeJSON(body)
		if err != nil {
			return nil, err
		}
		if nested, ok := value.(*object); ok {
			for _, key := range nested.keys {
				params.set(key, nested.values[key])
			}
		}
		return params, nil
	}
	decodeQuery(params, string(body))
	return params, nil
}

// write answers in a fault's way and reports whether that was the whole answer.
func (f *Fault) write(w http.ResponseWriter, r *http.Request) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	switch f.Kind {
	case "delay":
		return false
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body><h1>Maintenance</h1></body></html>")
	case "empty":
		w.WriteHeader(http.StatusOK)
	case "truncated":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"result":{"result":{"profile":{"ID":"1","ADM`)
	case "cut":
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, `{"result":{"result":`)
		panic(http.ErrAbortHandler)
	case "huge":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"result":"`)
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range 100 {
			if _, err := w.Write(chunk); err != nil {
				return true
			}
		}
		_, _ = io.WriteString(w, `"}`)
	case "redirect":
		w.Header().Set("Location", f.Target)
		w.WriteHeader(http.StatusFound)
	case "reset":
		panic(http.ErrAbortHandler)
	default:
		writeError(w, f.Status, f.Kind, "Failing on purpose")
	}
	return true
}

func timing(start time.Time) *object {
	end := time.Now()
	unix := func(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
	return newObject().
		set("start", unix(start)).
		set("finish", unix(end)).
		set("duration", end.Sub(start).Seconds()).
		set("processing", end.Sub(start).Seconds()/2).
		set("date_start", start.Format(time.RFC3339)).
		set("date_finish", end.Format(time.RFC3339)).
		set("operating_reset_at", end.Add(10*time.Minute).Unix()).
		set("operating", 0)
}

func writeError(w http.ResponseWriter, status int, code, description string) {
	(&apiError{status, code, description, nil}).write(w)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
