package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The bench measures the app as it is today: a page that cannot be opened, a table that has changed, a metric that is
// gone must show here and not when somebody needs figures.
func TestBenchMeasuresTheAppOfToday(t *testing.T) {
	var out, progress bytes.Buffer
	if err := run(t.Context(), "smoke", plans["smoke"], &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := out.String()
	for _, want := range []string{
		"| small deal, CPU per page : bare Echo | ≤ 3.5 | ", "| large deal, CPU per page : bare Echo | ≤ 6 | ", "| 20 | 200 | ", "| start to ready",
		"| small | Item Lens | a new pair each time | ", "| small | Item Lens | view: history | ", "| large | Item Lens | view: rest | ", " files ",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
	if strings.Contains(report, "no page") {
		t.Errorf("a page was not shown:\n%s", report)
	}
}

func TestSpreadAndPercentiles(t *testing.T) {
	if got, want := spreadOf([]float64{4, 1, 3, 2}), (spread{1, 2.5, 4}); got != want {
		t.Errorf("spread of four: %v, want %v", got, want)
	}
	if got, want := spreadOf([]float64{9, 1, 3}), (spread{1, 3, 9}); got != want {
		t.Errorf("spread of three: %v, want %v", got, want)
	}
	var took []time.Duration
	for i := 100; i > 0; i-- {
		took = append(took, time.Duration(i))
	}
	if got := percentile(took, 99); got != 100 {
		t.Errorf("99th of 1 to 100: %d, want 100, which 99 stay under", got)
	}
	if got := percentile(took, 50); got != 51 {
		t.Errorf("50th of 1 to 100: %d, want 51", got)
	}
	if percentile(nil, 50) != 0 {
		t.Error("a percentile of nothing is not 0")
	}
}

// Rounds are compared with each other, not sums: a busy minute must not fall on one side.
func TestRatioIsTakenRoundByRound(t *testing.T) {
	of := &cell{samples: []sample{{cpu: 10}, {cpu: 200}, {cpu: 31}}}
	to := &cell{samples: []sample{{cpu: 5}, {cpu: 100}, {cpu: 10}}}
	if got, want := ratio(of, to), (spread{2, 2, 3.1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTargetsAreJudgedByTheMiddle(t *testing.T) {
	kept := target{name: "x", most: 2, found: spread{1, 2, 9}}
	if row := kept.row(); !strings.HasSuffix(row, "| kept |") {
		t.Error(row)
	}
	missed := target{name: "x", most: 2, found: spread{1, 2.1, 9}}
	if row := missed.row(); !strings.HasSuffix(row, "| **missed** |") {
		t.Error(row)
	}
}

func TestStatIsReadBehindAnyName(t *testing.T) {
	parent, ticks, err := parseStat([]byte("12 (a) S 1 (b) R 7 12 12 0 -1 4194304 100 0 0 0 250 50 3 4 20 0 8 0 100 1 2\n"))
	if err != nil || parent != 7 || ticks != 300 {
		t.Errorf("parent %d, ticks %d, %v", parent, ticks, err)
	}
	if _, _, err := parseStat([]byte("12 (a) S 1\n")); err == nil {
		t.Error("half a line was read")
	}
}

func TestFilesThatABrowserNeeds(t *testing.T) {
	page := `<!doctype html><head><link rel="icon" href="/static/icon.svg"><link rel="stylesheet" href="/static/a.css?v=1">
<link rel="modulepreload" href="/static/b.js"><script src="https://api.example.com/v1/"></script><script src="//cdn.example.com/x.js"></script>
<script type="module" src="/static/c.js?v=2"></script></head><img src="/static/d.svg"><a href="/elsewhere">x</a>`
	got, err := links(strings.NewReader(page))
	if want := "/static/a.css?v=1 /static/b.js /static/c.js?v=2 /static/d.svg"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %v, %v", got, err)
	}
	script := "import { a } from './a.js';\nimport \"/static/b.js\";\nexport * from \"./deep/c.js?v=3\";\nconst later = () => import('./d.js');\nimport e from 'https://example.com/e.js';\n"
	if got, want := strings.Join(imports("/static/main.js?v=1", script), " "), "/static/a.js /static/b.js /static/deep/c.js?v=3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
