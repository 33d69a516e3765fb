package gate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// posted is a form that some page posted, to be posted again.
type posted struct {
	form *bitrix24.AppRequest
	of   who // whose the access token is
}

// holding is what the model knows of one user's tokens.
type holding struct {
	access  string          // the newest access token that was proven to be the user's
	newest  string          // the newest refresh token of the user: of a page that is believed, or of an exchange
	misled  bool            // a page posted a false refresh token after that one
	proven  string          // the newest refresh token that an exchange gave
	planted map[string]bool // refresh tokens that are not the user's and were posted with the user's access token
}

// model drives two processes of the app and the world, and knows what must hold.
type model struct {
	w         *world
	processes []*process
	ids       []portal.MemberID
	forms     []posted
	pages     []page
	known     map[portal.MemberID]map[string]bool // refresh tokens that the app has seen of a portal
	holdings  map[who]*holding
	grants    int // of the world that are taken into account
	garbage   int
}

var users = []portal.UserID{1, 2, 3}

func (m *model) holding(of who) *holding {
	h := m.holdings[of]
	if h == nil {
		h = &holding{planted: map[string]bool{}}
		m.holdings[of] = h
	}
	return h
}

// forget is what is left of a portal that removed the app, or of which the app lost its data.
func (m *model) forget(id portal.MemberID) {
	m.known[id] = map[string]bool{}
	for of := range m.holdings {
		if of.portal == id {
			delete(m.holdings, of)
		}
	}
}

// absorb takes the exchanges since the last time into account: what came of one belongs to the user whose token it was,
// unless another user planted that token, or another portal's page showed it.
func (m *model) absorb(expected map[string]who) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, g := range m.w.granted[m.grants:] {
		if owner, foreign := expected[g.used]; foreign && owner != g.who {
			// Nothing is kept of what is refused where no row is concerned, so it may be tried again, in vain.
			m.w.issued[g.used].forgiven = !m.known[owner.portal][g.used]
			continue
		}
		if m.plantedBySomebody(g) {
			continue
		}
		h := m.holding(g.who)
		h.access, h.misled = g.access, false
		m.known[g.portal][g.used], h.newest, h.proven = true, g.refresh, g.refresh
		if g.refresh != "" {
			m.known[g.portal][g.refresh] = true
		}
	}
	m.grants = len(m.w.granted)
}

func (m *model) plantedBySomebody(g *grant) bool {
	for of, h := range m.holdings {
		if of != g.who && h.planted[g.used] {
			return true
		}
	}
	return false
}

// post posts a form at a process and takes into account what that must have done.
func (m *model) post(t *rapid.T, p *process, f posted) {
	id := portal.MemberID(f.form.MemberID)
	access, refresh := f.form.Access.Reveal(), f.form.Refresh.Reveal()
	stored := m.row(t, f.of) // before
	m.w.mu.Lock()
	m.w.served = nil
	valid := m.w.valid(access) != nil && m.w.now.Before(m.w.issued[access].expires) && f.of.portal == id
	var owner who
	if issued := m.w.issued[refresh]; issued != nil {
		owner = issued.who
	}
	m.w.mu.Unlock()
	known := false // here, or of another portal
	for _, at := range m.ids {
		known = known || m.known[at][refresh]
	}
	unknownPortal := !m.installed(t, id)

	opened, err := p.open(context.Background(), f.form)
	if valid && owner == f.of && !unknownPortal && err != nil {
		t.Fatalf("a genuine page of %v is refused: %v", f.of, err)
	}
	if err == nil {
		opened.installation = m.w.portals[id].installation
		m.pages = append(m.pages, opened)
		if valid && opened.who != f.of {
			t.Fatalf("the page of %v was opened as %v", f.of, opened.who)
		}
	}
	// Who shows an expired access token and a refresh token is whose refresh token it is.
	m.onlyServed(t, opened.who, err == nil)
	expected := map[string]who{}
	if owner.portal != id || valid && owner != f.of {
		expected[refresh] = who{id, f.of.user}
	}
	before := m.grants
	m.absorb(expected)
	exchanged := m.grants > before
	if err != nil || !valid || exchanged || unknownPortal {
		return
	}
	// A row with nothing left takes one that it had before; whose it really is, it cannot know.
	back := stored.exists && stored.kept == "" && stored.claimed == "" && m.row(t, f.of).holds(refresh)
	if known && !back {
		return
	}
	h := m.holding(f.of)
	m.known[id][refresh], h.access = true, access
	if owner == f.of {
		h.newest, h.misled = refresh, false
	} else {
		h.planted[refresh], h.misled = true, true
	}
}

// onlyServed checks that nothing was read or written for a request with another user's token than its own.
func (m *model) onlyServed(t *rapid.T, of who, known bool) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for _, by := range m.w.served {
		if !known || by != of {
			t.Fatalf("a request of %v (admitted: %v) was served with a token of %v", of, known, by)
		}
	}
	m.w.served = nil
}

// tokenState is a row as the database has it.
type tokenState struct {
	exists        bool
	kept, claimed string // hashes
	proven        bool
}

func (s tokenState) holds(refresh string) bool {
	hash := string(secret.New(refresh).Hash())
	return hash != "" && (s.kept == hash || s.claimed == hash)
}

func (m *model) row(t *rapid.T, of who) tokenState {
	var s tokenState
	var kept, claimed []byte
	err := m.processes[0].store.Pool().QueryRow(context.Background(), `
		SELECT refresh_hash, claimed_hash, proven
		FROM tokens
		WHERE member_id = $1 AND user_id = $2`, of.portal, of.user).Scan(&kept, &claimed, &s.proven)
	if errors.Is(err, pgx.ErrNoRows) {
		return s
	}
	if err != nil {
		t.Fatal(err)
	}
	s.exists, s.kept, s.claimed = true, string(kept), string(claimed)
	return s
}

func (m *model) installed(t *rapid.T, id portal.MemberID) bool {
	p, err := m.processes[0].store.Portal(context.Background(), id)
	if err != nil && !errors.Is(err, portal.ErrUnknownPortal) {
		t.Fatal(err)
	}
	return err == nil && p.Installed()
}

// check is what holds after every step.
func (m *model) check(t *rapid.T) {
	m.w.mu.Lock()
	twice := append([]string(nil), m.w.twice...)
	m.w.mu.Unlock()
	if len(twice) > 0 {
		t.Fatalf("spent twice: %v", twice)
	}
	for _, id := range m.ids {
		var shared int
		err := m.processes[0].store.Pool().QueryRow(context.Background(), `
			SELECT count(*)
			FROM (SELECT member_id, user_id, refresh_hash AS hash FROM tokens WHERE refresh_hash IS NOT NULL
			      UNION ALL SELECT member_id, user_id, claimed_hash FROM tokens WHERE claimed_hash IS NOT NULL) AS held
			LEFT JOIN refresh_hashes AS known ON known.member_id = held.member_id AND known.refresh_hash = held.hash AND known.user_id = held.user_id
			WHERE held.member_id = $1 AND known.user_id IS NULL`, id).Scan(&shared)
		if err != nil {
			t.Fatal(err)
		}
		if shared > 0 {
			t.Fatalf("%d rows hold a refresh token that is another user's, or nobody's", shared)
		}
		for _, user := range users {
			m.checkRow(t, who{id, user})
		}
	}
}

func (m *model) checkRow(t *rapid.T, of who) {
	h := m.holdings[of]
	stored, err := m.processes[0].store.Token(context.Background(), of.portal, of.user)
	if errors.Is(err, portal.ErrNoToken) {
		if h != nil && h.access != "" {
			t.Fatalf("%v has no row and should", of)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if h == nil || stored.Access.Reveal() != h.access {
		t.Fatalf("%v: the stored access token is not the newest: %s", of, stored.Access.Reveal())
	}
	row := m.row(t, of)
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	usable := func(refresh string) bool {
		return refresh != "" && m.w.valid(refresh) != nil && !m.w.issued[refresh].spent
	}
	if usable(h.newest) && !h.misled && !row.holds(h.newest) {
		t.Fatalf("%v: the newest refresh token is lost", of)
	}
	if usable(h.proven) && row.kept != string(secret.New(h.proven).Hash()) {
		t.Fatalf("%v: the proven refresh token is lost", of)
	}
	for refresh := range h.planted {
		if issued := m.w.issued[refresh]; issued != nil && row.proven && row.kept == string(secret.New(refresh).Hash()) {
			t.Fatalf("%v: another's refresh token counts as proven", of)
		}
	}
}

// genuine opens a new page of a user.
func (m *model) genuine(of who) posted {
	access, refresh := m.w.issue(of)
	return posted{m.w.form(of.portal, access, refresh), of}
}

// TestTokensInAnyOrder drives users, tabs, installations, adoption, reloads, expiry, renewals in two processes, removal,
// re-installation, a lost database, false and foreign refresh tokens and answers that lack members, in any order. After
// every step: the stored pair is the newest that the OAuth server gave for its user; nothing was read or written for one
// user with another's token; no refresh token was spent twice or lost; and each belongs to one row.
func TestTokensInAnyOrder(t *testing.T) {
	w := newWorld(t)
	processes, _ := w.start(t, 2)
	count := 0
	rapid.Check(t, func(t *rapid.T) {
		m := &model{w: w, processes: processes, known: map[portal.MemberID]map[string]bool{}, holdings: map[who]*holding{}}
		w.mu.Lock()
		w.twice, w.granted, w.served, w.names, w.shape = nil, nil, nil, map[string]who{}, fullShape()
		w.mu.Unlock()
		for range 2 {
			count++
			id := portal.MemberID(fmt.Sprintf("portal%06d", count))
			w.add(id)
			m.ids, m.known[id] = append(m.ids, id), map[string]bool{}
		}
		aPortal, aUser, aProcess := rapid.SampledFrom(m.ids), rapid.SampledFrom(users), rapid.SampledFrom(processes)
		someone := func(t *rapid.T) who { return who{aPortal.Draw(t, "portal"), aUser.Draw(t, "user")} }
		open := func(t *rapid.T, f posted) {
			m.forms = append(m.forms, f)
			m.post(t, aProcess.Draw(t, "process"), f)
		}
		type portalsThere = *rapid.Generator[portal.MemberID]
		// Portals whose platform has the app are chosen among alone, so that no step is lost; where there is none, or no page
		// was opened yet, such a step does nothing.
		onPlatform := func(do func(t *rapid.T, f posted, there portalsThere)) func(*rapid.T) {
			return func(t *rapid.T) {
				var installed []portal.MemberID
				for _, id := range m.ids {
					if w.portals[id].installed {
						installed = append(installed, id)
					}
				}
				if len(installed) == 0 {
					return
				}
				there := rapid.SampledFrom(installed)
				do(t, m.genuine(who{there.Draw(t, "portal"), aUser.Draw(t, "user")}), there)
			}
		}
		again := func(do func(t *rapid.T, f posted)) func(*rapid.T) {
			return func(t *rapid.T) {
				if len(m.forms) > 0 {
					do(t, rapid.SampledFrom(m.forms).Draw(t, "form"))
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"open":               onPlatform(func(t *rapid.T, f posted, _ portalsThere) { open(t, f) }),
			"reload":             again(func(t *rapid.T, f posted) { m.post(t, aProcess.Draw(t, "process"), f) }),
			"reload in two tabs": again(m.together),
			"open with garbage": onPlatform(func(t *rapid.T, f posted, _ portalsThere) {
				m.garbage++
				f.form.Refresh = secret.New(fmt.Sprintf("garbage-%d-%s", m.garbage, m.ids[0]))
				open(t, f)
			}),
			"open with another's refresh token": onPlatform(func(t *rapid.T, f posted, _ portalsThere) {
				again(func(t *rapid.T, other posted) {
					f.form.Refresh = other.form.Refresh
					open(t, f)
				})(t)
			}),
			"open with a stored refresh token": onPlatform(func(t *rapid.T, f posted, _ portalsThere) {
				other := someone(t)
				stored, err := processes[0].store.Token(context.Background(), other.portal, other.user)
				if err != nil || stored.Refresh.IsZero() {
					return
				}
				f.form.Refresh = stored.Refresh
				open(t, f)
			}),
			"open with a refresh token never seen": onPlatform(func(t *rapid.T, f posted, there portalsThere) {
				_, refresh := w.issue(who{there.Draw(t, "portal"), aUser.Draw(t, "user")})
				f.form.Refresh = secret.New(refresh)
				open(t, f)
			}),
			"show another portal's pair": again(func(t *rapid.T, f posted) {
				form := *f.form
				form.MemberID = string(aPortal.Draw(t, "portal"))
				m.post(t, aProcess.Draw(t, "process"), posted{&form, f.of})
			}),
			"ask": func(t *rapid.T) {
				if len(m.pages) == 0 {
					return
				}
				m.ask(t, rapid.SampledFrom(m.pages).Draw(t, "page"), rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "at once"))
			},
			"keep alive": func(t *rapid.T) {
				id := aPortal.Draw(t, "portal")
				p, err := processes[0].store.Portal(context.Background(), id)
				if err != nil || !p.Installed() {
					return
				}
				token, err := processes[1].store.Token(context.Background(), id, p.InstallerID)
				if err != nil || token.Refresh.IsZero() {
					return
				}
				_, _ = aProcess.Draw(t, "process").tokens.Renew(context.Background(), p, token)
				m.absorb(nil)
			},
			"time":      func(t *rapid.T) { w.advance(time.Duration(rapid.IntRange(1, 50).Draw(t, "minutes")) * time.Minute) },
			"much time": func(t *rapid.T) { w.advance(2 * time.Hour) },
			"shape": func(t *rapid.T) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.shape = shape{
					NoUser: rapid.Bool().Draw(t, "no user"), NoMember: rapid.Bool().Draw(t, "no member"),
					NoRefresh: rapid.IntRange(0, 4).Draw(t, "refresh") == 0,
					ExpiresIn: rapid.SampledFrom([]any{3600, 3600.5, "3600", "soon", nil}).Draw(t, "expires_in"),
				}
			},
			"install": func(t *rapid.T) {
				id := aPortal.Draw(t, "portal")
				w.mu.Lock()
				p := w.portals[id]
				if !p.installed {
					p.installed, p.installation = true, p.installation+1
				}
				w.mu.Unlock()
				f := m.genuine(who{id, 1})
				m.forms = append(m.forms, f)
				if _, _, err := aProcess.Draw(t, "process").install.Install(context.Background(), f.form); err != nil {
					t.Fatalf("a genuine installation is refused: %v", err)
				}
				m.onlyServed(t, who{id, 1}, true)
				m.absorb(nil)
			},
			"uninstall": func(t *rapid.T) {
				id := aPortal.Draw(t, "portal")
				w.mu.Lock()
				w.portals[id].installed = false
				w.mu.Unlock()
				if err := processes[1].store.DeleteInstallation(context.Background(), id, rapid.Bool().Draw(t, "clean")); err != nil {
					t.Fatal(err)
				}
				m.forget(id)
			},
			"lose the data": func(t *rapid.T) {
				id := aPortal.Draw(t, "portal")
				if err := processes[0].store.DeleteInstallation(context.Background(), id, true); err != nil {
					t.Fatal(err)
				}
				w.mu.Lock()
				for _, issued := range w.issued {
					issued.forgiven = issued.forgiven || issued.portal == id && issued.spent
				}
				w.mu.Unlock()
				m.forget(id)
			},
			"": m.check,
		})
	})
}

// together posts one form at both processes at once.
func (m *model) together(t *rapid.T, f posted) {
	m.post(t, m.processes[0], f) // so that both find the same state, whatever it was before
	m.w.mu.Lock()
	m.w.served = nil
	m.w.mu.Unlock()
	opened, errs := make([]page, 2), make([]error, 2)
	var wg sync.WaitGroup
	for i, p := range m.processes {
		wg.Go(func() { opened[i], errs[i] = p.open(context.Background(), f.form) })
	}
	wg.Wait()
	m.w.mu.Lock()
	served := m.w.served
	m.w.served = nil
	m.w.mu.Unlock()
	for _, by := range served {
		if (errs[0] != nil || opened[0].who != by) && (errs[1] != nil || opened[1].who != by) {
			t.Fatalf("served with a token of %v, opened %v and %v", by, opened, errs)
		}
	}
	m.absorb(nil)
}

// ask asks for more from an open page, at one process or at both at once.
func (m *model) ask(t *rapid.T, from page, atOnce int) {
	row := m.row(t, from.who)
	m.w.mu.Lock()
	m.w.served = nil
	h := m.holdings[from.who]
	alive := false
	if h != nil && row.exists {
		current := m.w.valid(h.access)
		alive = current != nil && m.w.now.Before(current.expires)
		if issued := m.w.issued[h.proven]; h.proven != "" && m.w.valid(h.proven) != nil && !issued.spent {
			alive = true
		}
	}
	m.w.mu.Unlock()
	p, err := m.processes[0].store.Portal(context.Background(), from.portal)
	if err != nil || !p.Installed() || m.w.portals[from.portal].installation != from.installation {
		alive = false
	}
	errs := make([]error, atOnce)
	var wg sync.WaitGroup
	for i := range atOnce {
		wg.Go(func() { errs[i] = m.processes[i].ask(context.Background(), from) })
	}
	wg.Wait()
	m.onlyServed(t, from.who, true)
	m.absorb(nil)
	for _, err := range errs {
		if alive && err != nil && !m.reinstalled(err) {
			t.Fatalf("a page of %v, whose pair works, is refused: %v", from.who, err)
		}
	}
}

// reinstalled reports an answer for pages of an earlier installation: the app lost its data in between.
func (*model) reinstalled(err error) bool {
	return portal.ProblemOf(err) == portal.TokenExpired && strings.Contains(err.Error(), "earlier installation")
}
