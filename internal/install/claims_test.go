package install_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/install"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

const acme = "acme0000"

var someDay = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// platform is an OAuth server and a portal that answer what they are told to.
type platform struct {
	url       string
	scope     string // that app.info names
	infoUser  int
	profile   string // the portal's answer to profile
	grantUser int
	member    string // that the exchange names
	refusal   string // the error that it answers in place of a pair
	exchanges int
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/oauth/token/":
		p.exchanges++
		if p.refusal != "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error": %q}`, p.refusal)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token": "a2", "refresh_token": "r2", "member_id": %q, "user_id": %d}`, p.member, p.grantUser)
	case "/rest/app.info":
		_, _ = fmt.Fprintf(w, `{"result": {"client_id": "app", "scope": %q, "user_id": %d, "install": {"member_id": %q, "client_endpoint": "%s/portal/rest/"}}}`,
			p.scope, p.infoUser, acme, p.url)
	default:
		var body struct {
			Cmd map[string]string `json:"cmd"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		results := map[string]json.RawMessage{}
		for key, line := range body.Cmd {
			switch method, _, _ := strings.Cut(line, "?"); method {
			case "profile":
				results[key] = json.RawMessage(p.profile)
			case "crm.type.list":
				results[key] = json.RawMessage(`{"types": []}`)
			case "placement.get", "event.get":
				results[key] = json.RawMessage(`[]`)
			default:
				results[key] = json.RawMessage(`true`)
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"result": map[string]any{"result": results}})
	}
}

// store stands for storage: it keeps the rule of a renewal that is tested with storage itself, in short.
type store struct {
	install.Store
	portals map[portal.MemberID]portal.Portal
	saved   []portal.Token
}

func (s *store) Portal(_ context.Context, id portal.MemberID) (portal.Portal, error) {
	p, ok := s.portals[id]
	if !ok {
		return p, portal.ErrUnknownPortal
	}
	return p, nil
}

func (s *store) Register(ctx context.Context, p portal.Portal, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
	got, err := exchange(ctx, pair.Refresh, false)
	if err == nil && (got.MemberID != p.MemberID || got.UserID != pair.UserID) {
		err = portal.Problemf(portal.Unverified, "foreign")
	}
	if err == nil {
		s.portals[p.MemberID] = p
	}
	return got, err
}

func (*store) RenewToken(context.Context, portal.Token, portal.Exchange) (portal.Token, error) {
	return portal.Token{}, fmt.Errorf("no renewal in an installation")
}

func (*store) RecordBinding(context.Context, portal.MemberID, string, []string) error { return nil }

func (s *store) SaveToken(_ context.Context, t portal.Token) error {
	s.saved = append(s.saved, t)
	return nil
}

func (s *store) SaveInstallation(_ context.Context, p portal.Portal, _ portal.Token) error {
	s.portals[p.MemberID] = p
	return nil
}

// start starts a platform where user 1, an administrator, installs.
func start(t *testing.T) (*platform, *install.Service, *store) {
	t.Helper()
	p := &platform{scope: "crm,placement", infoUser: 1, profile: `{"ID": "1", "ADMIN": true}`, grantUser: 1, member: acme}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	authority, err := oauth.NewServer(oauth.Config{
		ClientID: "app", ClientSecret: secret.New("s"), Servers: []string{p.url}, Timeout: 5 * time.Second, AllowPrivate: true, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(authority.Close)
	rest, err := bitrix24.NewClient(bitrix24.Options{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rest.Close)
	s := &store{portals: map[portal.MemberID]portal.Portal{}}
	log := slog.New(slog.DiscardHandler)
	return p, &install.Service{
		Store: s, Server: authority, REST: rest, PublicURL: "https://app.example", Titles: map[string]string{"en": "Item Lens"}, Log: log,
		Tokens: oauth.NewTokens(authority, s, oauth.Limits{Renewals: 2, PerPortal: 2, Wait: 5 * time.Second}, log), Now: time.Now,
	}, s
}

func (p *platform) claim() *bitrix24.AppRequest {
	return &bitrix24.AppRequest{
		Domain: strings.TrimPrefix(p.url, "http://"), MemberID: acme, Access: secret.New("a"), Refresh: secret.New("r"), Lang: "en",
		ServerEndpoint: p.url + "/rest/",
	}
}

func TestAnInstallationIsBelievedForOneUserOfOnePortal(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(p *platform)
		want   portal.Problem
		spends bool // whether the refresh token is exchanged
	}{
		"all agree":                                {func(*platform) {}, "", true},
		"the portal names another user":            {func(p *platform) { p.profile = `{"ID": "2", "ADMIN": true}` }, portal.Unverified, false},
		"the portal names nobody":                  {func(p *platform) { p.profile = `[]` }, portal.NotAdministrator, false},
		"a plain user":                             {func(p *platform) { p.profile = `{"ID": "1", "ADMIN": false}` }, portal.NotAdministrator, false},
		"app.info names another user":              {func(p *platform) { p.infoUser = 2 }, portal.Unverified, false},
		"the exchange names another user":          {func(p *platform) { p.grantUser = 2 }, portal.Unverified, true},
		"the exchange names another portal":        {func(p *platform) { p.member = "other000" }, portal.Unverified, true},
		"the portal did not grant placement":       {func(p *platform) { p.scope = "crm" }, portal.MissingScope, false},
		"the portal did not grant crm":             {func(p *platform) { p.scope = "placement,user" }, portal.MissingScope, false},
		"a scope whose name begins with a granted": {func(p *platform) { p.scope = "crm2,placement" }, portal.MissingScope, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, service, s := start(t)
			tt.change(p)
			_, _, err := service.Install(t.Context(), p.claim())
			if tt.want == "" && err != nil || tt.want != "" && portal.ProblemOf(err) != tt.want {
				t.Errorf("%v", err)
			}
			if (len(s.portals) == 1) != (tt.want == "") {
				t.Errorf("%d portals stored", len(s.portals))
			}
			if (p.exchanges == 1) != tt.spends {
				t.Errorf("%d exchanges", p.exchanges)
			}
		})
	}
}

func TestAConnectionComesBackToItsOwnBrowser(t *testing.T) {
	for name, tt := range map[string]struct {
		cookie, state string
		reached       bool // whether the code is exchanged
	}{
		"the browser's own": {"state-1", "state-1", true},
		"another's":         {"state-1", "state-2", false},
		"no cookie":         {"", "state-1", false},
		"no state":          {"state-1", "", false},
		"neither":           {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p, service, _ := start(t)
			p.scope = "" // the answer ends there, and draws no page
			e := echo.New()
			var got error
			e.HTTPErrorHandler = func(err error, _ echo.Context) { got = err }
			(&install.Handler{Service: service}).Register(e)
			query := url.Values{"code": {"c"}, "state": {tt.state}, "server_domain": {strings.TrimPrefix(p.url, "http://")}}
			r := httptest.NewRequest(http.MethodGet, "/oauth/callback?"+query.Encode(), nil)
			if tt.cookie != "" {
				r.Header.Set("Cookie", "itemlens_oauth_state="+tt.cookie)
			}
			e.ServeHTTP(httptest.NewRecorder(), r)
			if (p.exchanges == 1) != tt.reached || !tt.reached && portal.ProblemOf(got) != portal.Unverified {
				t.Errorf("%d exchanges, %v", p.exchanges, got)
			}
		})
	}
}
