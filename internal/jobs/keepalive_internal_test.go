package jobs

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// fakes are storage, OAuth server and portals of one installed portal.
type fakes struct {
	Store
	Portals
	now      time.Time
	token    portal.Token
	answer   error // of the OAuth server
	before   time.Time
	silent   time.Time
	renewals int
	recorded string
	missing  bool
}

func (f *fakes) Portal(context.Context, portal.MemberID) (portal.Portal, error) {
	return portal.Portal{MemberID: "acme", InstallerID: 1, InstalledAt: f.now.Add(-time.Hour * 10_000)}, nil
}
func (f *fakes) Token(context.Context, portal.MemberID, portal.UserID) (portal.Token, error) {
	return f.token, nil
}
func (f *fakes) RecordKeepAlive(_ context.Context, _ portal.MemberID, outcome string) error {
	f.recorded = outcome
	return nil
}
func (f *fakes) InstallersDue(_ context.Context, before time.Time, _ portal.MemberID, _ int, _ planMany) ([]portal.MemberID, error) {
	f.before = before
	return nil, nil
}
func (f *fakes) SilentPortals(_ context.Context, before time.Time, _ portal.MemberID, _ int, _ planMany) ([]portal.MemberID, error) {
	f.silent = before
	return nil, nil
}

func (f *fakes) DropOldEventClaims(context.Context, time.Time) error { return nil }

func (f *fakes) Renew(context.Context, portal.Portal, portal.Token) (portal.Token, error) {
	f.renewals++
	return portal.Token{}, f.answer
}
func (f *fakes) Missing(_ context.Context, _ portal.MemberID, answer error) (bool, error) {
	f.missing = answer != nil && portal.ProblemOf(answer) == portal.NotInstalled
	return f.missing, nil
}

func newFakes(age time.Duration) (*fakes, *Runner) {
	f := &fakes{now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	f.token = portal.Token{MemberID: "acme", UserID: 1, Refresh: secret.New("r"), StoredAt: f.now.Add(-age)}
	return f, &Runner{Options: Options{Store: f, Portals: f, Tokens: f, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now }}}
}

const day = 24 * time.Hour

// TestKeepAliveRenewsAtSixtyDays: a refresh token lives for 180, and who renews daily is blocked.
func TestKeepAliveRenewsAtSixtyDays(t *testing.T) {
	for age, want := range map[time.Duration]int{day: 0, 60*day - time.Minute: 0, 60*day + time.Minute: 1, 170 * day: 1} {
		f, r := newFakes(age)
		if err := r.keepAlive(t.Context(), "acme", 1); err != nil || f.renewals != want {
			t.Errorf("at %s: %d renewals, want %d (%v)", age, f.renewals, want, err)
		}
	}
	f, r := newFakes(0)
	if err := (&scanWorker{runner: r}).Work(t.Context(), &river.Job[scanArgs]{}); err != nil || f.now.Sub(f.before) != 60*day {
		t.Errorf("the scan looks for pairs older than %s: %v", f.now.Sub(f.before), err)
	}
	if f.now.Sub(f.silent) != 180*day {
		t.Errorf("portals count as silent after %s", f.now.Sub(f.silent))
	}
}

// TestKeepAliveLeavesDeadTokensAlone, and tells a removal from trouble.
func TestKeepAliveLeavesDeadTokensAlone(t *testing.T) {
	f, r := newFakes(100 * day)
	f.token.DeadReason = "invalid_grant"
	if err := r.keepAlive(t.Context(), "acme", 1); err != nil || f.renewals != 0 {
		t.Errorf("a dead token: %d renewals, %v", f.renewals, err)
	}

	// One whose time is over is asked with: in no other way is a removal told that comes after that.
	f, r = newFakes(100 * day)
	f.token.DeadReason, f.answer = "payment_required", portal.Problemf(portal.NotInstalled, "the app is gone")
	if err := r.keepAlive(t.Context(), "acme", 1); err != nil || f.renewals != 1 || !f.missing {
		t.Errorf("one that is refused for a while: %d renewals, told %t, %v", f.renewals, f.missing, err)
	}
	var cancel *river.JobCancelError
	f, r = newFakes(100 * day)
	f.answer = &portal.Error{Problem: portal.TokenExpired, Err: &portal.DeadTokenError{Reason: "invalid_grant"}}
	if err := r.keepAlive(t.Context(), "acme", 1); !errors.As(err, &cancel) || f.recorded != "token_expired" {
		t.Errorf("one that dies: %v, recorded %q", err, f.recorded)
	}
	f, r = newFakes(100 * day)
	f.answer = portal.Problemf(portal.OAuthUnreachable, "no answer")
	if err := r.keepAlive(t.Context(), "acme", 1); err == nil || errors.As(err, &cancel) || f.recorded != "oauth_unreachable" {
		t.Errorf("passing trouble: %v, recorded %q", err, f.recorded)
	}
	f, r = newFakes(100 * day)
	f.answer = portal.Problemf(portal.NotInstalled, "the app is gone")
	if err := r.keepAlive(t.Context(), "acme", 1); err != nil || !f.missing {
		t.Errorf("a removal: %v, told %t", err, f.missing)
	}
}

// TestRenewalsAreSpread: each portal always at the same place.
func TestRenewalsAreSpread(t *testing.T) {
	r := &Runner{Options: Options{Spread: time.Hour}}
	quarters := [4]int{}
	for i := range 1000 {
		id := portal.MemberID(time.Duration(i).String())
		at := r.delay(id)
		if at < 0 || at >= time.Hour || at != r.delay(id) {
			t.Fatalf("%s at %s", id, at)
		}
		quarters[at/(15*time.Minute)]++
	}
	for _, n := range quarters {
		if n < 150 {
			t.Errorf("quarters of the hour: %v", quarters)
		}
	}
	if (&Runner{}).delay("x") != 0 {
		t.Error("a delay where none is wanted")
	}
}

// TestBindingsHaveTheTimeOfTheirQueue.
func TestBindingsHaveTheTimeOfTheirQueue(t *testing.T) {
	for busy, want := range map[time.Duration]time.Duration{0: 20 * time.Second, quickShare: 20 * time.Second, quickShare + 1: 2 * time.Minute} {
		job := &river.Job[bindArgs]{JobRow: &rivertype.JobRow{Queue: bindQueue(busy)}}
		if got := (&bindWorker{}).Timeout(job); got != want {
			t.Errorf("after %s: %s, want %s", busy, got, want)
		}
	}
	if slowTimeout >= rescueAfter {
		t.Error("a job is given to another process while it may still run")
	}
}
