// Package restlog keeps the requests that the app made to portals and what they answered: the marketplace wants them for
// three days at least (market/preparing-to-publish/common-requirements.md), and whoever answers a support ticket does too.
//
// No page waits for it. Lines go through a buffer that is bounded in bytes to one writer, which takes secrets out, cuts,
// compresses and writes in bulk. What finds no room is counted and told, never waited for.
package restlog

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// Store is what the log needs of storage.
type Store interface {
	// WriteRESTLog writes lines of portals that have a record, and leaves out those of others. An error that says that no
	// partition fits the lines wraps portal.ErrNoPartition.
	WriteRESTLog(ctx context.Context, lines []portal.RESTLine) (written int, err error)
	// KeepRESTLog makes the partitions of today and the days that come, and drops those of before a day.
	KeepRESTLog(ctx context.Context, today time.Time, days int) error
}

const (
	// bufferBytes and bufferLines bound what waits to be written.
	bufferBytes = 32 << 20
	bufferLines = 20_000
	// writeLines and writeEvery are when what has come is written: so many lines, or so late.
	writeLines = 500
	writeEvery = 500 * time.Millisecond
	// writeTimeout bounds one write; a write that fails is tried again after retryAfter.
	writeTimeout = 10 * time.Second
	retryAfter   = time.Second
	// keepEvery is how often partitions are looked after.
	keepEvery = time.Hour
	// tellEvery is how often lost lines are told in the log.
	tellEvery = time.Minute
	// lineBytes is about what a line costs beside its bodies.
	lineBytes = 1 << 10
)

// Log takes lines.
type Log struct {
	store Store
	days  int
	log   *slog.Logger
	now   func() time.Time

	lines   chan heldLine
	held    atomic.Int64 // bytes that wait
	written atomic.Int64
	lost    atomic.Int64
}

// heldLine is an exchange that waits to be written. The context is kept for the secrets that its request has to do with.
type heldLine struct {
	ctx      context.Context
	exchange bitrix24.Exchange
	bytes    int64
}

// New makes a log that keeps lines for so many days. Run writes it.
func New(store Store, days int, log *slog.Logger, now func() time.Time) *Log {
	return &Log{store: store, days: days, log: log, now: now, lines: make(chan heldLine, bufferLines)}
}

// Request is a request of ours for which portals are asked.
type Request struct {
	id   string
	user atomic.Int64
}

type requestKey struct{}

// WithRequest names the request for which portals are asked.
func WithRequest(ctx context.Context, id string) (context.Context, *Request) {
	r := &Request{id: id}
	return context.WithValue(ctx, requestKey{}, r), r
}

// RequestID is the name of the request that a context belongs to; empty of background work.
func RequestID(ctx context.Context) string {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r.id
	}
	return ""
}

// By says who made the request. A user whose token is new is known only by what the portal answers to it; lines that wait
// to be written are told then.
func (r *Request) By(user portal.UserID) { r.user.Store(int64(user)) }

// Record takes an exchange, unless there is no room: then it is lost, and counted. It never waits.
func (l *Log) Record(ctx context.Context, e bitrix24.Exchange) {
	if e.Target.MemberID == "" {
		return // of a portal that nobody vouched for
	}
	line := heldLine{ctx: context.WithoutCancel(ctx), exchange: e, bytes: lineBytes + int64(cap(e.Request)) + int64(cap(e.Answer))}
	if l.held.Add(line.bytes) > bufferBytes {
		l.held.Add(-line.bytes)
		l.lost.Add(1)
		return
	}
	select {
	case l.lines <- line:
	default:
		l.held.Add(-line.bytes)
		l.lost.Add(1)
	}
}

// Stats are figures of a log since its start, but for Held.
type Stats struct {
	Written, Lost int64
	Held          int64 // bytes that wait to be written
}

// Stats tells how the log fares.
func (l *Log) Stats() Stats {
	return Stats{Written: l.written.Load(), Lost: l.lost.Load(), Held: l.held.Load()}
}

// Run writes until the context ends, and then what still waits, for as long as one write may take.
func (l *Log) Run(ctx context.Context) {
	w := &writer{Log: l}
	w.keep(ctx)
	ticker := time.NewTicker(writeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			w.finish(context.WithoutCancel(ctx))
			return
		case line := <-l.lines:
			w.take(line)
			if len(w.batch) < writeLines {
				continue
			}
		case <-ticker.C:
		}
		w.write(ctx)
		w.look(ctx)
	}
}

// writer holds what is being written.
type writer struct {
	*Log
	batch    []portal.RESTLine
	requests []*Request // those of the batch's lines; nil for background work
	bytes    int64      // of the batch, as they were held
	keptAt   time.Time
	failedAt time.Time // when a write failed last; zero while all is well
	reason   error     // why lines were lost last, where it was not for lack of room
	told     int64     // lost lines that the log has told of
	toldAt   time.Time
}

// take makes a line of what was held.
func (w *writer) take(held heldLine) {
	e := held.exchange
	line := portal.RESTLine{
		MemberID: portal.MemberID(e.Target.MemberID), UserID: portal.UserID(e.Target.UserID), At: e.At, Duration: e.Duration,
		Method: bitrix24.CleanText(e.Method, longestMethod), Commands: commandsOf(e.Method, e.Request), Status: e.Status, Code: e.Code,
	}
	request, ok := held.ctx.Value(requestKey{}).(*Request)
	if ok {
		line.RequestID = request.id
	}
	line.Request, line.RequestCut = cleanBody(held.ctx, e.Request, e.Target.Access)
	if slices.ContainsFunc(line.Commands, answersAreNotKept) {
		line.AnswerCut = len(e.Answer)
	} else {
		line.Answer, line.AnswerCut = cleanBody(held.ctx, e.Answer, e.Target.Access)
	}
	w.batch, w.requests = append(w.batch, line), append(w.requests, request)
	w.bytes += held.bytes
}

// write writes the batch. Where Postgres does not answer, the batch waits, and what comes meanwhile waits in the buffer.
func (w *writer) write(ctx context.Context) {
	for len(w.batch) > 0 {
		err := w.attempt(ctx)
		if err == nil {
			return
		}
		if portal.ProblemOf(err) != portal.StorageDown { // trying again would not help
			w.lost.Add(int64(len(w.batch)))
			w.reason = err
			w.drop()
			return
		}
		if w.failedAt.IsZero() {
			w.log.Warn("the REST log waits for the database", "error", err.Error())
			w.failedAt = w.now()
		}
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryAfter):
		}
	}
}

func (w *writer) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for i, request := range w.requests {
		if request != nil && w.batch[i].UserID == 0 {
			w.batch[i].UserID = portal.UserID(request.user.Load())
		}
	}
	written, err := w.store.WriteRESTLog(ctx, w.batch)
	if errors.Is(err, portal.ErrNoPartition) {
		if err = w.store.KeepRESTLog(ctx, w.now(), w.days); err == nil {
			written, err = w.store.WriteRESTLog(ctx, w.batch)
		}
	}
	if err != nil {
		return err
	}
	if !w.failedAt.IsZero() {
		w.log.Info("the REST log is written again", "after_seconds", int(w.now().Sub(w.failedAt).Seconds()))
		w.failedAt = time.Time{}
	}
	w.written.Add(int64(written))
	w.drop()
	return nil
}

func (w *writer) drop() {
	clear(w.batch)
	clear(w.requests)
	w.batch, w.requests = w.batch[:0], w.requests[:0]
	w.held.Add(-w.bytes)
	w.bytes = 0
}

// look does what is due: partitions, and telling of lost lines.
func (w *writer) look(ctx context.Context) {
	if w.now().Sub(w.keptAt) >= keepEvery {
		w.keep(ctx)
	}
	if w.now().Sub(w.toldAt) >= tellEvery {
		w.tell()
	}
}

// tell tells of lines that were lost since it told last.
func (w *writer) tell() {
	if lost := w.lost.Load(); lost > w.told {
		reason := "they came faster than the database took them"
		if w.reason != nil {
			reason = w.reason.Error()
		}
		w.log.Error("lines of the REST log were lost", "lines", lost-w.told, "reason", reason)
		w.told, w.toldAt, w.reason = lost, w.now(), nil
	}
}

func (w *writer) keep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := w.store.KeepRESTLog(ctx, w.now(), w.days); err != nil {
		w.log.Warn("partitions of the REST log could not be looked after", "error", err.Error())
		w.keptAt = w.now().Add(time.Minute - keepEvery) // again in a minute
		return
	}
	w.keptAt = w.now()
}

// finish writes what still waits when the app stops.
func (w *writer) finish(ctx context.Context) {
	defer w.tell()
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for {
		for len(w.batch) < writeLines {
			select {
			case line := <-w.lines:
				w.take(line)
				continue
			default:
			}
			break
		}
		if len(w.batch) == 0 {
			return
		}
		if err := w.attempt(ctx); err != nil {
			w.lost.Add(int64(len(w.batch) + len(w.lines)))
			w.reason = err
			return
		}
	}
}
