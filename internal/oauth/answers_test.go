package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

func TestOnlyOAuthServersOfTheConfigurationAreAsked(t *testing.T) {
	server, err := oauth.NewServer(oauth.Config{Servers: []string{"https://one.example/", "https://two.example"}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for named, want := range map[string]string{
		"https://two.example/rest/": "https://two.example/rest/", "https://one.example/rest/": "https://one.example/rest/",
		"https://evil.example/rest/": "https://one.example/rest/", "http://two.example/rest/": "https://one.example/rest/", "": "https://one.example/rest/",
	} {
		if got := server.Endpoint(named); got != want {
			t.Errorf("%q: %s, want %s", named, got, want)
		}
	}
}

// TestAppInfoNamesAPortalAndAUser, or it is worth nothing.
func TestAppInfoNamesAPortalAndAUser(t *testing.T) {
	a := start(t)
	for name, tt := range map[string]struct {
		info   string
		fails  bool
		domain string
		gone   bool // the app is not installed, as the server says
	}{
		"all of it":             {info: `"user_id": 7, "install": {"member_id": "m", "client_endpoint": "https://p.example/rest/", "domain": "Pages.example", "installed": true}`, domain: "pages.example"},
		"no domain":             {info: `"user_id": "7", "install": {"member_id": "m", "client_endpoint": "https://p.example/rest/"}`, domain: "p.example"},
		"a domain that is none": {info: `"user_id": 7, "install": {"member_id": "m", "client_endpoint": "https://p.example/rest/", "domain": "* x"}`, domain: "p.example"},
		"not installed":         {info: `"user_id": 7, "install": {"member_id": "m", "client_endpoint": "https://p.example/rest/", "installed": false}`, domain: "p.example", gone: true},
		"no user":               {info: `"install": {"member_id": "m", "client_endpoint": "https://p.example/rest/"}`, fails: true},
		"user 0":                {info: `"user_id": 0, "install": {"member_id": "m", "client_endpoint": "https://p.example/rest/"}`, fails: true},
		"no portal":             {info: `"user_id": 7, "install": {"client_endpoint": "https://p.example/rest/"}`, fails: true},
		"no endpoint":           {info: `"user_id": 7, "install": {"member_id": "m"}`, fails: true},
		"unusable endpoint":     {info: `"user_id": 7, "install": {"member_id": "m", "client_endpoint": "ftp://p.example/rest/"}`, fails: true},
	} {
		a.info = `{"result": {"client_id": "app.mine", ` + tt.info + `}}`
		info, err := a.AppInfo(t.Context(), "", secret.New("access"))
		if tt.fails != (portal.ProblemOf(err) == portal.Unverified) || !tt.fails && err != nil {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
		if info.Domain != tt.domain || !tt.fails && info.Installed == tt.gone {
			t.Errorf("%s: at %q, installed %t", name, info.Domain, info.Installed)
		}
	}
	info := oauth.Info{Domain: "pages.example", ClientEndpoint: "https://rest.example/rest/"}
	for host, want := range map[string]bool{"pages.example": true, "rest.example": true, "evil.example": false, "": false} {
		if info.LivesAt(host) != want {
			t.Errorf("at %q: %t", host, !want)
		}
	}
	if (oauth.Info{}).LivesAt("") {
		t.Error("nobody lives nowhere")
	}
}

// TestErrorsOfExchangesSayWhatIsKnown: the status, and nothing of the address or of what was sent.
func TestErrorsOfExchangesSayWhatIsKnown(t *testing.T) {
	server := newServer(t, 0, answer(http.StatusTeapot, `{"error":"teapot"}`))
	_, err := server.Refresh(t.Context(), "", secret.New("old"))
	var platform *bitrix24.Error
	if !errors.As(err, &platform) || platform.Status != http.StatusTeapot || platform.Code != "teapot" {
		t.Errorf("%v", err)
	}
	server = newServer(t, 0, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err = server.Refresh(t.Context(), "", secret.New("old"))
	if portal.ProblemOf(err) != portal.OAuthUnreachable || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "Post") {
		t.Errorf("%v", err)
	}
}

// TestWithoutARateNobodyWaits, whoever asks and however often about one token.
func TestWithoutARateNobodyWaits(t *testing.T) {
	server := newServer(t, 0, answer(200, `{"result":{"client_id":"app.1","user_id":1,"install":{"member_id":"m","client_endpoint":"https://p.example/rest/"}}}`))
	stranger := bitrix24.WithCaller(t.Context(), "192.0.2.1")
	for i := range 30 {
		if _, err := server.AppInfo(stranger, "", secret.New("one")); err != nil {
			t.Fatalf("question %d: %v", i, err)
		}
	}
}

// TestRefusalsAreRememberedOfStrangersForStrangers: nobody else waits for a minute to pass, nor does anybody where the reason
// passes.
func TestRefusalsAreRememberedOfStrangersForStrangers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		as     []bool // who asks, one after the other: a stranger, or somebody vouched for
		want   int64  // questions
	}{
		"strangers":                            {answer(400, `{"error":"invalid_grant"}`), []bool{true, true, true}, 1},
		"then somebody vouched for":            {answer(400, `{"error":"invalid_grant"}`), []bool{true, false, false}, 3},
		"somebody vouched for, then strangers": {answer(400, `{"error":"invalid_grant"}`), []bool{false, true, true}, 2},
		"a reason that passes":                 {answer(400, `{"error":"payment_required"}`), []bool{true, true}, 2},
		"trouble":                              {answer(502, ``), []bool{true, true}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			server := newServer(t, 1000, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); tt.answer(w, r) })
			for _, stranger := range tt.as {
				ctx := bitrix24.WithCaller(t.Context(), "192.0.2.1")
				if !stranger {
					ctx = bitrix24.Vouched(ctx)
				}
				if _, err := server.Refresh(ctx, "", secret.New("old")); err == nil {
					t.Error("no refusal")
				}
			}
			if asked.Load() != tt.want {
				t.Errorf("%d questions, want %d", asked.Load(), tt.want)
			}
		})
	}
}

// TestWaitingForATurnEndsWithTheRequest, and gives the place back.
func TestWaitingForATurnEndsWithTheRequest(t *testing.T) {
	server := newServer(t, 1, answer(401, `{"error":"invalid_token"}`))
	stranger := bitrix24.WithCaller(t.Context(), "192.0.2.1")
	_, _ = server.AppInfo(stranger, "", secret.New("first")) // takes the only place of this second
	ctx, cancel := context.WithTimeout(stranger, 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := server.AppInfo(ctx, "", secret.New("second"))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

// TestRenewalsOfOnePortalLeaveRoomForOthers, and each wait ends: for the turn, and for whoever went away.
func TestRenewalsOfOnePortalLeaveRoomForOthers(t *testing.T) {
	goOn := make(chan struct{})
	var asked atomic.Int64
	server := newServer(t, 0, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasPrefix(r.FormValue("refresh_token"), "slow") {
			select {
			case <-goOn:
			case <-r.Context().Done():
			}
		}
		answer(200, `{"access_token":"a","refresh_token":"r","member_id":"m","user_id":1}`)(w, r)
	})
	tokens := oauth.NewTokens(server, storeOf{}, oauth.Limits{Renewals: 3, PerPortal: 2, Wait: time.Second}, discard())
	renew := func(id portal.MemberID, refresh string) error {
		_, err := tokens.Renew(t.Context(), portal.Portal{MemberID: id}, portal.Token{Refresh: secret.New(refresh)})
		return err
	}
	ends := make(chan error, 2)
	for i := range 2 {
		go func() { ends <- renew("slow", fmt.Sprint("slow", i)) }()
	}
	for asked.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	if err := renew("quick", "x"); err != nil || time.Since(start) > 900*time.Millisecond {
		t.Errorf("another portal, after %s: %v", time.Since(start), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := tokens.Renew(ctx, portal.Portal{MemberID: "slow"}, portal.Token{Refresh: secret.New("slow third")})
	if !errors.Is(err, context.DeadlineExceeded) || asked.Load() != 3 {
		t.Errorf("a third one of the portal: %v, %d exchanges", err, asked.Load())
	}
	for range 2 {
		if err := <-ends; portal.ProblemOf(err) != portal.OAuthUnreachable {
			t.Errorf("an exchange that stalls: %v", err)
		}
	}
	close(goOn)
	for range 3 { // and nobody has kept a turn
		if err := renew("slow", "again"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
