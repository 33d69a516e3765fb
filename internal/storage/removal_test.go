package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// TestASchemaNumberIsNeverUsedTwice: what a process keeps of a portal's schema is kept under it, also while the portal is
// erased and installed anew.
func TestASchemaNumberIsNeverUsedTwice(t *testing.T) {
	stores, _, p := setup(t)
	ctx := t.Context()
	seen := map[int64]bool{}
	fresh := func(when string) {
		t.Helper()
		got, err := stores[0].Portal(ctx, p.MemberID)
		if err != nil {
			t.Fatal(err)
		}
		if seen[got.SchemaVersion] {
			t.Errorf("%s: number %d again", when, got.SchemaVersion)
		}
		seen[got.SchemaVersion] = true
	}
	for round := range 3 {
		if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, time.Now().String())); err != nil {
			t.Fatal(err)
		}
		fresh("installed")
		for range 3 {
			if err := stores[1].CountSchemaChange(ctx, p.MemberID); err != nil {
				t.Fatal(err)
			}
			fresh("changed")
		}
		if err := stores[2].DeleteInstallation(ctx, p.MemberID, round != 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "x")); err != nil {
		t.Fatal(err)
	}
	before, _ := stores[0].Portal(ctx, p.MemberID)
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "y")); err != nil {
		t.Fatal(err)
	}
	if after, _ := stores[0].Portal(ctx, p.MemberID); after.SchemaVersion != before.SchemaVersion {
		t.Error("opening the install page again empties the caches")
	}
}

// TestAnErasureIsRememberedByAHashAlone, until the portal is installed again, and through a rotation of keys.
func TestAnErasureIsRememberedByAHashAlone(t *testing.T) {
	url := cluster.Database(t)
	keyset, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.New(keyset)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	c.now.Store(time.Now().UnixNano())
	s, ctx := open(t, url, sealer, c), t.Context()
	p := portal.Portal{MemberID: "acme-portal", Domain: "acme.example", Scope: []string{"crm"}, InstallerID: 1}
	erased := func(want bool) {
		t.Helper()
		for id, want := range map[portal.MemberID]bool{p.MemberID: want, "another-portal": false} {
			if got, err := s.WasErased(ctx, id); got != want || err != nil {
				t.Errorf("%s: %t, %v", id, got, err)
			}
		}
	}
	erased(false)
	install := func() {
		t.Helper()
		if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
			t.Fatal(err)
		}
	}
	install()
	for range 2 {
		if err := s.ErasePortal(ctx, p.MemberID); err != nil {
			t.Fatal(err)
		}
	}
	erased(true)
	if found := apptest.Find(t, url, string(p.MemberID)); len(found) > 0 {
		t.Errorf("the portal stands in %v", found)
	}
	if found := apptest.Find(t, url, fmt.Sprintf("%x", secret.New(string(p.MemberID)).Hash())); len(found) > 0 {
		t.Errorf("a hash without a key, which anybody can make, stands in %v", found)
	}

	extended, err := seal.Extend(keyset)
	if err != nil {
		t.Fatal(err)
	}
	if sealer, err = seal.New(extended); err != nil {
		t.Fatal(err)
	}
	s = open(t, url, sealer, c)
	if resealed, unreadable, err := s.Reseal(ctx); resealed != 1 || unreadable != 0 || err != nil {
		t.Errorf("%d re-sealed, %d unreadable, %v", resealed, unreadable, err)
	}
	pruned, err := seal.Prune(extended)
	if err != nil {
		t.Fatal(err)
	}
	if sealer, err = seal.New(pruned); err != nil {
		t.Fatal(err)
	}
	s = open(t, url, sealer, c)
	erased(true)
	if sealed, unknown, err := s.UnknownKeys(ctx); sealed != 1 || unknown != 0 || err != nil {
		t.Errorf("%d sealed, %d with unknown keys, %v", sealed, unknown, err)
	}

	install()
	erased(false)
	if err := s.DeleteInstallation(ctx, p.MemberID, true); err != nil { // as its uninstall event does
		t.Fatal(err)
	}
	erased(false)
}

// TestBusyTimeFades, so that a portal gets out of the slow queue.
func TestBusyTimeFades(t *testing.T) {
	stores, c, p := setup(t)
	ctx := t.Context()
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	end := func(took time.Duration) (busy time.Duration) {
		t.Helper()
		err := stores[0].EndBinding(ctx, p.MemberID, portal.BindingEnd{Took: took, Through: true},
			func(_ context.Context, _ pgx.Tx, _ bool, b time.Duration) error { busy = b; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return busy.Round(time.Second)
	}
	if got := end(20 * time.Second); got != 20*time.Second {
		t.Errorf("after one: %s", got)
	}
	if got := end(10 * time.Second); got != 30*time.Second {
		t.Errorf("after two: %s", got)
	}
	c.advance(10 * time.Minute)
	if got := end(0); got != 11*time.Second { // 30 s / e
		t.Errorf("ten minutes later: %s", got)
	}
	c.advance(time.Hour)
	if got := end(0); got != 0 {
		t.Errorf("an hour later: %s", got)
	}
}

// TestLivingTokensAreTheInstallersFirst, and none that is dead for good.
func TestLivingTokensAreTheInstallersFirst(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	p.InstallerID = 2
	if err := s.SaveInstallation(ctx, p, pair(p, 2, "installer")); err != nil {
		t.Fatal(err)
	}
	for user, reason := range map[portal.UserID]string{3: "", 4: "invalid_grant", 5: "payment_required", 6: "not_installed"} {
		c.advance(time.Minute)
		token := pair(p, user, user.String())
		if err := s.SaveToken(ctx, token); err != nil {
			t.Fatal(err)
		}
		if reason != "" {
			_, _ = s.RenewToken(ctx, token, func(context.Context, secret.Text, bool) (portal.Token, error) {
				return portal.Token{}, &portal.DeadTokenError{Reason: reason}
			})
		}
	}
	tokens, err := s.LivingTokens(ctx, p.MemberID, 10)
	if err != nil || len(tokens) != 4 || tokens[0].UserID != 2 || tokens[0].Refresh.Reveal() != "refresh-installer" {
		t.Errorf("%v, %v", tokens, err)
	}
	for _, token := range tokens {
		if token.UserID == 4 {
			t.Error("a dead token")
		}
	}
	if few, err := s.LivingTokens(ctx, p.MemberID, 1); err != nil || len(few) != 1 || few[0].UserID != 2 {
		t.Errorf("%v, %v", few, err)
	}
}

// TestSilentPortalsAreThoseOfWhichNothingWasHeard: a page that was opened, and a pair that was renewed, count as heard.
func TestSilentPortalsAreThoseOfWhichNothingWasHeard(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	at := func(id portal.MemberID) portal.Portal { q := p; q.MemberID = id; return q }
	save := func(id portal.MemberID, user portal.UserID, name string) {
		t.Helper()
		token := pair(at(id), user, string(id)+name)
		token.ExpiresAt = c.time().Add(time.Hour)
		if user == 1 && name == "a" {
			if err := s.SaveInstallation(ctx, at(id), token); err != nil {
				t.Fatal(err)
			}
			return
		}
		mustSave(t, s, token)
	}
	for _, id := range []portal.MemberID{"silent", "opened", "renewed", "removed"} {
		save(id, 1, "a")
	}
	c.advance(100 * 24 * time.Hour)
	save("opened", 2, "b") // a plain user, whose first pair stays the kept one
	renewed := pair(at("renewed"), 1, "renewed-b")
	renewed.ExpiresAt = c.time().Add(time.Hour)
	if _, err := s.RenewToken(ctx, shown(at("renewed"), "refresh-renewed"+"a"), gives(renewed)); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteInstallation(ctx, "removed", false); err != nil {
		t.Fatal(err)
	}
	c.advance(100 * 24 * time.Hour)
	save("opened", 2, "c") // a claim beside it
	save("new", 1, "a")
	c.advance(100 * 24 * time.Hour)
	list := func() (ids []portal.MemberID) {
		ids, err := s.SilentPortals(ctx, c.time().Add(-180*24*time.Hour), "", 10, func(context.Context, pgx.Tx, []portal.MemberID) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if got := list(); len(got) != 2 || got[0] != "renewed" || got[1] != "silent" {
		t.Errorf("%v", got)
	}
}

// TestThePlanAndTheApplicationTokenOfAPortalAreKept, the newest of each.
func TestThePlanAndTheApplicationTokenOfAPortalAreKept(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SetLicense(ctx, p.MemberID, "ent"), s.LearnApplicationToken(ctx, p.MemberID, secret.New("newer"))); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Portal(ctx, p.MemberID); err != nil || got.LicenseFamily != "ent" || got.ApplicationToken.Reveal() != "newer" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "b")); err != nil { // the app is installed again
		t.Fatal(err)
	}
	if got, err := s.Visit(ctx, p.MemberID, nil); err != nil || got.Portal.LicenseFamily != "ent" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestARemovalOutlivesADeadlock: its event comes once.
func TestARemovalOutlivesADeadlock(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	removed := make(chan error, 1)
	err := pgx.BeginFunc(ctx, s.Pool(), func(tx pgx.Tx) error { // as a renewal does: the token first
		if _, err := tx.Exec(ctx, `SELECT FROM tokens WHERE member_id = $1 FOR UPDATE`, p.MemberID); err != nil {
			return err
		}
		go func() { removed <- s.DeleteInstallation(ctx, p.MemberID, false) }()
		time.Sleep(300 * time.Millisecond) // now it waits for the token, and its patience ends first
		_, err := tx.Exec(ctx, `SELECT FROM portals WHERE member_id = $1 FOR SHARE`, p.MemberID)
		return err
	})
	if err != nil {
		t.Log("this time the renewal was ended: ", err)
	}
	if err := <-removed; err != nil {
		t.Error(err)
	}
	if got, err := s.Portal(ctx, p.MemberID); err != nil || got.Installed() {
		t.Errorf("%+v, %v", got, err)
	}
}
