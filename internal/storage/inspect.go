package storage

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
)

// PortalFacts is what is stored about a portal, for whoever operates the app: no secrets, and nothing of its items.
type PortalFacts struct {
	MemberID         portal.MemberID `json:"member_id"`
	Domain           string          `json:"domain"`
	ClientEndpoint   string          `json:"client_endpoint"`
	ServerEndpoint   string          `json:"server_endpoint"`
	Status           string          `json:"status"`
	LicenseFamily    string          `json:"license_family"`
	Scope            []string        `json:"scope"`
	InstalledAt      time.Time       `json:"installed_at"`
	UninstalledAt    *time.Time      `json:"uninstalled_at"` // nil while installed
	MissingSince     *time.Time      `json:"missing_since"`  // since when the platform says that the app is not installed there
	InstallerID      portal.UserID   `json:"installer_id"`
	InstallerFit     bool            `json:"installer_fit"`   // false: found to be no administrator
	InstallerToken   string          `json:"installer_token"` // "alive", "none", or why it is dead
	Users            int             `json:"users"`           // with a token
	DeadUsers        int             `json:"users_with_dead_token"`
	BoundAt          *time.Time      `json:"bound_at"`
	BoundOutcome     string          `json:"bound_outcome"`
	BoundSkipped     []string        `json:"bound_skipped"` // placements that the portal does not have
	BindWaiting      bool            `json:"bind_waiting"`
	KeepAliveAt      *time.Time      `json:"keep_alive_at"`
	KeepAliveOutcome string          `json:"keep_alive_outcome"`
	SettingsVersion  int64           `json:"settings_version"` // 0 while nothing was chosen
	Jobs             int             `json:"jobs"`             // that wait, run or are tried again
}

// Inspect reads what is stored about a portal, installed or removed, by its member_id or the host of its pages. It returns
// portal.ErrUnknownPortal where there is none.
func (s *Store) Inspect(ctx context.Context, name string) (PortalFacts, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT p.member_id, p.domain, p.client_endpoint, p.server_endpoint, p.status, p.license_family, p.scope, p.installed_at,
		       p.uninstalled_at, p.missing_since, p.installer_id, p.installer_fit,
		       coalesce((SELECT coalesce(nullif(t.dead_reason, ''), 'alive')
		                 FROM tokens AS t
		                 WHERE t.member_id = p.member_id AND t.user_id = p.installer_id), 'none') AS installer_token,
		       (SELECT count(*) FROM tokens AS t WHERE t.member_id = p.member_id) AS users,
		       (SELECT count(*) FROM tokens AS t WHERE t.member_id = p.member_id AND t.dead_reason <> '') AS dead_users,
		       p.bound_at, p.bound_outcome, p.bound_skipped, p.bind_wanted > p.bind_done AS bind_waiting, p.keep_alive_at,
		       p.keep_alive_outcome, coalesce(c.version, 0) AS settings_version,
		       (SELECT count(*)
		        FROM river_job AS j
		        WHERE j.args @> jsonb_build_object('member_id', p.member_id)
		          AND j.state IN ('available', 'pending', 'retryable', 'running', 'scheduled')) AS jobs
		FROM portals AS p
		LEFT JOIN portal_settings AS c USING (member_id)
		WHERE p.member_id = $1 OR p.domain = $1
		ORDER BY p.member_id = $1 DESC, p.uninstalled_at IS NULL DESC, p.updated_at DESC
		LIMIT 1`, name)
	facts, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[PortalFacts])
	if errors.Is(err, pgx.ErrNoRows) {
		return PortalFacts{}, portal.ErrUnknownPortal
	}
	if err != nil {
		return PortalFacts{}, wrap("inspect a portal", err)
	}
	return facts, nil
}

// Status is how the app stands, all replicas together, as the database knows it.
type Status struct {
	Installed      int            `json:"portals_installed"`
	Removed        int            `json:"portals_removed"`
	BindWaiting    int            `json:"bindings_waiting"`
	BindFailed     int            `json:"bindings_failed"` // the last one ended with a problem
	Tokens         int            `json:"tokens_alive"`
	DeadTokens     map[string]int `json:"tokens_dead"` // by reason
	EventClaims    int            `json:"events_waiting"`
	RESTLogDays    int            `json:"rest_log_partitions"`
	RESTLogBytes   int64          `json:"rest_log_bytes"`
	JobsLeader     string         `json:"jobs_leader"` // client of the queue that plans for all; empty where none does
	Queues         []QueueCount   `json:"queues"`      // what waits, runs or failed for good
	DatabaseBytes  int64          `json:"database_bytes"`
	DatabaseClient int            `json:"database_connections"` // of all clients of this database
}

// Status reads how the app stands. It counts portals and tokens, which takes seconds where there are millions.
func (s *Store) Status(ctx context.Context) (Status, error) {
	status := Status{DeadTokens: map[string]int{}}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT count(*) FILTER (WHERE uninstalled_at IS NULL), count(*) FILTER (WHERE uninstalled_at IS NOT NULL),
			       count(*) FILTER (WHERE uninstalled_at IS NULL AND bind_wanted > bind_done),
			       count(*) FILTER (WHERE uninstalled_at IS NULL AND bound_outcome NOT IN ('', 'ok'))
			FROM portals`).Scan(&status.Installed, &status.Removed, &status.BindWaiting, &status.BindFailed)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM event_claims),
			       (SELECT count(*) FROM pg_inherits WHERE inhparent = 'rest_log'::regclass),
			       (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits WHERE inhparent = 'rest_log'::regclass),
			       coalesce((SELECT leader_id FROM river_leader WHERE expires_at > now()), ''),
			       pg_database_size(current_database()),
			       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())`).
			Scan(&status.EventClaims, &status.RESTLogDays, &status.RESTLogBytes, &status.JobsLeader, &status.DatabaseBytes, &status.DatabaseClient)
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `SELECT dead_reason, count(*) FROM tokens GROUP BY dead_reason`)
		var reason string
		var n int
		_, err = pgx.ForEachRow(rows, []any{&reason, &n}, func() error {
			if reason == "" {
				status.Tokens = n
			} else {
				status.DeadTokens[reason] = n
			}
			return nil
		})
		return err
	})
	if err != nil {
		return Status{}, wrap("read the status", err)
	}
	status.Queues, err = s.Queues(ctx)
	return status, err
}
