package jobs

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"itemlens/internal/portal"
)

// EventStore keeps events until they were looked into. They hold tokens, so a job has their number alone: the queue keeps
// arguments as they are.
type EventStore interface {
	KeepEventClaim(ctx context.Context, c portal.EventClaim, plan func(ctx context.Context, tx pgx.Tx, id int64) error) (bool, error)
	EventClaim(ctx context.Context, id portal.MemberID, claim int64) (portal.EventClaim, error)
	DropEventClaim(ctx context.Context, id portal.MemberID, claim int64) error
}

// eventArgs look into one event.
type eventArgs struct {
	MemberID string `json:"member_id"`
	Claim    int64  `json:"claim"`
}

// Kind names the job.
func (eventArgs) Kind() string { return "event" }

// InsertOpts: tries are spread over an hour and a half.
func (eventArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueEvent, MaxAttempts: 8}
}

// PlanEvent keeps an event and has it looked into soon. It reports false where too many wait already.
func (r *Runner) PlanEvent(ctx context.Context, c portal.EventClaim) (bool, error) {
	return r.Store.KeepEventClaim(ctx, c, func(ctx context.Context, tx pgx.Tx, id int64) error {
		_, err := r.planner.InsertTx(ctx, tx, eventArgs{string(c.MemberID), id}, nil)
		return err
	})
}

type eventWorker struct {
	river.WorkerDefaults[eventArgs]
	runner *Runner
}

// Work has the event looked into. Trouble that passes is tried again by the queue; what the platform does not vouch for,
// or what fails for the last time, is forgotten.
func (w *eventWorker) Work(ctx context.Context, job *river.Job[eventArgs]) error {
	r, id := w.runner, portal.MemberID(job.Args.MemberID)
	claim, err := r.Store.EventClaim(ctx, id, job.Args.Claim)
	if errors.Is(err, portal.ErrNoClaim) {
		return nil // forgotten with its portal
	}
	if err == nil {
		err = r.Portals.VerifyEvent(ctx, claim)
	}
	last := job.Attempt >= job.MaxAttempts
	if err != nil && passing(err) && !last {
		return err
	}
	if err != nil {
		r.Log.WarnContext(ctx, "event not believed", "portal", id, "event", claim.Event, "reason", outcome(err))
	}
	return r.Store.DropEventClaim(ctx, id, job.Args.Claim)
}

// passing reports whether another try may go better.
func passing(err error) bool {
	return slices.Contains([]portal.Problem{
		portal.PortalBusy, portal.Unreachable, portal.OAuthUnreachable, portal.InstallFailed, portal.WrongClient, portal.StorageDown, portal.Internal,
	}, portal.ProblemOf(err))
}
