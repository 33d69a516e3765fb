package portalsim

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (s *Sim) oauthHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth/token/", s.serveToken)
	mux.HandleFunc("/rest/app.info", s.serveAppInfo)
	mux.HandleFunc("/rest/app.info.json", s.serveAppInfo)
	mux.HandleFunc("/rest/app.info/", s.serveAppInfo)
	mux.HandleFunc("GET /api/v1/{$}", s.serveLibrary)
	s.routeControl(mux)
	return mux
}

// serveToken exchanges codes and refresh tokens (settings/oauth/index.md, auto-renewal.md). The documentation shows
// GET; the official JS SDK posts a form, and the real server takes both.
func (s *Sim) serveToken(w http.ResponseWriter, r *http.Request) {
	params, ok := s.oauthParams(w, r)
	if !ok {
		return
	}
	if f := s.oauthFault("oauth/token", false); f != nil && f.write(w, r) {
		return
	}
	portal := s.portalOf(params.Get("refresh_token"))
	if !s.wait(r, s.stalls, portal) {
		return // gave up before anything was done
	}
	status, answer := s.exchange(r.Host, params)
	s.wait(r, s.held, portal)
	if f := s.oauthFault("oauth/token", true); f != nil && f.write(w, r) {
		return
	}
	writeJSON(w, status, answer)
}

// exchange does what the parameters ask for and gives the answer.
func (s *Sim) exchange(host string, params url.Values) (status int, answer *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	grantType := params.Get("grant_type")
	s.oauth[grantType]++

	app := s.apps[params.Get("client_id")]
	if app == nil || app.ClientSecret != params.Get("client_secret") {
		return oauthError("invalid_client", "Invalid client")
	}
	if code := s.refusals[app.ClientID]; code != "" {
		status, answer := oauthError(code, "Refused on purpose")
		if code == "wrong_client" && s.chance(2) { // official Python SDK, errors/oauth.py
			status = http.StatusOK
		}
		if code == "invalid_client" && s.chance(2) {
			status = http.StatusBadRequest
		}
		return status, answer
	}
	var set map[string]*token
	var text string
	switch grantType {
	case "refresh_token":
		set, text = s.refresh, params.Get("refresh_token")
	case "authorization_code":
		set, text = s.codes, params.Get("code")
	default:
		return oauthError("invalid_request", "Unknown grant_type")
	}
	t := set[text]
	if t != nil && grantType == "refresh_token" {
		t.portal.mu.Lock()
		t.portal.exchanges[t.user.ID]++
		t.portal.mu.Unlock()
	}
	if t != nil && t.used && !t.revoked {
		s.respent++
	}
	if t == nil || t.used || t.clientID != app.ClientID || !s.now().Before(t.expires) {
		return oauthError("invalid_grant", "Invalid grant")
	}
	t.portal.mu.Lock()
	in := t.portal.installs[app.ClientID]
	gone, unpaid, dismissed := in == nil, in != nil && in.paymentExpired, t.user.Dismissed
	t.portal.mu.Unlock()
	switch {
	case gone && s.options.Truth.Removals: // official Python SDK, errors/oauth.py
		return http.StatusUnauthorized, newObject().set("error", "NOT_INSTALLED").set("error_description", "Application was removed from the portal")
	case t.revoked || dismissed:
		return oauthError("invalid_grant", "Invalid grant")
	case gone:
		return oauthError("invalid_client", "Application is not installed")
	case unpaid:
		return oauthError("PAYMENT_REQUIRED", "Payment required")
	}
	t.used = true
	access, refresh := s.issue(app, t.portal, t.user)
	t.portal.mu.Lock()
	t.portal.exchanged[t.user.ID] = refresh
	t.portal.mu.Unlock()
	answer = newObject().
		set("access_token", access).
		set("expires", s.access[access].expires.Unix()).
		set("expires_in", int(s.options.AccessLife/time.Second)).
		set("scope", strings.Join(app.Scope, ",")).
		set("domain", host).
		set("server_endpoint", s.server.scheme()+"://"+host+"/rest/").
		set("status", app.Status).
		set("client_endpoint", t.portal.Endpoint()).
		set("member_id", t.portal.MemberID).
		set("user_id", t.user.ID).
		set("refresh_token", refresh)
	return http.StatusOK, s.vary(answer)
}

// serveAppInfo tells whose an access token is. The shape is the official SDKs'.
func (s *Sim) serveAppInfo(w http.ResponseWriter, r *http.Request) {
	params, ok := s.oauthParams(w, r)
	if !ok {
		return
	}
	if f := s.oauthFault("app.info", false); f != nil && f.write(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oauth["app.info"]++
	start := time.Now()
	t := s.access[params.Get("auth")]
	switch {
	case t == nil || t.revoked:
		writeError(w, http.StatusUnauthorized, "invalid_token", "Unable to get application by token")
		return
	case !s.now().Before(t.expires):
		writeError(w, http.StatusUnauthorized, "expired_token", "The access token provided has expired.")
		return
	}
	app, p := s.apps[t.clientID], t.portal
	p.mu.Lock()
	in := p.installs[t.clientID]
	installed, version := in != nil && in.finished, 1
	if in != nil {
		version = in.version
	}
	p.mu.Unlock()
	host := p.Domain()
	result := newObject().
		set("client_id", app.ClientID).
		set("scope", strings.Join(t.scope, ",")).
		set("expires", moment(t.expires)).
		set("install", newObject().
			set("installed", installed).
			set("version", version).
			set("status", app.Status).
			set("scope", strings.Join(t.scope, ",")).
			set("domain", host).
			set("uri", s.server.scheme()+"://"+host).
			set("client_endpoint", p.Endpoint()).
			set("member_id", p.MemberID).
			set("member_type", "COM_BITRIX24_NET")).
		set("user_id", t.user.ID)
	writeJSON(w, http.StatusOK, s.vary(newObject().set("result", result).set("time", timing(start))))
}

// serveAuthorize logs the portal's current user in and returns a code (settings/oauth/index.md, step 1).
func (p *Portal) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	user := p.currentUser(r)
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.apps[r.URL.Query().Get("client_id")]
	p.mu.Lock()
	installed := app != nil && p.installs[app.ClientID] != nil
	p.mu.Unlock()
	if app == nil || !installed || app.RedirectURL == "" || user.NoApp {
		http.Error(w, "portalsim: this app is not installed here, has no return address, or is not for this user", http.StatusForbidden)
		return
	}
	code := randomHex(16)
	s.codes[code] = &token{clientID: app.ClientID, portal: p, user: user, scope: app.Scope, expires: s.now().Add(30 * time.Second)}
	back := url.Values{
		"code": {code}, "state": {r.URL.Query().Get("state")}, "domain": {r.Host}, "member_id": {p.MemberID},
		"scope": {strings.Join(app.Scope, ",")}, "server_domain": {s.server.host()},
	}
	http.Redirect(w, r, app.RedirectURL+"?"+back.Encode(), http.StatusFound)
}

// oauthParams reads parameters from the query, a form or JSON.
func (s *Sim) oauthParams(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	params := r.URL.Query()
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" && r.ContentLength != 0 {
		var fields map[string]any
		if json.NewDecoder(r.Body).Decode(&fields) != nil {
			writeOAuthError(w, "invalid_request", "Malformed body")
			return nil, false
		}
		for name, value := range fields {
			if text, ok := value.(string); ok {
				params.Set(name, text)
			}
		}
		return params, true
	}
	if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		writeOAuthError(w, "invalid_request", "Malformed body")
		return nil, false
	}
	return r.Form, true
}

func oauthError(code, description string) (status int, answer *object) {
	status = http.StatusBadRequest
	if slices.Contains([]string{"invalid_client", "wrong_client"}, code) {
		status = http.StatusUnauthorized
	}
	return status, newObject().set("error", code).set("error_description", description)
}

func writeOAuthError(w http.ResponseWriter, code, description string) {
	status, answer := oauthError(code, description)
	writeJSON(w, status, answer)
}
