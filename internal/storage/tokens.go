package storage

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// ReuseWindow is how long after a refresh the refresh token that it used up still finds the new pair: pages that were
// opened together all post the old one.
const ReuseWindow = 5 * time.Minute

// RetryPassing is how long a token that was refused for a passing reason is left alone.
const RetryPassing = time.Hour

type tokenRow struct {
	UserID       int64
	AccessToken  []byte
	RefreshToken []byte
	RefreshHash  []byte
	ExpiresAt    time.Time
	Generation   int64
	DeadReason   string
	StoredAt     time.Time
}

// Token reads the stored token of one user. It returns portal.ErrNoToken where there is none.
func (s *Store) Token(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Token, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT user_id, access_token, refresh_token, refresh_hash, expires_at, generation, dead_reason, stored_at
		FROM tokens
		WHERE member_id = $1 AND user_id = $2`, id, user)
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[tokenRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return portal.Token{}, portal.ErrNoToken
	}
	if err != nil {
		return portal.Token{}, wrap("read token", err)
	}
	return s.openToken(id, row)
}

// SaveToken stores the newest pair of a user of an installed portal. It does nothing where the same pair is stored
// already, and nothing where the portal has removed the app meanwhile.
func (s *Store) SaveToken(ctx context.Context, t portal.Token) error {
	if _, err := s.upsertToken(ctx, s.pool, t); err != nil {
		return wrap("save token", err)
	}
	return nil
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// upsertToken returns the generation stored; 0 where nothing was to do.
func (s *Store) upsertToken(ctx context.Context, db querier, t portal.Token) (int64, error) {
	access, err := s.sealer.Seal(t.Access, tokenPlace(t.MemberID, t.UserID, "access_token"))
	if err != nil {
		return 0, err
	}
	refresh, err := s.sealer.Seal(t.Refresh, tokenPlace(t.MemberID, t.UserID, "refresh_token"))
	if err != nil {
		return 0, err
	}
	// The share lock on the portal makes a removal that runs meanwhile wait, or be seen.
	rows, _ := db.Query(ctx, `
		INSERT INTO tokens (member_id, user_id, access_token, refresh_token, key_id, refresh_hash, previous_refresh_hash,
		                    expires_at, stored_at)
		SELECT member_id, @user_id, @access_token, @refresh_token, @key_id, @refresh_hash, @used_up, @expires_at, @now
		FROM portals
		WHERE member_id = @member_id AND uninstalled_at IS NULL
		FOR SHARE
		ON CONFLICT (member_id, user_id) DO UPDATE
		SET access_token          = excluded.access_token,
		    refresh_token         = excluded.refresh_token,
		    key_id                = excluded.key_id,
		    previous_refresh_hash = excluded.previous_refresh_hash,
		    refresh_hash          = excluded.refresh_hash,
		    expires_at            = excluded.expires_at,
		    generation            = tokens.generation + 1,
		    dead_reason           = '',
		    stored_at             = excluded.stored_at
		WHERE tokens.refresh_hash <> excluded.refresh_hash
		RETURNING generation`,
		pgx.NamedArgs{
			"member_id": t.MemberID, "user_id": t.UserID, "access_token": access, "refresh_token": refresh,
			"key_id": s.sealer.KeyID(), "refresh_hash": t.Refresh.Hash(), "used_up": t.UsedUp.Hash(), "expires_at": t.ExpiresAt, "now": s.now(),
		})
	generations, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(generations) == 0 {
		return 0, err
	}
	return generations[0], nil
}

// RenewToken exchanges a refresh token once, however many callers in however many processes ask at the same time: the
// first one runs renew and commits its pair, the others find that pair. renew gives the new pair, or a
// *portal.DeadTokenError, whose reason is stored so that nobody tries again.
func (s *Store) RenewToken(
	ctx context.Context, id portal.MemberID, refresh secret.Text, renew func(context.Context) (portal.Token, error),
) (portal.Token, error) {
	var result portal.Token
	var dead *portal.DeadTokenError
	var renewErr error
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// The row's lock is not enough: a token that was never stored has no row.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(('x' || left(encode($1, 'hex'), 16))::bit(64)::bigint)`,
			refresh.Hash()); err != nil {
			return err
		}
		row, found, err := findByRefresh(ctx, tx, id, refresh)
		if err != nil {
			return err
		}
		if found {
			current := bytes.Equal(row.RefreshHash, refresh.Hash())
			known := &portal.DeadTokenError{Reason: row.DeadReason}
			switch {
			case row.DeadReason != "" && (!known.Passing() || s.now().Sub(row.StoredAt) < RetryPassing):
				dead = known
				return nil
			case !current && s.now().Sub(row.StoredAt) > ReuseWindow:
				dead = &portal.DeadTokenError{Reason: "replaced"}
				return nil
			case !current:
				result, err = s.openToken(id, row)
				return err
			}
		}
		result, renewErr = renew(ctx)
		if errors.As(renewErr, &dead) && found {
			_, err := tx.Exec(ctx, `
				UPDATE tokens
				SET dead_reason = $3, stored_at = $4
				WHERE member_id = $1 AND user_id = $2`, id, row.UserID, dead.Reason, s.now())
			return err
		}
		if renewErr != nil {
			return nil
		}
		result.UsedUp = refresh
		result.Generation, err = s.upsertToken(ctx, tx, result)
		return err
	})
	switch {
	case err != nil:
		return portal.Token{}, wrap("renew token", err)
	case renewErr != nil:
		return portal.Token{}, renewErr
	case dead != nil:
		return portal.Token{}, dead
	}
	return result, nil
}

func findByRefresh(ctx context.Context, tx pgx.Tx, id portal.MemberID, refresh secret.Text) (tokenRow, bool, error) {
	rows, _ := tx.Query(ctx, `
		SELECT user_id, access_token, refresh_token, refresh_hash, expires_at, generation, dead_reason, stored_at
		FROM tokens
		WHERE member_id = $1 AND (refresh_hash = $2 OR previous_refresh_hash = $2)
		FOR UPDATE`, id, refresh.Hash())
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[tokenRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return tokenRow{}, false, nil
	}
	return row, err == nil, err
}

func (s *Store) openToken(id portal.MemberID, row tokenRow) (portal.Token, error) {
	user := portal.UserID(row.UserID)
	access, err := s.sealer.Open(row.AccessToken, tokenPlace(id, user, "access_token"))
	if err != nil {
		return portal.Token{}, wrapSealed("read token", err)
	}
	refresh, err := s.sealer.Open(row.RefreshToken, tokenPlace(id, user, "refresh_token"))
	if err != nil {
		return portal.Token{}, wrapSealed("read token", err)
	}
	return portal.Token{
		MemberID: id, UserID: user, Access: access, Refresh: refresh,
		ExpiresAt: row.ExpiresAt, Generation: row.Generation, DeadReason: row.DeadReason, StoredAt: row.StoredAt,
	}, nil
}

func tokenPlace(id portal.MemberID, user portal.UserID, column string) seal.Place {
	return seal.Place{MemberID: string(id), UserID: int64(user), Column: column}
}
