// Package jobs is the work that no request waits for, in River's queue in Postgres: one replica is elected to plan it,
// every replica does its share. Today that is the keep-alive of installers' tokens: a refresh token lives for 180 days,
// and a portal whose users do not open the app would lose it.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

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

// Store is what jobs need of storage.
type Store interface {
	Portal(ctx context.Context, id portal.MemberID) (portal.Portal, error)
	Token(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Token, error)
	InstallersDue(ctx context.Context, before time.Time, after portal.MemberID, limit int) ([]portal.MemberID, error)
	RecordKeepAlive(ctx context.Context, id portal.MemberID, outcome string) error
}

// Renewer exchanges refresh tokens.
type Renewer interface {
	Renew(ctx context.Context, p portal.Portal, pair portal.Token) (portal.Token, error)
}

// Portals does what is planned for single portals.
type Portals interface {
	Rebind(ctx context.Context, id portal.MemberID) error
	RefreshStatus(ctx context.Context, id portal.MemberID) error
}

// Runner runs the jobs of one process.
type Runner struct {
	Portals Portals
	Pool    *pgxpool.Pool
	Store   Store
	Tokens  Renewer
	Spread  time.Duration // over which the renewals of one scan are spread
	Log     *slog.Logger
	Now     func() time.Time
}

// Run works until the context ends. While Postgres is down it tries again every ten seconds.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.run(ctx); err != nil && ctx.Err() == nil {
			r.Log.Warn("jobs do not run", "error", err.Error())
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
			}
		}
	}
}

func (r *Runner) run(ctx context.Context) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, &scanWorker{runner: r})
	river.AddWorker(workers, &keepAliveWorker{runner: r})
	river.AddWorker(workers, &bindWorker{runner: r})
	river.AddWorker(workers, &statusWorker{runner: r})
	client, err := river.NewClient(riverpgxv5.New(r.Pool), &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}},
		Workers: workers,
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(scanEvery), func() (river.JobArgs, *river.InsertOpts) {
			return scanArgs{}, nil
		}, &river.PeriodicJobOpts{RunOnStart: true})},
		Logger:            r.Log.With("component", "jobs"),
		JobTimeout:        time.Minute,
		PollOnly:          true, // nothing here is in a hurry, and no connection is kept for listening
		FetchPollInterval: time.Second,
	})
	if err != nil {
		return fmt.Errorf("make job client: %w", err)
	}
	// Stop is called below in any case, so the work is not cut off with the context.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	<-ctx.Done()
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := client.Stop(stopCtx); err != nil {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

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
	client := river.ClientFromContext[pgx.Tx](ctx)
	var after portal.MemberID
	for {
		due, err := w.runner.Store.InstallersDue(ctx, w.runner.Now().Add(-renewAfter), after, 500)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			return nil
		}
		jobs := make([]river.InsertManyParams, len(due))
		for i, id := range due {
			jobs[i] = river.InsertManyParams{Args: keepAliveArgs{MemberID: string(id)}, InsertOpts: &river.InsertOpts{
				ScheduledAt: time.Now().Add(w.runner.delay(id)),
			}}
		}
		if _, err := client.InsertMany(ctx, jobs); err != nil {
			return fmt.Errorf("plan renewals: %w", err)
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
	return river.InsertOpts{MaxAttempts: 8, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: atMostEvery}}
}

type keepAliveWorker struct {
	river.WorkerDefaults[keepAliveArgs]
	runner *Runner
}

// Work renews the token, if it is still due, and records what came of it. A passing failure is tried again by the queue.
func (w *keepAliveWorker) Work(ctx context.Context, job *river.Job[keepAliveArgs]) error {
	r, id := w.runner, portal.MemberID(job.Args.MemberID)
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
	outcome := "renewed"
	if err != nil {
		outcome = string(portal.ProblemOf(err))
	}
	r.Log.InfoContext(ctx, "keep-alive", "portal", id, "outcome", outcome, "attempt", job.Attempt)
	if recordErr := r.Store.RecordKeepAlive(ctx, id, outcome); recordErr != nil {
		return errors.Join(err, recordErr)
	}
	var dead *portal.DeadTokenError
	if errors.As(err, &dead) {
		return river.JobCancel(err) // the reason is stored with the token; asking again does not help
	}
	return err
}

// bindArgs bind placements and event handlers of one portal.
type bindArgs struct {
	MemberID string `json:"member_id"`
}

// Kind names the job.
func (bindArgs) Kind() string { return "bind" }

// InsertOpts: not unique, because work that runs already may have looked before the event that plans this one; doing it
// again finds nothing to do.
func (bindArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 10} }

type bindWorker struct {
	river.WorkerDefaults[bindArgs]
	runner *Runner
}

// Work binds; a failure is tried again by the queue, later each time.
func (w *bindWorker) Work(ctx context.Context, job *river.Job[bindArgs]) error {
	err := w.runner.Portals.Rebind(ctx, portal.MemberID(job.Args.MemberID))
	if err != nil {
		w.runner.Log.WarnContext(ctx, "binding failed", "portal", job.Args.MemberID, "attempt", job.Attempt, "reason", err.Error())
	}
	return err
}

// statusArgs ask what the app is to one portal.
type statusArgs struct {
	MemberID string `json:"member_id"`
}

// Kind names the job.
func (statusArgs) Kind() string { return "status" }

// InsertOpts: anybody can send the hint that plans this, so it is followed once in ten minutes.
func (statusArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 5, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: 10 * time.Minute}}
}

type statusWorker struct {
	river.WorkerDefaults[statusArgs]
	runner *Runner
}

// Work asks; a failure is tried again by the queue.
func (w *statusWorker) Work(ctx context.Context, job *river.Job[statusArgs]) error {
	return w.runner.Portals.RefreshStatus(ctx, portal.MemberID(job.Args.MemberID))
}

// PlanBind puts a portal's binding into the queue.
func (r *Runner) PlanBind(ctx context.Context, id portal.MemberID) error {
	return r.plan(ctx, bindArgs{MemberID: string(id)})
}

// PlanStatus puts the question what the app is to a portal into the queue.
func (r *Runner) PlanStatus(ctx context.Context, id portal.MemberID) error {
	return r.plan(ctx, statusArgs{MemberID: string(id)})
}

func (r *Runner) plan(ctx context.Context, args river.JobArgs) error {
	client, err := river.NewClient(riverpgxv5.New(r.Pool), &river.Config{Logger: slog.New(slog.DiscardHandler)}) // inserts alone
	if err != nil {
		return fmt.Errorf("make job client: %w", err)
	}
	if _, err := client.Insert(ctx, args, nil); err != nil {
		return &portal.Error{Problem: portal.StorageDown, Err: fmt.Errorf("plan %s: %w", args.Kind(), err)}
	}
	return nil
}
