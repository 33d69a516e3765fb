package storage

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
)

// Visit reads all that a page's opening asks of storage, in one statement: the portal, and what is known of the refresh
// token that the page posts, by its hash (none: nil). It returns portal.ErrUnknownPortal where there is no record.
func (s *Store) Visit(ctx context.Context, id portal.MemberID, refreshHash []byte) (portal.Visit, error) {
	rows, _ := s.pool.Query(ctx, `SELECT`+portalColumns+`,
		       coalesce(owner.user_id, 0) AS pair_of,
		       coalesce(owner.refresh_hash = $2, false) OR coalesce(owner.claimed_hash = $2, false) AS pair_current,
		       NOT installer_fit OR installer.user_id IS NULL AS orphaned
		FROM portals
		LEFT JOIN portal_settings USING (member_id)
		LEFT JOIN refresh_hashes AS known ON known.member_id = portals.member_id AND known.refresh_hash = $2
		LEFT JOIN tokens AS owner ON owner.member_id = portals.member_id AND owner.user_id = known.user_id
		LEFT JOIN tokens AS installer ON installer.member_id = portals.member_id AND installer.user_id = portals.installer_id
		      AND (installer.refresh_token IS NOT NULL OR installer.claimed_token IS NOT NULL)
		WHERE portals.member_id = $1`, id, refreshHash)
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[struct { // by place: every page comes by here, and finding names costs as much as reading them
		portalRow
		PairOf      int64
		PairCurrent bool
		Orphaned    bool
	}])
	if errors.Is(err, pgx.ErrNoRows) {
		return portal.Visit{}, portal.ErrUnknownPortal
	}
	if err != nil {
		return portal.Visit{}, wrap("read visit", err)
	}
	p, err := s.openPortal(row.portalRow)
	if err != nil {
		return portal.Visit{}, err
	}
	return portal.Visit{Portal: p, PairOf: portal.UserID(row.PairOf), PairCurrent: row.PairCurrent, Orphaned: row.Orphaned}, nil
}

// Resume reads all that a request of an open page asks of storage, in one statement: the portal and the user's token. It
// returns portal.ErrUnknownPortal or portal.ErrNoToken where there is no record; with ErrNoToken the portal is read.
func (s *Store) Resume(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Portal, portal.Token, error) {
	rows, _ := s.pool.Query(ctx, `SELECT`+portalColumns+`,
		       tokens.user_id IS NOT NULL AS has_token, coalesce(tokens.user_id, 0) AS user_id, access_token, refresh_token, refresh_hash,
		       coalesce(proven, false) AS proven, claimed_token, claimed_hash, coalesce(tokens.key_id, 0) AS key_id,
		       coalesce(expires_at, now()) AS expires_at, coalesce(generation, 0) AS generation,
		       coalesce(dead_reason, '') AS dead_reason, dead_at, coalesce(stored_at, now()) AS stored_at
		FROM portals
		LEFT JOIN portal_settings USING (member_id)
		LEFT JOIN tokens ON tokens.member_id = portals.member_id AND tokens.user_id = $2
		WHERE portals.member_id = $1`, id, user)
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[struct {
		portalRow
		tokenRow
		HasToken bool
	}])
	if errors.Is(err, pgx.ErrNoRows) {
		return portal.Portal{}, portal.Token{}, portal.ErrUnknownPortal
	}
	if err != nil {
		return portal.Portal{}, portal.Token{}, wrap("read visit", err)
	}
	p, err := s.openPortal(row.portalRow)
	if err != nil {
		return p, portal.Token{}, err
	}
	if !row.HasToken {
		return p, portal.Token{}, portal.ErrNoToken
	}
	token, err := s.openToken(id, row.tokenRow)
	return p, token, err
}

// TakeOver makes a user the portal's installer, in whose name background work is done, where nobody else can be: the
// installer's token is dead or gone, or the installer is no administrator any more. It reports whether it did.
func (s *Store) TakeOver(ctx context.Context, id portal.MemberID, user portal.UserID) (bool, error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET installer_id = $2, installer_fit = true, updated_at = $3
		WHERE member_id = $1 AND uninstalled_at IS NULL
		  AND (NOT installer_fit OR NOT EXISTS (
		       SELECT FROM tokens
		       WHERE tokens.member_id = $1 AND tokens.user_id = portals.installer_id
		         AND (refresh_token IS NOT NULL OR claimed_token IS NOT NULL)))
		  AND EXISTS (
		       SELECT FROM tokens
		       WHERE tokens.member_id = $1 AND tokens.user_id = $2 AND (refresh_token IS NOT NULL OR claimed_token IS NOT NULL))`,
		id, user, s.now())
	if err != nil {
		return false, wrap("take over as installer", err)
	}
	return tag.RowsAffected() > 0, nil
}

// RetireInstaller notes that the portal's installer is no administrator any more, so that the next one who opens the app
// takes over. It does nothing where the installer is another user by now.
func (s *Store) RetireInstaller(ctx context.Context, id portal.MemberID, user portal.UserID) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET installer_fit = false, updated_at = $3
		WHERE member_id = $1 AND installer_id = $2 AND installer_fit`, id, user, s.now())
	if err != nil {
		return wrap("retire installer", err)
	}
	return nil
}
