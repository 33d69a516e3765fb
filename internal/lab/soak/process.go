package soak

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"go.uber.org/goleak"

	"itemlens/internal/config"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/server"
	"itemlens/internal/storage"
)

// ProcessVariable is the environment variable in which a program finds that it is to be the app of a soak (Serve): the app
// has a process of its own, so that its goroutines, connections and memory are counted without those of the simulator.
const ProcessVariable = "ITEMLENS_SOAK_APP"

// settings are what the app's process reads from standard input first.
type settings struct {
	Database, Keyset           string
	ClientID, ClientSecret     string
	OAuthServers               []string
	JSLibraryURL               string
	CacheBytes                 int64
	SchemaLife                 time.Duration
	Profiles                   string // directory for heap profiles, one a measurement; empty for none
	LeakGoroutines, LeakMemory bool   // at each measurement, to see that it is noticed
}

// started is what it answers.
type started struct{ AppURL string }

// Measure is what the app's process holds at a moment at which nothing is asked of it.
type Measure struct {
	Goroutines map[string]int // by the function that a goroutine began with
	Heap       uint64         // bytes that live after a garbage collection
	Sockets    int
}

// stopped is what it says last: goroutines that are left when the app has stopped.
type stopped struct{ Left string }

// Serve is the app's process: it serves as `app serve` does, and answers lines on standard input, "measure" and "stop".
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	answer, lines := json.NewEncoder(out), bufio.NewReader(in)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	var s settings
	if err := json.Unmarshal(first, &s); err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	before := goleak.IgnoreCurrent()
	serveCtx, stop := context.WithCancel(ctx)
	defer stop()
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the app: %w", err)
	}
	operator, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for operators: %w", err)
	}
	url := "http://" + public.Addr().String()
	store, app, err := s.app(ctx, url)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- app.Serve(serveCtx, public, operator) }()
	if err := answer.Encode(started{url}); err != nil {
		return err
	}
	var kept [][]byte
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) || line == "stop\n" {
			break
		}
		if err != nil {
			return fmt.Errorf("read what to do: %w", err)
		}
		if s.LeakGoroutines {
			go func() { <-serveCtx.Done() }()
		}
		if s.LeakMemory {
			kept = append(kept, make([]byte, 8<<20))
		}
		m := measure()
		if err := s.profile(n); err != nil {
			return err
		}
		if err := answer.Encode(m); err != nil {
			return err
		}
	}
	runtime.KeepAlive(kept)
	stop()
	err = <-served
	store.Close()
	var left stopped
	if leak := goleak.Find(before); leak != nil {
		left.Left = leak.Error()
	}
	return errors.Join(err, answer.Encode(left))
}

// app is the app with the limits that operators get who set nothing. Portals have different addresses, as they have on the
// internet: X-Forwarded-For tells them.
func (s settings) app(ctx context.Context, url string) (*storage.Store, *server.Server, error) {
	sealer, err := seal.New(secret.New(s.Keyset))
	if err != nil {
		return nil, nil, err
	}
	_, loopback, err := net.ParseCIDR("127.0.0.0/8")
	if err != nil {
		return nil, nil, err
	}
	c := config.Config{
		PublicURL: url, DatabaseURL: secret.New(s.Database), DatabaseMaxConns: maxConns, ClientID: s.ClientID,
		ClientSecret: secret.New(s.ClientSecret), Sealer: sealer, OAuthServers: s.OAuthServers, JSLibraryURL: s.JSLibraryURL,
		AllowPrivate: true, PortalTimeout: 20 * time.Second, OAuthTimeout: 10 * time.Second, PortalWait: 8 * time.Second, OAuthRate: 5,
		TrustedProxies: []*net.IPNet{loopback}, MaxConnections: 10_000, SchemaLife: s.SchemaLife, CacheBytes: s.CacheBytes, RESTLogDays: 3,
	}
	store, err := storage.Open(ctx, storage.Options{URL: c.DatabaseURL, MaxConns: c.DatabaseMaxConns, Sealer: sealer, Now: time.Now})
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	app, err := server.New(c, store, log, "soak")
	if err != nil {
		store.Close()
		return nil, nil, err
	}
	return store, app, nil
}

// measure collects the garbage first, twice, because pools let go of what they hold at the second time.
func measure() Measure {
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	m := Measure{Goroutines: map[string]int{}, Heap: memory.HeapAlloc}
	records := make([]runtime.StackRecord, 2*runtime.NumGoroutine()+100)
	n, _ := runtime.GoroutineProfile(records)
	for _, r := range records[:n] {
		frames := runtime.CallersFrames(r.Stack())
		name := ""
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if frame.Function != "runtime.goexit" {
				name = cmp.Or(frame.Function, name)
			}
		}
		m.Goroutines[name]++
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			m.Sockets++
		}
	}
	return m
}

// profile writes what lives on the heap, for `go tool pprof`.
func (s settings) profile(n int) error {
	if s.Profiles == "" {
		return nil
	}
	file, err := os.Create(filepath.Join(s.Profiles, fmt.Sprintf("heap-%03d.pprof", n)))
	if err != nil {
		return fmt.Errorf("make a heap profile: %w", err)
	}
	defer file.Close()
	if err := pprof.Lookup("heap").WriteTo(file, 0); err != nil {
		return fmt.Errorf("write a heap profile: %w", err)
	}
	return nil
}

// transport reports whether a goroutine belongs to a connection to a portal or an OAuth server: one that is idle may stay
// for a minute, and ends when the other side goes.
func transport(name string) bool { return strings.HasPrefix(name, "net/http.(*persistConn)") }

// more lists the goroutines of m that a measurement before has not, connections to portals apart.
func (m Measure) more(before Measure) (out []string) {
	for name, n := range m.Goroutines {
		if n > before.Goroutines[name] && !transport(name) {
			out = append(out, fmt.Sprintf("%d of %s, %d before", n, name, before.Goroutines[name]))
		}
	}
	slices.Sort(out)
	return out
}

// connections counts what belongs to connections to portals and OAuth servers.
func (m Measure) connections() (n int) {
	for name, count := range m.Goroutines {
		if transport(name) {
			n += count
		}
	}
	return n
}

// plans reports whether the process is the one that plans the queue's work.
func (m Measure) plans() bool {
	return m.Goroutines["github.com/riverqueue/river/internal/maintenance.(*QueueMaintainer).Start.func1"] > 0
}

// process is the app's process as the soak sees it.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *json.Decoder
	appURL string
}

// startProcess starts this program once more as the app.
func startProcess(ctx context.Context, s settings, log io.Writer) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	p := &process{cmd: exec.CommandContext(ctx, self)}
	p.cmd.Env, p.cmd.Stderr = append(os.Environ(), ProcessVariable+"=1"), log
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the app: %w", err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the app: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the app: %w", err)
	}
	p.out = json.NewDecoder(out)
	var s0 started
	if err = json.NewEncoder(p.in).Encode(s); err == nil {
		err = p.out.Decode(&s0)
	}
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("start the app: %w", err)
	}
	p.appURL = s0.AppURL
	return p, nil
}

func (p *process) measure() (m Measure, err error) {
	if _, err = io.WriteString(p.in, "measure\n"); err == nil {
		err = p.out.Decode(&m)
	}
	if err != nil {
		return m, fmt.Errorf("measure the app: %w", err)
	}
	return m, nil
}

// stop ends the app and returns which goroutines were left in it.
func (p *process) stop() (left string, err error) {
	var s stopped
	if _, err = io.WriteString(p.in, "stop\n"); err == nil {
		err = p.out.Decode(&s)
	}
	if err = errors.Join(err, p.cmd.Wait()); err != nil {
		return "", fmt.Errorf("stop the app: %w", err)
	}
	return s.Left, nil
}

func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}
