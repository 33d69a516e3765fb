package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"itemlens/internal/portal"
)

// statusArgs ask what the app is to one portal.
type statusArgs struct {
	MemberID string `json:"member_id"`
}

// Kind names the job.
func (statusArgs) Kind() string { return "status" }

// statusPeriod is in which time one question about a portal is asked, however often it is planned: anybody can send the
// hint that plans it.
const statusPeriod = 10 * time.Minute

// InsertOpts: one is planned in each period.
func (statusArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueStatus, MaxAttempts: 5, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: statusPeriod}}
}

type statusWorker struct {
	river.WorkerDefaults[statusArgs]
	runner *Runner
}

// Work asks; a failure is tried again by the queue.
func (w *statusWorker) Work(ctx context.Context, job *river.Job[statusArgs]) error {
	id := portal.MemberID(job.Args.MemberID)
	err := w.runner.Portals.RefreshStatus(ctx, id)
	if missing, noteErr := w.runner.Portals.Missing(ctx, id, err); missing || noteErr != nil {
		return noteErr
	}
	return err
}

// PlanStatus puts the question what the app is to a portal into the queue. Where it was asked in this period, it is asked
// again in the next one: what the hint tells of may have come after the answer.
func (r *Runner) PlanStatus(ctx context.Context, id portal.MemberID) error {
	return r.Store.InPortal(ctx, id, func(ctx context.Context, tx pgx.Tx) error {
		args := statusArgs{MemberID: string(id)}
		planned, err := r.planner.InsertTx(ctx, tx, args, nil)
		if err != nil {
			return err
		}
		if waits(planned.Job) { // the new one, or an earlier one
			return nil
		}
		next := time.Now().Truncate(statusPeriod).Add(statusPeriod)
		_, err = r.planner.InsertTx(ctx, tx, args, &river.InsertOpts{ScheduledAt: next})
		return err
	})
}

// waits reports whether a job is still to be done, or to be done again.
func waits(job *rivertype.JobRow) bool {
	switch job.State {
	case rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateScheduled:
		return true
	}
	return false
}

// questionPause is how often a portal and the OAuth server are asked because of uninstall events without proof, which
// anybody can send: a question can cost a renewal, and the platform blocks who renews by the hour
// (settings/oauth/auto-renewal.md). An event that comes earlier waits; it is not lost.
const questionPause = 6 * time.Hour

// removalArgs ask whether a portal has removed the app.
type removalArgs struct {
	MemberID string              `json:"member_id"`
	Claim    portal.RemovalClaim `json:"claim"`
}

// Kind names the job.
func (removalArgs) Kind() string { return "removal" }

// InsertOpts: one of each claim waits or runs for a portal.
func (removalArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueRemoval, MaxAttempts: 8, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: waitingOrRunning()}}
}

type removalWorker struct {
	river.WorkerDefaults[removalArgs]
	runner *Runner
}

// Work asks; a failure is tried again by the queue.
func (w *removalWorker) Work(ctx context.Context, job *river.Job[removalArgs]) error {
	again, err := w.runner.Portals.CheckRemoval(ctx, portal.MemberID(job.Args.MemberID), job.Args.Claim)
	if err != nil {
		return err
	}
	if again > 0 {
		return river.JobSnooze(again)
	}
	return nil
}

// PlanRemovalCheck puts the question whether a portal has removed the app into the queue: soon, where an event claims it.
func (r *Runner) PlanRemovalCheck(ctx context.Context, id portal.MemberID, claim portal.RemovalClaim, after time.Duration) error {
	return r.Store.InPortal(ctx, id, func(ctx context.Context, tx pgx.Tx) error {
		at := r.Now().Add(after)
		if claim != portal.NoClaim {
			var err error
			if at, err = r.Store.NextRemovalQuestion(ctx, tx, id, questionPause); err != nil {
				return err
			}
		}
		planned, err := r.planner.InsertTx(ctx, tx, removalArgs{string(id), claim}, &river.InsertOpts{ScheduledAt: at})
		if err != nil {
			return err
		}
		if planned.UniqueSkippedAsDuplicate || claim == portal.NoClaim {
			return nil
		}
		return r.Store.NoteRemovalQuestion(ctx, tx, id, at)
	})
}
