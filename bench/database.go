package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// crowd fills the database with portals and tokens besides those that are opened. Each row is a copy of one that the app
// wrote itself, under another name, so that this knows nothing of the tables but their keys: what is sealed in the copies
// opens nowhere, and nobody opens it.
func crowd(ctx context.Context, database, member string, portals, tokens int) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return fmt.Errorf("connect to fill the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	perPortal := max(1, tokens/portals)
	for _, step := range []struct {
		table, key, from string
	}{
		{"portals", `jsonb_build_object('member_id', md5('crowd' || p))`, `generate_series(1, $2::int) AS p`},
		{
			"tokens",
			`jsonb_build_object('member_id', md5('crowd' || p), 'user_id', 1000 + u)`,
			fmt.Sprintf(`generate_series(1, $2::int) AS p, generate_series(1, %d) AS u`, perPortal),
		},
	} {
		hashes, err := hashColumns(ctx, conn, step.table)
		if err != nil {
			return err
		}
		key := step.key
		for _, column := range hashes {
			key += fmt.Sprintf(` || jsonb_build_object('%s', '\x' || encode(sha256((p || ' ' || u || '%[1]s')::bytea), 'hex'))`, column)
		}
		// The rows are right by how they are made; to look up each one's portal again would take most of the time.
		fill := fmt.Sprintf(`INSERT INTO %s SELECT (jsonb_populate_record(t, %s)).* FROM %[1]s AS t, %[3]s WHERE t.member_id = $1`,
			step.table, key, step.from)
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, fill, member, portals)
			if err == nil && tag.RowsAffected() < int64(portals) {
				err = fmt.Errorf("%d rows came of it", tag.RowsAffected())
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("fill %s: %w", step.table, err)
		}
	}
	if _, err := conn.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("tell the database of its new rows: %w", err)
	}
	return nil
}

// hashColumns are the columns of a table that tell a token from all others.
func hashColumns(ctx context.Context, conn *pgx.Conn, table string) ([]string, error) {
	rows, _ := conn.Query(ctx, `
		SELECT column_name::text
		FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name = $1 AND data_type = 'bytea' AND column_name LIKE '%hash'`, table)
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", table, err)
	}
	if table == "tokens" && len(columns) == 0 {
		return nil, fmt.Errorf("tokens have no column that ends in hash: %s", strings.Join(columns, ", "))
	}
	return columns, nil
}
