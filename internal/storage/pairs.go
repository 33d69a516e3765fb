package storage

import (
	"context"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// KnowsPair reports whether a refresh token is one that is stored for a portal, or was until the last renewal. Who posts
// one has it from the portal.
func (s *Store) KnowsPair(ctx context.Context, id portal.MemberID, refresh secret.Text) (bool, error) {
	if refresh.IsZero() {
		return false, nil
	}
	var known bool
	err := s.pool.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT
			FROM tokens
			WHERE member_id = $1 AND (refresh_hash = $2 OR previous_refresh_hash = $2)
		)`, id, refresh.Hash()).Scan(&known)
	if err != nil {
		return false, wrap("look for a pair", err)
	}
	return known, nil
}

// KnowsHost reports whether an installed portal's pages or its REST are at a host.
func (s *Store) KnowsHost(ctx context.Context, host string) (bool, error) {
	var known bool
	err := s.pool.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT
			FROM portals
			WHERE uninstalled_at IS NULL AND (domain = $1 OR split_part(client_endpoint, '/', 3) = $1)
		)`, host).Scan(&known)
	if err != nil {
		return false, wrap("look for a portal's host", err)
	}
	return known, nil
}
