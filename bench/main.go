// Command bench measures what a page of the app costs, side by side with the least that one can cost (bare Echo) and with
// what people would write otherwise (Express with the platform's official SDK). Everything runs as a process of its own
// against a canned platform on loopback, which answers at once, so what is left is the program's own work. It prints
// Markdown, of which docs/performance.md keeps the last.
//
// The measured processes share one core and run in turns; the rest has the other cores. Figures of different machines do
// not compare, and neither do times of different runs; ratios within one run do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"itemlens/internal/lab/localpg"
)

// plan is how much is measured.
type plan struct {
	rounds     int           // turns of the main table
	busy, calm time.Duration // of one round: a core kept busy, then one reader
	starts     int           // of the app
	express    bool          // where Node is there
	shipped    bool          // the app is built as it ships, which takes a compilation of its own
	fields     []int         // sizes of a deal, for the cost of a field
	portals    []int         // in the database, with ten tokens each
}

var plans = map[string]plan{
	"full": {
		rounds: 5, busy: 1200 * time.Millisecond, calm: 300 * time.Millisecond, starts: 5, express: true, shipped: true,
		fields: []int{10, 100, 1000, 4000, 16000}, portals: []int{10, 100_000},
	},
	"quick": {
		rounds: 2, busy: 500 * time.Millisecond, calm: 100 * time.Millisecond, starts: 2, express: true, shipped: true,
		fields: []int{10, 1000}, portals: []int{10, 10_000},
	},
	// The cost of a field alone, without Express.
	"fields": {
		rounds: 3, busy: 600 * time.Millisecond, calm: 100 * time.Millisecond, starts: 1, shipped: true, fields: []int{10, 100, 1000, 4000, 16000}, portals: []int{10, 20},
	},
	// Whether it works at all; its figures mean nothing.
	"smoke": {rounds: 1, busy: 50 * time.Millisecond, calm: 20 * time.Millisecond, starts: 1, fields: []int{10}, portals: []int{10, 20}},
}

func main() {
	name := flag.String("plan", "full", "how much to measure: full (about 5 minutes), quick (under 1), fields, smoke")
	flag.Parse()
	if err := pinRest(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	chosen, ok := plans[*name]
	if !ok {
		fmt.Fprintf(os.Stderr, "bench: there is no plan %q\n", *name)
		os.Exit(2)
	}
	if err := run(ctx, *name, chosen, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// pinRest starts this program anew on the cores that nothing is measured on, with all that it starts. Where there is one
// core alone, or no taskset, everything shares what there is, and only CPU times mean something.
func pinRest() error {
	const mark = "BENCH_PINNED"
	cores := runtime.NumCPU()
	pin, err := exec.LookPath("taskset")
	if os.Getenv(mark) != "" || cores < 2 || err != nil {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return syscall.Exec(pin, append([]string{pin, "-c", "1-" + strconv.Itoa(cores-1), self}, os.Args[1:]...), append(os.Environ(), mark+"=1"))
}

// run measures as planned and writes the report.
func run(ctx context.Context, name string, p plan, out, progress io.Writer) error {
	// A child dies with the thread that started it, so this thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir, err := os.MkdirTemp("", "itemlens-bench-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	say := func(format string, args ...any) { fmt.Fprintf(progress, "bench: "+format+"\n", args...) }

	say("building")
	if err := build(ctx, dir, p.shipped); err != nil {
		return err
	}
	postgres, err := localpg.Start(ctx)
	if err != nil {
		return err
	}
	defer postgres.Stop()
	b := &bench{plan: p, dir: dir, database: postgres.URL("postgres"), say: say, pairs: new(atomic.Int64)}
	defer b.stop()
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.report(ctx, name, out)
}

// build compiles what is measured, and the canned platform.
func build(ctx context.Context, dir string, shipped bool) error {
	for _, name := range []string{"cmd/app", "bench/echo", "bench/upstream"} {
		argv := []string{"build", "-o", dir + string(os.PathSeparator)}
		if shipped {
			argv = append(argv, "-trimpath", "-ldflags=-s -w")
		}
		command := exec.CommandContext(ctx, "go", append(argv, "itemlens/"+name)...)
		if shipped {
			command.Env = append(os.Environ(), "CGO_ENABLED=0")
		}
		if said, err := command.CombinedOutput(); err != nil {
			return errors.Join(fmt.Errorf("build %s: %w", name, err), errors.New(string(said)))
		}
	}
	return nil
}
