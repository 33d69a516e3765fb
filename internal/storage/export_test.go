package storage

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// URLForTest is the database's URL.
func (s *Store) URLForTest() string { return s.pool.Config().ConnString() }

// RemovingForTest runs something as a removal is run.
func (s *Store) RemovingForTest(ctx context.Context, remove func(tx pgx.Tx) error) error {
	return s.removing(ctx, remove)
}
