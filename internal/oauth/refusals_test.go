package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// newServer makes a client of an OAuth server that answers by a handler.
func newServer(t *testing.T, perSecond int, h http.HandlerFunc) *oauth.Server {
	t.Helper()
	backend := httptest.NewServer(h)
	t.Cleanup(backend.Close)
	server, err := oauth.NewServer(oauth.Config{
		ClientID: "app.1", ClientSecret: secret.New("the-client-secret"), Servers: []string{backend.URL}, Timeout: 5 * time.Second, AllowPrivate: true,
		Rate: perSecond, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// TestRefusedExchangesAreToldApartByCode: the status differs between descriptions, and wrong_client comes with 200.
func TestRefusedExchangesAreToldApartByCode(t *testing.T) {
	for code, want := range map[string]struct {
		dead    bool
		passing bool
		people  portal.Problem
	}{
		"invalid_grant":                     {true, false, portal.TokenExpired},
		"no_auth_found":                     {true, false, portal.TokenExpired},
		"not_installed":                     {true, false, portal.NotInstalled},
		"portal_deleted":                    {true, false, portal.PortalDeleted},
		"insufficient_scope":                {true, false, portal.MissingScope},
		"invalid_scope":                     {true, false, portal.MissingScope},
		"user_access_error":                 {true, false, portal.NoAppAccess},
		"payment_required":                  {true, true, portal.PaymentRequired},
		"invalid_client":                    {true, true, portal.WrongClient},
		"wrong_client":                      {true, true, portal.WrongClient},
		"connection_error":                  {false, false, portal.OAuthUnreachable},
		"query_limit":                       {false, false, portal.OAuthUnreachable},
		strings.Repeat("x", 100_000) + "\n": {false, false, portal.OAuthUnreachable},
	} {
		for _, status := range []int{200, 400, 401, 403, 500} {
			for _, written := range []string{code, strings.ToUpper(code)} {
				server := newServer(t, 0, answer(status, fmt.Sprintf(`{"error":%q,"error_description":"the-refresh-token"}`, written)))
				_, err := server.Refresh(t.Context(), "", secret.New("the-refresh-token"))
				var dead *portal.DeadTokenError
				if errors.As(err, &dead) != want.dead {
					t.Errorf("%d %.30s: %.200v", status, written, err)
					continue
				}
				if want.dead && (dead.Reason != code || dead.Passing() != want.passing) {
					t.Errorf("%d %s: reason %q, passing %v", status, written, dead.Reason, dead.Passing())
				}
				if !want.dead && portal.ProblemOf(err) != want.people {
					t.Errorf("%d %.30s: %s", status, written, portal.ProblemOf(err))
				}
				if strings.Contains(err.Error(), "the-refresh-token") || len(err.Error()) > 200 {
					t.Errorf("%d %.30s: foreign text in %.300s", status, written, err)
				}
				// What people are told of it.
				tokens := oauth.NewTokens(server, storeOf{}, oauth.Limits{Renewals: 1, PerPortal: 1, Wait: time.Minute}, discard())
				_, err = tokens.Renew(t.Context(), portal.Portal{MemberID: "m"}, portal.Token{Refresh: secret.New("the-refresh-token")})
				if got := portal.ProblemOf(err); got != want.people {
					t.Errorf("%d %.30s: people are told %s, want %s", status, written, got, want.people)
				}
			}
		}
	}
}

// TestRefusedQuestionsAreToldApartByCode is about app.info.
func TestRefusedQuestionsAreToldApartByCode(t *testing.T) {
	for code, want := range map[string]portal.Problem{
		"invalid_token": portal.Unverified, "NO_AUTH_FOUND": portal.Unverified, "expired_token": portal.Unverified, "INVALID_CLIENT": portal.Unverified,
		"NOT_INSTALLED": portal.Unverified, "APPLICATION_NOT_FOUND": portal.Unverified, "ACCESS_DENIED": portal.Unverified,
		"PAYMENT_REQUIRED": portal.PaymentRequired, "PORTAL_DELETED": portal.PortalDeleted,
		"CONNECTION_ERROR": portal.OAuthUnreachable, "QUERY_LIMIT_EXCEEDED": portal.OAuthUnreachable, "OVERLOAD_LIMIT": portal.OAuthUnreachable,
		"INTERNAL_SERVER_ERROR": portal.OAuthUnreachable, "SOMETHING_NEW": portal.OAuthUnreachable,
	} {
		for _, status := range []int{200, 400, 401, 403, 500} {
			server := newServer(t, 0, answer(status, fmt.Sprintf(`{"error":%q}`, code)))
			_, err := server.AppInfo(t.Context(), "", secret.New("an-access-token"))
			if got := portal.ProblemOf(err); got != want {
				t.Errorf("%d %s: %s, want %s", status, code, got, want)
			}
			if code == "NOT_INSTALLED" && !bitrix24.IsNotInstalled(err) || code == "expired_token" && !bitrix24.IsExpiredToken(err) {
				t.Errorf("%d %s: the code is lost in %v", status, code, err)
			}
		}
	}
}

// TestAnswersThatAreNoTokensAreNotRepeated: the library's own errors quote what they cannot read.
func TestAnswersThatAreNoTokensAreNotRepeated(t *testing.T) {
	for _, body := range []string{
		`{"access_token":{"x":"the-refresh-token` + strings.Repeat("x", 5000) + `"}}`, "the-refresh-token", `{"access_token":["the-refresh-token"]}`, "",
	} {
		server := newServer(t, 0, answer(200, body))
		ctx := secret.WithWatch(t.Context())
		_, err := server.Refresh(ctx, "", secret.New("the-refresh-token"))
		if err == nil || len(err.Error()) > 400 {
			t.Errorf("%.60s: %.500v", body, err)
		}
		if err != nil && strings.Contains(secret.Redact(ctx, err.Error()), "the-refresh-token") {
			t.Errorf("%.60s: the token passes the last guard in %v", body, err)
		}
	}
}

// TestStrangersQuestionsAreFew has strangers at many addresses ask about invented tokens: the OAuth server sees at most five
// in any second, and whoever is vouched for is asked about at once.
func TestStrangersQuestionsAreFew(t *testing.T) {
	var mu sync.Mutex
	var seen []time.Time
	server := newServer(t, 5, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		seen = append(seen, time.Now())
		mu.Unlock()
		answer(401, `{"error":"invalid_token"}`)(w, nil)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	var asked, refused atomic.Int64
	var wg sync.WaitGroup
	for worker := range 20 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				asked.Add(1)
				stranger := bitrix24.WithCaller(ctx, fmt.Sprintf("198.18.%d.%d", worker, i%256))
				var err error
				if i%2 == 0 {
					_, err = server.AppInfo(stranger, "", secret.New(fmt.Sprintf("invented-%d-%d", worker, i)))
				} else {
					_, err = server.Refresh(stranger, "", secret.New(fmt.Sprintf("invented-%d-%d", worker, i)))
				}
				if portal.ProblemOf(err) == portal.PortalBusy {
					refused.Add(1)
					time.Sleep(2 * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	mu.Lock()
	strangers := len(seen)
	for i := range seen { // six within a second would be one too many; a little less, because clocks and networks jitter
		if i >= 5 && seen[i].Sub(seen[i-5]) < 950*time.Millisecond {
			t.Errorf("six questions in %v", seen[i].Sub(seen[i-5]))
		}
	}
	mu.Unlock()
	if strangers < 5 || asked.Load() < 500 || refused.Load() < 400 {
		t.Errorf("%d of %d were asked, %d refused", strangers, asked.Load(), refused.Load())
	}
	vouched := bitrix24.Vouched(bitrix24.WithCaller(t.Context(), "192.0.2.1"))
	start := time.Now()
	for i := range 20 {
		_, _ = server.AppInfo(vouched, "", secret.New(fmt.Sprintf("stored-%d", i)))
	}
	if got := len(seen) - strangers; got != 20 || time.Since(start) > 2*time.Second {
		t.Errorf("%d of 20 questions of vouched ones in %v", got, time.Since(start))
	}
}

// TestOneAddressLeavesTurnsForOthers: whoever floods from one address does not keep others from installing the app.
func TestOneAddressLeavesTurnsForOthers(t *testing.T) {
	server := newServer(t, 5, answer(401, `{"error":"invalid_token"}`))
	flood := bitrix24.WithCaller(t.Context(), "198.18.0.1")
	var refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := server.AppInfo(flood, "", secret.New(fmt.Sprintf("invented-%d", i))); portal.ProblemOf(err) == portal.PortalBusy {
				refused.Add(1)
			}
		})
	}
	for start := time.Now(); refused.Load() < 32; time.Sleep(time.Millisecond) { // five at once, and those that come within the wait
		if time.Since(start) > 10*time.Second {
			t.Fatalf("%d of 40 questions of one address are refused", refused.Load())
		}
	}
	defer wg.Wait()
	other := bitrix24.WithCaller(t.Context(), "192.0.2.1")
	if _, err := server.AppInfo(other, "", secret.New("a-genuine-token")); portal.ProblemOf(err) != portal.Unverified {
		t.Errorf("another address: %v", err)
	}
}

// TestARefusedTokenIsAskedAboutOnce counts what the OAuth server sees of one invented pair that is posted again and again.
func TestARefusedTokenIsAskedAboutOnce(t *testing.T) {
	var asked atomic.Int64
	server := newServer(t, 1000, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasPrefix(r.URL.Path, "/oauth/token") {
			answer(400, `{"error":"invalid_grant"}`)(w, nil)
			return
		}
		answer(401, `{"error":"invalid_token"}`)(w, nil)
	})
	stranger := bitrix24.WithCaller(t.Context(), "192.0.2.1")
	for range 5 {
		_, err := server.AppInfo(stranger, "", secret.New("invented"))
		if portal.ProblemOf(err) != portal.Unverified {
			t.Errorf("app.info: %v", err)
		}
		var dead *portal.DeadTokenError
		if _, err := server.Refresh(stranger, "", secret.New("invented")); !errors.As(err, &dead) || dead.Reason != "invalid_grant" {
			t.Errorf("exchange: %v", err)
		}
	}
	if asked.Load() != 2 {
		t.Errorf("%d questions about one pair, want 2", asked.Load())
	}
}

// TestAGoodTokenIsNotAskedAboutForEver: the portal's own user, who posts a false address again and again, costs little too.
func TestAGoodTokenIsNotAskedAboutForEver(t *testing.T) {
	var asked atomic.Int64
	server := newServer(t, 5, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		answer(200, `{"result":{"client_id":"app.1","user_id":1,"install":{"member_id":"m","client_endpoint":"https://acme.example/rest/"}}}`)(w, nil)
	})
	vouched := bitrix24.Vouched(bitrix24.WithCaller(t.Context(), "192.0.2.1"))
	busy := 0
	for range 14 {
		if _, err := server.AppInfo(vouched, "", secret.New("good")); portal.ProblemOf(err) == portal.PortalBusy {
			busy++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() > 11 || busy < 3 {
		t.Errorf("%d questions, %d refused", asked.Load(), busy)
	}
	before := asked.Load()
	for range 12 { // the app's own work asks as often as it needs
		if _, err := server.AppInfo(t.Context(), "", secret.New("good")); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() != before+12 {
		t.Error("the app's own work was refused")
	}
}
