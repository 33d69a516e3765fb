package soak

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// settle waits until no job about a portal waits or runs: those that are to be tried again later are tried now, as if the
// time had passed.
func (w *world) settle(ctx context.Context) error {
	w.sim.Deliveries()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		var n int
		err := w.db.QueryRow(ctx, `
			WITH hurried AS (UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'retryable' RETURNING id)
			SELECT count(*)
			FROM river_job
			WHERE state IN ('available', 'running', 'retryable')
			   OR state = 'scheduled' AND scheduled_at < now() + interval '1 minute'`).Scan(&n)
		if err != nil || n == 0 {
			return err
		}
		if time.Now().After(deadline) {
			w.found("%d jobs do not come to an end within two minutes", n)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// checkTokens holds the rules of docs/architecture.md, "Tokens", against the database and what the OAuth server knows:
// no refresh token was spent twice, the newest that an exchange gave is the one that is kept, what is kept belongs to its
// row's user and works, and a hash has one owner.
func (w *world) checkTokens(ctx context.Context) error {
	if n := w.sim.SpentTwice(); n > 0 {
		w.found("%d refresh tokens were spent twice", n)
	}
	var homeless, shared int
	err := w.db.QueryRow(ctx, `
		WITH held AS (
			SELECT member_id, user_id, refresh_hash AS hash FROM tokens WHERE refresh_hash IS NOT NULL
			UNION ALL SELECT member_id, user_id, claimed_hash FROM tokens WHERE claimed_hash IS NOT NULL)
		SELECT count(*) FILTER (WHERE known.user_id IS NULL), count(*) - count(DISTINCT held.hash)
		FROM held
		LEFT JOIN refresh_hashes AS known
		  ON known.member_id = held.member_id AND known.refresh_hash = held.hash AND known.user_id = held.user_id`).Scan(&homeless, &shared)
	if err != nil {
		return fmt.Errorf("look at hashes of tokens: %w", err)
	}
	if homeless > 0 || shared > 0 {
		w.found("%d rows hold a refresh token that is another user's or nobody's, %d share one", homeless, shared)
	}
	rows, _ := w.db.Query(ctx, `SELECT member_id, user_id, coalesce(refresh_hash, '') FROM tokens`)
	kept := map[owner]string{} // hashes
	var of owner
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&of.memberID, &of.user, &hash}, func() error {
		kept[of] = string(hash)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read hashes of tokens: %w", err)
	}
	for _, t := range w.tenants {
		for _, user := range []int{1, 2} {
			hash, known := kept[owner{t.portal.MemberID, user}]
			if err := w.checkToken(ctx, t, user, known, hash); err != nil {
				return err
			}
		}
	}
	return nil
}

// owner is whose a row of tokens is.
type owner struct {
	memberID string
	user     int
}

// checkToken looks at one user's tokens: whether there is a row, and which refresh token it keeps, by its hash.
func (w *world) checkToken(ctx context.Context, t *tenant, user int, exists bool, kept string) error {
	of := fmt.Sprintf("user %d of %s", user, t.portal.Name)
	newest := t.portal.Exchanged(user)
	fact, known := w.sim.Refresh(newest)
	usable := known && !fact.Used && !fact.Revoked && !fact.Expired
	if t.there && known && fact.Used && !fact.Revoked {
		w.found("%s: the newest refresh token is spent, and what it was exchanged for is lost", of)
	}
	if usable && t.there && !exists {
		w.found("%s: what the newest exchange gave is lost", of)
	}
	if usable && exists && kept != string(secret.New(newest).Hash()) {
		w.found("%s: the stored refresh token is not the newest that the OAuth server gave", of)
	}
	if !t.there || !exists {
		return nil // revoked, and gone once the event about it is through
	}
	stored, err := w.store.Token(ctx, portal.MemberID(t.portal.MemberID), portal.UserID(user))
	if err != nil {
		return err
	}
	if access, ok := w.sim.Access(stored.Access.Reveal()); !ok || access.MemberID != t.portal.MemberID || access.User != user {
		w.found("%s: the stored access token is not theirs", of)
	}
	if stored.DeadReason != "" {
		w.found("%s: the token is dead: %s", of, stored.DeadReason)
	}
	refresh := stored.Refresh.Reveal()
	if refresh == "" || strings.HasPrefix(refresh, "garbage") { // a claim that nothing has disproved yet
		return nil
	}
	if fact, ok := w.sim.Refresh(refresh); !ok || fact.MemberID != t.portal.MemberID || fact.User != user || fact.Used {
		w.found("%s: the stored refresh token is not theirs, or is spent", of)
	}
	return nil
}

// checkPortals compares the records with the platform's: who has the app, who had it, of whom nothing may be left.
func (w *world) checkPortals(ctx context.Context) error {
	rows, _ := w.db.Query(ctx, `
		SELECT member_id, uninstalled_at IS NULL AS installed, (SELECT count(*) FROM tokens AS t WHERE t.member_id = p.member_id)::int AS tokens
		FROM portals AS p`)
	type record struct {
		MemberID  string
		Installed bool
		Tokens    int
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[record])
	if err != nil {
		return fmt.Errorf("read portals: %w", err)
	}
	records := map[string]record{}
	for _, r := range list {
		records[r.MemberID] = r
	}
	var gone []string
	for _, t := range w.tenants {
		r, known := records[t.portal.MemberID]
		switch {
		case t.there && (!known || !r.Installed):
			w.found("%s has the app, and no record says so", t.portal.Name)
		case !t.there && known && r.Installed:
			w.found("%s has removed the app, and its record does not say so", t.portal.Name)
		case !t.there && r.Tokens > 0:
			w.found("%s has removed the app, and %d tokens are left", t.portal.Name, r.Tokens)
		}
		if t.seen && !t.there && t.cleaned {
			gone = append(gone, t.portal.MemberID)
		}
	}
	return w.checkGone(ctx, gone)
}

// checkGone looks for portals of which nothing may be left, in every table that names portals and in the queue.
func (w *world) checkGone(ctx context.Context, ids []string) error {
	rows, _ := w.db.Query(ctx, `
		SELECT c.table_name
		FROM information_schema.columns AS c
		JOIN information_schema.tables AS t USING (table_schema, table_name)
		WHERE c.table_schema = 'public' AND c.column_name = 'member_id' AND t.table_type = 'BASE TABLE'`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	counts := map[string]string{"river_job": `SELECT count(*) FROM river_job WHERE args->>'member_id' = ANY($1)`}
	for _, table := range tables {
		counts[table] = "SELECT count(*) FROM " + pgx.Identifier{table}.Sanitize() + " WHERE member_id = ANY($1)"
	}
	for table, count := range counts {
		var n int
		if err := w.db.QueryRow(ctx, count, ids).Scan(&n); err != nil {
			return fmt.Errorf("look into %s: %w", table, err)
		}
		if n > 0 {
			w.found("%d rows of portals that removed the app with their data are left in %s", n, table)
		}
	}
	return nil
}

// own are the tables that hold rows where there is no portal: versions, and the queue's own.
var own = []string{"schema_migrations", "schema_support", "river_migration", "river_leader", "river_queue", "river_client", "river_client_queue", "erasure_key"}

// checkEmpty looks whether anything is left where no portal has the app any more: rows in any table but the queue's own,
// and a portal's name anywhere.
func (w *world) checkEmpty(ctx context.Context) error {
	rows, _ := w.db.Query(ctx, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	var ids []string
	for _, t := range w.tenants {
		ids = append(ids, t.portal.MemberID)
	}
	for _, table := range tables {
		var all, named int
		name := pgx.Identifier{table}.Sanitize()
		err := w.db.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM unnest($1::text[]) AS id WHERE strpos(r::text, id) > 0)) FROM `+name+` AS r`, ids).Scan(&all, &named)
		if err != nil {
			return fmt.Errorf("look into %s: %w", table, err)
		}
		if named > 0 || all > 0 && table != "river_job" && !slices.Contains(own, table) {
			w.found("%d rows are left in %s when every portal has removed the app, %d of them name a portal", all, table, named)
		}
	}
	return nil
}

// checkConnections looks at the app's connections to Postgres: no more than it may have, none that works or holds anything
// while nothing is asked of the app.
func (w *world) checkConnections(ctx context.Context, most int) error {
	var all, busy, locks int
	err := w.db.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE state <> 'idle' OR xact_start IS NOT NULL),
		       (SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.usename <> current_user)
		FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'itemlens' AND usename <> current_user`).Scan(&all, &busy, &locks)
	if err != nil {
		return fmt.Errorf("look at connections: %w", err)
	}
	if all > most || busy > 0 || locks > 0 {
		w.found("the app has %d connections to Postgres of %d, %d of them busy, and %d locks", all, most, busy, locks)
	}
	return nil
}
