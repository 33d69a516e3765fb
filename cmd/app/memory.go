package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// gcPercent is how much the heap may grow between two collections, where GOGC does not say otherwise. What lives is
	// small and mostly the cache; a page leaves a hundred kilobytes behind (docs/performance.md).
	gcPercent = 200
	// memoryShare is how much of its container's memory the heap may take before it is collected more often, where
	// GOMEMLIMIT does not say otherwise.
	memoryShare = 0.9
)

// tuneMemory sets the garbage collector by measurement, and its bound by the container that the app runs in.
func tuneMemory(log *slog.Logger) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(memlimit.FromCgroup))
	switch {
	case errors.Is(err, memlimit.ErrNoLimit), errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported):
		return nil // no container, or one without a limit
	case err != nil:
		return fmt.Errorf("set the memory limit: %w", err)
	case limit > 0:
		log.Info("memory limit set from the container", "limit_bytes", limit)
	}
	return nil
}
