package install_test

import (
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// TestWhatAClaimSaysOfItselfIsCompared with what the OAuth server says of its access token, before anything is exchanged.
func TestWhatAClaimSaysOfItselfIsCompared(t *testing.T) {
	for name, change := range map[string]func(*bitrix24.AppRequest){
		"no access token":  func(r *bitrix24.AppRequest) { r.Access = secret.Text{} },
		"no refresh token": func(r *bitrix24.AppRequest) { r.Refresh = secret.Text{} },
		"another portal":   func(r *bitrix24.AppRequest) { r.MemberID = "other000" },
		"another address":  func(r *bitrix24.AppRequest) { r.Domain = "evil.example" },
		"no address":       func(r *bitrix24.AppRequest) { r.Domain = "" },
	} {
		p, service, s := start(t)
		claim := p.claim()
		change(claim)
		if _, _, err := service.Install(t.Context(), claim); portal.ProblemOf(err) != portal.Unverified || len(s.portals) != 0 || p.exchanges != 0 {
			t.Errorf("%s: %v, %d portals, %d exchanges", name, err, len(s.portals), p.exchanges)
		}
	}
}

func TestARefusedRefreshTokenOfAClaimIsNoProof(t *testing.T) {
	for code, want := range map[string]portal.Problem{
		"invalid_grant": portal.Unverified, "payment_required": portal.PaymentRequired, "invalid_client": portal.WrongClient, "query_limit": portal.OAuthUnreachable,
	} {
		p, service, s := start(t)
		p.refusal = code
		if _, _, err := service.Install(t.Context(), p.claim()); portal.ProblemOf(err) != want || len(s.portals) != 0 {
			t.Errorf("%s: %v, want %s; %d portals", code, err, want, len(s.portals))
		}
	}
}

// TestACodeConnectsThePortalThatGaveIt, for the user to whom it gave it.
func TestACodeConnectsThePortalThatGaveIt(t *testing.T) {
	known := portal.Portal{MemberID: acme, Domain: "stored.example"}
	for name, tt := range map[string]struct {
		change    func(p *platform, s *store)
		host      string
		want      portal.Problem
		installed bool // by this code
		saved     portal.UserID
	}{
		"an administrator's":                   {installed: true},
		"one that is old":                      {change: func(p *platform, _ *store) { p.refusal = "invalid_grant" }, want: portal.Unverified},
		"of a portal that has not paid":        {change: func(p *platform, _ *store) { p.refusal = "payment_required" }, want: portal.PaymentRequired},
		"with a wrong client_secret":           {change: func(p *platform, _ *store) { p.refusal = "invalid_client" }, want: portal.WrongClient},
		"while the OAuth server is in trouble": {change: func(p *platform, _ *store) { p.refusal = "query_limit" }, want: portal.OAuthUnreachable},
		"of another portal":                    {change: func(p *platform, _ *store) { p.member = "other000" }, want: portal.Unverified},
		"of another user":                      {change: func(p *platform, _ *store) { p.grantUser = 2 }, want: portal.Unverified},
		"of nobody who is named":               {change: func(p *platform, _ *store) { p.grantUser = 0 }, installed: true},
		"of another host than asked":           {host: "evil.example", want: portal.Unverified},
		"with too little scope":                {change: func(p *platform, _ *store) { p.scope = "crm" }, want: portal.MissingScope},
		"a plain user's, of an unknown portal": {change: func(p *platform, _ *store) { p.profile = `{"ID": "1", "ADMIN": false}` }, want: portal.NotAdministrator},
		"a plain user's, of a removed portal": {change: func(p *platform, s *store) {
			p.profile, s.portals[acme] = `{"ID": "1", "ADMIN": false}`, known
		}, want: portal.NotAdministrator},
		"a plain user's": {change: func(p *platform, s *store) {
			installed := known
			installed.InstalledAt = someDay
			p.profile, s.portals[acme] = `{"ID": "1", "ADMIN": false}`, installed
		}, saved: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, service, s := start(t)
			if tt.change != nil {
				tt.change(p, s)
			}
			host := strings.TrimPrefix(p.url, "http://")
			if tt.host != "" {
				host = tt.host
			}
			got, report, err := service.Connect(t.Context(), host, host, secret.New("code"))
			if tt.want == "" && err != nil || tt.want != "" && portal.ProblemOf(err) != tt.want {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if (report != nil) != tt.installed {
				t.Errorf("the report: %+v", report)
			}
			if tt.saved == 0 && len(s.saved) != 0 || tt.saved != 0 && (len(s.saved) != 1 || s.saved[0].UserID != tt.saved || got.Domain != "stored.example") {
				t.Errorf("saved %+v of %s", s.saved, got.Domain)
			}
		})
	}
}
