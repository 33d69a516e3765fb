package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/session"
)

// broken is a database that does not answer.
type broken struct{ gate.Store }

var errDown = &portal.Error{Problem: portal.StorageDown, Err: errors.New("no answer")}

func (broken) Visit(context.Context, portal.MemberID, []byte) (portal.Visit, error) {
	return portal.Visit{}, errDown
}

func (broken) Resume(context.Context, portal.MemberID, portal.UserID) (portal.Portal, portal.Token, error) {
	return portal.Portal{}, portal.Token{}, errDown
}

// adopters counts the pages that are taken for those of unknown portals.
type adopters struct {
	gate.Registrar
	asked int
}

func (a *adopters) Adopt(ctx context.Context, req *bitrix24.AppRequest) (portal.Portal, portal.Token, error) {
	a.asked++
	return a.Registrar.Adopt(ctx, req)
}

func TestAPortalIsUnknownOnlyWhereTheDatabaseSaysSo(t *testing.T) {
	w, p, _ := setup(t)
	count := &adopters{Registrar: p.gate.Registrar}
	p.gate.Registrar = count
	access, refresh := w.issue(who{acme, 1})
	p.mustOpen(t, w, acme, access, refresh)
	if count.asked != 0 {
		t.Error("a portal that is installed is registered anew")
	}
	sound := p.gate.Store
	p.gate.Store = broken{sound}
	if _, err := p.open(t.Context(), w.form(acme, access, refresh)); !errors.Is(err, errDown) || count.asked != 0 {
		t.Errorf("while the database is down: %v, registered %d times", err, count.asked)
	}
	p.gate.Store = sound
	if err := p.store.DeleteInstallation(t.Context(), acme, false); err != nil {
		t.Fatal(err)
	}
	access, refresh = w.issue(who{acme, 1})
	if p.mustOpen(t, w, acme, access, refresh); count.asked != 1 {
		t.Errorf("one that was removed is registered %d times", count.asked)
	}
}

func TestAnAccessTokenWithoutALifetimeLivesAnHour(t *testing.T) {
	w, p, _ := setup(t)
	for lifetime, want := range map[time.Duration]time.Duration{0: time.Hour, 5 * time.Minute: 5 * time.Minute} {
		access, refresh := w.issue(who{acme, 2})
		form := w.form(acme, access, refresh)
		form.ExpiresIn = lifetime
		if _, err := p.open(t.Context(), form); err != nil {
			t.Fatal(err)
		}
		if got := p.token(t, 2).ExpiresAt.Sub(w.time()); got != want {
			t.Errorf("%s: %s, want %s", lifetime, got, want)
		}
	}
}

func TestAnotherAddressIsBelievedWhereTheOAuthServerNamesIt(t *testing.T) {
	const other = portal.MemberID("other000")
	open := func(t *testing.T, change func(w *world, p *process, form *bitrix24.AppRequest)) (portal.Portal, error) {
		w, p, _ := setup(t)
		w.add(other)
		if err := p.store.MovePortal(t.Context(), acme, w.endpoint(acme), "old.example"); err != nil {
			t.Fatal(err)
		}
		access, refresh := w.issue(who{acme, 1})
		form := w.form(acme, access, refresh)
		change(w, p, form)
		_, err := p.open(t.Context(), form)
		stored, lookup := p.store.Portal(t.Context(), acme)
		if lookup != nil {
			t.Fatal(lookup)
		}
		return stored, err
	}
	t.Run("the stored one, of its pages or of its REST", func(t *testing.T) {
		for _, rest := range []bool{true, false} {
			stored, err := open(t, func(w *world, _ *process, form *bitrix24.AppRequest) {
				w.silent = true // app.info is not asked
				if !rest {
					form.Domain = "old.example"
				}
			})
			if err != nil || stored.Domain != "old.example" {
				t.Errorf("%v, at %s", err, stored.Domain)
			}
		}
	})
	t.Run("one that nobody confirms", func(t *testing.T) {
		stored, err := open(t, func(_ *world, _ *process, form *bitrix24.AppRequest) { form.Domain = "evil.example" })
		if portal.ProblemOf(err) != portal.Unverified || stored.Domain != "old.example" {
			t.Errorf("%v, at %s", err, stored.Domain)
		}
		if said := fmt.Sprint(err); !strings.Contains(said, `"evil.example"`) || !strings.Contains(said, bitrix24.EndpointHost(stored.ClientEndpoint)) {
			t.Errorf("the log does not tell both hosts: %s", said)
		}
	})
	t.Run("that of another portal's token", func(t *testing.T) {
		stored, err := open(t, func(w *world, p *process, form *bitrix24.AppRequest) {
			if err := p.store.MovePortal(t.Context(), acme, "https://gone.example/rest/", "gone.example"); err != nil {
				t.Fatal(err)
			}
			access, _ := w.issue(who{other, 1})
			form.Access = secret.New(access)
		})
		if portal.ProblemOf(err) != portal.Unverified || stored.Domain != "gone.example" {
			t.Errorf("%v, at %s", err, stored.Domain)
		}
	})
	t.Run("a new one", func(t *testing.T) {
		stored, err := open(t, func(w *world, p *process, _ *bitrix24.AppRequest) {
			if err := p.store.MovePortal(t.Context(), acme, "https://gone.example/rest/", "gone.example"); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil || !strings.HasPrefix(stored.ClientEndpoint, "http://127.0.0.1") {
			t.Errorf("%v, at %s", err, stored.ClientEndpoint)
		}
	})
}

func TestWhyASessionDoesNotGoOn(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, w *world, p *process) (session string)
		want   portal.Problem
	}{
		"none":   {func(*testing.T, *world, *process) string { return "" }, portal.Unverified},
		"forged": {func(*testing.T, *world, *process) string { return "Zm9yZ2Vk" }, portal.Unverified},
		"over":   {func(_ *testing.T, w *world, _ *process) string { w.advance(25 * time.Hour); return "own" }, portal.TokenExpired},
		"the portal is unknown": {func(t *testing.T, _ *world, p *process) string {
			if err := p.store.DeleteInstallation(t.Context(), acme, true); err != nil {
				t.Fatal(err)
			}
			return "own"
		}, portal.NotInstalled},
		"the portal has removed the app": {func(t *testing.T, _ *world, p *process) string {
			if err := p.store.DeleteInstallation(t.Context(), acme, false); err != nil {
				t.Fatal(err)
			}
			return "own"
		}, portal.NotInstalled},
		"of an earlier installation": {func(t *testing.T, w *world, p *process) string {
			if err := p.store.DeleteInstallation(t.Context(), acme, false); err != nil {
				t.Fatal(err)
			}
			w.advance(time.Second)
			for _, user := range []portal.UserID{1, 2} {
				access, refresh := w.issue(who{acme, user})
				p.mustOpen(t, w, acme, access, refresh)
			}
			return "own"
		}, portal.TokenExpired},
		"no token of its user": {func(t *testing.T, _ *world, p *process) string {
			stored, err := p.store.Portal(t.Context(), acme)
			if err != nil {
				t.Fatal(err)
			}
			made, err := p.gate.Sessions.Issue(session.Session{MemberID: acme, UserID: 77, InstalledAt: stored.InstalledAt.UnixMicro()})
			if err != nil {
				t.Fatal(err)
			}
			return made.Reveal()
		}, portal.TokenExpired},
		"the database does not answer": {func(_ *testing.T, _ *world, p *process) string { p.gate.Store = broken{p.gate.Store}; return "own" }, portal.StorageDown},
	} {
		t.Run(name, func(t *testing.T) {
			w, p, _ := setup(t)
			access, refresh := w.issue(who{acme, 2})
			opened := p.mustOpen(t, w, acme, access, refresh)
			if made := tt.change(t, w, p); made != "own" {
				opened.session = made
			}
			if _, err := p.resume(t.Context(), opened); portal.ProblemOf(err) != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// TestWhatAnOpenPagePosts is read whole, or refused as what it is.
func TestWhatAnOpenPagePosts(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 2})
	opened := p.mustOpen(t, w, acme, access, refresh)
	post := func(body *http.Request) (text string, err error) {
		body.Header.Set("Authorization", "Bearer "+opened.session)
		var into struct{ Text string }
		_, err = p.gate.ResumePage(echo.New().NewContext(body, httptest.NewRecorder()), &into)
		return into.Text, err
	}
	if text, err := post(httptest.NewRequest(http.MethodPost, "/in/x", strings.NewReader(`{"text":"a"}`))); err != nil || text != "a" {
		t.Errorf("%q, %v", text, err)
	}
	var form *bitrix24.FormError
	for _, body := range []string{"", "[]", `{"text":5}`, "{"} {
		if _, err := post(httptest.NewRequest(http.MethodPost, "/in/x", strings.NewReader(body))); !errors.As(err, &form) {
			t.Errorf("%q: %v", body, err)
		}
	}
	large := httptest.NewRequest(http.MethodPost, "/in/x", strings.NewReader(`{"text":"aaaaaaaaaaaaaaaa"}`))
	large.Body = http.MaxBytesReader(httptest.NewRecorder(), large.Body, 10)
	var tooLarge *http.MaxBytesError
	if _, err := post(large); !errors.As(err, &tooLarge) {
		t.Errorf("too large: %v", err)
	}
	cut := httptest.NewRequest(http.MethodPost, "/in/x", brokenReader{})
	if _, err := post(cut); !errors.As(err, &form) {
		t.Errorf("cut off: %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the line is cut") }

func TestAPortalThatNamesNobodyShowsNothing(t *testing.T) {
	w, p, _ := setup(t)
	w.lying = -1
	access, refresh := w.issue(who{acme, 2})
	if _, err := p.open(t.Context(), w.form(acme, access, refresh)); portal.ProblemOf(err) != portal.AccessDenied {
		t.Errorf("%v", err)
	}
	if _, err := p.store.Token(t.Context(), acme, 2); !errors.Is(err, portal.ErrNoToken) {
		t.Errorf("its pair is kept: %v", err)
	}
}

// TestAPageThatAsksAnewWhoLooks learns it, and keeps nothing.
func TestAPageThatAsksAnewWhoLooks(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 1})
	opened := p.mustOpen(t, w, acme, access, refresh)
	r := httptest.NewRequest(http.MethodPost, "/in/x", nil)
	r.Header.Set("Authorization", "Bearer "+opened.session)
	visit, err := p.gate.Resume(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := visit.Batch(t.Context(), read); err != nil || visit.User.Admin {
		t.Errorf("a session told it: %+v, %v", visit.User, err)
	}
	visit.AskWho()
	if _, err := visit.Batch(t.Context(), read); err != nil || !visit.User.Admin {
		t.Errorf("asked: %+v, %v", visit.User, err)
	}
}

// TestWhatAPageIsWorthKeeping: each statement that is not needed is not made.
func TestWhatAPageIsWorthKeeping(t *testing.T) {
	w, p, _ := setup(t)
	count := &counting{Store: p.gate.Store}
	p.gate.Store = count
	asked := func(what, want string, form *bitrix24.AppRequest) {
		t.Helper()
		count.asked = nil
		if _, err := p.open(t.Context(), form); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(count.asked, " "); got != want {
			t.Errorf("%s: asked %q, want %q", what, got, want)
		}
	}
	access, _ := w.issue(who{acme, 2})
	asked("a page without a refresh token", "Visit", w.form(acme, access, ""))

	access, refresh := w.issue(who{acme, 2})
	asked("a new pair", "Visit SaveToken", w.form(acme, access, refresh))
	w.advance(2 * time.Hour)
	asked("a pair that is renewed on the way", "Visit", w.form(acme, access, refresh))

	access, refresh = w.issue(who{acme, 1})
	form := w.form(acme, access, refresh)
	form.ApplicationToken = secret.New("first")
	asked("an application_token, where none is known", "Visit SaveToken LearnApplicationToken", form)
	asked("the same again", "Visit", form)
	form.ApplicationToken = secret.New("another")
	asked("another one, of an administrator", "Visit LearnApplicationToken", form)

	w.portals[acme].admins = map[portal.UserID]bool{}
	asked("an installer who is no administrator any more", "Visit RetireInstaller", w.form(acme, access, refresh))
	asked("the same again", "Visit", w.form(acme, access, refresh))
}

// late finds that another administrator took over a moment ago.
type late struct{ gate.Store }

func (late) TakeOver(context.Context, portal.MemberID, portal.UserID) (bool, error) {
	return false, nil
}

func TestOneAdministratorTakesOver(t *testing.T) {
	w, p, planned := setup(t)
	w.portals[acme].admins = map[portal.UserID]bool{4: true}
	access, refresh := w.issue(who{acme, 1})
	p.mustOpen(t, w, acme, access, refresh)
	p.gate.Store = late{p.gate.Store}
	access, refresh = w.issue(who{acme, 4})
	if p.mustOpen(t, w, acme, access, refresh); planned.binds.Load() != 0 {
		t.Error("one who came too late has the portal bound")
	}
}

func TestAForeignRefreshTokenIsTold(t *testing.T) {
	w, p, _ := setup(t)
	var log bytes.Buffer
	p.gate.Log = slog.New(slog.NewTextHandler(&log, nil))
	const told = "another user's refresh token"
	access, refresh := w.issue(who{acme, 2})
	p.mustOpen(t, w, acme, access, refresh)
	again, _ := w.issue(who{acme, 2})
	p.mustOpen(t, w, acme, again, refresh)
	_, older := w.issue(who{acme, 2})
	_, newer := w.issue(who{acme, 2})
	for _, own := range []string{older, newer, older} { // at last one whose place another has taken
		again, _ = w.issue(who{acme, 2})
		p.mustOpen(t, w, acme, again, own)
	}
	if strings.Contains(log.String(), told) {
		t.Error("of one's own one it is told")
	}
	foreign, _ := w.issue(who{acme, 3})
	p.mustOpen(t, w, acme, foreign, refresh)
	if !strings.Contains(log.String(), told) || !strings.Contains(log.String(), "owner=2") || strings.Contains(log.String(), refresh) {
		t.Errorf("the log: %s", log.String())
	}
}

// TestAPortalThatAnswersFromElsewhere is followed where the OAuth server says the same, and its token goes nowhere else.
func TestAPortalThatAnswersFromElsewhere(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 2})
	w.moved = w.endpoint(acme) + "batch"
	if _, err := p.open(t.Context(), w.form(acme, access, refresh)); err != nil {
		t.Errorf("a portal that moved: %v", err)
	}
	w.moved = "https://evil.example/rest/batch"
	if _, err := p.open(t.Context(), w.form(acme, access, refresh)); portal.ProblemOf(err) != portal.Unverified {
		t.Errorf("one that leads elsewhere: %v", err)
	}
}

// TestAnApplicationTokenVouchesForANewPair: a flood of forged pages uses up what strangers may ask of the portal, and whoever
// opens the app there with a pair that nobody has seen yet is served, if the portal's application_token comes along.
func TestAnApplicationTokenVouchesForANewPair(t *testing.T) {
	w, p, _ := setup(t)
	if err := p.store.LearnApplicationToken(t.Context(), acme, secret.New("proof")); err != nil {
		t.Fatal(err)
	}
	rest, err := bitrix24.NewClient(bitrix24.Options{AllowPrivate: true, Rate: bitrix24.Rate{PerSecond: 1, Burst: 50}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rest.Close)
	p.gate.REST = rest
	open := func(from, access, refresh, applicationToken string) error {
		form := w.form(acme, access, refresh)
		form.ApplicationToken = secret.New(applicationToken)
		_, err := p.open(bitrix24.WithCaller(t.Context(), from), form)
		return err
	}
	refused := 0
	for i := range 60 {
		err := open(fmt.Sprintf("198.18.0.%d", i), fmt.Sprint("forged", i), fmt.Sprint("forged", i), "forged")
		switch portal.ProblemOf(err) {
		case portal.PortalBusy:
			refused++
		case portal.Unverified:
		default:
			t.Fatalf("a forged page: %v", err)
		}
	}
	if refused < 10 {
		t.Fatalf("the test shows nothing: %d of 60 forged pages found no place", refused)
	}
	for range 5 {
		access, refresh := w.issue(who{acme, 2})
		if err := open("192.0.2.1", access, refresh, "proof"); err != nil {
			t.Errorf("with the application_token: %v", err)
		}
	}
}
