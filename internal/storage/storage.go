// Package storage is Postgres and nothing else: every query and every transaction of the app, in terms of the domain.
// Secrets are sealed on the way in and opened on the way out, so no other package sees a sealed value. It declares no
// interface: whoever needs storage declares the methods that it uses.
package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// Store is the app's database.
type Store struct {
	pool   *pgxpool.Pool
	sealer *seal.Sealer
	now    func() time.Time
	known  Schema // what this version of the app knows

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
	known, err := knownSchema(pool)
	if err != nil {
		pool.Close()
		return nil, err
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("prepare compression: %w", err)
	}
	return &Store{pool: pool, sealer: o.Sealer, now: o.Now, known: known, encoder: encoder}, nil
}

// Close ends every connection.
func (s *Store) Close() { s.pool.Close() }

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
