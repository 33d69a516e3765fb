// Command soak works on the app as a thousand portals would, for an hour, and looks whether anything is left that does not
// belong (internal/lab/soak). Exit code: 0 nothing is left, 1 something is, or the soak failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"itemlens/internal/lab/soak"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	run := soaked
	if os.Getenv(soak.ProcessVariable) != "" {
		run = func(ctx context.Context) error { return soak.Serve(context.WithoutCancel(ctx), os.Stdin, os.Stdout) }
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func soaked(ctx context.Context) error {
	length := flag.Duration("for", time.Hour, "how long")
	portals := flag.Int("portals", 0, "how many portals; 0: 1,000, or 50 where it takes less than ten minutes")
	pace := flag.Float64("pace", 20, "steps a second; 0: as many as the machine takes")
	seed := flag.Int64("seed", time.Now().UnixNano(), "what the steps are chosen by; the same seed chooses the same ones")
	logTo := flag.String("log", "", "file for the app's log; none by default")
	profiles := flag.String("profiles", "", "directory for heap profiles of the app, one a mark; none by default")
	flag.Parse()
	o := soak.Options{
		Portals: *portals, For: *length, Marks: 24, Workers: 16, Pace: *pace, Seed: *seed, Cache: 8 << 20, Access: 2 * time.Minute, Out: os.Stdout, Profiles: *profiles,
	}
	if o.For < 10*time.Minute {
		o.Marks, o.Workers, o.Cache, o.Access = 9, 8, 1<<20, 5*time.Second
	}
	if o.Portals == 0 {
		o.Portals = 1000
		if o.For < 10*time.Minute {
			o.Portals = 50
		}
	}
	if *logTo != "" {
		file, err := os.Create(*logTo)
		if err != nil {
			return fmt.Errorf("make the app's log: %w", err)
		}
		defer file.Close()
		o.AppLog = file
	}
	return soak.Run(ctx, o)
}
