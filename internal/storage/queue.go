package storage

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// QueueCount is how many jobs of a queue are in a state.
type QueueCount struct {
	Queue string `json:"queue"`
	State string `json:"state"` // one of QueueStates
	Jobs  int64  `json:"jobs"`
	// Oldest is for how many seconds the one that has waited longest could have run already; 0 of other states than available.
	Oldest float64 `json:"oldest_seconds"`
}

// QueueStates are River's states of jobs that are not done, and that of those that failed for the last time.
func QueueStates() []string {
	return []string{"available", "scheduled", "retryable", "running", "discarded"}
}

// Queues counts the jobs that are not done, for operators, and those that failed for the last time within the days for which
// River keeps them. An index answers.
func (s *Store) Queues(ctx context.Context) ([]QueueCount, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT queue, state::text, count(*),
			CASE WHEN state = 'available' THEN greatest(extract(epoch FROM now() - min(scheduled_at)), 0) ELSE 0 END::float8
		FROM river_job
		WHERE state = ANY ($1::text[]::river_job_state[])
		GROUP BY queue, state
		ORDER BY queue, state`, QueueStates())
	if err != nil {
		return nil, wrap("count jobs", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[QueueCount])
	if err != nil {
		return nil, wrap("count jobs", err)
	}
	return counts, nil
}
