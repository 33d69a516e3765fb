package gate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/gate"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

const acme = portal.MemberID("acme0000")

// setup is a portal that its administrator, user 1, has installed, with a page of user 2.
func setup(t *testing.T) (w *world, p *process, planned *plans) {
	t.Helper()
	w = newWorld(t)
	w.add(acme)
	processes, planned := w.start(t, 1)
	p = processes[0]
	access, refresh := w.issue(who{acme, 1})
	if _, _, err := p.install.Install(t.Context(), w.form(acme, access, refresh)); err != nil {
		t.Fatal(err)
	}
	return w, p, planned
}

func (p *process) mustOpen(t *testing.T, w *world, id portal.MemberID, access, refresh string) page {
	t.Helper()
	opened, err := p.open(t.Context(), w.form(id, access, refresh))
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func (p *process) token(t *testing.T, user portal.UserID) portal.Token {
	t.Helper()
	token, err := p.store.Token(t.Context(), acme, user)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (p *process) installer(t *testing.T) portal.UserID {
	t.Helper()
	stored, err := p.store.Portal(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	return stored.InstallerID
}

func TestAPageWithAnAdministratorsRefreshTokenStaysItsUsers(t *testing.T) {
	for _, state := range []string{"stored", "used up", "never seen"} {
		t.Run(state, func(t *testing.T) {
			w, p, _ := setup(t)
			admin := p.token(t, 1)
			foreign := admin.Refresh.Reveal()
			switch state {
			case "used up":
				if _, err := p.tokens.Renew(t.Context(), portal.Portal{MemberID: acme, ServerEndpoint: w.server.URL + "/rest/"}, admin); err != nil {
					t.Fatal(err)
				}
				admin = p.token(t, 1)
			case "never seen":
				_, foreign = w.issue(who{acme, 1})
			}
			access, _ := w.issue(who{acme, 2})
			mine := p.mustOpen(t, w, acme, access, foreign)
			w.advance(2 * time.Hour)
			w.served = nil
			if err := p.ask(t.Context(), mine); portal.ProblemOf(err) != portal.TokenExpired {
				t.Errorf("the page of user 2 goes on with: %v", err)
			}
			for _, by := range w.served {
				if by.user != 2 {
					t.Errorf("a request of user 2 was answered to user %d", by.user)
				}
			}
			if now := p.token(t, 1); !now.Refresh.Equal(admin.Refresh) || !now.Access.Equal(admin.Access) || now.DeadReason != "" {
				t.Error("the administrator's stored pair changed")
			}
		})
	}
}

func TestAForeignTokenIsNoticedBeforeAnythingIsRead(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 1})
	mine := p.mustOpen(t, w, acme, access, refresh)
	// The platform puts user 9 in the installer's place; the page is still user 1's.
	w.advance(2 * time.Hour)
	token := p.token(t, 1)
	w.issued[token.Refresh.Reveal()].spent = true // the claim no longer works, so the proven one is asked for
	w.granted = nil
	w.names[w.keptOf(t, p, 1)] = who{acme, 9}
	w.served = nil
	if err := p.ask(t.Context(), mine); portal.ProblemOf(err) != portal.TokenExpired {
		t.Errorf("%v", err)
	}
	if len(w.served) != 0 {
		t.Errorf("a page of user 1 was served with a token of %+v", w.served)
	}
	if len(w.granted) != 1 || p.installer(t) != 9 {
		t.Errorf("%d exchanges, installer %d", len(w.granted), p.installer(t))
	}
}

// keptOf is the refresh token of a user's row that came of an exchange.
func (w *world) keptOf(t *testing.T, p *process, user portal.UserID) string {
	t.Helper()
	hash := p.hashes(t, user)[0]
	for text := range w.issued {
		if string(secret.New(text).Hash()) == hash {
			return text
		}
	}
	t.Fatal("the row keeps a refresh token that nobody issued")
	return ""
}

// hashes are refresh_hash and claimed_hash of a user's row.
func (p *process) hashes(t testing.TB, user portal.UserID) [2]string {
	t.Helper()
	var kept, claimed []byte
	err := p.store.Pool().QueryRow(t.Context(), `SELECT refresh_hash, claimed_hash FROM tokens WHERE member_id = $1 AND user_id = $2`, acme, user).
		Scan(&kept, &claimed)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return [2]string{string(kept), string(claimed)}
}

func TestGarbageAsRefreshTokenCostsNothing(t *testing.T) {
	w, p, _ := setup(t)
	for _, user := range []portal.UserID{1, 2} {
		access, refresh := w.issue(who{acme, user})
		opened := p.mustOpen(t, w, acme, access, refresh)
		for _, garbage := range []string{"garbage", "more garbage"} {
			p.mustOpen(t, w, acme, access, garbage)
		}
		w.advance(2 * time.Hour)
		if err := p.ask(t.Context(), opened); err != nil {
			t.Errorf("user %d after garbage: %v", user, err)
		}
	}
}

// TestAPlantedTokenOpensNothing: who once had a user's access token, and posted a refresh token of their own making with
// it, gets nothing for that one later.
func TestAPlantedTokenOpensNothing(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 2})
	p.mustOpen(t, w, acme, access, refresh)
	p.mustOpen(t, w, acme, access, "planted")
	w.advance(2 * time.Hour)
	w.served = nil
	for range 2 { // while it is the row's claim, and after it was refused
		if _, err := p.open(t.Context(), w.form(acme, access, "planted")); portal.ProblemOf(err) != portal.TokenExpired {
			t.Errorf("%v", err)
		}
	}
	if len(w.served) != 0 {
		t.Errorf("served %+v", w.served)
	}
}

func TestAUsedUpPairNeverReplacesItsSuccessor(t *testing.T) {
	t.Run("the install page's pair comes again", func(t *testing.T) {
		w := newWorld(t)
		w.add(acme)
		processes, _ := w.start(t, 1)
		p := processes[0]
		access, refresh := w.issue(who{acme, 1})
		if _, _, err := p.install.Install(t.Context(), w.form(acme, access, refresh)); err != nil {
			t.Fatal(err)
		}
		before := p.token(t, 1)
		p.mustOpen(t, w, acme, access, refresh)
		if now := p.token(t, 1); !now.Refresh.Equal(before.Refresh) || !now.Access.Equal(before.Access) {
			t.Error("the used-up pair is stored")
		}
	})
	t.Run("the page that registered a portal is reloaded", func(t *testing.T) {
		w := newWorld(t)
		w.add(acme)
		processes, _ := w.start(t, 1)
		p := processes[0]
		access, refresh := w.issue(who{acme, 2})
		opened := p.mustOpen(t, w, acme, access, refresh)
		for range 2 {
			p.mustOpen(t, w, acme, access, refresh)
		}
		w.advance(2 * time.Hour)
		if err := p.ask(t.Context(), opened); err != nil || len(w.twice) != 0 {
			t.Errorf("%v, spent twice: %d", err, len(w.twice))
		}
	})
	t.Run("two tabs at expiry", func(t *testing.T) {
		w, p, _ := setup(t)
		access, refresh := w.issue(who{acme, 2})
		slow, err := p.gate.Admit(t.Context(), w.form(acme, access, refresh)) // before the other tab renews
		if err != nil {
			t.Fatal(err)
		}
		w.advance(61 * time.Minute)
		opened := p.mustOpen(t, w, acme, access, refresh)
		w.issued[access].expires = w.now.Add(time.Minute) // the slow tab's call was answered just before
		if _, err := slow.Batch(t.Context(), read); err != nil {
			t.Fatal(err)
		}
		w.advance(2 * time.Hour)
		if err := p.ask(t.Context(), opened); err != nil || len(w.twice) != 0 {
			t.Errorf("%v, spent twice: %d", err, len(w.twice))
		}
	})
	t.Run("an older page is reloaded", func(t *testing.T) {
		w, p, _ := setup(t)
		var pairs [3][2]string
		for i := range pairs {
			pairs[i][0], pairs[i][1] = w.issue(who{acme, 2})
			p.mustOpen(t, w, acme, pairs[i][0], pairs[i][1])
		}
		p.mustOpen(t, w, acme, pairs[1][0], pairs[1][1])
		if now := p.token(t, 2); now.Refresh.Reveal() != pairs[2][1] || now.Access.Reveal() != pairs[2][0] {
			t.Error("the older pair replaced the newest")
		}
	})
}

func TestAnotherPortalsRefreshTokenIsNotSpent(t *testing.T) {
	w, p, _ := setup(t)
	const other = portal.MemberID("other000")
	w.add(other)
	access, refresh := w.issue(who{other, 2})
	opened := p.mustOpen(t, w, other, access, refresh)
	stored, err := p.store.Token(t.Context(), other, 2)
	if err != nil {
		t.Fatal(err)
	}
	w.advance(2 * time.Hour)
	exchanges := len(w.granted)
	if _, err := p.open(t.Context(), w.form(acme, stored.Access.Reveal(), stored.Refresh.Reveal())); portal.ProblemOf(err) != portal.Unverified {
		t.Errorf("%v", err)
	}
	if len(w.granted) != exchanges {
		t.Error("another portal's refresh token was spent")
	}
	if err := p.ask(t.Context(), opened); err != nil {
		t.Errorf("the other portal's own page: %v", err)
	}
}

func TestAnswersThatLackMembersLoseNoPair(t *testing.T) {
	for name, answers := range map[string]shape{
		"float":              {ExpiresIn: 3600.5, ClientEndpoint: "https://p.example/rest/"},
		"text":               {ExpiresIn: "3600"},
		"no number":          {ExpiresIn: "soon"},
		"nothing":            {NoUser: true, NoMember: true},
		"unusable endpoint":  {ExpiresIn: 3600, ClientEndpoint: "ftp://nowhere"},
		"endpoint no text":   {ExpiresIn: 3600, ClientEndpoint: 7},
		"no user":            {ExpiresIn: 3600, NoUser: true},
		"no member":          {ExpiresIn: 3600, NoMember: true},
		"negative life time": {ExpiresIn: -5},
	} {
		t.Run(name, func(t *testing.T) {
			w, p, _ := setup(t)
			access, refresh := w.issue(who{acme, 2})
			opened := p.mustOpen(t, w, acme, access, refresh)
			w.shape = answers
			for range 3 { // the first renews a claim, the others what came of it
				w.advance(2 * time.Hour)
				if err := p.ask(t.Context(), opened); err != nil {
					t.Fatal(err)
				}
			}
			if len(w.twice) != 0 || p.token(t, 2).Refresh.Reveal() != w.granted[len(w.granted)-1].refresh {
				t.Error("the newest pair is not the stored one")
			}
		})
	}
}

func TestAnAnswerThatNamesNobodyIsNotUsedForAClaim(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 2})
	opened := p.mustOpen(t, w, acme, access, refresh)
	w.advance(2 * time.Hour)
	w.shape, w.silent, w.served = shape{NoUser: true}, true, nil
	if err := p.ask(t.Context(), opened); portal.ProblemOf(err) != portal.OAuthUnreachable || len(w.served) != 0 {
		t.Fatalf("%v, served %v", err, w.served)
	}
	// Within the window in which a used-up token still finds its successor: but nobody has said whose this one was.
	w.silent, w.served = false, nil
	if _, err := p.open(t.Context(), w.form(acme, access, refresh)); portal.ProblemOf(err) != portal.TokenExpired {
		t.Errorf("the used-up claim: %v", err)
	}
	if len(w.served) != 0 || len(w.granted) != 2 {
		t.Errorf("served %v, %d exchanges", w.served, len(w.granted))
	}
	w.silent = false // and the pair is not lost
	if err := p.ask(t.Context(), opened); err != nil || len(w.twice) != 0 {
		t.Errorf("%v, spent twice: %d", err, len(w.twice))
	}
}

func TestAnAnswerWithoutRefreshTokenServesUntilItsEnd(t *testing.T) {
	w, p, _ := setup(t)
	access, refresh := w.issue(who{acme, 2})
	opened := p.mustOpen(t, w, acme, access, refresh)
	w.advance(2 * time.Hour)
	w.shape.NoRefresh = true
	for range 3 {
		if err := p.ask(t.Context(), opened); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := p.open(t.Context(), w.form(acme, access, refresh)); err != nil || again.user != 2 { // another tab with the old pair
		t.Errorf("%+v, %v", again, err)
	}
	if len(w.granted) != 2 || p.token(t, 2).DeadReason != portal.DeadNoRefresh { // one of the installation, one of user 2
		t.Errorf("%d exchanges, %q", len(w.granted), p.token(t, 2).DeadReason)
	}
	w.advance(2 * time.Hour)
	if err := p.ask(t.Context(), opened); portal.ProblemOf(err) != portal.TokenExpired {
		t.Errorf("%v", err)
	}
	w.shape = fullShape()
	access, refresh = w.issue(who{acme, 2})
	p.mustOpen(t, w, acme, access, refresh)
	w.advance(2 * time.Hour)
	if err := p.ask(t.Context(), opened); err != nil {
		t.Errorf("after the next open: %v", err)
	}
}

func TestApplicationTokenIsLearntFromAdministratorsAlone(t *testing.T) {
	w, p, _ := setup(t)
	open := func(user portal.UserID, applicationToken string) string {
		access, refresh := w.issue(who{acme, user})
		form := w.form(acme, access, refresh)
		form.ApplicationToken = secret.New(applicationToken)
		if _, err := p.open(t.Context(), form); err != nil {
			t.Fatal(err)
		}
		stored, err := p.store.Portal(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		return stored.ApplicationToken.Reveal()
	}
	if got := open(2, "false"); got != "" {
		t.Errorf("a plain user's application_token is stored")
	}
	if got := open(1, "genuine"); got != "genuine" {
		t.Errorf("an administrator's is not")
	}
}

func TestTheProfileDecidesWhoseAPageIs(t *testing.T) {
	w, p, _ := setup(t)
	// An expired access token and a refresh token: the renewed pair is user 1's by the OAuth server; the portal says user 3.
	access, refresh := w.issue(who{acme, 1})
	w.advance(2 * time.Hour)
	visit, err := p.gate.Admit(t.Context(), w.form(acme, access, refresh))
	if err != nil {
		t.Fatal(err)
	}
	w.lying = 3
	if _, err := visit.Batch(t.Context(), read); portal.ProblemOf(err) != portal.Unverified {
		t.Errorf("%v", err)
	}
	if _, err := p.store.Token(t.Context(), acme, 3); !errors.Is(err, portal.ErrNoToken) {
		t.Errorf("user 3 has a pair: %v", err)
	}
}

func TestAnAdministratorTakesOverWhereTheInstallerCannot(t *testing.T) {
	for name, spoil := range map[string]func(w *world, p *process){
		"the installer's token is dead": func(w *world, p *process) {
			w.advance(2 * time.Hour)
			w.issued[p.token(t, 1).Refresh.Reveal()].spent = true
			stored, _ := p.store.Portal(t.Context(), acme)
			_, _ = p.tokens.Renew(t.Context(), stored, p.token(t, 1))
		},
		"the installer opens the app, no administrator any more": func(w *world, p *process) {
			w.portals[acme].admins = map[portal.UserID]bool{4: true}
			access, refresh := w.issue(who{acme, 1})
			p.mustOpen(t, w, acme, access, refresh)
		},
		"binding finds that the installer is no administrator": func(w *world, p *process) {
			w.portals[acme].admins = map[portal.UserID]bool{4: true}
			if err := p.install.Rebind(t.Context(), acme); portal.ProblemOf(err) != portal.NotAdministrator {
				t.Errorf("%v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, p, planned := setup(t)
			w.portals[acme].admins[4] = true
			open := func(user portal.UserID) portal.UserID {
				access, refresh := w.issue(who{acme, user})
				p.mustOpen(t, w, acme, access, refresh)
				return p.installer(t)
			}
			if got := open(4); got != 1 {
				t.Fatalf("while the installer can: installer %d", got)
			}
			spoil(w, p)
			if got := open(2); got != 1 {
				t.Errorf("after a plain user's page: installer %d", got)
			}
			if got := open(4); got != 4 || planned.binds.Load() != 1 {
				t.Errorf("after an administrator's page: installer %d, %d bindings planned", got, planned.binds.Load())
			}
			if err := p.install.Rebind(t.Context(), acme); err != nil {
				t.Errorf("background work in the new installer's name: %v", err)
			}
		})
	}
}

func TestTheInstallerMovesWithItsToken(t *testing.T) {
	w, p, _ := setup(t)
	w.portals[acme].admins[9] = true
	w.advance(2 * time.Hour)
	w.names[p.token(t, 1).Refresh.Reveal()] = who{acme, 9}
	if err := p.install.Rebind(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	if p.installer(t) != 9 || p.token(t, 9).Refresh.Reveal() != w.granted[1].refresh || p.token(t, 1).DeadReason != portal.DeadMoved {
		t.Errorf("installer %d, %q", p.installer(t), p.token(t, 1).DeadReason)
	}
	// A claim moves nothing: any page can post one.
	access, _ := w.issue(who{acme, 9})
	_, foreign := w.issue(who{acme, 2})
	p.mustOpen(t, w, acme, access, foreign)
	w.advance(2 * time.Hour)
	if err := p.install.Rebind(t.Context(), acme); err != nil || p.installer(t) != 9 {
		t.Errorf("%v, installer %d", err, p.installer(t))
	}
	if _, err := p.store.Token(t.Context(), acme, 2); !errors.Is(err, portal.ErrNoToken) {
		t.Errorf("user 2 has a row: %v", err)
	}
}

// counting counts what the gate asks of storage: each method is one statement.
type counting struct {
	gate.Store
	asked []string
}

func (c *counting) Visit(ctx context.Context, id portal.MemberID, hash []byte) (portal.Visit, error) {
	c.asked = append(c.asked, "Visit")
	return c.Store.Visit(ctx, id, hash)
}

func (c *counting) Resume(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Portal, portal.Token, error) {
	c.asked = append(c.asked, "Resume")
	return c.Store.Resume(ctx, id, user)
}

func (c *counting) SaveToken(ctx context.Context, t portal.Token) error {
	c.asked = append(c.asked, "SaveToken")
	return c.Store.SaveToken(ctx, t)
}

func (c *counting) TakeOver(ctx context.Context, id portal.MemberID, user portal.UserID) (bool, error) {
	c.asked = append(c.asked, "TakeOver")
	return c.Store.TakeOver(ctx, id, user)
}

func (c *counting) RetireInstaller(ctx context.Context, id portal.MemberID, user portal.UserID) error {
	c.asked = append(c.asked, "RetireInstaller")
	return c.Store.RetireInstaller(ctx, id, user)
}

func (c *counting) LearnApplicationToken(ctx context.Context, id portal.MemberID, token secret.Text) error {
	c.asked = append(c.asked, "LearnApplicationToken")
	return c.Store.LearnApplicationToken(ctx, id, token)
}

func TestOpeningAPageCostsOneReadAndAWriteOnlyForANewPair(t *testing.T) {
	w, p, _ := setup(t)
	count := &counting{Store: p.gate.Store}
	p.gate.Store = count
	asked := func(want string, do func()) {
		t.Helper()
		before := p.store.Pool().Stat().AcquireCount()
		count.asked = nil
		do()
		if got := strings.Join(count.asked, " "); got != want {
			t.Errorf("asked %q, want %q", got, want)
		}
		if got := p.store.Pool().Stat().AcquireCount() - before; got != int64(len(count.asked)) {
			t.Errorf("%d round trips for %v", got, count.asked)
		}
	}
	for _, user := range []portal.UserID{1, 2} {
		access, refresh := w.issue(who{acme, user})
		var opened page
		asked("Visit SaveToken", func() { opened = p.mustOpen(t, w, acme, access, refresh) })
		asked("Visit", func() { p.mustOpen(t, w, acme, access, refresh) })
		asked("Resume", func() {
			if err := p.ask(t.Context(), opened); err != nil {
				t.Error(err)
			}
		})
	}
}
