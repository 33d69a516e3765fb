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
	"itemlens/internal/storage"
)

// TestEventsThatWaitAreBounded: by whom they name and by who sent them, so that a flood of forged ones about a portal leaves
// room for its own.
func TestEventsThatWaitAreBounded(t *testing.T) {
	stores, c, p := setup(t)
	s, ctx := stores[0], t.Context()
	var last int64
	keep := func(id portal.MemberID, address string) bool {
		t.Helper()
		kept, err := s.KeepEventClaim(ctx, portal.EventClaim{
			MemberID: id, Event: "ONAPPUPDATE", Address: address, Access: secret.New("acc3ss-event"), Refresh: secret.New("r3fres-event"),
		}, func(_ context.Context, _ pgx.Tx, claim int64) error { last = claim; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	for i := range 8 {
		if kept := keep(p.MemberID, "192.0.2.1"); kept != (i < 5) {
			t.Errorf("event %d: %t", i+1, kept)
		}
	}
	if !keep(p.MemberID, "192.0.2.2") || !keep("another-portal", "192.0.2.1") {
		t.Error("a flood leaves no room for others")
	}
	if found := apptest.Find(t, s.URLForTest(), "s-event"); len(found) > 0 {
		t.Errorf("something of an event stands unsealed in %v", found)
	}
	got, err := s.EventClaim(ctx, "another-portal", last)
	if err != nil || got.Access.Reveal() != "acc3ss-event" || got.Event != "ONAPPUPDATE" || got.Address != "192.0.2.1" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.EventClaim(ctx, p.MemberID, last); !errors.Is(err, portal.ErrNoClaim) {
		t.Errorf("another portal's event: %v", err)
	}
	// What fails to be planned is not kept.
	boom := errors.New("no queue")
	if _, err := s.KeepEventClaim(ctx, portal.EventClaim{MemberID: "third-portal"}, func(context.Context, pgx.Tx, int64) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if len(apptest.Find(t, s.URLForTest(), "third-portal")) > 0 {
		t.Error("an event is kept for which nothing is planned")
	}
	if err := s.DropEventClaim(ctx, "another-portal", last); err != nil || !keep("another-portal", "192.0.2.1") {
		t.Errorf("%v", err)
	}
	c.advance(time.Hour)
	if err := s.DropOldEventClaims(ctx, c.time().Add(-time.Minute)); err != nil || len(apptest.Find(t, s.URLForTest(), "192.0.2.")) > 0 {
		t.Errorf("old events are left: %v", err)
	}
}

// TestEventsThatWaitGoWithTheirPortal, and follow the keys until then.
func TestEventsThatWaitGoWithTheirPortal(t *testing.T) {
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
		t.Helper()
		sealer, err := seal.New(keyset)
		if err != nil {
			t.Fatal(err)
		}
		return open(t, stores[0].URLForTest(), sealer, c)
	}
	var ids []int64
	for i := range 2 {
		_, err := with(old).KeepEventClaim(ctx, portal.EventClaim{MemberID: p.MemberID, Address: fmt.Sprint(i), Access: secret.New("kept")},
			func(_ context.Context, _ pgx.Tx, id int64) error { ids = append(ids, id); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	s := with(alone)
	if sealed, unknown, err := s.UnknownKeys(ctx); err != nil || sealed != 2 || unknown != 2 {
		t.Errorf("%d sealed, %d unknown, %v", sealed, unknown, err)
	}
	if resealed, unreadable, err := with(both).Reseal(ctx); err != nil || resealed != 2 || unreadable != 0 {
		t.Errorf("%d re-sealed, %d unreadable, %v", resealed, unreadable, err)
	}
	if got, err := s.EventClaim(ctx, p.MemberID, ids[1]); err != nil || got.Access.Reveal() != "kept" {
		t.Errorf("after the rotation: %v", err)
	}
	if err := s.DeleteInstallation(ctx, p.MemberID, false); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := s.EventClaim(ctx, p.MemberID, id); !errors.Is(err, portal.ErrNoClaim) {
			t.Errorf("after the removal: %v", err)
		}
	}
}
