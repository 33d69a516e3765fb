package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"itemlens/internal/portal"
)

// job waits until the jobs of a portal that match a condition are so many.
func (w *world) job(what string, id portal.MemberID, condition string, count int) {
	w.t.Helper()
	w.wait(what, func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE args->>'member_id' = $1 AND (`+condition+`)`, id)) == count
	})
}

// TestAQueueThatCannotBeWrittenIsTold to whoever plans.
func TestAQueueThatCannotBeWrittenIsTold(t *testing.T) {
	w := setup(t)
	w.install("acme")
	w.sql(`ALTER TABLE river_job RENAME TO elsewhere`)
	ctx := t.Context()
	for what, err := range map[string]error{
		"binding": w.runner.PlanBind(ctx, "acme"),
		"status":  w.runner.PlanStatus(ctx, "acme"),
		"removal": w.runner.PlanRemovalCheck(ctx, "acme", portal.ClaimsRemoval, 0),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestARunnerWithoutPostgresSaysSoAndEnds when it is told to, without the ten seconds that it would wait else.
func TestARunnerWithoutPostgresSaysSoAndEnds(t *testing.T) {
	w := setup(t)
	w.store.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() { w.runner.Run(ctx); close(done) }()
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(w.log.String(), "jobs do not run"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody is told")
		}
	}
	cancel()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("it goes on after its end")
	}
}

// TestWhatBecomesOfABindingThatFails: it is tried again, its last try is its end, and a wish that came meanwhile is done an
// hour after that.
func TestWhatBecomesOfABindingThatFails(t *testing.T) {
	w := setup(t)
	w.install("first", "last", "wished", "removed")
	w.rebind = func(_ context.Context, id portal.MemberID) error {
		if id == "first" || id == "wished" {
			if err := w.runner.PlanBind(context.Background(), id); err != nil {
				t.Error(err)
			}
		}
		return portal.Problemf(portal.Unreachable, "no answer")
	}
	for _, id := range []portal.MemberID{"first", "last", "wished", "removed"} {
		w.planBind(id)
	}
	w.sql(`UPDATE river_job SET attempt = max_attempts - 1 WHERE args->>'member_id' IN ('last', 'wished')`)
	w.sql(`UPDATE portals SET uninstalled_at = now() WHERE member_id = 'removed'`)
	stop := w.run()
	w.job("a first try", "first", `state IN ('retryable', 'available', 'running') AND array_length(errors, 1) > 0`, 1)
	w.job("a last try", "last", `state = 'discarded'`, 1)
	w.job("a last try beside a wish", "wished", `state = 'scheduled' AND scheduled_at BETWEEN now() + interval '50 minutes' AND now() + interval '1 hour'`, 1)
	w.job("of a portal that is gone", "removed", `state = 'completed'`, 1)
	stop()
	if !strings.Contains(w.log.String(), `"binding failed"`) {
		t.Error("the log does not tell it")
	}
}

// TestAQuestionAboutTheStatus ends where the app is missing, and is asked again where that cannot be noted.
func TestAQuestionAboutTheStatus(t *testing.T) {
	w := setup(t)
	w.install("missing", "trouble")
	w.status = func(_ context.Context, id portal.MemberID) error { return errors.New(string(id)) }
	w.answered = func(answer error) (bool, error) {
		if answer.Error() == "missing" {
			return true, nil
		}
		return false, portal.Problemf(portal.StorageDown, "no answer")
	}
	for _, id := range []portal.MemberID{"missing", "trouble"} {
		if err := w.runner.PlanStatus(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	w.run()
	w.job("the app is missing", "missing", `state = 'completed'`, 1)
	w.job("that is not noted", "trouble", `array_to_string(errors, ' ') LIKE '%storage_down%'`, 1)
}

// TestAQuestionThatNobodyClaimedTakesNoTurn of those that an uninstall event claims.
func TestAQuestionThatNobodyClaimedTakesNoTurn(t *testing.T) {
	w := setup(t)
	w.install("acme")
	if err := w.runner.PlanRemovalCheck(t.Context(), "acme", portal.NoClaim, 25*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := w.runner.PlanRemovalCheck(t.Context(), "acme", portal.ClaimsRemoval, 0); err != nil {
		t.Fatal(err)
	}
	w.job("at once", "acme", `kind = 'removal' AND scheduled_at <= now() + interval '1 minute'`, 1)
}

// TestKeepAliveOfWhatIsGone: the queue may come to it later than a removal.
func TestKeepAliveOfWhatIsGone(t *testing.T) {
	w := setup(t)
	w.install("acme", "removed", "tokenless", "missing", "trouble")
	ctx := t.Context()
	w.sql(`UPDATE tokens SET stored_at = now() - interval '100 days'`)
	w.sql(`UPDATE portals SET uninstalled_at = now() WHERE member_id = 'removed'`)
	w.sql(`DELETE FROM tokens WHERE member_id = 'tokenless'`)
	w.renew = func(pair portal.Token) error {
		if pair.MemberID == "acme" {
			return nil
		}
		return errors.New(string(pair.MemberID))
	}
	w.answered = func(answer error) (bool, error) {
		if answer != nil && answer.Error() == "trouble" {
			return false, portal.Problemf(portal.StorageDown, "no answer")
		}
		return answer != nil, nil
	}
	for id, want := range map[portal.MemberID]struct {
		renewed int
		fails   portal.Problem
	}{"acme": {1, ""}, "removed": {}, "tokenless": {}, "nobody": {}, "missing": {1, ""}, "trouble": {1, portal.StorageDown}} {
		w.renewed = 0
		if err := w.runner.KeepAlive(ctx, id); err != nil && portal.ProblemOf(err) != want.fails || err == nil && want.fails != "" || w.renewed != want.renewed {
			t.Errorf("%s: %d renewals, %v", id, w.renewed, err)
		}
	}
}

// TestATokenThatIsDueIsRenewed: the scan finds it, and no other.
func TestATokenThatIsDueIsRenewed(t *testing.T) {
	w := setup(t)
	w.install("due", "fresh")
	w.sql(`UPDATE tokens SET stored_at = now() - interval '61 days' WHERE member_id = 'due'`)
	w.run()
	w.job("renewed", "due", `kind = 'keep_alive' AND state = 'completed'`, 1)
	w.job("left alone", "fresh", `kind = 'keep_alive'`, 0)
}

// TestAPortalThatCannotBeReadIsNotGone: its token is kept alive at the next try.
func TestAPortalThatCannotBeReadIsNotGone(t *testing.T) {
	w := setup(t)
	w.install("acme")
	w.sql(`ALTER TABLE portals RENAME COLUMN uninstalled_at TO elsewhere`)
	if err := w.runner.KeepAlive(t.Context(), "acme"); err == nil {
		t.Error("no error")
	}
}
