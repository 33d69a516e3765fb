package storage_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestEveryTableCanBeSpreadByPortal reads the catalogue: each primary key and unique index holds member_id, each primary key
// begins with it, and each foreign key pairs it with the other table's. That is what Citus asks of a table that it distributes
// by member_id, beside others that it keeps together. Exceptions are named, with the reason; docs/scale.md has what follows.
func TestEveryTableCanBeSpreadByPortal(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), cluster.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, problem := range spreadProblems(t, conn) {
		t.Error(problem)
	}
	for _, c := range []struct{ change, problem string }{
		{`CREATE UNIQUE INDEX wrong ON tokens (refresh_hash)`, "tokens: the unique index wrong is over refresh_hash"},
		{`DROP INDEX wrong; CREATE TABLE wrong (member_id text NOT NULL, id bigint, PRIMARY KEY (id, member_id))`, "wrong: the unique index wrong_pkey is over id,member_id"},
		{`DROP TABLE wrong; CREATE TABLE wrong (member_id text)`, "wrong has no member_id that is always there"},
		{`DROP TABLE wrong; CREATE TABLE wrong (member_id text NOT NULL, other text REFERENCES portals)`, "wrong: the foreign key wrong_other_fkey pairs other=member_id"},
		{`DROP TABLE wrong; DROP TABLE erased_portals`, "the exception erased_portals is no table"},
	} {
		if _, err := conn.Exec(t.Context(), c.change); err != nil {
			t.Fatal(err)
		}
		if problems := spreadProblems(t, conn); len(problems) != 1 || problems[0] != c.problem {
			t.Errorf("%s: %q", c.change, problems)
		}
	}
}

// together are the tables that are not spread, and why.
func together() map[string]string {
	return map[string]string{
		"schema_migrations": "one row, of golang-migrate",
		"schema_support":    "one row about the schema",
		"erasure_key":       "one row, a key for all",
		"erased_portals":    "holds hashes of portals that nobody may name; a reference table of few rows",
	}
}

func spreadProblems(t *testing.T, conn *pgx.Conn) (problems []string) {
	t.Helper()
	met := map[string]bool{}
	rows, _ := conn.Query(t.Context(), `
		SELECT c.relname,
		       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'member_id' AND a.attnotnull),
		       coalesce(array_agg(i.indexrelid::regclass || ' ' || i.indisprimary || ' ' || (
		           SELECT string_agg(a.attname, ',' ORDER BY k.place)
		           FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
		           JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum)) FILTER (WHERE i.indisunique), '{}'),
		       coalesce((SELECT array_agg(f.conname || ' ' || (
		           SELECT string_agg(a.attname || '=' || b.attname, ',' ORDER BY k.place)
		           FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS k (here, there, place)
		           JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = k.here
		           JOIN pg_attribute AS b ON b.attrelid = f.confrelid AND b.attnum = k.there))
		        FROM pg_constraint AS f
		        WHERE f.conrelid = c.oid AND f.contype = 'f'), '{}')
		FROM pg_class AS c
		LEFT JOIN pg_index AS i ON i.indrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		GROUP BY c.oid, c.relname
		ORDER BY c.relname`)
	var table string
	var keyed bool
	var unique, foreign []string
	tables := 0
	problem := func(text string, args ...any) { problems = append(problems, fmt.Sprintf(text, args...)) }
	_, err := pgx.ForEachRow(rows, []any{&table, &keyed, &unique, &foreign}, func() error {
		// River's tables stay in one place: a job is taken from the queue by its number, whoever's it is, and the queue fetches
		// from all portals in order of time.
		if strings.HasPrefix(table, "river_") {
			return nil
		}
		tables++
		if _, ok := together()[table]; ok {
			met[table] = true
			if keyed {
				problem("%s has a member_id: it is no exception any more", table)
			}
			return nil
		}
		if !keyed {
			problem("%s has no member_id that is always there", table)
		}
		for _, index := range unique {
			name, rest, _ := strings.Cut(index, " ")
			primary, columns, _ := strings.Cut(rest, " ")
			fields := strings.Split(columns, ",")
			if !slices.Contains(fields, "member_id") || primary == "true" && fields[0] != "member_id" {
				problem("%s: the unique index %s is over %s", table, name, columns)
			}
		}
		for _, key := range foreign {
			name, pairs, _ := strings.Cut(key, " ")
			if !slices.Contains(strings.Split(pairs, ","), "member_id=member_id") {
				problem("%s: the foreign key %s pairs %s", table, name, pairs)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if tables < 10 {
		problem("only %d tables are seen", tables)
	}
	for _, name := range slices.Sorted(maps.Keys(together())) {
		if !met[name] {
			problem("the exception %s is no table", name)
		}
	}
	return problems
}
