package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/rivermigrate"

	"itemlens/internal/secret"
	"itemlens/migrations"
)

// migrateQueueTime bounds the migrations of the job queue.
const migrateQueueTime = time.Minute

// Migrate brings the database up to date. Several processes may call it at once: golang-migrate takes a lock in
// Postgres, the first one works and the others find nothing left to do. The locks are a session's, so the URL must lead to
// Postgres itself, not to a pooler that shares connections by transaction. A database that a newer version migrated is
// left as it is: that is an error, ErrNewerSchema, only where this version cannot work with it.
func Migrate(url secret.Text) error {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, url.Reveal())
	if err != nil {
		return errors.New("the database URL cannot be parsed") // the cause would repeat the password
	}
	defer pool.Close()
	known, err := knownSchema(pool)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	schema, err := readSchema(asking, pool, known)
	if err != nil {
		return err
	}
	if schema.Newer() {
		return schema.Fits()
	}
	if err := migrateTables(pool); err != nil {
		// A newer version may have held the lock first: then there is nothing to do here.
		asking, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if schema, unknown := readSchema(asking, pool, known); unknown == nil && schema.Newer() {
			return schema.Fits()
		}
		return err
	}
	return migrateQueue(ctx, pool)
}

// migrateTables brings the app's own tables up to date.
func migrateTables(pool *pgxpool.Pool) error {
	db := stdlib.OpenDB(*pool.Config().ConnConfig)
	defer db.Close()
	target, err := migratepgx.WithInstance(db, &migratepgx.Config{StatementTimeout: time.Minute})
	if err != nil {
		return fmt.Errorf("connect for migrations: %w", err)
	}
	source, err := iofs.New(migrations.Files, ".")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	m, err := migrate.NewWithInstance("embedded", source, "pgx5", target)
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	m.LockTimeout = time.Minute
	defer func() { _, _ = m.Close() }()
	if err := m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// queueLock is the advisory lock under which the job queue's tables are made: River's migrator takes none itself.
const queueLock = 0x6974656d6c656e73

// migrateQueue brings the tables of the job queue up to date.
func migrateQueue(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, migrateQueueTime)
	defer cancel()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return wrap("connect for migrations of the job queue", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(queueLock)); err != nil {
		return wrap("wait for other migrations", err)
	}
	defer func() { _, _ = conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, int64(queueLock)) }()
	migrator, err := queueMigrator(pool)
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	return nil
}
