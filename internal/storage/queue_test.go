package storage_test

import (
	"testing"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/storage"
)

func TestJobsAreCountedByQueueAndState(t *testing.T) {
	s := open(t, cluster.Database(t), apptest.NewSealer(t), &clock{})
	for _, job := range []struct {
		queue, state, at string
	}{{"bind", "available", "1 hour"}, {"bind", "available", "1 minute"}, {"bind", "scheduled", "-1 day"}, {"event", "discarded", "2 hours"}, {"event", "completed", "3 hours"}} {
		finished := "NULL"
		if job.state == "discarded" || job.state == "completed" {
			finished = "now()"
		}
		if _, err := s.Pool().Exec(t.Context(), `INSERT INTO river_job (args, kind, max_attempts, queue, state, scheduled_at, finalized_at)
			VALUES ('{}', 'x', 3, $1, $2::text::river_job_state, now() - $3::text::interval, `+finished+`)`, job.queue, job.state, job.at); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := s.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]storage.QueueCount{}
	for _, c := range counts {
		got[c.Queue+" "+c.State] = c
	}
	if len(got) != 3 || got["bind available"].Jobs != 2 || got["bind scheduled"].Jobs != 1 || got["event discarded"].Jobs != 1 {
		t.Errorf("%+v", counts)
	}
	if waited := got["bind available"].Oldest; waited < 59*60 || waited > 61*60 {
		t.Errorf("the oldest waits for %v s", waited)
	}
	if got["event discarded"].Oldest != 0 || got["bind scheduled"].Oldest != 0 {
		t.Errorf("jobs that cannot run wait: %+v", counts)
	}
}
