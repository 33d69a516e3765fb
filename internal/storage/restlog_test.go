package storage_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

func restLine(id portal.MemberID, at time.Time) portal.RESTLine {
	return portal.RESTLine{
		MemberID: id, UserID: 2, At: at, Duration: 120 * time.Millisecond, Method: "batch", Commands: []string{"profile", "crm.item.get 2/20"},
		Status: 200, Code: "ok", RequestID: "0123456789abcdef", Request: `{"halt":0}`, Answer: strings.Repeat(`{"title":"A deal of our own"}`, 100), AnswerCut: 7,
	}
}

// restLogStore is a store with a portal and partitions for its day.
func restLogStore(t *testing.T) (s *storage.Store, url string, p portal.Portal, now time.Time) {
	t.Helper()
	url = cluster.Database(t)
	c := &clock{}
	now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	c.now.Store(now.UnixNano())
	s = open(t, url, apptest.NewSealer(t), c)
	p = portal.Portal{MemberID: "acme-portal", Domain: "acme.example", Scope: []string{"crm"}, InstallerID: 1}
	if err := s.SaveInstallation(t.Context(), p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.KeepRESTLog(t.Context(), now, 3); err != nil {
		t.Fatal(err)
	}
	return s, url, p, now
}

func TestRESTLogIsReadBackByWhatOneKnows(t *testing.T) {
	s, url, p, now := restLogStore(t)
	first, second, foreign := restLine(p.MemberID, now), restLine(p.MemberID, now.Add(time.Hour)), restLine("another-portal", now)
	second.Method, second.Commands, second.Code, second.RequestID = "crm.item.list", []string{"crm.item.list 2"}, "query_limit_exceeded", ""
	written, err := s.WriteRESTLog(t.Context(), []portal.RESTLine{first, second, foreign})
	if err != nil || written != 2 {
		t.Fatalf("%d lines are written, %v; want those of the portal with a record", written, err)
	}
	for name, c := range map[string]struct {
		filter portal.RESTLogFilter
		want   int
	}{
		"all":            {portal.RESTLogFilter{}, 2},
		"portal":         {portal.RESTLogFilter{MemberID: p.MemberID}, 2},
		"another portal": {portal.RESTLogFilter{MemberID: "another-portal"}, 0},
		"since":          {portal.RESTLogFilter{Since: now.Add(time.Minute)}, 1},
		"until":          {portal.RESTLogFilter{Until: now.Add(time.Minute)}, 1},
		"a command":      {portal.RESTLogFilter{Method: "crm.item.get"}, 1},
		"batch":          {portal.RESTLogFilter{Method: "batch"}, 1},
		"half a command": {portal.RESTLogFilter{Method: "crm.item"}, 0},
		"code":           {portal.RESTLogFilter{Code: "query_limit_exceeded"}, 1},
		"request":        {portal.RESTLogFilter{RequestID: "0123456789abcdef"}, 1},
	} {
		lines, unreadable, err := s.RESTLog(t.Context(), c.filter, 10)
		if err != nil || unreadable != 0 || len(lines) != c.want {
			t.Errorf("%s: %d lines, %d unreadable, %v; want %d", name, len(lines), unreadable, err, c.want)
		}
	}
	lines, _, _ := s.RESTLog(t.Context(), portal.RESTLogFilter{Until: now.Add(time.Minute)}, 10)
	got := lines[0]
	got.ID, got.At, first.At = 0, time.Time{}, time.Time{}
	if got.Request != first.Request || got.Answer != first.Answer || got.AnswerCut != 7 || got.Duration != first.Duration || got.UserID != 2 || len(got.Commands) != 2 {
		t.Errorf("%+v", got)
	}
	if rest, _, _ := s.RESTLog(t.Context(), portal.RESTLogFilter{After: lines[0].ID}, 10); len(rest) != 1 {
		t.Errorf("%d lines after the first", len(rest))
	}
	// Another keyset shows the lines, not what they say.
	other := open(t, url, apptest.NewSealer(t), &clock{})
	if lines, unreadable, err := other.RESTLog(t.Context(), portal.RESTLogFilter{}, 10); err != nil || unreadable != 2 || len(lines) != 2 || lines[0].Answer != "" {
		t.Errorf("with another keyset: %d lines, %d unreadable, %v", len(lines), unreadable, err)
	}
}

// TestAnErasedPortalLeavesNoLine, not even those that waited to be written.
func TestAnErasedPortalLeavesNoLine(t *testing.T) {
	s, url, p, now := restLogStore(t)
	lines := []portal.RESTLine{restLine(p.MemberID, now)}
	if _, err := s.WriteRESTLog(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	// A writer is at work while the portal is erased: whichever comes first, nothing stays.
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := s.WriteRESTLog(ctx, lines); err != nil {
				done <- err
				return
			}
		}
	}()
	time.Sleep(50 * time.Millisecond)
	if err := s.ErasePortal(t.Context(), p.MemberID); err != nil {
		t.Fatal(err)
	}
	if written, err := s.WriteRESTLog(t.Context(), lines); err != nil || written != 0 {
		t.Errorf("%d lines of an erased portal are written, %v", written, err)
	}
	stop()
	<-done
	if found := apptest.Find(t, url, string(p.MemberID)); len(found) > 0 {
		t.Errorf("the portal stands in %v", found)
	}
}

func TestPartitionsComeAndGo(t *testing.T) {
	s, url, p, now := restLogStore(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	partitions := func() string {
		t.Helper()
		rows, _ := conn.Query(t.Context(), `SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'rest_log'::regclass ORDER BY 1`)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names, " ")
	}
	if got := partitions(); got != "rest_log_20260601 rest_log_20260602 rest_log_20260603" {
		t.Errorf("at first: %s", got)
	}
	if _, err := s.WriteRESTLog(t.Context(), []portal.RESTLine{restLine(p.MemberID, now.AddDate(0, 0, 5))}); !errors.Is(err, portal.ErrNoPartition) {
		t.Errorf("a line without a partition: %v", err)
	}
	// Replicas look after them at once.
	results := make(chan error, 3)
	for range cap(results) {
		go func() { results <- s.KeepRESTLog(t.Context(), now.AddDate(0, 0, 5), 3) }()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	// The day of June 3 is kept: three whole days before today.
	if got := partitions(); got != "rest_log_20260603 rest_log_20260606 rest_log_20260607 rest_log_20260608" {
		t.Errorf("five days later: %s", got)
	}
}

// TestAFullPoolStopsNoWriterForEver: what hangs in the database ends with its context, and says that it passes.
func TestAFullPoolStopsNoWriterForEver(t *testing.T) {
	url := cluster.Database(t)
	s, err := storage.Open(t.Context(), storage.Options{URL: secret.New(url), MaxConns: 1, Sealer: apptest.NewSealer(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	held, err := s.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.WriteRESTLog(ctx, []portal.RESTLine{restLine("x", time.Now())}); portal.ProblemOf(err) != portal.StorageDown {
		t.Errorf("%v", err)
	}
}
