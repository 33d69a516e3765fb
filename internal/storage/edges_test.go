package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

// TestWorkForAPortalWithoutARecord: what is planned, begun or ended for one that has removed the app, or was never there.
func TestWorkForAPortalWithoutARecord(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteInstallation(ctx, p.MemberID, false); err != nil {
		t.Fatal(err)
	}
	for _, id := range []portal.MemberID{p.MemberID, "nobody"} {
		err := s.WantBinding(ctx, id, func(context.Context, pgx.Tx, time.Duration) error { t.Error("it is planned"); return nil })
		if err != nil {
			t.Errorf("want: %v", err)
		}
		if _, err := s.BeginBinding(ctx, id); err != portal.ErrUnknownPortal { //nolint:errorlint // as it is, wrapped in no trouble of the database
			t.Errorf("begin: %v", err)
		}
		settled := 0
		err = s.EndBinding(ctx, id, portal.BindingEnd{}, func(_ context.Context, _ pgx.Tx, again bool, busy time.Duration) error {
			settled++
			if again || busy != 0 {
				t.Errorf("again %t, busy %s", again, busy)
			}
			return nil
		})
		if err != nil || settled != 1 {
			t.Errorf("end: %v, settled %d times", err, settled)
		}
	}
	if _, err := s.NoteMissing(ctx, "nobody"); err != portal.ErrUnknownPortal { //nolint:errorlint // as above
		t.Errorf("missing: %v", err)
	}
	none, err := s.UnboundPortals(ctx, "", 10, func(context.Context, pgx.Tx, []portal.MemberID) error { t.Error("nothing is planned"); return nil })
	if err != nil || len(none) != 0 {
		t.Errorf("unbound: %v, %v", none, err)
	}
}

// TestAnEndThatIsNotStoredIsNotSettled: a binding's end that the database refuses is told.
func TestAnEndThatIsNotStoredIsNotSettled(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	sql(t, s, `ALTER TABLE portals ADD CONSTRAINT never_busy CHECK (bind_busy = 0)`)
	settled := false
	err := s.EndBinding(ctx, p.MemberID, portal.BindingEnd{Took: time.Second}, func(context.Context, pgx.Tx, bool, time.Duration) error {
		settled = true
		return nil
	})
	if err == nil || settled {
		t.Errorf("%v, settled %t", err, settled)
	}
}

// TestWhatIsToldOfPortals: when they were bound and removed.
func TestWhatIsToldOfPortals(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	if err := s.RecordBinding(ctx, p.MemberID, "ok", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Portal(ctx, p.MemberID); err != nil || !got.BoundAt.Equal(c.time()) || !got.UninstalledAt.IsZero() {
		t.Errorf("bound at %s, removed at %s, %v", got.BoundAt, got.UninstalledAt, err)
	}
	c.advance(time.Minute)
	if err := s.DeleteInstallation(ctx, p.MemberID, false); err != nil {
		t.Fatal(err)
	}
	list, err := s.Portals(ctx)
	if err != nil || len(list) != 1 || !list[0].UninstalledAt.Equal(c.time()) {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestRowsThatDoNotOpenAreCountedAndLeft where keys are rotated; what the database refuses ends it.
func TestRowsThatDoNotOpenAreCountedAndLeft(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	other := open(t, s.URLForTest(), apptest.NewSealer(t), c)
	if resealed, unreadable, err := other.Reseal(ctx); resealed != 0 || unreadable != 2 || err != nil {
		t.Errorf("%d resealed, %d unreadable, %v", resealed, unreadable, err)
	}
}

// TestMigrationsThatFailAreTold.
func TestMigrationsThatFailAreTold(t *testing.T) {
	stores, _, _ := setup(t)
	sql(t, stores[0], `UPDATE schema_migrations SET version = version - 1`)
	if err := storage.Migrate(secret.New(stores[0].URLForTest())); err == nil {
		t.Error("a migration that finds its work done already succeeds")
	}
}

// TestAPageWithoutARefreshTokenStoresNothing.
func TestAPageWithoutARefreshTokenStoresNothing(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	mustSave(t, s, portal.Token{MemberID: p.MemberID, UserID: 2, Access: secret.New("access"), ExpiresAt: time.Now().Add(time.Hour)})
	if _, err := s.Token(ctx, p.MemberID, 2); !errors.Is(err, portal.ErrNoToken) {
		t.Errorf("%v", err)
	}
}
