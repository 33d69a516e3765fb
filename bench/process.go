package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// measuredCore is the core on which every measured process runs alone; everything else runs on the others.
const measuredCore = "0"

// ticksPerSecond is the unit of CPU times in /proc, which Linux keeps at 100 for programs whatever the kernel's own is.
const ticksPerSecond = 100

// process is a program that was started for the run.
type process struct {
	name    string
	command *exec.Cmd
	stdout  *bufio.Reader
	log     string
	metrics string // address of its Go metrics; empty for programs in other languages
	ended   chan struct{}
}

// launch starts a program; onCore pins it to the measured core. What it writes to stderr goes to a file in dir, whose
// end is told where the program fails.
func launch(dir, name string, onCore bool, env []string, argv ...string) (*process, error) {
	if onCore {
		if pin, err := exec.LookPath("taskset"); err == nil {
			argv = append([]string{pin, "-c", measuredCore}, argv...)
		}
		env = append(env, "GOMAXPROCS=1")
	}
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("make log of %s: %w", name, err)
	}
	defer log.Close()
	p := &process{name: name, log: log.Name(), command: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	p.command.Env = append(environment(), env...)
	p.command.Stderr = log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", name, err)
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// environment is ours without what would configure the app by accident.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ITEMLENS_") || strings.HasPrefix(v, "GOMAXPROCS=") })
}

// line reads the line in which a program says where it listens.
func (p *process) line() (string, error) {
	text, err := p.stdout.ReadString('\n')
	if err != nil {
		return "", p.fail(fmt.Errorf("%s says no address: %w", p.name, err))
	}
	return strings.TrimSpace(text), nil
}

// fail adds the end of what the program wrote to an error about it.
func (p *process) fail(err error) error {
	said, _ := os.ReadFile(p.log)
	return fmt.Errorf("%w\n%s", err, said[max(0, len(said)-2000):])
}

// stop ends the program, kindly first.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	go func() { _ = p.command.Wait(); close(p.ended) }()
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

func (p *process) pid() int { return p.command.Process.Pid }

// cpu is the CPU time that the program has used, in and for itself.
func (p *process) cpu() (time.Duration, error) { return cpuOf(p.pid()) }

func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	_, ticks, err := parseStat(text)
	return time.Duration(ticks) * time.Second / ticksPerSecond, err
}

// parseStat reads parent and used ticks (utime+stime) of a line of /proc/<pid>/stat (proc_pid_stat(5)). The program's
// name, which may hold anything, ends with the last parenthesis.
func parseStat(text []byte) (parent int, ticks int64, err error) {
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, 0, errors.New("/proc/<pid>/stat has another form than is known")
	}
	parent, err = strconv.Atoi(fields[1])
	for _, field := range fields[11:13] {
		n, parseErr := strconv.ParseInt(field, 10, 64)
		ticks, err = ticks+n, errors.Join(err, parseErr)
	}
	return parent, ticks, err
}

// postgresCPU is the CPU time of the private Postgres, which is a child of ours, and of its own children. It falls when one of these ends.
func postgresCPU() (time.Duration, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	parents, used := map[int]int{}, map[int]int64{}
	server := 0
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if parents[pid], used[pid], err = parseStat(text); err != nil {
			return 0, err
		}
		if parents[pid] == os.Getpid() && bytes.Contains(text, []byte("(postgres)")) {
			server = pid
		}
	}
	ticks := used[server]
	for pid, parent := range parents {
		if parent == server && server != 0 {
			ticks += used[pid]
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// resident is how much memory the program holds now, in bytes.
func (p *process) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil {
		return 0, fmt.Errorf("read resident size: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0, errors.New("/proc/<pid>/status tells no resident size")
	}
	kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
	return kilobytes << 10, err
}

// heap is what a Go program has allocated since its start.
type heap struct{ objects, bytes float64 }

func (p *process) heap(ctx context.Context) (heap, error) {
	if p.metrics == "" {
		return heap{}, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.metrics+"/metrics", nil)
	if err != nil {
		return heap{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return heap{}, fmt.Errorf("ask %s for metrics: %w", p.name, err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return heap{}, fmt.Errorf("read metrics of %s: %w", p.name, err)
	}
	counter := func(name string) float64 {
		if f := families[name]; f != nil && len(f.GetMetric()) == 1 {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
		return 0
	}
	h := heap{counter("go_memstats_mallocs_total"), counter("go_memstats_alloc_bytes_total")}
	if h.objects == 0 || h.bytes == 0 {
		return h, fmt.Errorf("the metrics of %s lack go_memstats", p.name)
	}
	return h, nil
}
