package storage_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

// gives is an exchange that gives a pair.
func gives(t portal.Token) portal.Exchange {
	return func(context.Context, secret.Text, bool) (portal.Token, error) { return t, nil }
}

func never(t *testing.T) portal.Exchange {
	return func(context.Context, secret.Text, bool) (portal.Token, error) {
		t.Error("an exchange")
		return portal.Token{}, errors.New("must not be asked")
	}
}

func mustSave(t *testing.T, s *storage.Store, token portal.Token) {
	t.Helper()
	if err := s.SaveToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
}

func refreshOf(t *testing.T, s *storage.Store, p portal.Portal, user portal.UserID) string {
	t.Helper()
	token, err := s.Token(t.Context(), p.MemberID, user)
	if errors.Is(err, portal.ErrNoToken) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return token.Refresh.Reveal()
}

// TestOneExchangeInTwoProcessesForATokenWithoutARow: the second process comes while the first one's exchange is under way,
// and there is no row that could be locked.
func TestOneExchangeInTwoProcessesForATokenWithoutARow(t *testing.T) {
	stores, _, p := setup(t)
	if err := stores[0].SaveInstallation(t.Context(), p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	var exchanges atomic.Int64
	begun, end := make(chan struct{}, 2), make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			got, err := stores[i].RenewToken(t.Context(), shown(p, "refresh-unseen"), func(context.Context, secret.Text, bool) (portal.Token, error) {
				exchanges.Add(1)
				begun <- struct{}{}
				<-end
				return pair(p, 2, "new"), nil
			})
			if err != nil || got.Access.Reveal() != "access-new" {
				t.Errorf("%+v, %v", got, err)
			}
		})
		if i == 0 {
			<-begun
		}
	}
	waiting := false
	for deadline := time.Now().Add(10 * time.Second); !waiting && exchanges.Load() < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		err := stores[2].Pool().QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	close(end)
	wg.Wait()
	if exchanges.Load() != 1 {
		t.Errorf("%d exchanges, want 1", exchanges.Load())
	}
}

func TestARefreshTokenBelongsToOneUser(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	mustSave(t, s, pair(p, 2, "mine"))
	for _, foreign := range []string{"a", "mine"} {
		for _, user := range []portal.UserID{1, 2, 3} {
			stolen := pair(p, user, "of-"+user.String())
			stolen.Refresh = secret.New("refresh-" + foreign)
			mustSave(t, s, stolen)
		}
	}
	for user, want := range map[portal.UserID]string{1: "refresh-a", 2: "refresh-mine", 3: ""} {
		if got := refreshOf(t, s, p, user); got != want {
			t.Errorf("user %d holds %q", user, got)
		}
	}
	// However many post one at the same time: the first one stays.
	var wg sync.WaitGroup
	for user := range portal.UserID(12) {
		wg.Go(func() {
			contested := pair(p, user+10, "own")
			contested.Refresh = secret.New("refresh-contested")
			if err := stores[user%3].SaveToken(ctx, contested); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	owners := 0
	for user := range portal.UserID(12) {
		if refreshOf(t, s, p, user+10) == "refresh-contested" {
			owners++
		}
	}
	if owners != 1 {
		t.Errorf("%d users hold one refresh token", owners)
	}
	if _, err := s.RenewToken(ctx, portal.Token{MemberID: p.MemberID, UserID: 3, Refresh: secret.New("refresh-a")}, never(t)); portal.ProblemOf(err) != portal.Unverified {
		t.Errorf("user 3 renews user 1's token: %v", err)
	}
}

func TestAClaimWaitsBesideTheProvenToken(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "proven")); err != nil {
		t.Fatal(err)
	}
	stored, err := s.Token(ctx, p.MemberID, 1)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(59 * 24 * time.Hour)
	mustSave(t, s, pair(p, 1, "claim"))
	now, err := s.Token(ctx, p.MemberID, 1)
	if err != nil || now.Refresh.Reveal() != "refresh-claim" || now.Access.Reveal() != "access-claim" {
		t.Errorf("%+v, %v", now, err)
	}
	if !now.StoredAt.Equal(stored.StoredAt) {
		t.Error("a claim puts off the keep-alive of the proven token")
	}
	due, err := s.InstallersDue(ctx, c.time().Add(-58*24*time.Hour), "", 10, func(context.Context, pgx.Tx, []portal.MemberID) error { return nil })
	if err != nil || len(due) != 1 {
		t.Errorf("due: %v, %v", due, err)
	}
	var asked []string
	renewed, err := s.RenewToken(ctx, portal.Token{MemberID: p.MemberID, UserID: 1, Access: now.Access, Refresh: now.Refresh},
		func(_ context.Context, refresh secret.Text, proven bool) (portal.Token, error) {
			asked = append(asked, refresh.Reveal())
			if proven != (refresh.Reveal() == "refresh-proven") {
				t.Errorf("%s: proven %v", refresh.Reveal(), proven)
			}
			if refresh.Reveal() == "refresh-claim" {
				return portal.Token{}, &portal.DeadTokenError{Reason: "invalid_grant"}
			}
			return portal.Token{Access: secret.New("a2"), Refresh: secret.New("r2"), ExpiresAt: c.time().Add(time.Hour)}, nil
		})
	if err != nil || renewed.UserID != 1 || renewed.MemberID != p.MemberID || strings.Join(asked, " ") != "refresh-claim refresh-proven" {
		t.Errorf("%+v, %v, asked %v", renewed, err, asked)
	}
	mustSave(t, s, pair(p, 1, "claim"))
	mustSave(t, s, pair(p, 1, "proven"))
	if got := refreshOf(t, s, p, 1); got != "r2" {
		t.Errorf("a refused or used-up token came back: %s", got)
	}
}

func TestARenewalThatNamesAnotherUserStoresNothing(t *testing.T) {
	for name, named := range map[string]portal.Token{
		"another user":                  {MemberID: "a223c6b3710f85df22e9377d6c4f7553", UserID: 3},
		"another user, no portal named": {UserID: 3},
		"another portal":                {MemberID: "ffffffffffffffffffffffffffffffff", UserID: 2},
		"another portal, nobody named":  {MemberID: "ffffffffffffffffffffffffffffffff"},
	} {
		t.Run(name, func(t *testing.T) {
			stores, _, p := setup(t)
			s, ctx := stores[0], t.Context()
			if err := s.SaveInstallation(ctx, p, pair(p, 1, "installer")); err != nil {
				t.Fatal(err)
			}
			mustSave(t, s, pair(p, 2, "a"))
			mustSave(t, s, pair(p, 3, "other"))
			named.Access, named.Refresh = secret.New("stolen-access"), secret.New("stolen-refresh")
			for _, shown := range []portal.Token{shown(p, "refresh-a"), {MemberID: p.MemberID, UserID: 2, Access: secret.New("access-a"), Refresh: secret.New("refresh-a")}} {
				var dead *portal.DeadTokenError
				if got, err := s.RenewToken(ctx, shown, gives(named)); !errors.As(err, &dead) || dead.Reason != portal.DeadForeign || !got.Access.IsZero() {
					t.Errorf("%+v, %v", got, err)
				}
			}
			token, err := s.Token(ctx, p.MemberID, 2)
			if err != nil || !token.Refresh.IsZero() || token.Access.Reveal() != "access-a" || token.DeadReason != portal.DeadForeign {
				t.Errorf("the row: %+v, %v", token, err)
			}
			if got := refreshOf(t, s, p, 3); got != "refresh-other" {
				t.Errorf("the named user's row: %s", got)
			}
			// Of a token that was never seen the answer is everything.
			if _, err := s.RenewToken(ctx, portal.Token{MemberID: p.MemberID, UserID: 2, Refresh: secret.New("unseen")}, gives(named)); portal.ProblemOf(err) != portal.Unverified {
				t.Errorf("%v", err)
			}
			if _, err := s.RenewToken(ctx, shown(p, "unseen too"), gives(portal.Token{MemberID: p.MemberID, Access: secret.New("x"), Refresh: secret.New("y")})); portal.ProblemOf(err) != portal.Unverified {
				t.Errorf("a pair of nobody: %v", err)
			}
		})
	}
}

func TestRegisteringStoresPortalAndPairOrNeither(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	claimed := portal.Token{MemberID: p.MemberID, UserID: 1, Access: secret.New("access-posted"), Refresh: secret.New("refresh-posted")}
	if _, err := s.Register(ctx, p, claimed, gives(pair(p, 2, "x"))); portal.ProblemOf(err) != portal.Unverified {
		t.Errorf("another user's: %v", err)
	}
	if _, err := s.Portal(ctx, p.MemberID); !errors.Is(err, portal.ErrUnknownPortal) {
		t.Fatalf("%v", err)
	}
	got := pair(p, 1, "got")
	got.ExpiresAt = c.time().Add(time.Hour)
	if _, err := s.Register(ctx, p, claimed, gives(got)); err != nil {
		t.Fatal(err)
	}
	// The same page again, long after other pages' window: its user is known, so it finds the pair.
	c.advance(30 * time.Minute)
	if again, err := stores[1].Register(ctx, p, claimed, never(t)); err != nil || again.Access.Reveal() != "access-got" {
		t.Errorf("%+v, %v", again, err)
	}
	if refreshOf(t, s, p, 1) != "refresh-got" {
		t.Error("the pair is not stored")
	}
}

func TestOpeningKnowsWhatIsStored(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	visit := func(refresh string) portal.Visit {
		t.Helper()
		v, err := s.Visit(ctx, p.MemberID, secret.New(refresh).Hash())
		if err != nil || v.Portal.MemberID != p.MemberID || !v.Portal.ApplicationToken.Equal(p.ApplicationToken) {
			t.Fatalf("%+v, %v", v, err)
		}
		return v
	}
	if _, err := s.Visit(ctx, p.MemberID, nil); !errors.Is(err, portal.ErrUnknownPortal) {
		t.Errorf("%v", err)
	}
	if _, _, err := s.Resume(ctx, p.MemberID, 1); !errors.Is(err, portal.ErrUnknownPortal) {
		t.Errorf("%v", err)
	}
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	mustSave(t, s, pair(p, 1, "claim"))
	mustSave(t, s, pair(p, 1, "newer"))
	mustSave(t, s, pair(p, 2, "two"))
	for refresh, want := range map[string]portal.Visit{
		"refresh-a": {PairOf: 1, PairCurrent: true}, "refresh-newer": {PairOf: 1, PairCurrent: true}, "refresh-claim": {PairOf: 1},
		"refresh-two": {PairOf: 2, PairCurrent: true}, "unknown": {}, "": {},
	} {
		if v := visit(refresh); v.PairOf != want.PairOf || v.PairCurrent != want.PairCurrent || v.Orphaned {
			t.Errorf("%q: %+v", refresh, v)
		}
	}
	got, token, err := s.Resume(ctx, p.MemberID, 2)
	if err != nil || got.ClientEndpoint != p.ClientEndpoint || token.Access.Reveal() != "access-two" {
		t.Errorf("%+v, %+v, %v", got, token, err)
	}
	if got, _, err := s.Resume(ctx, p.MemberID, 3); !errors.Is(err, portal.ErrNoToken) || !got.Installed() {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.RetireInstaller(ctx, p.MemberID, 2); err != nil || visit("").Orphaned {
		t.Errorf("a user who is not the installer: %v", err)
	}
	if err := s.RetireInstaller(ctx, p.MemberID, 1); err != nil || !visit("").Orphaned {
		t.Errorf("%v", err)
	}
	if took, err := s.TakeOver(ctx, p.MemberID, 3); err != nil || took {
		t.Errorf("a user without a token: %v, %v", took, err)
	}
	for i, want := range []bool{true, false} {
		if took, err := s.TakeOver(ctx, p.MemberID, 2); err != nil || took != want {
			t.Errorf("take over %d: %v, %v", i, took, err)
		}
	}
	if v := visit(""); v.Orphaned || v.Portal.InstallerID != 2 {
		t.Errorf("%+v", v)
	}
}

func TestOldHashesAreForgotten(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		c.advance(10 * time.Hour)
		mustSave(t, s, pair(p, 1, c.time().String()))
	}
	var n int
	if err := s.Pool().QueryRow(ctx, `SELECT count(*) FROM refresh_hashes`).Scan(&n); err != nil || n > 5 {
		t.Errorf("%d hashes, %v", n, err) // the kept one, the claim, and those of the last 25 hours
	}
	if v, err := s.Visit(ctx, p.MemberID, secret.New("refresh-a").Hash()); err != nil || !v.PairCurrent {
		t.Errorf("the kept token is forgotten: %+v, %v", v, err)
	}
}

// TestARemovalDuringARenewalLosesNothing: each waits for the other's row at some moment, in one order.
func TestARemovalDuringARenewalLosesNothing(t *testing.T) {
	for _, clean := range []bool{false, true} {
		stores, _, p := setup(t)
		ctx := t.Context()
		if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
			t.Fatal(err)
		}
		removed := make(chan error, 1)
		_, err := stores[0].RenewToken(ctx, shown(p, "refresh-a"), func(context.Context, secret.Text, bool) (portal.Token, error) {
			go func() { removed <- stores[1].DeleteInstallation(ctx, p.MemberID, clean) }()
			for waiting := false; !waiting; time.Sleep(5 * time.Millisecond) {
				if err := stores[2].Pool().QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)`).Scan(&waiting); err != nil {
					return portal.Token{}, err
				}
			}
			return pair(p, 1, "b"), nil
		})
		if err != nil {
			t.Errorf("clean %v: the renewal: %v", clean, err)
		}
		if err := <-removed; err != nil {
			t.Errorf("clean %v: the removal: %v", clean, err)
		}
		if got := refreshOf(t, stores[0], p, 1); got != "" {
			t.Errorf("clean %v: a token is left", clean)
		}
	}
}

func TestKeysRotateUnderClaims(t *testing.T) {
	stores, c, p := setup(t)
	ctx := t.Context()
	old, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	both, err := seal.Extend(old)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := seal.Prune(both)
	if err != nil {
		t.Fatal(err)
	}
	with := func(keyset secret.Text) *storage.Store {
		sealer, err := seal.New(keyset)
		if err != nil {
			t.Fatal(err)
		}
		return open(t, stores[0].URLForTest(), sealer, c)
	}
	p.ApplicationToken = secret.Text{}
	if err := with(old).SaveInstallation(ctx, p, pair(p, 1, "kept")); err != nil {
		t.Fatal(err)
	}
	s := with(both)
	mustSave(t, s, pair(p, 1, "claim")) // sealed with the new key, beside what the old one sealed
	if resealed, unreadable, err := s.Reseal(ctx); err != nil || resealed != 1 || unreadable != 0 {
		t.Errorf("%d re-sealed, %d unreadable, %v", resealed, unreadable, err)
	}
	asked := 0
	_, err = with(alone).RenewToken(ctx, portal.Token{MemberID: p.MemberID, UserID: 1, Access: secret.New("access-claim"), Refresh: secret.New("refresh-claim")},
		func(_ context.Context, refresh secret.Text, _ bool) (portal.Token, error) {
			asked++
			if refresh.Reveal() == "refresh-claim" {
				return portal.Token{}, &portal.DeadTokenError{Reason: "invalid_grant"}
			}
			return pair(p, 1, "next"), nil
		})
	if err != nil || asked != 2 {
		t.Errorf("%v, %d exchanges", err, asked)
	}
}

// TestMigrationOfRowsThatShareAToken: it costs no row that owns its token, and leaves no token with two owners.
func TestMigrationOfRowsThatShareAToken(t *testing.T) {
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, cluster.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	migrate := func(names ...string) {
		for _, name := range names {
			files, err := filepath.Glob("../../migrations/" + name)
			if err != nil || len(files) != 1 {
				t.Fatalf("%s: %v, %v", name, files, err)
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(ctx, string(text)); err != nil {
				t.Fatalf("%s: %v", files[0], err)
			}
		}
	}
	migrate("0001_*.up.sql", "0002_*.up.sql", "0003_*.up.sql", "0004_*.up.sql")
	_, err = conn.Exec(ctx, `
		INSERT INTO portals (member_id, client_endpoint, domain, server_endpoint, key_id, scope, status, installer_id, installed_at, updated_at)
		VALUES ('m', '', '', '', 0, '{}', 'F', 1, now(), now());
		INSERT INTO tokens (member_id, user_id, access_token, refresh_token, key_id, refresh_hash, previous_refresh_hash, expires_at, stored_at)
		VALUES ('m', 1, 'a', 'r', 0, 'proven', 'used', now(), now()),
		       ('m', 2, 'a', 'r', 0, 'proven', NULL, now(), now() - interval '1 day'), -- the installer's token, posted by user 2
		       ('m', 3, 'a', 'r', 0, 'used', NULL, now(), now()),                      -- the one that was exchanged for it
		       ('m', 4, 'a', 'r', 0, 'twin', NULL, now(), now() - interval '1 day'),
		       ('m', 5, 'a', 'r', 0, 'twin', NULL, now(), now()),
		       ('m', 6, 'a', 'r', 0, 'own', NULL, now(), now())`)
	if err != nil {
		t.Fatal(err)
	}
	migrate("0005_*.up.sql")
	rows, _ := conn.Query(ctx, `
		SELECT user_id || ' ' || coalesce(convert_from(refresh_hash, 'UTF8'), '-') || ' ' || proven || ' ' || dead_reason
		FROM tokens
		ORDER BY user_id`)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := "1 proven true |2 - false foreign|3 - false foreign|4 twin false |5 - false foreign|6 own false "
	if err != nil || strings.Join(got, "|") != want {
		t.Errorf("%q, %v", strings.Join(got, "|"), err)
	}
	migrate("0005_*.down.sql", "0005_*.up.sql")
}

// TestAPageDuringARemovalLeavesNoToken: the removal has begun, and waits for another user's row, when the page's pair comes.
func TestAPageDuringARemovalLeavesNoToken(t *testing.T) {
	stores, _, p := setup(t)
	ctx := t.Context()
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	waiting := func() (n int) {
		t.Helper()
		if err := stores[2].Pool().QueryRow(ctx, `SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	row, err := stores[2].Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := row.Exec(ctx, `SELECT FROM tokens FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := stores[0].DeleteInstallation(ctx, p.MemberID, false); err != nil {
			t.Error(err)
		}
	})
	for waiting() < 1 {
		time.Sleep(5 * time.Millisecond)
	}
	var saved atomic.Bool
	wg.Go(func() {
		if err := stores[1].SaveToken(ctx, pair(p, 2, "late")); err != nil {
			t.Error(err)
		}
		saved.Store(true)
	})
	for waiting() < 2 && !saved.Load() {
		time.Sleep(5 * time.Millisecond)
	}
	if err := row.Rollback(ctx); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if got := refreshOf(t, stores[0], p, 2); got != "" {
		t.Error("a token is left of a portal that removed the app")
	}
}
