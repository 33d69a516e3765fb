// Package jobs is the work that no request waits for, in River's queue in Postgres: one replica is elected to plan it,
// every replica does its share. Looking into events, binding placements and events of portals, keeping installers' tokens alive, asking what
// the app is to a portal and whether it is there at all: each has a queue of its own, so that none waits for another.
//
// No portal can hold the others up: of each kind of work one job a portal waits or runs, however many ask; a queue gives
// its next place to whoever waits longest; and a portal whose bindings take long is served in a slow queue (bind.go).
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/riverqueue/rivercontrib/otelriver"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// Store is what jobs need of storage.
type Store interface {
	Portal(ctx context.Context, id portal.MemberID) (portal.Portal, error)
	Token(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Token, error)
	RecordKeepAlive(ctx context.Context, id portal.MemberID, outcome string) error
	InstallersDue(ctx context.Context, before time.Time, after portal.MemberID, limit int, plan planMany) ([]portal.MemberID, error)
	SilentPortals(ctx context.Context, before time.Time, after portal.MemberID, limit int, plan planMany) ([]portal.MemberID, error)
	UnboundPortals(ctx context.Context, after portal.MemberID, limit int, plan planMany) ([]portal.MemberID, error)

	// InPortal runs something in a transaction in which the portal keeps its record; nothing where the app is not installed.
	InPortal(ctx context.Context, id portal.MemberID, do func(ctx context.Context, tx pgx.Tx) error) error
	NextRemovalQuestion(ctx context.Context, tx pgx.Tx, id portal.MemberID, pause time.Duration) (time.Time, error)
	NoteRemovalQuestion(ctx context.Context, tx pgx.Tx, id portal.MemberID, at time.Time) error

	DropOldEventClaims(ctx context.Context, before time.Time) error
	BindingStore
	EventStore
}

type planMany = func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error

// Renewer exchanges refresh tokens.
type Renewer interface {
	Renew(ctx context.Context, p portal.Portal, pair portal.Token) (portal.Token, error)
}

// Portals does what is planned for single portals.
type Portals interface {
	Rebind(ctx context.Context, id portal.MemberID) error
	RefreshStatus(ctx context.Context, id portal.MemberID) error
	// VerifyEvent believes an event, and acts on it, where the OAuth server and the portal vouch for what it brings.
	VerifyEvent(ctx context.Context, c portal.EventClaim) error
	// Missing is told what the platform answered to a portal's token. Where that says that the app is not installed there,
	// it has that looked into, and nothing else remains to be done.
	Missing(ctx context.Context, id portal.MemberID, answer error) (missing bool, err error)
	// CheckRemoval asks whether the app is still installed in a portal, and removes what is stored where it is not: at
	// once where an uninstall event claims it. It returns after which time to ask again, 0 for never.
	CheckRemoval(ctx context.Context, id portal.MemberID, claim portal.RemovalClaim) (again time.Duration, err error)
}

// Options of a Runner.
type Options struct {
	Portals Portals
	Pool    *pgxpool.Pool
	Store   Store
	Tokens  Renewer
	Spread  time.Duration // over which the renewals of one scan are spread
	Log     *slog.Logger
	Now     func() time.Time
	// Done is told of each try of a job: "ok", "later" where it goes on another time, "panic", or the problem; nil: nobody is.
	Done   func(kind, outcome string, took time.Duration)
	Traces trace.TracerProvider // nil: nobody gets spans
}

// traced is the middleware that makes spans of jobs, each linked with whatever planned it; none where nobody gets them.
func (o Options) traced() []rivertype.Middleware {
	if o.Traces == nil {
		return nil
	}
	return []rivertype.Middleware{otelriver.NewMiddleware(&otelriver.MiddlewareConfig{
		TracerProvider: o.Traces, MeterProvider: noop.NewMeterProvider(), EnableTracePropagation: true, EnableWorkSpanJobKindSuffix: true,
	})}
}

// Runner runs the jobs of one process, and plans them for all.
type Runner struct {
	Options
	planner *river.Client[pgx.Tx]
}

// New makes a runner. It connects to nothing yet.
func New(o Options) (*Runner, error) {
	planner, err := river.NewClient(riverpgxv5.New(o.Pool), &river.Config{Logger: slog.New(slog.DiscardHandler), Middleware: o.traced()}) // inserts alone
	if err != nil {
		return nil, fmt.Errorf("make job planner: %w", err)
	}
	return &Runner{Options: o, planner: planner}, nil
}

// The queues. What runs in them waits for portals and OAuth servers nearly all of its time, so that many workers cost
// little.
const (
	queueBind      = "bind"
	queueBindSlow  = "bind_slow"
	queueKeepAlive = "keep_alive"
	queueStatus    = "status"
	queueRemoval   = "removal"
	queueEvent     = "event"
)

func queues() map[string]river.QueueConfig {
	return map[string]river.QueueConfig{
		river.QueueDefault: {MaxWorkers: 2}, // what only looks through the database
		queueBind:          {MaxWorkers: 24, FetchPollInterval: 250 * time.Millisecond, FetchCooldown: 20 * time.Millisecond},
		queueBindSlow:      {MaxWorkers: 8},
		queueKeepAlive:     {MaxWorkers: 4},
		queueStatus:        {MaxWorkers: 4},
		queueRemoval:       {MaxWorkers: 4},
		queueEvent:         {MaxWorkers: 8, FetchPollInterval: 250 * time.Millisecond, FetchCooldown: 20 * time.Millisecond},
	}
}

// Queues are the names of the queues.
func Queues() []string { return slices.Sorted(maps.Keys(queues())) }

const (
	// jobTimeout bounds a job that names no time of its own.
	jobTimeout = time.Minute
	// rescueAfter is when a job whose process ended in the middle of it is given to another one.
	rescueAfter = 5 * time.Minute
)

// Run works until the context ends. While Postgres is down it tries again every ten seconds.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.run(ctx); err != nil {
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
	river.AddWorker(workers, &sweepWorker{runner: r})
	river.AddWorker(workers, &bindWorker{runner: r})
	river.AddWorker(workers, &statusWorker{runner: r})
	river.AddWorker(workers, &removalWorker{runner: r})
	river.AddWorker(workers, &eventWorker{runner: r})
	periodic := func(every time.Duration, args river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(every), func() (river.JobArgs, *river.InsertOpts) { return args, nil },
			&river.PeriodicJobOpts{RunOnStart: true})
	}
	client, err := river.NewClient(riverpgxv5.New(r.Pool), &river.Config{
		Queues:               queues(),
		Workers:              workers,
		PeriodicJobs:         []*river.PeriodicJob{periodic(scanEvery, scanArgs{}), periodic(sweepEvery, sweepArgs{})},
		Middleware:           append(r.traced(), &guard{log: r.Log, done: r.Done}),
		Logger:               r.Log.With("component", "jobs"),
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		PollOnly:             true, // no connection is kept for listening
		FetchPollInterval:    time.Second,
		SoftStopTimeout:      15 * time.Second,
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

// guard stands round every job: what the queue keeps of a failure is a text of ours, however the job fails.
type guard struct {
	river.MiddlewareDefaults
	log  *slog.Logger
	done func(kind, outcome string, took time.Duration)
}

// Work runs the job and names its failure.
func (g *guard) Work(ctx context.Context, job *rivertype.JobRow, do func(context.Context) error) (err error) {
	begun, result := time.Now(), "panic"
	defer func() {
		if g.done != nil {
			g.done(job.Kind, result, time.Since(begun))
		}
	}()
	defer func() {
		if cause := recover(); cause != nil {
			g.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "cause", fmt.Sprintf("%.200v", cause), "stack", string(debug.Stack()))
			err = errors.New("panic")
		}
	}()
	err = do(secret.WithWatch(ctx)) // the log's handler learns the secrets of the job
	result = resultOf(err)
	return named(err)
}

// resultOf names what came of a try, as one of a known list.
func resultOf(err error) string {
	var snooze *river.JobSnoozeError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &snooze):
		return "later"
	default:
		return string(portal.ProblemOf(err))
	}
}

// named is an error as the queue may keep it: problem and code, both of known lists. The queue keeps the texts of errors
// for days, and those of portals can be of any size and hold anything.
func named(err error) error {
	var snooze *river.JobSnoozeError
	var cancel *river.JobCancelError
	switch {
	case err == nil || errors.As(err, &snooze):
		return err
	case errors.As(err, &cancel):
		return river.JobCancel(errors.New(outcome(cancel)))
	default:
		return errors.New(outcome(err))
	}
}

// outcome names what came of a job, for the queue and for the log.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	name := string(portal.ProblemOf(err))
	var dead *portal.DeadTokenError
	if errors.As(err, &dead) {
		return name + " (dead token)"
	}
	if code := bitrix24.CodeOf(err); code != "no_answer" {
		name += " (" + code + ")"
	}
	return name
}

// waitingOrRunning are the states in which one job of a kind stands for a portal.
func waitingOrRunning() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}
}
