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

// TestABinaryOlderThanTheDatabase works with it where the migrations that it does not know allow it, and otherwise refuses
// and says what to do, wherever it meets the database.
func TestABinaryOlderThanTheDatabase(t *testing.T) {
	url := cluster.Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	store, err := storage.Open(t.Context(), storage.Options{URL: secret.New(url), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, c := range []struct {
		change string
		wants  []string // in the error; none where it works
	}{
		{change: `UPDATE schema_migrations SET version = 99`},
		{`UPDATE schema_support SET oldest = 99`, []string{"the database is at migration 99", "run the newer version"}},
		{`UPDATE schema_support SET oldest = 12`, nil},
		{`UPDATE schema_migrations SET dirty = true`, []string{"migration 99 failed half way"}},
	} {
		if _, err := conn.Exec(t.Context(), c.change); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{"ready": store.Ready(t.Context()), "migrate": storage.Migrate(secret.New(url))} {
			if len(c.wants) == 0 && err != nil {
				t.Errorf("%s, %s: %v", c.change, name, err)
			}
			for _, want := range c.wants {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: %v, want %q", c.change, name, err, want)
				}
			}
		}
	}
	var version int
	if err := conn.QueryRow(t.Context(), `SELECT version FROM schema_migrations`).Scan(&version); err != nil || version != 99 {
		t.Errorf("version %d, %v", version, err)
	}
}

// TestReadyOnlyWhenTheSchemaFits: no tables, tables of an older version, and a queue whose tables are old.
func TestReadyOnlyWhenTheSchemaFits(t *testing.T) {
	empty, err := storage.Open(t.Context(), storage.Options{URL: secret.New(cluster.Empty(t)), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if err := empty.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "no migrations yet") {
		t.Errorf("no tables: %v", err)
	}
	store, err := storage.Open(t.Context(), storage.Options{URL: secret.New(cluster.Database(t)), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Ready(t.Context()); err != nil {
		t.Errorf("up to date: %v", err)
	}
	for _, c := range []struct{ change, undo, want string }{
		{`UPDATE schema_migrations SET version = version - 1`, `UPDATE schema_migrations SET version = version + 1`, "the app needs"},
		{`UPDATE river_migration SET version = version + 100 WHERE version = (SELECT max(version) FROM river_migration)`,
			`UPDATE river_migration SET version = version - 100 WHERE version > 100`, ""}, // a newer queue
		{`DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration)`, `SELECT`, "tables of the job queue"},
	} {
		if _, err := store.Pool().Exec(t.Context(), c.change); err != nil {
			t.Fatal(err)
		}
		if err := store.Ready(t.Context()); (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.change, err, c.want)
		}
		if _, err := store.Pool().Exec(t.Context(), c.undo); err != nil {
			t.Fatal(err)
		}
	}
}
