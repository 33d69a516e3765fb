package storage_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

func sql(t *testing.T, s *storage.Store, statement string, args ...any) {
	t.Helper()
	if _, err := s.Pool().Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t *testing.T, s *storage.Store, query string, args ...any) (n int) {
	t.Helper()
	if err := s.Pool().QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// TestReadySaysWhatIsMissing, so that whoever operates the app knows what to do.
func TestReadySaysWhatIsMissing(t *testing.T) {
	stores, _, _ := setup(t)
	s := stores[0]
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for statement, want := range map[string]string{
		`UPDATE schema_migrations SET version = 1`:    "the database is at migration 1",
		`UPDATE schema_migrations SET dirty = true`:   "failed half way",
		`DELETE FROM schema_migrations`:               "no migrations yet",
		`ALTER TABLE schema_migrations RENAME TO old`: "no migrations yet",
	} {
		changed, _, _ := setup(t)
		sql(t, changed[0], statement)
		if err := changed[0].Ready(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	s.Close()
	if err := s.Ready(t.Context()); portal.ProblemOf(err) != portal.StorageDown {
		t.Errorf("without a connection: %v", err)
	}
}

func TestThePoolIsAsLargeAsConfigured(t *testing.T) {
	for conns, want := range map[int32]bool{5: true, 0: false} {
		s, err := storage.Open(t.Context(), storage.Options{URL: secret.New("postgres://127.0.0.1:1/none"), MaxConns: conns, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Pool().Config().MaxConns; (got == conns) != want || got <= 0 {
			t.Errorf("%d connections where %d are configured", got, conns)
		}
		s.Close()
	}
}

// TestErrorsThatSayWhatIsStored are no troubles of the database.
func TestErrorsThatSayWhatIsStored(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	save := func(version int64) error {
		_, err := s.SaveSettings(ctx, p.MemberID, version, portal.SettingsChange{Action: "save"})
		return err
	}
	undo := func(version int64) error {
		_, _, err := s.UndoSettings(ctx, p.MemberID, version, portal.User{ID: 1})
		return err
	}
	if err := save(0); err != portal.ErrUnknownPortal { //nolint:errorlint // as it is, wrapped in no trouble of the database
		t.Errorf("of a portal without a record: %v", err)
	}
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := undo(0); err != portal.ErrNothingToUndo { //nolint:errorlint // as above
		t.Errorf("with nothing to undo: %v", err)
	}
	if err := save(0); err != nil {
		t.Fatal(err)
	}
	if err := save(0); err != portal.ErrSettingsConflict { //nolint:errorlint // as above
		t.Errorf("of an older version: %v", err)
	}
	sql(t, s, `UPDATE portal_settings SET settings = '"no object"'`)
	if err := save(1); err == nil {
		t.Error("settings that cannot be read are replaced")
	}
	if err := s.DeleteInstallation(ctx, p.MemberID, false); err != nil {
		t.Fatal(err)
	}
	if err := save(1); err != portal.ErrUnknownPortal { //nolint:errorlint // as above
		t.Errorf("of a portal that removed the app: %v", err)
	}
}

// TestADatabaseThatIsSlowIsNoRemovedPortal: what cannot be read is not taken for missing.
func TestADatabaseThatIsSlowIsNoRemovedPortal(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	tx, err := stores[1].Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(ctx, `LOCK TABLE portals, tokens, refresh_hashes, erasure_key, settings_changes IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	never := func() { t.Error("something is done in its place") }
	for name, do := range map[string]func(ctx context.Context) error{
		"read":    func(ctx context.Context) error { _, err := s.Portal(ctx, p.MemberID); return err },
		"visit":   func(ctx context.Context) error { _, err := s.Visit(ctx, p.MemberID, nil); return err },
		"resume":  func(ctx context.Context) error { _, _, err := s.Resume(ctx, p.MemberID, 1); return err },
		"token":   func(ctx context.Context) error { _, err := s.Token(ctx, p.MemberID, 1); return err },
		"erased":  func(ctx context.Context) error { _, err := s.WasErased(ctx, p.MemberID); return err },
		"missing": func(ctx context.Context) error { _, err := s.NoteMissing(ctx, p.MemberID); return err },
		"plan": func(ctx context.Context) error {
			return s.InPortal(ctx, p.MemberID, func(context.Context, pgx.Tx) error { never(); return nil })
		},
		"want": func(ctx context.Context) error {
			return s.WantBinding(ctx, p.MemberID, func(context.Context, pgx.Tx, time.Duration) error { never(); return nil })
		},
		"begin": func(ctx context.Context) error { _, err := s.BeginBinding(ctx, p.MemberID); return err },
		"end": func(ctx context.Context) error {
			return s.EndBinding(ctx, p.MemberID, portal.BindingEnd{}, func(context.Context, pgx.Tx, bool, time.Duration) error { never(); return nil })
		},
		"settings": func(ctx context.Context) error {
			_, err := s.SaveSettings(ctx, p.MemberID, 0, portal.SettingsChange{})
			return err
		},
		"unbound": func(ctx context.Context) error {
			_, err := s.UnboundPortals(ctx, "", 10, func(context.Context, pgx.Tx, []portal.MemberID) error { never(); return nil })
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		if err := do(ctx); portal.ProblemOf(err) != portal.StorageDown {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

// TestARenewalOfAPortalThatRemovedTheAppLeavesNothing.
func TestARenewalOfAPortalThatRemovedTheAppLeavesNothing(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteInstallation(ctx, p.MemberID, false); err != nil {
		t.Fatal(err)
	}
	got, err := s.RenewToken(ctx, shown(p, "refresh-unseen"), gives(pair(p, 2, "b")))
	if err != nil || got.Generation != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if tokens, hashes := count(t, s, `SELECT count(*) FROM tokens`), count(t, s, `SELECT count(*) FROM refresh_hashes`); tokens != 0 || hashes != 0 {
		t.Errorf("%d tokens and %d hashes are left", tokens, hashes)
	}
}

// TestTheSameRefreshTokenAgainIsNotUsedUp: some server may give it.
func TestTheSameRefreshTokenAgainIsNotUsedUp(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	same := pair(p, 1, "b")
	same.Refresh = secret.New("refresh-a")
	for _, name := range []string{"b", "c", "d"} {
		same.Access = secret.New("access-" + name)
		got, err := s.RenewToken(ctx, shown(p, "refresh-a"), gives(same))
		if err != nil || got.Access.Reveal() != "access-"+name {
			t.Fatalf("%s: %+v, %v", name, got, err)
		}
	}
	if got := refreshOf(t, s, p, 1); got != "refresh-a" {
		t.Errorf("the row holds %q", got)
	}
}

// TestAnErasureThatCannotBeReadIsTold, rather than taken for none.
func TestAnErasureThatCannotBeReadIsTold(t *testing.T) {
	stores, c, p := setup(t)
	ctx := t.Context()
	if err := stores[0].ErasePortal(ctx, p.MemberID); err != nil {
		t.Fatal(err)
	}
	other := open(t, stores[0].URLForTest(), apptest.NewSealer(t), c)
	if erased, err := other.WasErased(ctx, p.MemberID); err == nil || erased {
		t.Errorf("%t, %v", erased, err)
	}
	if err := other.SaveInstallation(ctx, p, pair(p, 1, "a")); err == nil {
		t.Error("the memory of it cannot be ended, and nobody is told")
	}
}

// TestARemovalIsTriedThreeTimes where Postgres ends it for others' sake, and no further.
func TestARemovalIsTriedThreeTimes(t *testing.T) {
	stores, _, _ := setup(t)
	for code, want := range map[string]int{"40P01": 3, "23505": 1} {
		tries := 0
		err := stores[0].RemovingForTest(t.Context(), func(pgx.Tx) error { tries++; return &pgconn.PgError{Code: code} })
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || tries != want {
			t.Errorf("%s: %d tries, %v", code, tries, err)
		}
	}
}
