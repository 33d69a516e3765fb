package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"itemlens/internal/portal"
)

// statusArgs ask what the app is to one portal.
type statusArgs struct {
	MemberID string `json:"member_id"`
}

// Kind names the job.
func (statusArgs) Kind() string { return "status" }

// InsertOpts: anybody can send the hint that plans this, so it is followed once in ten minutes.
func (statusArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueStatus, MaxAttempts: 5, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: 10 * time.Minute}}
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

// PlanStatus puts the question what the app is to a portal into the queue.
func (r *Runner) PlanStatus(ctx context.Context, id portal.MemberID) error {
	return r.Store.InPortal(ctx, id, func(ctx context.Context, tx pgx.Tx) error {
		_, err := r.planner.InsertTx(ctx, tx, statusArgs{MemberID: string(id)}, nil)
		return err
	})
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
	if err == nil && again > 0 {
		return river.JobSnooze(again)
	}
	return err
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
		if err != nil || planned.UniqueSkippedAsDuplicate || claim == portal.NoClaim {
			return err
		}
		return r.Store.NoteRemovalQuestion(ctx, tx, id, at)
	})
}
