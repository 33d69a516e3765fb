package jobs

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"itemlens/internal/portal"
)

const (
	// renewAfter is the age at which an installer's pair is renewed: well before the 180 days of a refresh token, and far
	// from the hourly or daily renewals that the platform blocks (settings/oauth/auto-renewal.md).
	renewAfter = 60 * 24 * time.Hour
	// scanEvery is how often tokens of that age are looked for.
	scanEvery = 24 * time.Hour
	// atMostEvery is how often one portal's token may be renewed, whatever goes wrong.
	atMostEvery = 7 * 24 * time.Hour
)

// silentAfter is how long nobody's token may have worked before a portal counts as gone: as long as a refresh token lives.
// An app that was removed after its time was over never hears of it, and its tokens may die of the time before they could
// tell (settings/oauth/auto-renewal.md).
const silentAfter = 180 * 24 * time.Hour

// scanArgs look for installers' tokens that are due, and for portals that have fallen silent.
type scanArgs struct{}

// Kind names the job.
func (scanArgs) Kind() string { return "keep_alive_scan" }

// InsertOpts: one scan in half its interval, however often replicas start.
func (scanArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: scanEvery / 2}}
}

type scanWorker struct {
	river.WorkerDefaults[scanArgs]
	runner *Runner
}

// Work plans a renewal for each portal that is due, and a question about each one that is silent, spread in time.
func (w *scanWorker) Work(ctx context.Context, _ *river.Job[scanArgs]) error {
	r := w.runner
	err := r.planSpread(ctx, r.Now().Add(-renewAfter), r.Store.InstallersDue, func(id portal.MemberID) river.JobArgs {
		return keepAliveArgs{MemberID: string(id)}
	})
	if err != nil {
		return fmt.Errorf("plan renewals: %w", err)
	}
	err = r.planSpread(ctx, r.Now().Add(-silentAfter), r.Store.SilentPortals, func(id portal.MemberID) river.JobArgs {
		return removalArgs{string(id), portal.Silence}
	})
	if err != nil {
		return fmt.Errorf("plan questions about silent portals: %w", err)
	}
	return r.Store.DropOldEventClaims(ctx, r.Now().Add(-scanEvery))
}

// planSpread plans a job for each portal that storage lists as being so since before a moment.
func (r *Runner) planSpread(
	ctx context.Context, before time.Time,
	list func(ctx context.Context, before time.Time, after portal.MemberID, limit int, plan planMany) ([]portal.MemberID, error),
	job func(portal.MemberID) river.JobArgs,
) error {
	var after portal.MemberID
	for {
		ids, err := list(ctx, before, after, 500, func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error {
			jobs := make([]river.InsertManyParams, len(ids))
			for i, id := range ids {
				jobs[i] = river.InsertManyParams{Args: job(id), InsertOpts: &river.InsertOpts{ScheduledAt: time.Now().Add(r.delay(id))}}
			}
			_, err := r.planner.InsertManyTx(ctx, tx, jobs)
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// delay spreads portals evenly, each always at the same place.
func (r *Runner) delay(id portal.MemberID) time.Duration {
	if r.Spread <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return time.Duration(h.Sum64() % uint64(r.Spread))
}

// keepAliveArgs renew one portal's installer's token. They hold no secret: River keeps arguments as they are.
type keepAliveArgs struct {
	MemberID string `json:"member_id"`
}

// Kind names the job.
func (keepAliveArgs) Kind() string { return "keep_alive" }

// InsertOpts: at most one a week for a portal.
func (keepAliveArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueKeepAlive, MaxAttempts: 8, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: atMostEvery}}
}

type keepAliveWorker struct {
	river.WorkerDefaults[keepAliveArgs]
	runner *Runner
}

// Work renews the token, if it is still due, and records what came of it. A passing failure is tried again by the queue.
func (w *keepAliveWorker) Work(ctx context.Context, job *river.Job[keepAliveArgs]) error {
	return w.runner.keepAlive(ctx, portal.MemberID(job.Args.MemberID), job.Attempt)
}

func (r *Runner) keepAlive(ctx context.Context, id portal.MemberID, attempt int) error {
	p, err := r.Store.Portal(ctx, id)
	if errors.Is(err, portal.ErrUnknownPortal) || err == nil && !p.Installed() {
		return nil // removed meanwhile
	}
	if err != nil {
		return err
	}
	token, err := r.Store.Token(ctx, id, p.InstallerID)
	if errors.Is(err, portal.ErrNoToken) {
		return nil
	}
	if err != nil {
		return err
	}
	// A token that is refused for a passing reason is asked with again: that the app is paid for once more, and that it was
	// removed meanwhile, is told in no other way.
	dead := &portal.DeadTokenError{Reason: token.DeadReason}
	if r.Now().Sub(token.StoredAt) < renewAfter || token.DeadReason != "" && !dead.Passing() {
		return nil // renewed meanwhile, by an opened page, or dead for good
	}
	_, err = r.Tokens.Renew(ctx, p, token)
	result := "renewed"
	if err != nil {
		result = string(portal.ProblemOf(err))
	}
	r.Log.InfoContext(ctx, "keep-alive", "portal", id, "outcome", result, "attempt", attempt)
	if recordErr := r.Store.RecordKeepAlive(ctx, id, result); recordErr != nil {
		return errors.Join(err, recordErr)
	}
	if missing, noteErr := r.Portals.Missing(ctx, id, err); missing || noteErr != nil {
		return noteErr
	}
	if errors.As(err, &dead) {
		return river.JobCancel(err) // the reason is stored with the token; asking again does not help
	}
	return err
}
