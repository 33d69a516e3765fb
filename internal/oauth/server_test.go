package oauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// authority is an OAuth server that answers what it is told to.
type authority struct {
	*oauth.Server
	token, info string // bodies of the answers
	infoStatus  int
	asked       int // exchanges
}

func start(t *testing.T) *authority {
	t.Helper()
	a := &authority{infoStatus: http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token/" {
			a.asked++
			_, _ = fmt.Fprint(w, a.token)
			return
		}
		w.WriteHeader(a.infoStatus)
		_, _ = fmt.Fprint(w, a.info)
	}))
	t.Cleanup(server.Close)
	var err error
	a.Server, err = oauth.NewServer(oauth.Config{
		ClientID: "app.mine", ClientSecret: secret.New("s"), Servers: []string{server.URL}, Timeout: 5 * time.Second, AllowPrivate: true,
		Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func TestAppInfoOfAnotherAppIsNotBelieved(t *testing.T) {
	a := start(t)
	const install = `"user_id": 7, "scope": "crm", "install": {"member_id": "acme0000", "client_endpoint": "http://p.example/rest/"}`
	for client, want := range map[string]portal.Problem{"app.mine": "", "app.another": portal.Unverified, "": portal.Unverified} {
		a.info = fmt.Sprintf(`{"result": {"client_id": %q, %s}}`, client, install)
		info, err := a.AppInfo(t.Context(), "", secret.New("access"))
		if want == "" && (err != nil || info.UserID != 7) || want != "" && portal.ProblemOf(err) != want {
			t.Errorf("client_id %q: %+v, %v", client, info, err)
		}
	}
}

func TestAnExchangeNeedsItsAccessTokenAlone(t *testing.T) {
	a := start(t)
	hour := noon.Add(time.Hour)
	for body, want := range map[string]oauth.Grant{
		`{"access_token": "a", "refresh_token": "r", "expires_in": 1800, "member_id": "acme0000", "user_id": 7}`: {
			Access: secret.New("a"), Refresh: secret.New("r"), ExpiresAt: noon.Add(30 * time.Minute), MemberID: "acme0000", UserID: 7,
		},
		`{"access_token": "a"}`: {Access: secret.New("a"), ExpiresAt: hour},
		`{"access_token": "a", "refresh_token": "r", "expires_in": 3600.5}`: {Access: secret.New("a"), Refresh: secret.New("r"), ExpiresAt: hour},
		`{"access_token": "a", "refresh_token": "r", "expires_in": "60.9", "user_id": "7"}`: {
			Access: secret.New("a"), Refresh: secret.New("r"), ExpiresAt: noon.Add(time.Minute), UserID: 7,
		},
		`{"access_token": "a", "expires_in": {}, "token_type": 3, "refresh_token": 5, "user_id": -1, "member_id": [], "scope": 1}`: {
			Access: secret.New("a"), ExpiresAt: hour,
		},
		`{"access_token": "a", "expires_in": 1e300}`:      {Access: secret.New("a"), ExpiresAt: hour},
		`{"access_token": "a", "expires_in": 3000000000}`: {Access: secret.New("a"), ExpiresAt: hour},
		`{"access_token": "a", "expires_in": "NaN"}`:      {Access: secret.New("a"), ExpiresAt: hour},
		`{"access_token": "a", "expires_in": "1e400"}`:    {Access: secret.New("a"), ExpiresAt: hour},
	} {
		a.token = body
		got, err := a.Refresh(t.Context(), "", secret.New("old"))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if got.Access.Reveal() != want.Access.Reveal() || got.Refresh.Reveal() != want.Refresh.Reveal() || !got.ExpiresAt.Equal(want.ExpiresAt) ||
			got.MemberID != want.MemberID || got.UserID != want.UserID {
			t.Errorf("%s: %+v of %q, %q", body, got, got.Access.Reveal(), got.Refresh.Reveal())
		}
	}
	for _, body := range []string{`{"refresh_token": "r"}`, `{"access_token": 5}`, `[]`, `null`, ``, `<html>`} {
		a.token = body
		if _, err := a.Refresh(t.Context(), "", secret.New("old")); portal.ProblemOf(err) != portal.OAuthUnreachable {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// rows stands for storage: it has one exchange made, for a token that is proven or not.
type rows struct{ proven bool }

func (r rows) RenewToken(ctx context.Context, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
	return exchange(ctx, pair.Refresh, r.proven)
}

func (r rows) Register(ctx context.Context, _ portal.Portal, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
	return exchange(ctx, pair.Refresh, r.proven)
}

func tokens(a *authority, proven bool) *oauth.Tokens {
	return oauth.NewTokens(a.Server, rows{proven}, oauth.Limits{Renewals: 2, PerPortal: 2, Wait: 5 * time.Second}, slog.New(slog.DiscardHandler))
}

func TestWhoseAnUnprovenPairIsTheOAuthServerSays(t *testing.T) {
	a := start(t)
	acme := portal.Portal{MemberID: "acme0000"}
	pair := portal.Token{Refresh: secret.New("old")}
	a.info = `{"result": {"client_id": "app.mine", "user_id": 7, "install": {"member_id": "other000", "client_endpoint": "http://p.example/rest/"}}}`

	a.token = `{"access_token": "a", "member_id": "acme0000", "user_id": 9}`
	if got, err := tokens(a, false).Renew(t.Context(), acme, pair); err != nil || got.MemberID != "acme0000" || got.UserID != 9 {
		t.Errorf("the exchange tells: %+v, %v", got, err)
	}
	for _, body := range []string{`{"access_token": "a", "member_id": "acme0000"}`, `{"access_token": "a", "user_id": 9}`} {
		a.token = body
		if got, err := tokens(a, false).Renew(t.Context(), acme, pair); err != nil || got.MemberID != "other000" || got.UserID != 7 {
			t.Errorf("app.info tells: %+v, %v", got, err)
		}
		if got, err := tokens(a, true).Renew(t.Context(), acme, pair); err != nil || got.MemberID == "other000" || got.UserID == 7 {
			t.Errorf("of a proven one nobody asks: %+v, %v", got, err)
		}
	}
	a.infoStatus = http.StatusBadGateway
	if got, err := tokens(a, false).Renew(t.Context(), acme, pair); err != nil || got.MemberID != "" || got.Access.Reveal() != "a" {
		t.Errorf("nobody tells, and the pair is not lost: %+v, %v", got, err)
	}
}

func TestACallIsRepeatedAfterARenewalAndNoFurther(t *testing.T) {
	a := start(t)
	a.token = `{"access_token": "new", "refresh_token": "next", "member_id": "acme0000", "user_id": 7}`
	var used []string
	call := func(_ context.Context, pair portal.Token) error {
		used = append(used, pair.Access.Reveal())
		return &bitrix24.Error{Code: "expired_token", Status: 401}
	}
	pair := portal.Token{UserID: 7, Access: secret.New("old"), Refresh: secret.New("r")}
	if _, err := tokens(a, true).Use(t.Context(), portal.Portal{MemberID: "acme0000"}, pair, call); !bitrix24.IsExpiredToken(err) {
		t.Errorf("%v", err)
	}
	if len(used) != 3 || used[0] != "old" || used[1] != "new" || a.asked != 2 {
		t.Errorf("calls with %v, %d exchanges", used, a.asked)
	}
	for reason, want := range map[string]portal.Problem{"": portal.TokenExpired, "user_access_error": portal.NoAppAccess, "not_installed": portal.NotInstalled} {
		pair := portal.Token{UserID: 7, Access: secret.New("old"), DeadReason: reason}
		if _, err := tokens(a, true).Use(t.Context(), portal.Portal{MemberID: "acme0000"}, pair, call); portal.ProblemOf(err) != want {
			t.Errorf("without a refresh token, %q: %v", reason, err)
		}
	}
	if a.asked != 2 {
		t.Errorf("%d exchanges", a.asked)
	}
}

// TestWhatIsNoExpiredTokenIsNotRenewed: a renewal costs an exchange, and helps nothing else.
func TestWhatIsNoExpiredTokenIsNotRenewed(t *testing.T) {
	a := start(t)
	pair := portal.Token{UserID: 7, Access: secret.New("old"), Refresh: secret.New("r")}
	for _, answer := range []error{nil, &bitrix24.Error{Code: "invalid_token"}, &bitrix24.Error{Code: "QUERY_LIMIT_EXCEEDED"}, errors.New("no answer")} {
		calls := 0
		used, err := tokens(a, true).Use(t.Context(), portal.Portal{MemberID: "acme0000"}, pair, func(context.Context, portal.Token) error { calls++; return answer })
		if !errors.Is(err, answer) || calls != 1 || a.asked != 0 || used.Access.Reveal() != "old" {
			t.Errorf("%v: %v after %d calls, %d exchanges", answer, err, calls, a.asked)
		}
	}
}

// TestTheLogTellsWhichTokensDied, and which trouble was none of a token.
func TestTheLogTellsWhichTokensDied(t *testing.T) {
	for code, want := range map[string]bool{"invalid_grant": true, "teapot": false} {
		a := start(t)
		a.token = fmt.Sprintf(`{"error": %q}`, code)
		var log bytes.Buffer
		tokens := oauth.NewTokens(a.Server, rows{true}, oauth.Limits{Renewals: 1, PerPortal: 1, Wait: 5 * time.Second}, slog.New(slog.NewTextHandler(&log, nil)))
		if _, err := tokens.Renew(t.Context(), portal.Portal{MemberID: "acme0000"}, portal.Token{Refresh: secret.New("old")}); err == nil {
			t.Error("no refusal")
		}
		if told := strings.Contains(log.String(), "code="+code) && strings.Contains(log.String(), "portal=acme0000"); told != want {
			t.Errorf("%s: %s", code, log.String())
		}
	}
}

// TestAnEndedClientKeepsNoConnections.
func TestAnEndedClientKeepsNoConnections(t *testing.T) {
	ended := make(chan struct{}, 10)
	backend := httptest.NewUnstartedServer(answer(400, `{"error":"invalid_grant"}`))
	backend.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			ended <- struct{}{}
		}
	}
	backend.Start()
	defer backend.Close()
	server, err := oauth.NewServer(oauth.Config{Servers: []string{backend.URL}, Timeout: 5 * time.Second, AllowPrivate: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Refresh(t.Context(), "", secret.New("old")); err == nil {
		t.Fatal("no refusal")
	}
	server.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("its connection is still open")
	}
}

func TestDeadTokensAreToldByTheirReason(t *testing.T) {
	a := start(t)
	for code, dead := range map[string]bool{"invalid_grant": true, "NOT_INSTALLED": true, "payment_required": true, "teapot": false} {
		a.token = fmt.Sprintf(`{"error": %q, "error_description": {"text": "of any type"}}`, code)
		_, err := a.Refresh(t.Context(), "", secret.New("old"))
		var reason *portal.DeadTokenError
		if errors.As(err, &reason) != dead {
			t.Errorf("%s: %v", code, err)
		}
	}
}
