// Package storage is Postgres and nothing else: every query and every transaction of the app, in terms of the domain.
// Secrets are sealed on the way in and opened on the way out, so no other package sees a sealed value. It declares no
// interface: whoever needs storage declares the methods that it uses.
package storage

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/klauspost/compress/zstd"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/migrations"
)

// Store is the app's database.
type Store struct {
	pool   *pgxpool.Pool
	sealer *seal.Sealer
	now    func() time.Time
	wanted uint

	encoder *zstd.Encoder // of the REST log
}

// Options of a Store.
type Options struct {
	URL      secret.Text // holds a password as a rule
	MaxConns int32
	Sealer   *seal.Sealer
	Now      func() time.Time
	// Traces gets a span for each statement that runs within one; nil: nobody does.
	Traces trace.TracerProvider
}

// Open prepares a pool. It does not connect yet: the app starts, and says so at /readyz, while Postgres is down.
func Open(ctx context.Context, o Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(o.URL.Reveal())
	if err != nil {
		return nil, errors.New("the database URL cannot be parsed") // the cause would repeat the password
	}
	if o.MaxConns > 0 {
		config.MaxConns = o.MaxConns
	}
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.ConnConfig.RuntimeParams["application_name"] = "itemlens"
	config.ConnConfig.RuntimeParams["statement_timeout"] = "15000"
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
	if o.Traces != nil {
		config.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(o.Traces), otelpgx.WithMeterProvider(noop.NewMeterProvider()),
			otelpgx.WithDisableConnectionDetailsInAttributes())
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("prepare connections to Postgres: %w", err)
	}
	wanted, err := latestMigration(migrations.Files)
	if err != nil {
		pool.Close()
		return nil, err
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	return &Store{pool: pool, sealer: o.Sealer, now: o.Now, wanted: wanted, encoder: encoder}, nil
}

// Close ends every connection.
func (s *Store) Close() { s.pool.Close() }

// Ready returns an error that says what is missing: the database, or its migrations.
func (s *Store) Ready(ctx context.Context) error {
	var version int64
	var dirty bool
	err := s.pool.QueryRow(ctx, `SELECT version, dirty FROM schema_migrations`).Scan(&version, &dirty)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || sqlState(err) == undefinedTable:
		return errors.New("the database has no migrations yet: run `app migrate`")
	case err != nil:
		return wrap("ask for the database's version", err)
	case dirty:
		return fmt.Errorf("migration %d failed half way: see docs/operate.md", version)
	case uint(version) < s.wanted:
		return fmt.Errorf("the database is at migration %d, the app needs %d: run `app migrate`", version, s.wanted)
	case uint(version) > s.wanted:
		return newerSchema(uint(version), s.wanted)
	}
	return nil
}

// newerSchema tells an operator that this binary is older than the database. Going on would fail later, or write what the
// newer one does not expect.
func newerSchema(version, wanted uint) error {
	return fmt.Errorf("%w: the database is at migration %d, this version knows %d at most: run the newer version that migrated it, "+
		"or restore a backup from before (see docs/operate.md)", ErrNewerSchema, version, wanted)
}

// ErrNewerSchema says that the database was migrated by a newer version of the app.
var ErrNewerSchema = errors.New("this app is older than its database")

// Migrate brings the database up to date. Several processes may call it at once: golang-migrate takes a lock in
// Postgres, the first one works and the others find nothing left to do.
func Migrate(url secret.Text) error {
	config, err := pgx.ParseConfig(url.Reveal())
	if err != nil {
		return errors.New("the database URL cannot be parsed")
	}
	db := stdlib.OpenDB(*config)
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
	wanted, err := latestMigration(migrations.Files)
	if err != nil {
		return err
	}
	if version, _, _ := m.Version(); version > wanted { // 0 where it is not known: then Up says why
		return newerSchema(version, wanted)
	}
	if err := m.Up(); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return fmt.Errorf("migrate: %w", err)
	}
	return migrateQueue(url)
}

// queueLock is the advisory lock under which the job queue's tables are made: River's migrator takes none itself.
const queueLock = 0x6974656d6c656e73

// migrateQueue brings the tables of the job queue up to date.
func migrateQueue(url secret.Text) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := pgxpool.New(ctx, url.Reveal())
	if err != nil {
		return errors.New("the database URL cannot be parsed")
	}
	defer pool.Close()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return wrap("connect for migrations of the job queue", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(queueLock)); err != nil {
		return wrap("wait for other migrations", err)
	}
	defer func() { _, _ = conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, int64(queueLock)) }()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("prepare migrations of the job queue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	return nil
}

func latestMigration(files embed.FS) (uint, error) {
	names, _ := fs.Glob(files, "*.up.sql") // fails for another pattern alone
	if len(names) == 0 {
		return 0, errors.New("the binary holds no migrations")
	}
	var version uint
	if _, err := fmt.Sscanf(names[len(names)-1], "%d_", &version); err != nil {
		return 0, fmt.Errorf("read migration number of %s: %w", names[len(names)-1], err)
	}
	return version, nil
}

// wrap says what was being done; a database that does not answer becomes the problem StorageDown.
func wrap(doing string, err error) error {
	var known *portal.Error
	if errors.As(err, &known) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if sqlState(err) != "" && sqlState(err)[:2] != "57" && sqlState(err)[:2] != "53" { // operator intervention, resources
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &portal.Error{Problem: portal.StorageDown, Err: fmt.Errorf("%s: %w", doing, err)}
}
