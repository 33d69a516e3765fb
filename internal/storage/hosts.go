package storage

import "context"

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
