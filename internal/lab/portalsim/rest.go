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
	w.Header().Set("Access-Control-Allow-Headers", "origin, content-type, accept, x-requested-with, authorization")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusOK)
		return
	}
	w, finish := transport(w, r.URL.Path)
	defer finish()
	name, hook := p.parsePath(r.URL.Path)
	params, err := restParams(w, r)
	if err != nil {
		p.refuse(w, failure(http.StatusBadRequest, "INVALID_REQUEST", "Malformed parameters"))
		return
	}
	token := accessToken(r, params)
	p.sim.mu.Lock()
	now := p.sim.now()
	t := p.sim.access[token]
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
		p.refuse(w, failure(http.StatusServiceUnavailable, "QUERY_LIMIT_EXCEEDED", "Too many requests"))
		return
	}
	c, refusal := p.authorize(name, token != "", t, hook != nil, now)
	var result any
	if refusal == nil {
		c.params = params
		if name == "batch" {
			result, refusal = c.batch()
		} else {
			result, refusal = c.run(name)
		}
	}
	if refusal != nil {
		p.refuse(w, refusal)
		return
	}
	writeJSON(w, http.StatusOK, p.sim.vary(c.envelope(result, start)))
}

// refuse answers an error, in one of the ways that are known of portals.
func (p *Portal) refuse(w http.ResponseWriter, e *apiError) { p.sim.varyError(e).write(w) }

// parsePath reads the method, and for a webhook whose it is. Slashes too many do not matter.
func (p *Portal) parsePath(path string) (name string, hook *token) {
	parts := strings.FieldsFunc(strings.TrimPrefix(path, p.path+"/rest/"), func(r rune) bool { return r == '/' })
	rest := strings.Join(parts, "/")
	if len(parts) == 3 {
		p.mu.Lock()
		hook = p.webhooks[parts[0]+"/"+parts[1]]
		p.mu.Unlock()
		if hook == nil {
			hook = &token{} // a webhook that nobody made
		}
		rest = parts[2]
	}
	name = strings.ToLower(rest)
	return strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".xml"), hook
}

// authorize checks a token or webhook. The documentation (_includes/system-errors.md) and the platform's code differ in
// statuses: there every refusal of a token is 401.
func (p *Portal) authorize(name string, given bool, t *token, webhook bool, now time.Time) (*call, *apiError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	truth := p.sim.options.Truth.Refusals
	switch {
	case p.deleted && truth:
		return nil, failure(403, "PORTAL_DELETED", "Portal was deleted")
	case p.deleted:
		return nil, failure(500, "PORTAL_DELETED", "Portal was deleted")
	case !p.sim.isMethod(name): // told before anybody looks at the token
		return nil, failure(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
	case webhook && (t == nil || t.user == nil || t.user.Dismissed):
		return nil, failure(401, "INVALID_CREDENTIALS", "Invalid request credentials")
	case webhook && p.plan == "free":
		return nil, p.tokenRefusal("ACCESS_DENIED")
	case webhook:
		return &call{portal: p, user: t.user, caller: "webhook/" + t.clientID, scope: t.scope, now: now}, nil
	case !given:
		return nil, failure(401, "NO_AUTH_FOUND", "Wrong authorization data")
	case p.plan == "free":
		return nil, p.tokenRefusal("ACCESS_DENIED")
	case t == nil || t.portal != p:
		return nil, failure(401, "invalid_token", "Unable to get application by token")
	case p.installs[t.clientID] == nil && truth:
		return nil, failure(401, "APPLICATION_NOT_FOUND", "Application not found")
	case t.revoked || p.installs[t.clientID] == nil:
		return nil, failure(401, "invalid_token", "Unable to get application by token")
	case !now.Before(t.expires):
		return nil, failure(401, "expired_token", "The access token provided has expired.")
	case p.installs[t.clientID].paymentExpired:
		return nil, failure(401, "PAYMENT_REQUIRED", "Payment required")
	case t.user.Dismissed:
		return nil, failure(401, "authorization_error", "Unable to authorize user")
	case t.user.NoApp:
		return nil, p.tokenRefusal("user_access_error")
	}
	in := p.installs[t.clientID]
	return &call{portal: p, user: t.user, app: in.app, install: in, caller: t.clientID, scope: t.scope, now: now}, nil
}

// tokenRefusal is a refusal whose status sources do not agree on.
func (p *Portal) tokenRefusal(code string) *apiError {
	status, description := 403, map[string]string{
		"ACCESS_DENIED":      "REST API is available only on commercial plans",
		"user_access_error":  "The user does not have access to the application.",
		"insufficient_scope": "The request requires higher privileges than provided by the access token",
	}[code]
	if p.sim.options.Truth.Refusals {
		status = 401
		if code == "ACCESS_DENIED" {
			description = "REST is available only on commercial plans."
		}
	}
	return failure(status, code, description)
}

func (s *Sim) isMethod(name string) bool {
	_, ok := s.methods[name]
	return ok || name == "batch"
}

// run calls one method. One portal runs one method at a time: it is a simulator.
func (c *call) run(name string) (any, *apiError) {
	m, ok := c.portal.sim.methods[name]
	switch {
	case !ok:
		return nil, failure(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
	case m.scope != "" && !c.granted(m.scope):
		return nil, c.portal.tokenRefusal("insufficient_scope")
	case m.appOnly && c.app == nil:
		return nil, failure(403, "WRONG_AUTH_TYPE", "Current authorization type is denied for this method Application context required")
	}
	c.portal.mu.Lock()
	defer c.portal.mu.Unlock()
	c.portal.commands[name]++
	if f := c.portal.failing[name]; f != nil && f.done < f.Count {
		f.done++
		return nil, failure(400, f.Kind, "Failing on purpose")
	}
	start := time.Now()
	used := c.portal.usageOf(c.caller, name)
	if used.sum(c.now) > c.portal.operatingLimit && c.portal.operatingLimit > 0 {
		return nil, failure(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
	}
	result, refusal := m.run(c)
	used.add(c.now, time.Since(start).Seconds()+c.portal.cost[name])
	c.operating, c.resetAt = used.sum(c.now), used.resetAt(c.now)
	return result, refusal
}

// granted reports whether the token has one of the scopes, which "|" divides.
func (c *call) granted(scopes string) bool {
	return slices.ContainsFunc(strings.Split(scopes, "|"), func(s string) bool { return slices.Contains(c.scope, s) })
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
