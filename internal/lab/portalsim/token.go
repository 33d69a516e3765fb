package portalsim

import "time"

type token struct {
	clientID string
	portal   *Portal
	user     *User
	scope    []string
	expires  time.Time
	revoked  bool // the app was removed since
	used     bool // refresh tokens and codes work once
}

// issue makes a pair of tokens; callers hold mu.
func (s *Sim) issue(app *App, p *Portal, u *User) (access, refresh string) {
	access, refresh = randomHex(35), randomHex(35)
	s.issued = append(s.issued, access, refresh)
	now := s.now()
	s.access[access] = &token{clientID: app.ClientID, portal: p, user: u, scope: app.Scope, expires: now.Add(s.options.AccessLife)}
	s.refresh[refresh] = &token{clientID: app.ClientID, portal: p, user: u, scope: app.Scope, expires: now.Add(s.options.RefreshLife)}
	return access, refresh
}

// Issued lists every token and application_token that was ever given out, for tests that look for them where they must
// not be.
func (s *Sim) Issued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append([]string{}, s.issued...)
	for _, p := range s.portals {
		p.mu.Lock()
		for _, in := range p.installs {
			all = append(all, in.applicationToken)
		}
		p.mu.Unlock()
	}
	return all
}

// revoke ends every token of an app in a portal; callers hold mu. They are remembered, because some servers tell a token
// of a removed app from an unknown one.
func (s *Sim) revoke(clientID string, p *Portal) {
	for _, set := range []map[string]*token{s.access, s.refresh, s.codes} {
		for _, t := range set {
			if t.clientID == clientID && t.portal == p {
				t.revoked = true
			}
		}
	}
}

// ExpireAccessTokens ends the life of every access token that was given out until now.
func (s *Sim) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.access {
		t.expires = s.now().Add(-time.Second)
	}
}

// TokenFacts is what the OAuth server knows of a token, to hold what an app keeps against it.
type TokenFacts struct {
	MemberID string
	User     int
	Used     bool // a refresh token that was exchanged
	Revoked  bool // the app was removed since
	Expired  bool
}

// Access tells of an access token.
func (s *Sim) Access(text string) (TokenFacts, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts(s.access[text])
}

// Refresh tells of a refresh token.
func (s *Sim) Refresh(text string) (TokenFacts, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.facts(s.refresh[text])
}

func (s *Sim) facts(t *token) (TokenFacts, bool) { // callers hold mu
	if t == nil {
		return TokenFacts{}, false
	}
	return TokenFacts{t.portal.MemberID, t.user.ID, t.used, t.revoked, !s.now().Before(t.expires)}, true
}

// Spend uses a refresh token up without telling who holds it, as an exchange does whose answer is lost.
func (s *Sim) Spend(refresh string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.refresh[refresh]; t != nil {
		t.used = true
	}
}

// SpentTwice counts the exchanges in which a refresh token was shown that had been exchanged already, while the app stayed
// installed in its portal.
func (s *Sim) SpentTwice() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.respent
}

// Exchanged is the refresh token that the newest exchange for a user of the portal gave; empty where there was none.
func (p *Portal) Exchanged(userID int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchanged[userID]
}

// portalOf is the portal of a refresh token; nil for an unknown one.
func (s *Sim) portalOf(refresh string) *Portal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.refresh[refresh]; t != nil {
		return t.portal
	}
	return nil
}

// Exchanges counts how often the OAuth server was shown refresh tokens of one user of a portal, used up ones among them.
func (p *Portal) Exchanges(userID int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchanges[userID]
}

// OAuthRequests counts requests of the OAuth server by name: "app.info", "refresh_token", "authorization_code".
func (s *Sim) OAuthRequests(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oauth[name]
}
