package storage

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
)

// BusyFade is the time in which the seconds that a portal's bindings took fade to a third.
const BusyFade = 10 * time.Minute

// fadedBusy is a portal's bind_busy at the moment $1.
const fadedBusy = `bind_busy * exp(-greatest(0, extract(epoch FROM $1::timestamptz - coalesce(bind_busy_at, $1))) / $2)`

// InPortal runs something in a transaction in which a portal keeps its record: what it inserts about the portal is there
// before a removal that comes meanwhile, and is removed by it. It does nothing where the app is not installed.
func (s *Store) InPortal(ctx context.Context, id portal.MemberID, do func(ctx context.Context, tx pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		installed, err := lockInstalled(ctx, tx, id, lockPortal)
		if !installed {
			return err
		}
		return do(ctx, tx)
	})
	if err != nil {
		return wrap("plan work", err)
	}
	return nil
}

// WantBinding notes that a portal's placements and events are to be looked at, and has the work planned in the same
// transaction, with the seconds that its bindings took lately. It does nothing, and costs next to nothing, where the same
// is noted already and work that has not looked yet is planned.
func (s *Store) WantBinding(ctx context.Context, id portal.MemberID, plan func(ctx context.Context, tx pgx.Tx, busy time.Duration) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var busy float64
		err := tx.QueryRow(ctx, `
			UPDATE portals
			SET bind_wanted = bind_begun + 1
			WHERE member_id = $3 AND uninstalled_at IS NULL AND bind_wanted <= bind_begun
			RETURNING `+fadedBusy, s.now(), BusyFade.Seconds(), id).Scan(&busy)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return plan(ctx, tx, seconds(busy))
	})
	if err != nil {
		return wrap("want a binding", err)
	}
	return nil
}

// BeginBinding takes along every wish that was noted so far; whatever is noted from now on is another one. It returns
// the number to give to EndBinding, and portal.ErrUnknownPortal where the app is not installed.
func (s *Store) BeginBinding(ctx context.Context, id portal.MemberID) (wish int64, err error) {
	err = s.pool.QueryRow(ctx, `
		UPDATE portals
		SET bind_begun = greatest(bind_begun, bind_wanted)
		WHERE member_id = $1 AND uninstalled_at IS NULL
		RETURNING bind_begun`, id).Scan(&wish)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, portal.ErrUnknownPortal
	}
	if err != nil {
		return 0, wrap("begin a binding", err)
	}
	return wish, nil
}

// EndBinding notes the end of a binding and has it settled in the same transaction, in which no other wish can be noted:
// again tells whether one was noted since the beginning, busy how many seconds the portal's bindings took lately.
func (s *Store) EndBinding(
	ctx context.Context, id portal.MemberID, end portal.BindingEnd, settle func(ctx context.Context, tx pgx.Tx, again bool, busy time.Duration) error,
) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var busy float64
		var again bool
		err := tx.QueryRow(ctx, `
			UPDATE portals
			SET bind_busy = `+fadedBusy+` + $3, bind_busy_at = $1,
			    bind_done = CASE WHEN $4 THEN greatest(bind_done, $5) ELSE bind_done END
			WHERE member_id = $6 AND uninstalled_at IS NULL
			RETURNING bind_busy, bind_wanted > $5`,
			s.now(), BusyFade.Seconds(), end.Took.Seconds(), end.Through, end.Wish, id).Scan(&busy, &again)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) { // of a portal that is removed, nothing is wanted any more
			return err
		}
		return settle(ctx, tx, again, seconds(busy))
	})
	if err != nil {
		return wrap("end a binding", err)
	}
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// UnboundPortals lists installed portals, in order of member_id after one, of which something is wanted that was not done
// yet, and has that planned in the same transaction.
func (s *Store) UnboundPortals(
	ctx context.Context, after portal.MemberID, limit int, plan func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error,
) ([]portal.MemberID, error) {
	return s.planFor(ctx, plan, `
		SELECT member_id
		FROM portals
		WHERE uninstalled_at IS NULL AND bind_wanted > bind_done AND member_id > $1
		ORDER BY member_id
		LIMIT $2
		FOR KEY SHARE`, after, limit)
}

// planFor has work planned for the portals that a query finds and locks.
func (s *Store) planFor(
	ctx context.Context, plan func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error, query string, args ...any,
) ([]portal.MemberID, error) {
	var ids []portal.MemberID
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, query, args...)
		var err error
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[portal.MemberID]); len(ids) == 0 {
			return err
		}
		return plan(ctx, tx, ids)
	})
	if err != nil {
		return nil, wrap("plan work for portals", err)
	}
	return ids, nil
}

// MoveJob puts a job into another queue, from its next try on: River has no call for that.
func (s *Store) MoveJob(ctx context.Context, tx pgx.Tx, job int64, queue string) error {
	_, err := tx.Exec(ctx, `
		UPDATE river_job
		SET queue = $2
		WHERE id = $1 AND queue <> $2`, job, queue)
	return err
}

// HurryJob brings the next try of a job forward, to a pause after its last one.
func (s *Store) HurryJob(ctx context.Context, tx pgx.Tx, job int64, pause time.Duration) error {
	_, err := tx.Exec(ctx, `
		UPDATE river_job
		SET scheduled_at = least(scheduled_at, greatest(now(), attempted_at + make_interval(secs => $2)))
		WHERE id = $1 AND state IN ('retryable', 'scheduled')`, job, pause.Seconds())
	return err
}
