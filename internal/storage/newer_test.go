package storage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

// TestABinaryOlderThanTheDatabaseRefuses, and says what to do, wherever it meets the database.
func TestABinaryOlderThanTheDatabaseRefuses(t *testing.T) {
	url := cluster.Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `UPDATE schema_migrations SET version = 99`); err != nil {
		t.Fatal(err)
	}
	store, err := storage.Open(t.Context(), storage.Options{URL: secret.New(url), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for name, err := range map[string]error{"ready": store.Ready(t.Context()), "migrate": storage.Migrate(secret.New(url))} {
		if err == nil || !strings.Contains(err.Error(), "the database is at migration 99") || !strings.Contains(err.Error(), "run the newer version") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var version int
	if err := conn.QueryRow(t.Context(), `SELECT version FROM schema_migrations`).Scan(&version); err != nil || version != 99 {
		t.Errorf("version %d, %v", version, err)
	}
}
