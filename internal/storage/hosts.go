package storage

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
)

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

// FindPortal reads an installed portal by its member_id, or by the host of its pages or its REST. It returns
// portal.ErrUnknownPortal where there is none.
func (s *Store) FindPortal(ctx context.Context, name string) (portal.Portal, error) {
	var id portal.MemberID
	err := s.pool.QueryRow(ctx, `
		SELECT member_id
		FROM portals
		WHERE uninstalled_at IS NULL AND (member_id = $1 OR domain = $1 OR split_part(client_endpoint, '/', 3) = $1)
		ORDER BY member_id = $1 DESC, updated_at DESC
		LIMIT 1`, name).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return portal.Portal{}, portal.ErrUnknownPortal
	}
	if err != nil {
		return portal.Portal{}, wrap("look for a portal", err)
	}
	return s.Portal(ctx, id)
}
