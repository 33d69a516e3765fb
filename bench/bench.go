package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// small and large are the deals of the main table: fields x product rows.
const (
	small = "45x4"
	large = "500x200"
)

// Ways to open a page.
const (
	samePair = "same pair of tokens each time"
	newPair  = "a new pair each time"
	browser  = "same pair, compressed as for a browser"
)

// views are what an open page asks for beside its fields, by the last part of their addresses.
var views = []string{"history", "rest"}

// opened is how many portals share the pages of one measurement.
const opened = 10

// bench is one run.
type bench struct {
	plan     plan
	dir      string
	database string
	say      func(string, ...any)
	children []*process

	platform                    string // origin of the canned platform
	app                         *app
	echo                        *process
	echoAddress, expressAddress string
	express                     *process // nil where there is no Node
	noNode                      error    // why

	pairs     *atomic.Int64 // how many pairs the canned platform has given for opened pages
	starts    []float64     // ms from start to ready
	residents []resident
	main      []*cell
	fields    []fieldsCost
	crowds    []crowdCost
	wires     map[string]wire
}

// fieldsCost is what a deal of so many fields costs.
type fieldsCost struct {
	fields int
	cell   *cell
	failed error
}

// crowdCost is what a small deal costs while so many portals are in the database, beside bare Echo at that time.
type crowdCost struct {
	portals, tokens int
	app, echo       *cell
}

func (b *bench) stop() {
	for _, p := range b.children {
		p.stop()
	}
	if b.app != nil && b.app.process != nil {
		b.app.stop()
	}
}

func (b *bench) child(p *process, err error) (*process, error) {
	if err == nil {
		b.children = append(b.children, p)
	}
	return p, err
}

// measure runs the whole plan.
func (b *bench) measure(ctx context.Context) error {
	upstream, err := b.child(launch(b.dir, "upstream", false, nil, filepath.Join(b.dir, "upstream"), "-client-id", clientID))
	if err != nil {
		return err
	}
	if b.platform, err = upstream.line(); err != nil {
		return err
	}
	if err := b.startApp(ctx); err != nil {
		return err
	}
	if err := b.startBaselines(ctx); err != nil {
		return err
	}
	if err := b.measurePages(ctx); err != nil {
		return err
	}
	if err := b.measureCrowds(ctx); err != nil {
		return err
	}
	return b.measureFields(ctx)
}

// startApp starts the app a few times over the same database and leaves it running.
func (b *bench) startApp(ctx context.Context) error {
	var err error
	if b.app, err = newApp(b.dir, b.database, b.platform); err != nil {
		return err
	}
	for i := range b.plan.starts + 1 {
		if i > 0 {
			b.app.stop()
		}
		took, err := b.app.start(ctx)
		if err != nil {
			return err
		}
		if i > 0 { // the first one makes the tables
			b.starts = append(b.starts, took.Seconds()*1000)
		}
	}
	return b.weigh("after the start")
}

// resident is how much memory the app held at a time.
type resident struct {
	when  string
	bytes int64
}

func (b *bench) weigh(when string) error {
	bytes, err := b.app.resident()
	b.residents = append(b.residents, resident{when, bytes})
	return err
}

func (b *bench) startBaselines(ctx context.Context) error {
	var err error
	if b.echo, err = b.child(launch(b.dir, "echo", true, nil, filepath.Join(b.dir, "echo"), "-rest", b.platform)); err != nil {
		return err
	}
	said, err := b.echo.line()
	if err != nil {
		return err
	}
	address, metrics, _ := strings.Cut(said, " ")
	b.echo.metrics = metrics
	if err := answers(ctx, metrics+"/metrics"); err != nil {
		return b.echo.fail(err)
	}
	b.echoAddress = strings.TrimPrefix(address, "http://")
	if b.plan.express {
		b.say("installing Express and the official SDK through npm")
		b.express, b.expressAddress, b.noNode = startExpress(ctx, b.dir, b.platform)
		if b.express != nil {
			b.children = append(b.children, b.express)
		}
		if b.noNode != nil {
			b.say("without Express: %v", b.noNode)
		}
	}
	return nil
}

func answers(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("a baseline does not answer: %w", err)
	}
	return res.Body.Close()
}

// cells makes the cells of one page: the app in each way, and its baselines, in the order of their turns.
func (b *bench) cells(ctx context.Context, name, shape string) ([]*cell, error) {
	visitors, err := b.app.install(ctx, shape, opened)
	if err != nil {
		return nil, err
	}
	// Portals of their own: where new pairs come, an older one that comes again is another case.
	renewing, err := b.app.install(ctx, shape, opened)
	if err != nil {
		return nil, err
	}
	cells := []*cell{
		{page: name, program: "Item Lens", way: samePair, process: b.app.process, load: &load{visitors: visitors}, readers: manyReaders},
		{page: name, program: "bare Echo", way: samePair, process: b.echo, load: &load{visitors: elsewhere(visitors, b.echoAddress)}, readers: manyReaders},
	}
	if b.express != nil {
		cells = append(cells, &cell{page: name, program: "Express + SDK", way: samePair, process: b.express, load: &load{visitors: elsewhere(visitors, b.expressAddress)}, readers: manyReaders})
	}
	cells = append(cells,
		&cell{page: name, program: "Item Lens", way: newPair, process: b.app.process, load: &load{visitors: renewing, pairs: b.pairs}, readers: manyReaders},
		&cell{page: name, program: "Item Lens", way: browser, process: b.app.process, load: &load{visitors: visitors, accept: likeChrome}, readers: manyReaders},
	)
	for _, view := range views {
		asking, err := asking(ctx, visitors, "/in/lens/"+view)
		if err != nil {
			return nil, fmt.Errorf("open the pages that ask for %s: %w", view, err)
		}
		cells = append(cells, &cell{page: name, program: "Item Lens", way: "view: " + view, process: b.app.process, load: &load{visitors: asking}, readers: manyReaders})
	}
	return cells, nil
}

// asking are the same visitors with their pages open, asking for a view.
func asking(ctx context.Context, visitors []visitor, path string) ([]visitor, error) {
	var open []visitor
	for _, v := range visitors {
		page, _, err := exchange(ctx, v.address, v.request(v.path, keptPair, "CRM_DEAL_DETAIL_TAB", ""))
		if err != nil {
			return nil, err
		}
		found := session.FindSubmatch(page.body)
		if found == nil {
			return nil, errors.New("a page without a session")
		}
		v.path, v.session = path, string(found[1])
		open = append(open, v)
	}
	return open, nil
}

var session = regexp.MustCompile(`data-session="([^"]+)"`)

// elsewhere are the same visitors at a baseline, whose pages are named by the shape.
func elsewhere(visitors []visitor, address string) []visitor {
	var moved []visitor
	for _, v := range visitors {
		v.address, v.path = address, "/"+v.shape
		moved = append(moved, v)
	}
	return moved
}

func (b *bench) measurePages(ctx context.Context) error {
	b.wires = map[string]wire{}
	for _, page := range []struct{ name, shape string }{{"small", small}, {"large", large}} {
		cells, err := b.cells(ctx, page.name, page.shape)
		if err != nil {
			return err
		}
		b.main = append(b.main, cells...)
		if b.wires[page.name], err = cold(ctx, cells[0].load); err != nil {
			return fmt.Errorf("what a browser receives: %w", err)
		}
	}
	b.say("warming up")
	for _, c := range b.main {
		if err := c.warm(ctx, b.plan.busy); err != nil {
			return err
		}
	}
	b.say("%d rounds of %d measurements", b.plan.rounds, len(b.main))
	if err := alternate(ctx, b.main, b.plan.rounds, b.plan.busy, b.plan.calm); err != nil {
		return err
	}
	return b.weigh(fmt.Sprintf("after %d pages of both kinds", b.pages()))
}

func (b *bench) pages() int {
	total := 0
	for _, c := range b.main {
		if c.process == b.app.process {
			total += len(c.latencies)
			for _, s := range c.samples {
				total += s.pages
			}
		}
	}
	return total / 1000 * 1000
}

// measureCrowds measures the small page again and again while the database grows.
func (b *bench) measureCrowds(ctx context.Context) error {
	app, echo := b.find("small", "Item Lens", newPair), b.find("small", "bare Echo", samePair)
	for i, portals := range b.plan.portals {
		cost := crowdCost{portals: portals, tokens: portals}
		if i > 0 {
			cost.tokens = 10 * portals
			b.say("filling the database: %d portals, %d tokens", portals, cost.tokens)
			start := time.Now()
			if err := crowd(ctx, b.database, app.load.visitors[0].member, portals, cost.tokens); err != nil {
				return err
			}
			b.say("filled in %s", time.Since(start).Round(time.Second))
		}
		cost.app = &cell{page: app.page, program: app.program, way: app.way, process: app.process, load: app.load, readers: manyReaders}
		cost.echo = &cell{page: echo.page, program: echo.program, way: echo.way, process: echo.process, load: echo.load, readers: manyReaders}
		if err := cost.app.warm(ctx, b.plan.busy/2); err != nil {
			return err
		}
		if err := alternate(ctx, []*cell{cost.app, cost.echo}, b.plan.rounds, b.plan.busy, b.plan.calm); err != nil {
			return err
		}
		b.crowds = append(b.crowds, cost)
	}
	return nil
}

// measureFields measures deals of several sizes in turns, each of one portal, by one reader. A size that the app does not
// show is told in the report.
func (b *bench) measureFields(ctx context.Context) error {
	var shown []*cell
	for _, n := range b.plan.fields {
		b.say("a deal of %d fields", n)
		visitors, err := b.app.install(ctx, fmt.Sprintf("%dx0", n), 1)
		if err != nil {
			return err
		}
		f := fieldsCost{fields: n, cell: &cell{
			page: fmt.Sprint(n), program: "Item Lens", way: samePair, process: b.app.process, load: &load{visitors: visitors}, readers: 1,
		}}
		f.failed = f.cell.warm(ctx, 0)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.failed == nil {
			shown = append(shown, f.cell)
		}
		b.fields = append(b.fields, f)
	}
	if err := alternate(ctx, shown, b.plan.rounds, b.plan.busy/2, 0); err != nil {
		return err
	}
	return b.weigh("after the largest deals")
}

func (b *bench) find(page, program, way string) *cell {
	for _, c := range b.main {
		if c.page == page && c.program == program && c.way == way {
			return c
		}
	}
	return nil
}
