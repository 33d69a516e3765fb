package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// manyReaders is how many ask at once as a rule.
const manyReaders = 4

// cell is one thing that is measured: a page by a program, opened in a way.
type cell struct {
	page, program, way string
	process            *process
	load               *load
	readers            int // at once, while a core is kept busy
	samples            []sample
	latencies          []time.Duration // one reader, nothing else to do
	htmlBytes          int             // of one page, without compression unless it was asked for
}

// sample is what one round found.
type sample struct {
	cpu      time.Duration // of the program, for one page
	database time.Duration // of Postgres, for one page
	rate     float64       // pages a second
	objects  float64       // allocated for one page
	bytes    float64       // allocated for one page
	pages    int
}

// round keeps the program busy for a while, then opens pages one by one.
func (c *cell) round(ctx context.Context, busy, calm time.Duration) error {
	fail := func(err error) error {
		return c.process.fail(fmt.Errorf("%s, %s, %s: %w", c.page, c.program, c.way, err))
	}
	heapBefore, err := c.process.heap(ctx)
	if err != nil {
		return fail(err)
	}
	databaseBefore, err := postgresCPU()
	if err != nil {
		return fail(err)
	}
	before, err := c.process.cpu()
	if err != nil {
		return fail(err)
	}
	start := time.Now()
	took, err := c.load.run(ctx, c.readers, busy)
	if err != nil {
		return fail(err)
	}
	wall := time.Since(start)
	after, err := c.process.cpu()
	if err != nil {
		return fail(err)
	}
	databaseAfter, err := postgresCPU()
	if err != nil {
		return fail(err)
	}
	heapAfter, err := c.process.heap(ctx)
	if err != nil {
		return fail(err)
	}
	n := len(took)
	c.samples = append(c.samples, sample{
		cpu: (after - before) / time.Duration(n), database: max(0, databaseAfter-databaseBefore) / time.Duration(n), rate: float64(n) / wall.Seconds(),
		objects: (heapAfter.objects - heapBefore.objects) / float64(n), bytes: (heapAfter.bytes - heapBefore.bytes) / float64(n), pages: n,
	})
	if calm > 0 {
		took, err := c.load.run(ctx, 1, calm)
		if err != nil {
			return fail(err)
		}
		c.latencies = append(c.latencies, took...)
	}
	return nil
}

// warm opens the page once, to measure its size, and then until caches and compilers have seen it.
func (c *cell) warm(ctx context.Context, span time.Duration) error {
	first, _, err := c.load.open(ctx)
	if err != nil {
		return c.process.fail(fmt.Errorf("%s, %s, %s: %w", c.page, c.program, c.way, err))
	}
	c.htmlBytes = len(first.body)
	if span == 0 {
		return nil
	}
	if _, err := c.load.run(ctx, c.readers, span); err != nil {
		return c.process.fail(fmt.Errorf("%s, %s, %s: %w", c.page, c.program, c.way, err))
	}
	return nil
}

// alternate runs rounds of all cells in turns, so that whatever else the machine does meets all of them alike.
func alternate(ctx context.Context, cells []*cell, rounds int, busy, calm time.Duration) error {
	for range rounds {
		for _, c := range cells {
			if err := c.round(ctx, busy, calm); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread is the least, the middle and the most of some figures.
type spread struct{ least, median, most float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := sorted[len(sorted)/2]
	if len(sorted)%2 == 0 {
		middle = (middle + sorted[len(sorted)/2-1]) / 2
	}
	return spread{sorted[0], middle, sorted[len(sorted)-1]}
}

func (c *cell) spread(of func(sample) float64) spread {
	var values []float64
	for _, s := range c.samples {
		values = append(values, of(s))
	}
	return spreadOf(values)
}

func cpuOfPage(s sample) float64 { return s.cpu.Seconds() * 1000 }

// ratio compares the CPU time of a page between two cells, round by round: the rounds of one turn ran under the same
// conditions.
func ratio(of, to *cell) spread {
	var values []float64
	for i := range min(len(of.samples), len(to.samples)) {
		if to.samples[i].cpu > 0 {
			values = append(values, of.samples[i].cpu.Seconds()/to.samples[i].cpu.Seconds())
		}
	}
	return spreadOf(values)
}

// percentile is the latency that so many of a hundred pages stay under.
func percentile(took []time.Duration, percent int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
