package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"itemlens/internal/portal"
)

// A portal may ask for bindings as often as it likes, and answer them as slowly as it likes. So
//
//   - one job a portal waits or runs; a wish that comes while it runs is noted and done after it (storage.WantBinding);
//   - a binding runs for 20 seconds at most, and a portal whose bindings took more than ten seconds lately goes on in the
//     slow queue, where it has two minutes, and where it meets only portals like itself;
//   - places are given to whoever waits longest.
//
// With 24 workers a replica it takes about 500 hostile portals at once to keep the quick queue busy.
const (
	quickTimeout = 20 * time.Second
	slowTimeout  = 2 * time.Minute
	// quickShare is how long the bindings of a portal may have taken lately (storage.BusyFade) in the quick queue.
	quickShare = 10 * time.Second
	// hurryPause is how soon after a failure a new wish brings the next try about.
	hurryPause = time.Minute
	// lastPause is when a binding is tried again that failed for the last time while another wish came.
	lastPause = time.Hour
	// sweepEvery is how often wishes are looked for that no job stands for.
	sweepEvery = 5 * time.Minute
)

// BindingStore keeps what is to be bound.
type BindingStore interface {
	WantBinding(ctx context.Context, id portal.MemberID, plan func(ctx context.Context, tx pgx.Tx, busy time.Duration) error) error
	BeginBinding(ctx context.Context, id portal.MemberID) (wish int64, err error)
	EndBinding(ctx context.Context, id portal.MemberID, end portal.BindingEnd,
		settle func(ctx context.Context, tx pgx.Tx, again bool, busy time.Duration) error) error
	MoveJob(ctx context.Context, tx pgx.Tx, job int64, queue string) error
	HurryJob(ctx context.Context, tx pgx.Tx, job int64, pause time.Duration) error
}

// bindArgs bind placements and event handlers of one portal.
type bindArgs struct {
	MemberID string `json:"member_id"`
}

// Kind names the job.
func (bindArgs) Kind() string { return "bind" }

// InsertOpts: one waits or runs for a portal.
func (bindArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueBind, MaxAttempts: 10, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: waitingOrRunning()}}
}

// bindQueue is where a portal's next binding waits.
func bindQueue(busy time.Duration) string {
	if busy > quickShare {
		return queueBindSlow
	}
	return queueBind
}

// PlanBind has a portal's placements and events made right soon. Where that is planned already it does nothing; where it
// runs at this moment, it is done once more after it.
func (r *Runner) PlanBind(ctx context.Context, id portal.MemberID) error {
	return r.Store.WantBinding(ctx, id, func(ctx context.Context, tx pgx.Tx, busy time.Duration) error {
		planned, err := r.planner.InsertTx(ctx, tx, bindArgs{MemberID: string(id)}, &river.InsertOpts{Queue: bindQueue(busy)})
		if err != nil {
			return err
		}
		if !planned.UniqueSkippedAsDuplicate {
			return nil
		}
		return r.Store.HurryJob(ctx, tx, planned.Job.ID, hurryPause)
	})
}

type bindWorker struct {
	river.WorkerDefaults[bindArgs]
	runner *Runner
}

// Timeout is the queue's.
func (w *bindWorker) Timeout(job *river.Job[bindArgs]) time.Duration {
	if job.Queue == queueBindSlow {
		return slowTimeout
	}
	return quickTimeout
}

// Work binds. A failure is tried again by the queue, later each time; a wish that came meanwhile is done at once.
func (w *bindWorker) Work(ctx context.Context, job *river.Job[bindArgs]) error {
	r, id := w.runner, portal.MemberID(job.Args.MemberID)
	wish, err := r.Store.BeginBinding(ctx, id)
	if errors.Is(err, portal.ErrUnknownPortal) {
		return nil // removed meanwhile
	}
	if err != nil {
		return err
	}
	began := time.Now()
	failure := r.Portals.Rebind(ctx, id)
	last := job.Attempt >= job.MaxAttempts
	if failure != nil {
		r.Log.WarnContext(ctx, "binding failed", "portal", id, "attempt", job.Attempt, "reason", outcome(failure))
	}
	// The job's time may be over, which must not keep its end from being noted.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	// An app that is gone is not to be bound; the next installation binds it. One that was bound is there.
	missing, err := r.Portals.Missing(ctx, id, failure)
	switch {
	case err != nil:
		r.Log.WarnContext(ctx, "what a binding was answered is not noted", "portal", id, "reason", outcome(err))
	case missing:
		failure = nil
	}
	end := portal.BindingEnd{Wish: wish, Took: time.Since(began), Through: failure == nil || last}
	var more bool
	err = r.Store.EndBinding(ctx, id, end, func(ctx context.Context, tx pgx.Tx, again bool, busy time.Duration) error {
		more = again
		if again || failure != nil {
			return r.Store.MoveJob(ctx, tx, job.ID, bindQueue(busy))
		}
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		if errors.Is(err, rivertype.ErrNotFound) { // went with the portal
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return errors.Join(failure, err)
	case !more:
		return failure
	case failure == nil:
		return river.JobSnooze(0)
	case last:
		return river.JobSnooze(lastPause)
	default:
		return failure
	}
}

// sweepArgs look for wishes that no job stands for: a process ended in the wrong moment, or somebody emptied the queue.
type sweepArgs struct{}

// Kind names the job.
func (sweepArgs) Kind() string { return "bind_sweep" }

// InsertOpts: one sweep in half its interval, however often replicas start.
func (sweepArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByPeriod: sweepEvery / 2}}
}

type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	runner *Runner
}

// Work plans a binding for each portal of which one is wanted; where one is planned already, the queue says so.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	r := w.runner
	var after portal.MemberID
	for {
		ids, err := r.Store.UnboundPortals(ctx, after, 500, func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error {
			jobs := make([]river.InsertManyParams, len(ids))
			for i, id := range ids {
				jobs[i] = river.InsertManyParams{Args: bindArgs{MemberID: string(id)}}
			}
			_, err := r.planner.InsertManyTx(ctx, tx, jobs)
			return err
		})
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return nil
		}
		after = ids[len(ids)-1]
	}
}
