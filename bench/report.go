package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// target is a ratio or a size that a page has to keep to, judged by the middle of the rounds.
type target struct {
	name   string
	most   float64
	found  spread
	unit   string
	absent error // why it could not be measured
}

func (t target) row() string {
	wanted := fmt.Sprintf("≤ %.4g%s", t.most, t.unit)
	if t.absent != nil {
		return fmt.Sprintf("| %s | %s | not measured: %v | |", t.name, wanted, t.absent)
	}
	verdict := "kept"
	if t.found.median > t.most {
		verdict = "**missed**"
	}
	if t.found.least == t.found.most {
		return fmt.Sprintf("| %s | %s | %.4g%s | %s |", t.name, wanted, t.found.median, t.unit, verdict)
	}
	return fmt.Sprintf("| %s | %s | %.2f%s (%.2f to %.2f) | %s |", t.name, wanted, t.found.median, t.unit, t.found.least, t.found.most, verdict)
}

func (b *bench) targets() []target {
	absent := b.noNode
	if b.express == nil && absent == nil {
		absent = errors.New("not planned")
	}
	against := func(page, baseline string, most float64) target {
		t := target{name: page + " deal, CPU per page : " + baseline, most: most}
		if to := b.find(page, baseline, samePair); to != nil {
			t.found = ratio(b.find(page, "Item Lens", samePair), to)
		} else {
			t.absent = absent
		}
		return t
	}
	size := func(name string, bytes int64, most float64) target {
		kilobytes := float64(bytes) / 1024
		return target{name: name, most: most, found: spread{kilobytes, kilobytes, kilobytes}, unit: " KB"}
	}
	list := []target{
		against("small", "bare Echo", 3.5), against("small", "Express + SDK", 0.25),
		against("large", "bare Echo", 6), against("large", "Express + SDK", 0.7),
		size("large deal, HTML before compression", int64(b.find("large", "Item Lens", samePair).htmlBytes), 150),
		size("small deal, on the wire, page with its files, cold", b.wires["small"].total(), 15),
	}
	if hundred, most := b.fieldCost(100), b.fieldCost(16000); hundred > 0 && most > 0 {
		list = append(list, target{name: "CPU per field, 16,000 fields : 100 fields", most: 1.3, found: spread{most / hundred, most / hundred, most / hundred}})
	}
	return list
}

// fieldCost is the CPU time of one field more in a deal of so many, in µs: what the page costs beyond the smallest one.
func (b *bench) fieldCost(fields int) float64 {
	if len(b.fields) == 0 {
		return 0
	}
	base := b.fields[0]
	for _, f := range b.fields {
		if f.fields == fields && fields > base.fields && f.failed == nil && base.failed == nil {
			more := f.cell.spread(cpuOfPage).median - base.cell.spread(cpuOfPage).median
			return more * 1000 / float64(f.fields-base.fields)
		}
	}
	return 0
}

// report writes everything that was found as Markdown.
func (b *bench) report(ctx context.Context, name string, out io.Writer) error {
	machine, err := b.machine(ctx)
	if err != nil {
		return err
	}
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }

	line("%s\n`go run ./bench -plan %s`, %d rounds in turns; where there are several figures: the middle (least to most).\n", machine, name, b.plan.rounds)
	line("### Targets\n\n| ratio or size | wanted | found | |\n| --- | --- | --- | --- |")
	for _, t := range b.targets() {
		line("%s", t.row())
	}
	line("\n### Pages\n")
	line("Small: a deal of 45 fields and 4 product rows. Large: 500 fields, 200 product rows. CPU is the program's own, by the operating "+
		"system, with one core kept busy by %d readers; p50 and p99 are those of one reader alone.\n", manyReaders)
	line("| page | program | opened with | CPU, ms | : bare Echo | pages/s | p50, ms | p99, ms | allocations | allocated, KB | body, KB |")
	line("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, c := range b.main {
		line("%s", c.row(b.find(c.page, "bare Echo", samePair)))
	}
	b.fieldRows(line)
	b.crowdRows(line)
	starts := spreadOf(b.starts)
	line("\n### The process\n\n| what | found |\n| --- | --- |")
	line("| start to ready, tables there | %.0f ms (%.0f to %.0f) |", starts.median, starts.least, starts.most)
	for _, r := range b.residents {
		line("| resident %s | %.0f MB |", r.when, float64(r.bytes)/(1<<20))
	}
	for _, page := range []string{"small", "large"} {
		w := b.wires[page]
		line("| %s deal on the wire, nothing in the browser's cache | page %.1f KB, %d files %.1f KB |", page, float64(w.page)/1024, w.count, float64(w.files)/1024)
	}
	_, err = io.WriteString(out, text.String())
	return err
}

func (c *cell) row(echo *cell) string {
	cpu := c.spread(cpuOfPage)
	figure := func(of func(sample) float64, by float64) string {
		if c.process.metrics == "" {
			return "" // no Go program
		}
		return fmt.Sprintf("%.0f", c.spread(of).median/by)
	}
	return fmt.Sprintf("| %s | %s | %s | %.3f (%.3f to %.3f) | %.2f | %.0f | %.2f | %.2f | %s | %s | %.1f |",
		c.page, c.program, c.way, cpu.median, cpu.least, cpu.most, ratio(c, echo).median, c.spread(func(s sample) float64 { return s.rate }).median,
		milliseconds(percentile(c.latencies, 50)), milliseconds(percentile(c.latencies, 99)),
		figure(func(s sample) float64 { return s.objects }, 1), figure(func(s sample) float64 { return s.bytes }, 1024), float64(c.htmlBytes)/1024)
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func (b *bench) fieldRows(line func(string, ...any)) {
	line("\n### Fields\n\nDeals without product rows. A field costs what the page costs beyond the one of %d fields.\n", b.fields[0].fields)
	line("| fields | CPU, ms | a field, µs | body, KB |\n| ---: | ---: | ---: | ---: |")
	for _, f := range b.fields {
		if f.failed != nil {
			line("| %d | no page: %s | | |", f.fields, strings.ReplaceAll(strings.SplitN(f.failed.Error(), "\n", 2)[0], "|", " "))
			continue
		}
		cost := ""
		if us := b.fieldCost(f.fields); us > 0 {
			cost = fmt.Sprintf("%.1f", us)
		}
		line("| %d | %.2f | %s | %.0f |", f.fields, f.cell.spread(cpuOfPage).median, cost, float64(f.cell.htmlBytes)/1024)
	}
}

func (b *bench) crowdRows(line func(string, ...any)) {
	line("\n### Portals\n\nThe small deal, opened in %d portals with a new pair each time, while others fill the database.\n", opened)
	line("| portals | tokens | CPU, ms | : bare Echo | CPU of Postgres, ms | pages/s | p50, ms | p99, ms |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, c := range b.crowds {
		line("| %d | %d | %.3f | %.2f | %.3f | %.0f | %.2f | %.2f |", c.portals, c.tokens, c.app.spread(cpuOfPage).median, ratio(c.app, c.echo).median,
			c.app.spread(func(s sample) float64 { return s.database.Seconds() * 1000 }).median, c.app.spread(func(s sample) float64 { return s.rate }).median,
			milliseconds(percentile(c.app.latencies, 50)), milliseconds(percentile(c.app.latencies, 99)))
	}
}

// machine tells what the figures belong to.
func (b *bench) machine(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, b.database)
	if err != nil {
		return "", fmt.Errorf("ask Postgres what it is: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var postgres string
	if err := conn.QueryRow(ctx, `SHOW server_version`).Scan(&postgres); err != nil {
		return "", fmt.Errorf("ask Postgres what it is: %w", err)
	}
	postgres, _, _ = strings.Cut(postgres, " ")
	said := fmt.Sprintf("%s, %d cores, %s/%s, %s, Postgres %s", processor(), cores(), runtime.GOOS, runtime.GOARCH, runtime.Version(), postgres)
	if b.express != nil {
		said += ", Node " + firstLine("node", "--version")
	}
	return said + "; commit " + firstLine("git", "rev-parse", "--short=12", "HEAD") + ".", nil
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, found := strings.Cut(string(text), "model name")
	if !found {
		return "unknown processor"
	}
	name, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(name, " \t:")
}

// cores counts those of the machine; this program was left fewer.
func cores() int {
	text, err := os.ReadFile("/proc/cpuinfo")
	if count := strings.Count(string(text), "\nprocessor") + 1; err == nil && strings.HasPrefix(string(text), "processor") {
		return count
	}
	return runtime.NumCPU()
}

func firstLine(argv ...string) string {
	said, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(said), "\n")
	return first
}
