package storage

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
)

// The rules of a user's row, all of them in this file and in renewal.go:
//
//   - The access token is the newest that was proven to be this user's: the portal's profile named the user for it, or an
//     exchange brought it.
//   - The row holds one or two refresh tokens. The kept one came of an exchange (proven), or was the first that a page
//     posted. A newer one that a page posts is a claim and waits beside it. The claim is exchanged first; only when that
//     has worked does the kept one go. So a false one costs an exchange and nothing else.
//   - A refresh token belongs to one user of a portal for as long as the page that posted it may come again
//     (refresh_hashes). One that is known, as another user's, as exchanged, as refused or as older than the row's, is
//     not stored.
//   - Portal and user of a renewal come from the row. An answer that names others is not stored, with one exception:
//     where it answers the installer's proven token, the platform has put somebody in the installer's place, and the
//     portal follows.

// ReuseWindow is how long after a refresh the refresh token that it used up still finds the new pair: pages that were
// opened together all post the old one.
const ReuseWindow = 5 * time.Minute

// RetryPassing is how long a token that was refused for a passing reason is left alone.
const RetryPassing = time.Hour

// rememberHash is how long a refresh token is remembered that no row holds any more: longer than the access token beside
// it may live, which is a day at most (see bitrix24.ParseAppRequest). After that the page that brought it proves nothing.
const rememberHash = 25 * time.Hour

// tokenRow is one user's row. A refresh token in either place is sealed for the same place, so that it can move.
type tokenRow struct {
	UserID       int64
	AccessToken  []byte
	RefreshToken []byte
	RefreshHash  []byte
	Proven       bool
	ClaimedToken []byte
	ClaimedHash  []byte
	KeyID        int64 // the oldest key that sealed something in the row
	ExpiresAt    time.Time
	Generation   int64
	DeadReason   string
	DeadAt       *time.Time
	StoredAt     time.Time
}

const tokenColumns = `
	tokens.user_id, tokens.access_token, tokens.refresh_token, tokens.refresh_hash, tokens.proven, tokens.claimed_token,
	tokens.claimed_hash, tokens.key_id, tokens.expires_at, tokens.generation, tokens.dead_reason, tokens.dead_at, tokens.stored_at`

// Token reads the stored token of one user; its refresh token is the newest one. It returns portal.ErrNoToken where
// there is none.
func (s *Store) Token(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Token, error) {
	rows, _ := s.pool.Query(ctx, `SELECT`+tokenColumns+`
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

// SaveToken stores a pair that a page posted, as a claim: the access token is proven to be the user's, the refresh token
// is not. It does nothing where that refresh token is known, as this user's or as anybody's, and nothing where the portal
// has removed the app meanwhile.
func (s *Store) SaveToken(ctx context.Context, t portal.Token) error {
	if t.Refresh.IsZero() {
		return nil
	}
	access, err := s.sealer.Seal(t.Access, tokenPlace(t.MemberID, t.UserID, "access_token"))
	if err != nil {
		return err
	}
	refresh, err := s.sealer.Seal(t.Refresh, tokenPlace(t.MemberID, t.UserID, "refresh_token"))
	if err != nil {
		return err
	}
	// The lock on the portal makes a removal that runs meanwhile wait, or be seen (see DeleteInstallation). A refresh token
	// enters once: one that is there already comes in again only where its owner's row has none left, and it was neither
	// used up nor refused.
	_, err = s.pool.Exec(ctx, `
		WITH installed AS (
			SELECT member_id
			FROM portals
			WHERE member_id = @member_id AND uninstalled_at IS NULL
			FOR KEY SHARE
		), entered AS (
			INSERT INTO refresh_hashes AS known (member_id, refresh_hash, user_id, seen_at)
			SELECT member_id, @refresh_hash, @user_id, @now
			FROM installed
			WHERE NOT EXISTS (SELECT FROM refresh_hashes WHERE refresh_hash = @refresh_hash AND member_id <> @member_id)
			ON CONFLICT (member_id, refresh_hash) DO UPDATE
			SET seen_at = excluded.seen_at
			WHERE known.user_id = excluded.user_id AND known.exchanged_at IS NULL AND known.dead_reason = '' AND NOT EXISTS (
				SELECT FROM tokens
				WHERE member_id = @member_id AND user_id = @user_id AND (refresh_token IS NOT NULL OR claimed_token IS NOT NULL))
			RETURNING member_id
		), forgotten AS (
			DELETE FROM refresh_hashes AS known
			USING tokens AS held
			WHERE known.member_id = @member_id AND known.user_id = @user_id AND greatest(known.seen_at, known.exchanged_at) < @forget
			  AND held.member_id = @member_id AND held.user_id = @user_id AND known.refresh_hash <> @refresh_hash
			  AND known.refresh_hash IS DISTINCT FROM held.refresh_hash AND known.refresh_hash IS DISTINCT FROM held.claimed_hash
		)
		INSERT INTO tokens AS held (member_id, user_id, access_token, refresh_token, refresh_hash, key_id, expires_at, stored_at)
		SELECT member_id, @user_id, @access_token, @refresh_token, @refresh_hash, @key_id, @expires_at, @now
		FROM entered
		ON CONFLICT (member_id, user_id) DO UPDATE
		SET access_token  = excluded.access_token,
		    expires_at    = excluded.expires_at,
		    generation    = held.generation + 1,
		    dead_reason   = '',
		    dead_at       = NULL,
		    refresh_token = coalesce(held.refresh_token, excluded.refresh_token),
		    refresh_hash  = coalesce(held.refresh_hash, excluded.refresh_hash),
		    proven        = held.proven AND held.refresh_token IS NOT NULL,
		    stored_at     = CASE WHEN held.refresh_token IS NULL THEN excluded.stored_at ELSE held.stored_at END,
		    key_id        = CASE WHEN held.refresh_token IS NULL THEN excluded.key_id ELSE held.key_id END,
		    claimed_token = CASE WHEN held.refresh_token IS NULL OR held.refresh_hash = excluded.refresh_hash THEN NULL
		                         ELSE excluded.refresh_token END,
		    claimed_hash  = CASE WHEN held.refresh_token IS NULL OR held.refresh_hash = excluded.refresh_hash THEN NULL
		                         ELSE excluded.refresh_hash END`,
		pgx.NamedArgs{
			"member_id": t.MemberID, "user_id": t.UserID, "access_token": access, "refresh_token": refresh, "key_id": s.sealer.KeyID(),
			"refresh_hash": t.Refresh.Hash(), "expires_at": t.ExpiresAt, "now": s.now(), "forget": s.now().Add(-rememberHash),
		})
	if err != nil {
		return wrap("save token", err)
	}
	return nil
}

// Locks of putPair on the portal. A renewal that holds the user's row takes none: a removal locks the portal first and
// then waits for that row, so each would wait for the other, and the new pair would be lost.
const (
	lockPortal = "FOR KEY SHARE"
	rowLocked  = ""
)

// putPair makes a pair that came of an exchange the only one of its user's row. It returns the generation stored; 0 where
// the portal has removed the app.
func (s *Store) putPair(ctx context.Context, tx pgx.Tx, t portal.Token, lock string) (int64, error) {
	access, err := s.sealer.Seal(t.Access, tokenPlace(t.MemberID, t.UserID, "access_token"))
	if err != nil {
		return 0, err
	}
	refresh, err := s.sealer.Seal(t.Refresh, tokenPlace(t.MemberID, t.UserID, "refresh_token"))
	if err != nil {
		return 0, err
	}
	reason := ""
	if refresh == nil {
		reason = portal.DeadNoRefresh
	}
	rows, _ := tx.Query(ctx, `
		INSERT INTO tokens AS held (member_id, user_id, access_token, refresh_token, refresh_hash, proven, key_id, expires_at,
		                            dead_reason, stored_at)
		SELECT member_id, @user_id, @access_token, @refresh_token, @refresh_hash, true, @key_id, @expires_at, @reason, @now
		FROM portals
		WHERE member_id = @member_id AND uninstalled_at IS NULL
		`+lock+`
		ON CONFLICT (member_id, user_id) DO UPDATE
		SET access_token  = excluded.access_token,
		    refresh_token = excluded.refresh_token,
		    refresh_hash  = excluded.refresh_hash,
		    proven        = true,
		    claimed_token = NULL,
		    claimed_hash  = NULL,
		    key_id        = excluded.key_id,
		    expires_at    = excluded.expires_at,
		    generation    = held.generation + 1,
		    dead_reason   = excluded.dead_reason,
		    dead_at       = NULL,
		    stored_at     = excluded.stored_at
		RETURNING generation`,
		pgx.NamedArgs{
			"member_id": t.MemberID, "user_id": t.UserID, "access_token": access, "refresh_token": refresh, "key_id": s.sealer.KeyID(),
			"refresh_hash": t.Refresh.Hash(), "expires_at": t.ExpiresAt, "reason": reason, "now": s.now(),
		})
	generations, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if len(generations) == 0 {
		return 0, err
	}
	return generations[0], s.noteHash(ctx, tx, t.MemberID, t.UserID, t.Refresh.Hash(), refreshTokenFate{})
}

// refreshTokenFate is what became of a refresh token.
type refreshTokenFate struct {
	exchanged bool
	reason    string // why the OAuth server refused it
}

// noteHash remembers a user's refresh token and its fate. What the OAuth server tells outweighs what a page claimed, so a
// hash changes its owner here, if it must.
func (s *Store) noteHash(ctx context.Context, tx pgx.Tx, id portal.MemberID, user portal.UserID, hash []byte, f refreshTokenFate) error {
	if hash == nil {
		return nil
	}
	var exchangedAt *time.Time
	if f.exchanged {
		now := s.now()
		exchangedAt = &now
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO refresh_hashes (member_id, refresh_hash, user_id, seen_at, exchanged_at, dead_reason)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (member_id, refresh_hash) DO UPDATE
		SET user_id = excluded.user_id, exchanged_at = excluded.exchanged_at, dead_reason = excluded.dead_reason`,
		id, hash, user, s.now(), exchangedAt, f.reason)
	return err
}

func (s *Store) openToken(id portal.MemberID, row tokenRow) (portal.Token, error) {
	user := portal.UserID(row.UserID)
	access, err := s.sealer.Open(row.AccessToken, tokenPlace(id, user, "access_token"))
	if err != nil {
		return portal.Token{}, wrapSealed("read token", err)
	}
	newest := row.RefreshToken
	if row.ClaimedToken != nil {
		newest = row.ClaimedToken
	}
	refresh, err := s.sealer.Open(newest, tokenPlace(id, user, "refresh_token"))
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
