package storage

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"itemlens/migrations"
)

// ErrNewerSchema says that the database was migrated by a newer version of the app, to a schema that this one cannot work
// with.
var ErrNewerSchema = errors.New("this app is older than its database")

// Schema is how the tables of the database stand to this version of the app.
type Schema struct {
	Migration  int64 `json:"migration"`       // that the database is at; 0 where it has none
	Known      int64 `json:"known_migration"` // the newest that this version knows
	Failed     bool  `json:"failed_half_way"` // the migration ended half way
	Oldest     int64 `json:"oldest_app"`      // versions of the app that know this migration, and newer ones, work with the database
	Queue      int64 `json:"queue"`           // migration of the job queue's own tables
	QueueKnown int64 `json:"known_queue"`
}

// Fits returns an error that says what has to happen before this version can work with the database. The error is
// ErrNewerSchema where the database is too new.
func (s Schema) Fits() error {
	switch {
	case s.Migration == 0:
		return errors.New("the database has no migrations yet: run `app migrate`")
	case s.Failed:
		return fmt.Errorf("migration %d failed half way: see docs/operate.md", s.Migration)
	case s.Migration < s.Known:
		return fmt.Errorf("the database is at migration %d, the app needs %d: run `app migrate`", s.Migration, s.Known)
	case s.Newer() && s.Oldest > s.Known:
		return fmt.Errorf("%w: the database is at migration %d, which takes an app that knows %d; this version knows %d at most: run the newer "+
			"version that migrated it, or restore a backup from before (see docs/operate.md)", ErrNewerSchema, s.Migration, s.Oldest, s.Known)
	case s.Queue < s.QueueKnown:
		return fmt.Errorf("the tables of the job queue are at migration %d, the app needs %d: run `app migrate`", s.Queue, s.QueueKnown)
	}
	return nil
}

// Newer reports whether a newer version of the app has migrated the database.
func (s Schema) Newer() bool { return s.Migration > s.Known }

// Schema reads how the database's tables stand to this version.
func (s *Store) Schema(ctx context.Context) (Schema, error) {
	return readSchema(ctx, s.pool, s.known)
}

// Ready returns an error that says what is missing: the database, or its migrations.
func (s *Store) Ready(ctx context.Context) error {
	schema, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	return schema.Fits()
}

// readSchema completes what is known with what the database has.
func readSchema(ctx context.Context, db rowQuerier, schema Schema) (Schema, error) {
	err := db.QueryRow(ctx, `SELECT version, dirty FROM schema_migrations`).Scan(&schema.Migration, &schema.Failed)
	if missing(err) {
		return schema, nil
	}
	if err == nil {
		err = db.QueryRow(ctx, `SELECT oldest FROM schema_support`).Scan(&schema.Oldest)
	}
	if err == nil || missing(err) { // older databases have no such table
		err = db.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM river_migration WHERE line = 'main'`).Scan(&schema.Queue)
	}
	if err != nil && !missing(err) {
		return schema, wrap("ask for the database's version", err)
	}
	return schema, nil
}

// missing reports whether a table or its row is not there.
func missing(err error) bool {
	return errors.Is(err, pgx.ErrNoRows) || sqlState(err) == undefinedTable
}

// knownSchema is what this binary knows. It asks nobody.
func knownSchema(pool *pgxpool.Pool) (Schema, error) {
	latest, err := latestMigration(migrations.Files)
	if err != nil {
		return Schema{}, err
	}
	queue, err := queueMigrator(pool)
	if err != nil {
		return Schema{}, err
	}
	schema := Schema{Known: latest}
	for _, m := range queue.AllVersions() {
		schema.QueueKnown = max(schema.QueueKnown, int64(m.Version))
	}
	return schema, nil
}

func queueMigrator(pool *pgxpool.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("prepare migrations of the job queue: %w", err)
	}
	return migrator, nil
}

func latestMigration(files embed.FS) (int64, error) {
	names, _ := fs.Glob(files, "*.up.sql") // fails for another pattern alone
	if len(names) == 0 {
		return 0, errors.New("the binary holds no migrations")
	}
	var version int64
	if _, err := fmt.Sscanf(names[len(names)-1], "%d_", &version); err != nil {
		return 0, fmt.Errorf("read migration number of %s: %w", names[len(names)-1], err)
	}
	return version, nil
}
