package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestAnOlderAppDoesNotTouchANewerDatabase: it neither serves nor migrates, and says what to do.
func TestAnOlderAppDoesNotTouchANewerDatabase(t *testing.T) {
	url := cluster.Database(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `UPDATE schema_migrations SET version = 99; UPDATE schema_support SET oldest = 99`); err != nil {
		t.Fatal(err)
	}
	keyset, err := call(t, "keys", "generate")
	if err != nil {
		t.Fatal(err)
	}
	serving := []string{"serve", "--public-url", "https://lens.example.com", "--client-id", "app.1", "--client-secret", "x", "--keyset", keyset,
		"--listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0", "--database-url", url}
	for name, args := range map[string][]string{
		"migrate":                      {"migrate", "--database-url", url},
		"serve":                        serving,
		"serve that migrates at start": append([]string{"--migrate", "true"}, serving...),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := run(ctx, args, discard{}, discard{})
		cancel()
		if err == nil || !strings.Contains(err.Error(), "this app is older than its database") || !strings.Contains(err.Error(), "run the newer version") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
