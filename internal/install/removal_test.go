package install_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/install"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }

const removedPortal = portal.MemberID("a223c6b3710f85df22e9377d6c4f7553")

// answer is what a server says: a status and a body, or nothing at all.
type answer struct {
	status int
	body   string
}

func refusal(code, description string) answer {
	return answer{http.StatusUnauthorized, fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description)}
}

var silence = answer{}

// world is the app's installations with an OAuth server and a portal that answer what a test wants.
type world struct {
	t       *testing.T
	service *install.Service
	store   *storage.Store
	url     string
	server  *httptest.Server
	now     atomic.Int64

	mu        sync.Mutex
	appInfo   answer
	infoOfNew answer // of a renewed token, where that differs
	exchange  answer
	rest      answer
	asked     int // requests to OAuth server and portal
	planned   []string
	binds     int  // bindings that were planned
	statuses  int  // questions about the status that were planned
	full      bool // no more events are taken
	forgotten []portal.MemberID
}

func setup(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return newWorld(t)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, url: cluster.Database(t)}
	w.now.Store(time.Now().UnixNano())
	now := func() time.Time { return time.Unix(0, w.now.Load()) }
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	w.appInfo, w.exchange, w.rest = w.info(true, 1), refusal("invalid_grant", "Invalid grant"), profile(1, true)

	var err error
	w.store, err = storage.Open(t.Context(), storage.Options{URL: secret.New(w.url), MaxConns: 5, Sealer: apptest.NewSealer(t), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.store.Close)
	server, err := oauth.NewServer(oauth.Config{
		ClientID: "app.lens", ClientSecret: secret.New("s"), Servers: []string{w.server.URL}, Timeout: 5 * time.Second, AllowPrivate: true, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	rest, err := bitrix24.NewClient(bitrix24.Options{Timeout: 5 * time.Second, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rest.Close)
	log := slog.New(slog.DiscardHandler)
	w.service = &install.Service{
		Store: w.store, Server: server, REST: rest, PublicURL: "https://lens.example", Titles: map[string]string{"en": "Lens"}, Log: log, Now: now,
		Tokens: oauth.NewTokens(server, w.store, oauth.Limits{Renewals: 2, PerPortal: 2, Wait: 5 * time.Second}, log),
		Events: install.NewEventRate(now), Planner: w,
		Forget: func(id portal.MemberID) { w.forgotten = append(w.forgotten, id) },
	}
	return w
}

func (w *world) info(installed bool, user int) answer {
	return answer{200, fmt.Sprintf(`{"result":{"client_id":"app.lens","scope":"crm,placement","user_id":%d,"install":{"installed":%t,"status":"F",`+
		`"domain":"127.0.0.1","client_endpoint":"%s/portal/rest/","member_id":%q}}}`, user, installed, w.server.URL, string(removedPortal))}
}

func (w *world) renewal() answer {
	return answer{200, fmt.Sprintf(`{"access_token":"renewed","refresh_token":"r2","expires_in":3600,"member_id":%q,"user_id":1,`+
		`"client_endpoint":"%s/portal/rest/","scope":"crm,placement","status":"F"}`, string(removedPortal), w.server.URL)}
}

func profile(user int, admin bool) answer {
	return answer{200, fmt.Sprintf(`{"result":{"result":{"profile":{"ID":"%d","ADMIN":%t,"NAME":"Ann"}},"result_error":[]}}`, user, admin)}
}

func (w *world) serve(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked++
	said := w.rest
	switch {
	case strings.HasSuffix(r.URL.Path, "/app.info"):
		said = w.appInfo
		if body, _ := io.ReadAll(r.Body); w.infoOfNew != silence && strings.Contains(string(body), "renewed") {
			said = w.infoOfNew
		}
	case strings.HasSuffix(r.URL.Path, "/oauth/token/"):
		said = w.exchange
	}
	w.mu.Unlock()
	if said == silence {
		panic(http.ErrAbortHandler)
	}
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(said.status)
	_, _ = out.Write([]byte(said.body))
}

func (w *world) PlanBind(context.Context, portal.MemberID) error { w.binds++; return nil }

func (w *world) PlanEvent(_ context.Context, c portal.EventClaim) (bool, error) {
	w.planned = append(w.planned, fmt.Sprintf("%s %s from %s", c.MemberID, c.Event, c.Address))
	return !w.full, nil
}

func (w *world) PlanStatus(context.Context, portal.MemberID) error { w.statuses++; return nil }

func (w *world) PlanRemovalCheck(_ context.Context, id portal.MemberID, claim portal.RemovalClaim, after time.Duration) error {
	w.planned = append(w.planned, fmt.Sprintf("%s %q %s", id, claim, after))
	return nil
}

// register stores the portal as a plain user's page does: without an application_token.
func (w *world) register() {
	w.t.Helper()
	p := portal.Portal{
		MemberID: removedPortal, ClientEndpoint: w.server.URL + "/portal/rest/", Domain: "127.0.0.1", ServerEndpoint: w.server.URL + "/rest/",
		Scope: []string{"crm", "placement"}, Status: "F", InstallerID: 1,
	}
	token := portal.Token{MemberID: removedPortal, UserID: 1, Access: secret.New("access"), Refresh: secret.New("refresh"), ExpiresAt: time.Now().Add(time.Hour)}
	if err := w.store.SaveInstallation(w.t.Context(), p, token); err != nil {
		w.t.Fatal(err)
	}
}

// state is what is stored about the portal: "installed", "removed", "nothing".
func (w *world) state() string {
	w.t.Helper()
	p, err := w.store.Portal(w.t.Context(), removedPortal)
	switch {
	case errors.Is(err, portal.ErrUnknownPortal):
		return "nothing"
	case err != nil:
		w.t.Fatal(err)
	case p.Installed():
		return "installed"
	}
	return "removed"
}

func (w *world) event(name string, data url.Values) *bitrix24.Event {
	w.t.Helper()
	form := url.Values{"event": {name}, "auth[member_id]": {string(removedPortal)}}
	for key, values := range data {
		form[key] = values
	}
	req := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	event, err := bitrix24.ParseEvent(req)
	if err != nil {
		w.t.Fatal(err)
	}
	return event
}

// TestAnUninstallWithoutProofMakesUsAsk: a portal that a plain user's page registered has no application_token.
func TestAnUninstallWithoutProofMakesUsAsk(t *testing.T) {
	w := setup(t)
	uninstall := func(clean string) error {
		return w.service.Handle(t.Context(), w.event("ONAPPUNINSTALL", url.Values{"data[CLEAN]": {clean}, "auth[application_token]": {"unknown"}}))
	}
	if err := uninstall("1"); portal.ProblemOf(err) != portal.Unverified || len(w.planned) != 0 {
		t.Errorf("of an unknown portal: %v, planned %v", err, w.planned)
	}
	w.register()
	for _, clean := range []string{"1", "0"} {
		if err := uninstall(clean); portal.ProblemOf(err) != portal.Unverified {
			t.Errorf("it is believed, or fails: %v", err)
		}
	}
	if got, want := strings.Join(w.planned, ", "), fmt.Sprintf(`%s "data" 0s, %s "removal" 0s`, removedPortal, removedPortal); got != want {
		t.Errorf("planned %s, want %s", got, want)
	}
	if w.state() != "installed" || w.asked != 0 {
		t.Errorf("%s, %d requests before the queue has its turn", w.state(), w.asked)
	}
	w.planned = nil
	old := w.event("ONAPPUNINSTALL", url.Values{"ts": {fmt.Sprint(time.Now().Add(-3 * time.Hour).Unix())}, "auth[application_token]": {"unknown"}})
	if err := w.service.Handle(t.Context(), old); portal.ProblemOf(err) != portal.Unverified || len(w.planned) != 0 {
		t.Errorf("one from before the installation: %v, planned %v", err, w.planned)
	}
}

// TestWhatThePlatformSaysOfAClaimedRemoval.
func TestWhatThePlatformSaysOfAClaimedRemoval(t *testing.T) {
	gone := refusal("NOT_INSTALLED", "Application not installed")
	for name, tt := range map[string]struct {
		appInfo, exchange, rest answer
		infoOfNew               bool   // of a renewed token app.info is right
		want                    string // after CLEAN=1
		fails                   bool
	}{
		"installed":                                       {want: "installed"},
		"the OAuth server knows no installation":          {appInfo: gone, want: "nothing"},
		"nor at the renewal":                              {appInfo: refusal("expired_token", ""), exchange: gone, want: "nothing"},
		"the portal knows no app":                         {rest: refusal("APPLICATION_NOT_FOUND", "Application not found"), want: "nothing"},
		"the portal passes it on":                         {rest: refusal("ERROR_OAUTH", "Application not installed"), want: "nothing"},
		"a subscription has ended":                        {rest: refusal("ERROR_OAUTH", "Subscription has been ended"), want: "installed"},
		"an update waits for its installer":               {appInfo: answer{200, "not installed"}, want: "installed"},
		"not installed, and a token that nobody knows":    {appInfo: answer{200, "not installed"}, rest: refusal("invalid_token", ""), want: "nothing"},
		"the OAuth server fails":                          {appInfo: answer{500, `{"error":"INTERNAL_SERVER_ERROR"}`}, want: "installed", fails: true},
		"the portal does not answer":                      {rest: answer{-1, ""}, want: "installed", fails: true},
		"the app is not paid for":                         {rest: refusal("PAYMENT_REQUIRED", ""), want: "installed"},
		"the access token is long forgotten":              {appInfo: refusal("invalid_token", ""), exchange: answer{200, "renewed"}, infoOfNew: true, want: "installed"},
		"forgotten, and so is the renewed one":            {appInfo: refusal("invalid_token", ""), exchange: answer{200, "renewed"}, want: "removed"},
		"forgotten, and the renewal tells":                {appInfo: refusal("invalid_token", ""), exchange: gone, want: "nothing"},
		"the answer is of another portal":                 {appInfo: answer{200, "another portal"}, want: "removed"},
		"the portal does not know the token":              {rest: refusal("invalid_token", ""), want: "removed"},
		"the renewal is not paid for":                     {appInfo: refusal("expired_token", ""), exchange: refusal("payment_required", ""), want: "installed", fails: true},
		"no token works any more, so it may be forged":    {appInfo: refusal("invalid_token", ""), want: "removed"},
		"the only token is dead, so it may be forged too": {appInfo: refusal("expired_token", ""), want: "removed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t)
			w.register()
			if tt.appInfo.body == "not installed" {
				tt.appInfo = w.info(false, 1)
			}
			if tt.appInfo.body == "another portal" {
				tt.appInfo = w.info(true, 1)
				tt.appInfo.body = strings.Replace(tt.appInfo.body, string(removedPortal), "other000", 1)
			}
			if tt.exchange.body == "renewed" {
				tt.exchange = w.renewal()
			}
			if tt.infoOfNew {
				w.infoOfNew = w.info(true, 1)
			}
			for at, said := range map[*answer]answer{&w.appInfo: tt.appInfo, &w.exchange: tt.exchange, &w.rest: tt.rest} {
				if said.status == -1 {
					*at = silence
				} else if said != silence {
					*at = said
				}
			}
			again, err := w.service.CheckRemoval(t.Context(), removedPortal, portal.ClaimsDeletion)
			if got := w.state(); got != tt.want || (err != nil) != tt.fails || again != 0 {
				t.Errorf("%s, want %s (%v, again %s)", got, tt.want, err, again)
			}
			if forgot := len(w.forgotten) == 1; forgot != (tt.want != "installed") {
				t.Errorf("caches were told: %v", w.forgotten)
			}
			if tt.want == "nothing" {
				if found := apptest.Find(t, w.url, string(removedPortal)); len(found) > 0 {
					t.Errorf("the portal stands in %v", found)
				}
			}
		})
	}
}

// TestARemovalThatOnlyThePlatformTellsNeedsTwoAnswersADayApart.
func TestARemovalThatOnlyThePlatformTellsNeedsTwoAnswersADayApart(t *testing.T) {
	w := setup(t)
	w.register()
	w.appInfo = refusal("NOT_INSTALLED", "Application not installed")
	ctx := t.Context()
	told := w.service.RefreshStatus(ctx, removedPortal)
	missing, err := w.service.Missing(ctx, removedPortal, told)
	if !missing || err != nil || len(w.planned) != 1 || w.planned[0] != fmt.Sprintf(`%s "" 25h0m0s`, removedPortal) {
		t.Fatalf("%t, %v, planned %v", missing, err, w.planned)
	}
	check := func(want string, again bool) {
		t.Helper()
		left, err := w.service.CheckRemoval(ctx, removedPortal, portal.NoClaim)
		if err != nil || w.state() != want || left > 0 != again {
			t.Errorf("%s, want %s (%v, again in %s)", w.state(), want, err, left)
		}
	}
	check("installed", true) // at once, and
	w.now.Add(int64(23 * time.Hour))
	check("installed", true) // until a day has passed

	// An answer in between that it is installed begins the day anew.
	w.appInfo = w.info(true, 1)
	check("installed", false)
	w.appInfo = refusal("NOT_INSTALLED", "Application not installed")
	w.now.Add(int64(2 * time.Hour))
	check("installed", true)
	w.now.Add(int64(25 * time.Hour))
	check("removed", false)
	if len(w.forgotten) != 1 {
		t.Errorf("caches were told: %v", w.forgotten)
	}

	// Trouble is no such answer.
	for _, err := range []error{nil, portal.Problemf(portal.OAuthUnreachable, "no answer"), &portal.DeadTokenError{Reason: "invalid_grant"}, &bitrix24.Error{Code: "invalid_token"}} {
		if missing, err := w.service.Missing(ctx, removedPortal, err); missing || err != nil {
			t.Errorf("%v: %t", err, missing)
		}
	}
}

// TestASilentPortalLetsGo: where no token works any more, what it held is of no use; what an administrator chose stays. One
// that answers stays as it is.
func TestASilentPortalLetsGo(t *testing.T) {
	for want, said := range map[string]answer{"removed": refusal("expired_token", ""), "installed": {}} {
		t.Run(want, func(t *testing.T) {
			w := setup(t)
			w.register()
			if said != silence {
				w.appInfo = said
			}
			if again, err := w.service.CheckRemoval(t.Context(), removedPortal, portal.Silence); err != nil || again != 0 || w.state() != want {
				t.Errorf("%s, want %s (%v)", w.state(), want, err)
			}
		})
	}
}

// TestStatusHearsThatTheAppIsNotInstalled, and still keeps what app.info tells.
func TestStatusHearsThatTheAppIsNotInstalled(t *testing.T) {
	w := setup(t)
	w.register()
	if err := w.service.RefreshStatus(t.Context(), removedPortal); err != nil {
		t.Fatal(err)
	}
	w.appInfo = w.info(false, 1)
	err := w.service.RefreshStatus(t.Context(), removedPortal)
	if missing, noteErr := w.service.Missing(t.Context(), removedPortal, err); !missing || noteErr != nil {
		t.Errorf("%v: %t, %v", err, missing, noteErr)
	}
}

// TestABindingHearsThatTheAppIsNotInstalled, wherever it hears it.
func TestABindingHearsThatTheAppIsNotInstalled(t *testing.T) {
	for name, tt := range map[string]struct{ rest, exchange answer }{
		"from the portal":  {rest: refusal("APPLICATION_NOT_FOUND", "Application not found")},
		"from the renewal": {rest: refusal("expired_token", ""), exchange: refusal("NOT_INSTALLED", "Application not installed")},
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t)
			w.register()
			w.rest = tt.rest
			if tt.exchange != silence {
				w.exchange = tt.exchange
			}
			told := w.service.Rebind(t.Context(), removedPortal)
			if missing, err := w.service.Missing(t.Context(), removedPortal, told); !missing || err != nil || len(w.planned) != 1 {
				t.Errorf("%v: %t, %v, planned %v", told, missing, err, w.planned)
			}
		})
	}
}

// TestAnErasedPortalComesBackByAnAdministratorAlone.
func TestAnErasedPortalComesBackByAnAdministratorAlone(t *testing.T) {
	w := setup(t)
	w.register()
	ctx := t.Context()
	if err := w.store.ErasePortal(ctx, removedPortal); err != nil {
		t.Fatal(err)
	}
	w.exchange = w.renewal()
	open := func() error {
		_, _, err := w.service.Adopt(ctx, &bitrix24.AppRequest{
			MemberID: string(removedPortal), Domain: "127.0.0.1", ServerEndpoint: w.server.URL + "/rest/", Access: secret.New("a1"), Refresh: secret.New("r1"),
		})
		return err
	}
	for name, said := range map[string]answer{
		"a plain user":                        profile(1, false),
		"another user's profile":              profile(2, true),
		"somebody whom the portal knows not":  {200, `{"result":{"result":{"profile":[]},"result_error":[]}}`},
		"somebody who is kept out of the app": refusal("user_access_error", ""),
	} {
		w.rest = said
		if err := open(); err == nil || w.state() != "nothing" {
			t.Errorf("%s brought it back: %v, %s", name, err, w.state())
		}
	}
	w.rest = profile(1, true)
	if err := open(); err != nil || w.state() != "installed" {
		t.Fatalf("an administrator: %v, %s", err, w.state())
	}
	if erased, err := w.store.WasErased(ctx, removedPortal); erased || err != nil {
		t.Errorf("it is still remembered: %t, %v", erased, err)
	}

	// Of a portal whose record was lost, anybody's genuine page is enough, as before.
	if err := w.store.DeleteInstallation(ctx, removedPortal, true); err != nil {
		t.Fatal(err)
	}
	w.rest = profile(1, false)
	if err := open(); err != nil {
		t.Errorf("a portal that was not erased: %v", err)
	}
}

// TestEventsWithTokensAreTakenAtOnce: whoever waits for the answer is the platform's only try.
func TestEventsWithTokensAreTakenAtOnce(t *testing.T) {
	w := setup(t)
	w.appInfo, w.rest = silence, silence
	ctx := bitrix24.WithCaller(t.Context(), "192.0.2.7")
	pair := url.Values{"auth[access_token]": {"a"}, "auth[refresh_token]": {"r"}, "auth[application_token]": {"t"}}
	for _, name := range []string{"ONAPPINSTALL", "ONAPPUPDATE"} {
		w.planned = nil
		if err := w.service.Handle(ctx, w.event(name, pair)); err != nil || len(w.planned) != 1 || w.planned[0] != string(removedPortal)+" "+name+" from 192.0.2.7" {
			t.Errorf("%s: %v, planned %v", name, err, w.planned)
		}
		if err := w.service.Handle(ctx, w.event(name, nil)); portal.ProblemOf(err) != portal.Unverified || len(w.planned) != 1 {
			t.Errorf("%s without tokens: %v", name, err)
		}
	}
	if w.asked != 0 || w.state() != "nothing" {
		t.Errorf("%d requests, %s before the queue has its turn", w.asked, w.state())
	}
	w.full = true
	var tooMany *install.TooManyEventsError
	if err := w.service.Handle(ctx, w.event("ONAPPUPDATE", pair)); !errors.As(err, &tooMany) || tooMany.RetryAfter <= 0 {
		t.Errorf("where too many wait: %v", err)
	}
}

// TestEventsOfOnePortalHaveARate that its uninstall and other portals do not feel.
func TestEventsOfOnePortalHaveARate(t *testing.T) {
	w := setup(t)
	w.register()
	ctx := t.Context()
	if err := w.store.LearnApplicationToken(ctx, removedPortal, secret.New("proof")); err != nil {
		t.Fatal(err)
	}
	proven := url.Values{"auth[application_token]": {"proof"}}
	send := func(name string, data url.Values) error { return w.service.Handle(ctx, w.event(name, data)) }
	var tooMany *install.TooManyEventsError
	for i := range 1000 {
		if err := send("ONCRMTYPEADD", proven); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	for _, name := range []string{"ONCRMTYPEADD", "ONAPPINSTALL", "ONAPPPAYMENT", "ONSOMETHING"} {
		if err := send(name, proven); !errors.As(err, &tooMany) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range 100 {
		if err := send("ONCRMTYPEADD", url.Values{"auth[application_token]": {"forged"}}); portal.ProblemOf(err) != portal.Unverified {
			t.Fatalf("a forged event takes the portal's room: %v", err)
		}
	}
	w.now.Add(int64(time.Second))
	for i := range 20 {
		if err := send("ONCRMTYPEADD", proven); err != nil {
			t.Errorf("event %d a second later: %v", i, err)
		}
	}

	// Hints without proof have a rate of their own.
	refused := 0
	for range 100 {
		if err := send("ONAPPPAYMENT", nil); errors.As(err, &tooMany) {
			refused++
		}
	}
	if refused != 50 {
		t.Errorf("%d of 100 hints were refused", refused)
	}
	w.now.Add(int64(time.Second))
	if err := send("ONCRMTYPEADD", proven); err != nil {
		t.Errorf("hints took the room of events: %v", err)
	}
	for range 1000 {
		_ = send("ONCRMTYPEADD", proven)
	}
	if err := send("ONAPPUNINSTALL", proven); err != nil || w.state() != "removed" {
		t.Errorf("the uninstall was refused: %v, %s", err, w.state())
	}
}
