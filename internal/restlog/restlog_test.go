package restlog_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/restlog"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }

const member = "acme-portal"

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func exchange(size int) bitrix24.Exchange {
	return bitrix24.Exchange{
		Target: bitrix24.Target{MemberID: member, UserID: 1, Access: secret.New("an-access-token")}, Method: "batch", At: time.Now(), Status: 200, Code: "ok",
		Request: []byte(`{"halt":0,"cmd":{"item":"crm.item.get?entityTypeId=2&id=20"}}`), Answer: bytes.Repeat([]byte("a"), size),
	}
}

func start(t *testing.T) (log *restlog.Log, store *storage.Store, said *lockedBuffer, stop func()) {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{URL: secret.New(cluster.Database(t)), Sealer: apptest.NewSealer(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	p := portal.Portal{MemberID: member, Domain: "acme.example", Scope: []string{"crm"}, InstallerID: 1}
	if err := store.SaveInstallation(t.Context(), p, portal.Token{MemberID: member, UserID: 1, Access: secret.New("a"), Refresh: secret.New("r")}); err != nil {
		t.Fatal(err)
	}
	said = &lockedBuffer{}
	log = restlog.New(store, 3, slog.New(slog.NewTextHandler(said, nil)), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { log.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return log, store, said, stop
}

func count(t *testing.T, store *storage.Store) int {
	t.Helper()
	var n int
	if err := store.Pool().QueryRow(context.Background(), "SELECT count(*) FROM rest_log").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNothingIsLostAtTheEnd: what waits when the app stops is written.
func TestNothingIsLostAtTheEnd(t *testing.T) {
	log, store, _, stop := start(t)
	const lines = 1234
	for range lines {
		log.Record(t.Context(), exchange(2000))
	}
	stop()
	if n := count(t, store); n != lines {
		t.Errorf("%d of %d lines are written", n, lines)
	}
	if s := log.Stats(); s.Written != lines || s.Lost != 0 || s.Held != 0 {
		t.Errorf("%+v", s)
	}
}

// TestDetailsOfClientsAreNotKept: of requests for requisites, bank details and addresses there is a line without the answer.
func TestDetailsOfClientsAreNotKept(t *testing.T) {
	log, store, _, stop := start(t)
	for _, method := range []string{"crm.item.get", "crm.requisite.list", "crm.requisite.bankdetail.list", "CRM.Address.list"} {
		e := exchange(100)
		e.Request = []byte(`{"halt":0,"cmd":{"who":"profile","what":"` + method + `?id=1"}}`)
		log.Record(t.Context(), e)
	}
	stop()
	lines, unreadable, err := store.RESTLog(t.Context(), portal.RESTLogFilter{}, 10)
	if err != nil || unreadable != 0 || len(lines) != 4 {
		t.Fatalf("%d lines, %d unreadable, %v", len(lines), unreadable, err)
	}
	for _, line := range lines {
		kept := strings.HasPrefix(line.Commands[1], "crm.item.get")
		if (line.Answer != "") != kept || !kept && line.AnswerCut != 100 || line.Request == "" {
			t.Errorf("%s: %d bytes of the answer are kept, %d left out", line.Commands[1], len(line.Answer), line.AnswerCut)
		}
	}
}

// TestADeadDatabaseStopsNobody: lines beyond the buffer are counted and told, none waits, and what found room is written
// once the database is back.
func TestADeadDatabaseStopsNobody(t *testing.T) {
	log, store, said, stop := start(t)
	log.Record(t.Context(), exchange(100))
	for deadline := time.Now().Add(20 * time.Second); log.Stats().Written == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
	}
	cluster.Pause()
	const lines = 3000 // of 32 KB: three times what the buffer takes
	begun := time.Now()
	for range lines {
		log.Record(t.Context(), exchange(32<<10))
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("recording took %s", took)
	}
	s := log.Stats()
	if s.Held > 33<<20 || s.Lost < lines/2 || s.Lost >= lines {
		t.Errorf("%+v", s)
	}
	cluster.Resume(t)
	for deadline := time.Now().Add(60 * time.Second); log.Stats().Held > 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
	}
	stop()
	after := log.Stats()
	// The line before the crash may be gone: the tests' Postgres syncs nothing.
	if n := int64(count(t, store)); n < after.Written-1 || n > after.Written || after.Written+after.Lost != lines+1 || after.Held != 0 {
		t.Errorf("%d lines stand in the database: %+v", n, after)
	}
	told := 0
	for _, match := range regexp.MustCompile(`were lost" lines=(\d+)`).FindAllStringSubmatch(said.String(), -1) {
		n, _ := strconv.Atoi(match[1])
		told += n
	}
	if int64(told) != after.Lost {
		t.Errorf("the log tells of %d lost lines of %d: %s", told, after.Lost, said)
	}
}

// TestNobodysPortalHasNoLine: what is asked of a portal that nobody vouched for is not kept.
func TestNobodysPortalHasNoLine(t *testing.T) {
	log, store, _, stop := start(t)
	unknown, erased := exchange(10), exchange(10)
	unknown.Target.MemberID, erased.Target.MemberID = "", "another-portal"
	log.Record(t.Context(), unknown)
	log.Record(t.Context(), erased)
	stop()
	if n := count(t, store); n != 0 || log.Stats().Held != 0 {
		t.Errorf("%d lines, %+v", n, log.Stats())
	}
}

// BenchmarkAThousandPagesASecond measures what `make restlog` prints: lines of a usual item as a thousand pages a second make
// them, for SECONDS (10), into a real Postgres. Each page has answers of its own, so that nothing is shared that would not be.
func BenchmarkAThousandPagesASecond(b *testing.B) {
	seconds := 10
	if text := os.Getenv("SECONDS"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	store, err := storage.Open(b.Context(), storage.Options{URL: secret.New(cluster.Database(b)), Sealer: apptest.NewSealer(b), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if err := store.SaveInstallation(b.Context(), portal.Portal{MemberID: member, Scope: []string{"crm"}, InstallerID: 1}, portal.Token{MemberID: member, UserID: 1, Access: secret.New("a"), Refresh: secret.New("r")}); err != nil {
		b.Fatal(err)
	}
	template := []byte(`{"result":{` + strings.Repeat(`"ufCrm_1700000000001":"Some text of a usual length","ufCrm_1700000000002":["A-1","B-1"],`, 120) + `"id":20}}`)
	for b.Loop() {
		log := restlog.New(store, 3, slog.New(slog.DiscardHandler), time.Now)
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan struct{})
		go func() { log.Run(ctx); close(done) }()
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var begun, ended syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &begun)
		var held, heap int64
		start, lines := time.Now(), 1000*seconds
		for n := range lines {
			if n%10 == 0 {
				time.Sleep(time.Until(start.Add(time.Duration(n) * time.Millisecond)))
			}
			e := exchange(0)
			e.Answer = bytes.Clone(template)
			log.Record(ctx, e)
			held = max(held, log.Stats().Held)
			if n%1000 == 0 {
				runtime.ReadMemStats(&now)
				heap = max(heap, int64(now.HeapAlloc)-int64(before.HeapAlloc))
			}
		}
		took := time.Since(start)
		cancel()
		<-done
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ended)
		stats := log.Stats()
		if stats.Lost > 0 || stats.Written != int64(lines) {
			b.Errorf("%d of %d lines are written, %d lost", stats.Written, lines, stats.Lost)
		}
		if heap > 64<<20 {
			b.Errorf("the heap grew by %d MB", heap>>20)
		}
		cpu := time.Duration(ended.Utime.Nano() + ended.Stime.Nano() - begun.Utime.Nano() - begun.Stime.Nano())
		b.ReportMetric(float64(lines)/took.Seconds(), "lines/s")
		b.ReportMetric(float64(stats.Lost), "lost")
		b.ReportMetric(float64(held)/(1<<20), "waiting-MB")
		b.ReportMetric(float64(heap)/(1<<20), "heap-MB")
		b.ReportMetric(float64(cpu.Microseconds())/float64(lines), "CPU-µs/line")
	}
}

// BenchmarkLines is how fast lines of a usual item are cleaned, compressed, sealed and written.
func BenchmarkLines(b *testing.B) {
	store, err := storage.Open(b.Context(), storage.Options{URL: secret.New(cluster.Database(b)), Sealer: apptest.NewSealer(b), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if err := store.SaveInstallation(b.Context(), portal.Portal{MemberID: member, Scope: []string{"crm"}, InstallerID: 1}, portal.Token{MemberID: member, UserID: 1, Access: secret.New("a"), Refresh: secret.New("r")}); err != nil {
		b.Fatal(err)
	}
	log := restlog.New(store, 3, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { log.Run(ctx); close(done) }()
	e := exchange(0)
	e.Answer = []byte(`{"result":{` + strings.Repeat(`"ufCrm_1700000000001":"Some text of a usual length","ufCrm_1700000000002":["A-1","B-1"],`, 120) + `"id":20}}`)
	b.SetBytes(int64(len(e.Answer)))
	b.ReportAllocs()
	for b.Loop() {
		for log.Stats().Held > 16<<20 {
			time.Sleep(time.Millisecond)
		}
		log.Record(ctx, e)
	}
	cancel()
	<-done
	if lost := log.Stats().Lost; lost > 0 {
		b.Errorf("%d lines are lost", lost)
	}
}
