package portalsim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// call is one method call under way: its parameters, and who calls.
type call struct {
	portal  *Portal
	user    *User
	app     *App     // nil for a webhook
	install *install // nil for a webhook
	caller  string   // client_id or webhook, for the limit on operating time
	scope   []string
	params  *object
	total   *int
	next    *int
	now     time.Time

	operating float64   // seconds of the method that ran last, for the member "time"
	resetAt   time.Time // when they become fewer; zero while no method has run
}

type method struct {
	scope   string // needed scope, or several of which one is enough; "" for methods that every token may call
	appOnly bool   // works in the context of an application alone, not for a webhook
	run     func(*call) (any, *apiError)
}

// serveREST answers {path}/rest/{method} for OAuth tokens and {path}/rest/{user}/{code}/{method} for webhooks.
func (p *Portal) serveREST(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	// Pages of any origin call REST with the token that the JS library gives them.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", "origin, content-type, accept, x-requested-with")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusOK)
		return
	}
	name, hook := p.parsePath(r.URL.Path)
	params, err := restParams(w, r)
	if err != nil {
		p.refuse(w, &apiError{http.StatusBadRequest, "INVALID_REQUEST", "Malformed parameters", nil})
		return
	}
	p.sim.mu.Lock()
	now := p.sim.now()
	t := p.sim.access[params.text("auth")]
	p.sim.mu.Unlock()
	if hook != nil {
		t = hook
	}
	userID := 0
	if t != nil && t.user != nil {
		userID = t.user.ID
	}
	entry := p.logRequest(name, userID, params)
	p.mu.Lock()
	p.requests[name]++
	fault := p.fault(name, userID)
	if fault != nil {
		entry.Fault = fault.Kind
	}
	limited := p.overLimit(now)
	p.mu.Unlock()
	if fault != nil && fault.write(w, r) {
		return
	}
	if limited {
		p.refuse(w, &apiError{http.StatusServiceUnavailable, "QUERY_LIMIT_EXCEEDED", "Too many requests", nil})
		return
	}
	c, refusal := p.authorize(params, t, hook != nil, now)
	var result any
	if refusal == nil && name == "batch" {
		result, refusal = c.batch()
	} else if refusal == nil {
		result, refusal = c.run(name)
	}
	if refusal != nil {
		p.refuse(w, refusal)
		return
	}
	writeJSON(w, http.StatusOK, p.sim.vary(c.envelope(result, start)))
}

// refuse answers an error, in one of the ways that are known of portals.
func (p *Portal) refuse(w http.ResponseWriter, e *apiError) { p.sim.varyError(e).write(w) }

// parsePath reads the method, and for a webhook whose it is.
func (p *Portal) parsePath(path string) (name string, hook *token) {
	rest := strings.Trim(strings.TrimPrefix(path, p.path+"/rest/"), "/")
	if parts := strings.Split(rest, "/"); len(parts) == 3 {
		p.mu.Lock()
		hook = p.webhooks[parts[0]+"/"+parts[1]]
		p.mu.Unlock()
		if hook == nil {
			hook = &token{} // a webhook that nobody made
		}
		rest = parts[2]
	}
	return strings.ToLower(strings.TrimSuffix(rest, ".json")), hook
}

// authorize checks a token or webhook (_includes/system-errors.md).
func (p *Portal) authorize(params *object, t *token, webhook bool, now time.Time) (*call, *apiError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.deleted:
		return nil, &apiError{500, "PORTAL_DELETED", "Portal was deleted", nil}
	case p.plan == "free":
		return nil, &apiError{403, "ACCESS_DENIED", "REST API is available only on commercial plans", nil}
	case webhook && (t == nil || t.user == nil):
		return nil, &apiError{401, "INVALID_CREDENTIALS", "Invalid request credentials", nil}
	case webhook:
		return &call{portal: p, user: t.user, caller: "webhook/" + t.clientID, scope: t.scope, params: params, now: now}, nil
	case params.text("auth") == "":
		return nil, &apiError{401, "NO_AUTH_FOUND", "Wrong authorization data", nil}
	case t == nil || t.portal != p || p.installs[t.clientID] == nil:
		return nil, &apiError{401, "invalid_token", "Unable to get application by token", nil}
	case !now.Before(t.expires):
		return nil, &apiError{401, "expired_token", "The access token provided has expired.", nil}
	case p.installs[t.clientID].paymentExpired:
		return nil, &apiError{401, "PAYMENT_REQUIRED", "Payment required", nil}
	case t.user.NoApp:
		return nil, &apiError{403, "user_access_error", "The user does not have access to the application.", nil}
	}
	in := p.installs[t.clientID]
	return &call{portal: p, user: t.user, app: in.app, install: in, caller: t.clientID, scope: t.scope, params: params, now: now}, nil
}

// run calls one method. One portal runs one method at a time: it is a simulator.
func (c *call) run(name string) (any, *apiError) {
	m, ok := methods()[name]
	switch {
	case !ok:
		return nil, &apiError{404, "ERROR_METHOD_NOT_FOUND", "Method not found!", nil}
	case m.appOnly && c.app == nil:
		return nil, &apiError{403, "WRONG_AUTH_TYPE", "Current authorization type is denied for this method Application context required", nil}
	case m.scope != "" && !slices.ContainsFunc(strings.Split(m.scope, "|"), func(s string) bool { return slices.Contains(c.scope, s) }):
		return nil, &apiError{403, "insufficient_scope", "The request requires higher privileges than provided by the access token", nil}
	}
	c.portal.mu.Lock()
	defer c.portal.mu.Unlock()
	c.portal.commands[name]++
	if f := c.portal.failing[name]; f != nil && f.done < f.Count {
		f.done++
		return nil, &apiError{400, f.Kind, "Failing on purpose", nil}
	}
	start := time.Now()
	used := c.portal.usageOf(c.caller, name)
	if used.sum(c.now) > c.portal.operatingLimit && c.portal.operatingLimit > 0 {
		return nil, &apiError{429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", nil}
	}
	result, refusal := m.run(c)
	used.add(c.now, time.Since(start).Seconds()+c.portal.cost[name])
	c.operating, c.resetAt = used.sum(c.now), used.resetAt(c.now)
	return result, refusal
}

func (c *call) envelope(result any, start time.Time) *object {
	out := newObject().set("result", result)
	if c.next != nil {
		out.set("next", *c.next)
	}
	if c.total != nil {
		out.set("total", *c.total)
	}
	return out.set("time", c.timing(start))
}
