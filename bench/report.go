package main

import (
	"context"
	"fmt"
	"io"
)

func (b *bench) report(_ context.Context, out io.Writer) error {
	for _, c := range b.main {
		s := c.spread(cpuOfPage)
		fmt.Fprintf(out, "%s | %s | %s | %.3f (%.3f) ms | %.0f/s | %s %s | %.0f objs %.0f KB | html %d\n", c.page, c.program, c.way, s.median, s.least,
			c.spread(func(s sample) float64 { return s.rate }).median, percentile(c.latencies, 50), percentile(c.latencies, 99),
			c.spread(func(s sample) float64 { return s.objects }).median, c.spread(func(s sample) float64 { return s.bytes }).median/1024, c.htmlBytes)
	}
	return nil
}
