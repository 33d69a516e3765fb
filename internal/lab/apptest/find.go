package apptest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Find names the tables of a database, the job queue's among them, in which a row holds a text in any column: as text, in
// JSON, in an array, or as bytes.
func Find(t testing.TB, databaseURL, text string) []string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, _ := conn.Query(ctx, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !slices.Contains(tables, "river_job") || !slices.Contains(tables, "portals") {
		t.Fatalf("tables %v, %v", tables, err)
	}
	var found []string
	for _, table := range tables {
		var n int
		err := conn.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM %s AS r WHERE strpos(r::text, $1) > 0 OR strpos(r::text, $2) > 0`,
			pgx.Identifier{table}.Sanitize()), text, hex.EncodeToString([]byte(text))).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%s (%d rows)", table, n))
		}
	}
	return found
}
