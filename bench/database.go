package main

import (
	"context"
	"fmt"
	"slices"
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
	// Names grow, so that the indexes do at one end, as fast as they can.
	named := map[string]string{"member_id": `lpad(to_hex(p), 32, '0')`, "user_id": `1000 + u`}
	if err := copies(ctx, conn, "portals", member, named, portals, 1); err != nil {
		return err
	}
	if err := copies(ctx, conn, "tokens", member, named, portals, max(1, tokens/portals)); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("tell the database of its new rows: %w", err)
	}
	return nil
}

// copies repeats the row of a portal for so many portals and users. Columns that named has are written by its
// expressions; hashes are new in each row, because a hash tells one token from all others.
func copies(ctx context.Context, conn *pgx.Conn, table, member string, named map[string]string, portals, users int) error {
	rows, _ := conn.Query(ctx, `
		SELECT column_name::text
		FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'
		ORDER BY ordinal_position`, table)
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !slices.Contains(columns, "member_id") {
		return fmt.Errorf("read columns of %s: %v: %w", table, columns, err)
	}
	var values []string
	for _, column := range columns {
		value := pgx.Identifier{"t", column}.Sanitize()
		switch {
		case named[column] != "":
			value = named[column]
		case strings.HasSuffix(column, "hash"):
			value = fmt.Sprintf(`sha256((p || ' ' || u || '%s')::bytea)`, column)
		}
		values = append(values, value)
	}
	fill := fmt.Sprintf(`
		INSERT INTO %s (%s)
		SELECT %s
		FROM %[1]s AS t, generate_series(1, $2::int) AS p, generate_series(1, $3::int) AS u
		WHERE t.member_id = $1`, table, strings.Join(columns, ", "), strings.Join(values, ", "))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// The rows are right by how they are made; to look up each one's portal again would take most of the time.
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		made, err := tx.Exec(ctx, fill, member, portals, users)
		if err == nil && made.RowsAffected() != int64(portals*users) {
			err = fmt.Errorf("%d rows came of it in place of %d", made.RowsAffected(), portals*users)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("fill %s: %w", table, err)
	}
	return nil
}
