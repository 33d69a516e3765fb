package storage_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }

type clock struct{ now atomic.Int64 }

func (c *clock) time() time.Time         { return time.Unix(0, c.now.Load()) }
func (c *clock) advance(d time.Duration) { c.now.Add(int64(d)) }

func open(t *testing.T, url string, sealer *seal.Sealer, c *clock) *storage.Store {
	t.Helper()
	s, err := storage.Open(context.Background(), storage.Options{URL: secret.New(url), Sealer: sealer, Now: c.time})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func setup(t *testing.T) (stores []*storage.Store, c *clock, p portal.Portal) {
	t.Helper()
	sealer := apptest.NewSealer(t)
	c = &clock{}
	c.now.Store(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	url := cluster.Database(t)
	for range 3 { // as three processes would have
		stores = append(stores, open(t, url, sealer, c))
	}
	p = portal.Portal{
		MemberID: "a223c6b3710f85df22e9377d6c4f7553", ClientEndpoint: "https://p.example/rest/", Domain: "p.example", ServerEndpoint: "https://o.example/rest/",
		ApplicationToken: secret.New("app-token"), Scope: []string{"crm"}, Status: "F", InstallerID: 1,
	}
	return stores, c, p
}

func pair(p portal.Portal, user portal.UserID, name string) portal.Token {
	return portal.Token{MemberID: p.MemberID, UserID: user, Access: secret.New("access-" + name), Refresh: secret.New("refresh-" + name), ExpiresAt: time.Now().Add(time.Hour)}
}

// shown is a refresh token that somebody shows who is not known otherwise.
func shown(p portal.Portal, refresh string) portal.Token {
	return portal.Token{MemberID: p.MemberID, Refresh: secret.New(refresh)}
}

func TestInstallationIsStoredWholeAndReadBack(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if _, err := s.Portal(ctx, p.MemberID); !errors.Is(err, portal.ErrUnknownPortal) {
		t.Fatalf("before: %v", err)
	}
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	got, err := stores[1].Portal(ctx, p.MemberID)
	if err != nil || !got.Installed() || !got.ApplicationToken.Equal(p.ApplicationToken) || got.ClientEndpoint != p.ClientEndpoint {
		t.Fatalf("%+v, %v", got, err)
	}
	token, err := stores[2].Token(ctx, p.MemberID, 1)
	if err != nil || token.Refresh.Reveal() != "refresh-a" || token.Generation != 1 {
		t.Fatalf("%+v, %v", token, err)
	}
	if _, err := s.Token(ctx, p.MemberID, 2); !errors.Is(err, portal.ErrNoToken) {
		t.Errorf("another user: %v", err)
	}
	p.ApplicationToken = secret.Text{} // as from an older portal
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "b")); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Portal(ctx, p.MemberID); got.ApplicationToken.Reveal() != "app-token" {
		t.Error("a missing application_token erased the stored one")
	}
}

func TestNoTokenIsStoredForARemovedPortal(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteInstallation(ctx, p.MemberID, false); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveToken(ctx, pair(p, 1, "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Token(ctx, p.MemberID, 1); !errors.Is(err, portal.ErrNoToken) {
		t.Errorf("a token came back: %v", err)
	}
	got, err := s.Portal(ctx, p.MemberID)
	if err != nil || got.Installed() || !got.ApplicationToken.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRenewIsSharedByProcesses(t *testing.T) {
	stores, c, p := setup(t)
	ctx := t.Context()
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	var exchanges atomic.Int64
	renew := func(context.Context, secret.Text, bool) (portal.Token, error) {
		exchanges.Add(1)
		time.Sleep(50 * time.Millisecond)
		return pair(p, 1, "b"), nil
	}
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			token, err := stores[i%3].RenewToken(ctx, shown(p, "refresh-a"), renew)
			if err != nil || token.Access.Reveal() != "access-b" {
				t.Errorf("%+v, %v", token, err)
			}
		})
	}
	wg.Wait()
	if n := exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
	c.advance(storage.ReuseWindow + time.Second)
	var dead *portal.DeadTokenError
	if _, err := stores[0].RenewToken(ctx, shown(p, "refresh-a"), renew); !errors.As(err, &dead) || exchanges.Load() != 1 {
		t.Errorf("long after: %v, %d exchanges", err, exchanges.Load())
	}
}

func TestRenewOfTokensThatWereNeverStoredIsSharedToo(t *testing.T) {
	stores, _, p := setup(t)
	ctx := t.Context()
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	var exchanges atomic.Int64
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			_, err := stores[i%3].RenewToken(ctx, shown(p, "refresh-unseen"), func(context.Context, secret.Text, bool) (portal.Token, error) {
				exchanges.Add(1)
				return pair(p, 2, "new"), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
}

func TestDeadTokenIsNotTriedAgain(t *testing.T) {
	stores, _, p := setup(t)
	ctx := t.Context()
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	calls := 0
	renew := func(context.Context, secret.Text, bool) (portal.Token, error) {
		calls++
		return portal.Token{}, &portal.DeadTokenError{Reason: "invalid_grant"}
	}
	for range 3 {
		var dead *portal.DeadTokenError
		if _, err := stores[0].RenewToken(ctx, shown(p, "refresh-a"), renew); !errors.As(err, &dead) || dead.Reason != "invalid_grant" {
			t.Fatalf("%v", err)
		}
	}
	if calls != 1 {
		t.Errorf("%d exchanges, want 1", calls)
	}
	if err := stores[0].SaveToken(ctx, pair(p, 1, "fresh")); err != nil { // the user opens the app again
		t.Fatal(err)
	}
	if token, err := stores[0].Token(ctx, p.MemberID, 1); err != nil || token.DeadReason != "" {
		t.Errorf("%+v, %v", token, err)
	}
}

func TestFailedRenewChangesNothing(t *testing.T) {
	stores, _, p := setup(t)
	ctx := t.Context()
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("no answer")
	if _, err := stores[0].RenewToken(ctx, shown(p, "refresh-a"), func(context.Context, secret.Text, bool) (portal.Token, error) { return portal.Token{}, boom }); !errors.Is(err, boom) {
		t.Fatalf("%v", err)
	}
	if token, err := stores[0].Token(ctx, p.MemberID, 1); err != nil || token.Generation != 1 || token.DeadReason != "" {
		t.Errorf("%+v, %v", token, err)
	}
}

func TestAnotherKeyAffectsOnlyWhatItCannotOpen(t *testing.T) {
	stores, c, p := setup(t)
	ctx := t.Context()
	if err := stores[0].SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	key, _ := seal.Generate()
	sealer, _ := seal.New(key)
	other := open(t, stores[0].URLForTest(), sealer, c)
	if _, err := other.Portal(ctx, p.MemberID); !errors.Is(err, seal.ErrUnreadable) || portal.ProblemOf(err) != portal.Internal {
		t.Errorf("%v", err)
	}
	if _, err := other.Portal(ctx, "unknown-portal"); !errors.Is(err, portal.ErrUnknownPortal) {
		t.Errorf("%v", err)
	}
}

func TestMigrationsByManyReplicasAtOnce(t *testing.T) {
	url := secret.New(cluster.Empty(t))
	store := open(t, url.Reveal(), nil, &clock{})
	if err := store.Ready(t.Context()); err == nil {
		t.Error("ready without migrations")
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := storage.Migrate(url); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := store.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDatabaseThatDoesNotAnswer(t *testing.T) {
	store := open(t, "postgres://nobody:hunter2@127.0.0.1:1/none", nil, &clock{})
	_, err := store.Portal(t.Context(), "x")
	if portal.ProblemOf(err) != portal.StorageDown {
		t.Errorf("%v", err)
	}
	if _, err := storage.Open(t.Context(), storage.Options{URL: secret.New("postgres://u:hunter2@h:port/x")}); err == nil || err.Error() != "the database URL cannot be parsed" {
		t.Errorf("%v", err)
	}
}
