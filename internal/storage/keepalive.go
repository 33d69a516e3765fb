package storage

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"itemlens/internal/portal"
)

// Pool is the pool of connections, for the job queue, which keeps its own tables in the same database.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// InstallersDue lists installed portals, in order of member_id after one, whose installer's pair is alive, or refused for a
// reason that may pass, and was stored before a moment, and has their renewal planned in the same transaction.
func (s *Store) InstallersDue(
	ctx context.Context, before time.Time, after portal.MemberID, limit int, plan func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error,
) ([]portal.MemberID, error) {
	return s.planFor(ctx, plan, `
		SELECT p.member_id
		FROM portals AS p
		JOIN tokens AS t ON t.member_id = p.member_id AND t.user_id = p.installer_id
		WHERE p.uninstalled_at IS NULL AND t.dead_reason IN ('', 'payment_required', 'invalid_client', 'wrong_client') AND t.stored_at < $1 AND p.member_id > $2
		ORDER BY p.member_id
		LIMIT $3
		FOR KEY SHARE OF p`, before, after, limit)
}

// SilentPortals lists installed portals, in order of member_id after one, of which nothing was heard since a moment: the
// installation is older, and so is each pair, whether a page brought it or an exchange. It has something planned for them
// in the same transaction.
func (s *Store) SilentPortals(
	ctx context.Context, before time.Time, after portal.MemberID, limit int, plan func(ctx context.Context, tx pgx.Tx, ids []portal.MemberID) error,
) ([]portal.MemberID, error) {
	return s.planFor(ctx, plan, `
		SELECT p.member_id
		FROM portals AS p
		WHERE p.uninstalled_at IS NULL AND p.installed_at < $1 AND p.member_id > $2
		  AND NOT EXISTS (
		      SELECT FROM tokens AS t
		      WHERE t.member_id = p.member_id AND greatest(t.stored_at, t.expires_at) >= $1)
		ORDER BY p.member_id
		LIMIT $3
		FOR KEY SHARE`, before, after, limit)
}

// RecordKeepAlive stores what came of an attempt to renew the installer's token.
func (s *Store) RecordKeepAlive(ctx context.Context, id portal.MemberID, outcome string) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET keep_alive_at = $2, keep_alive_outcome = $3
		WHERE member_id = $1`, id, s.now(), outcome)
	if err != nil {
		return wrap("record keep-alive", err)
	}
	return nil
}
