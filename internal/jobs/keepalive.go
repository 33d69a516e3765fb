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

// scanArgs look for installers' tokens that are due.
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

// Work plans a renewal for each portal that is due, spread in time.
func (w *scanWorker) Work(ctx context.Context, _ *river.Job[scanArgs]) error {
	r := w.runner
	var after portal.MemberID
	for {
		due, err := r.Store.InstallersDue(ctx, r.Now().Add(-renewAfter), after, 500, func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error {
			jobs := make([]river.InsertManyParams, len(ids))
			for i, id := range ids {
				jobs[i] = river.InsertManyParams{Args: keepAliveArgs{MemberID: string(id)}, InsertOpts: &river.InsertOpts{
					ScheduledAt: time.Now().Add(r.delay(id)),
				}}
			}
			_, err := r.planner.InsertManyTx(ctx, tx, jobs)
			return err
		})
		if err != nil {
			return fmt.Errorf("plan renewals: %w", err)
		}
		if len(due) == 0 {
			return nil
		}
		after = due[len(due)-1]
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
	if r.Now().Sub(token.StoredAt) < renewAfter || token.DeadReason != "" {
		return nil // renewed meanwhile, by an opened page
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
	var dead *portal.DeadTokenError
	if errors.As(err, &dead) {
		return river.JobCancel(err) // the reason is stored with the token; asking again does not help
	}
	return err
}
