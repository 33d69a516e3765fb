// Command mutants takes guards out of the app's packages, one at a time, and asks the tests whether they notice: whole
// conditions of if and switch as if they were false, and each part of a compound one as if it were not there. It prints
// those that no test misses.
//
// All guards are compiled in once, each behind a switch of its own (by the go command's overlay, so that no file of the
// repository changes). A first run of every test alone notes which guards decided anything in it; then each guard is
// switched off under just those tests, the quickest first, until one fails.
//
// Survivors that are known and explained stand in survivors.txt beside this file. The command fails where there is one that
// is not, and where an explained one is gone.
package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"itemlens/internal/lab/apptest"
)

//go:embed survivors.txt
var explained string

func main() {
	packages := flag.String("packages", "gate,install,oauth,session,storage,settings,jobs", "packages under internal/ to take guards out of")
	frontDoor := flag.String("front-door", "server", "packages under internal/ whose tests are asked besides those of the package itself")
	frontTests := flag.String("front-tests", "", "which of their tests, as a regular expression; empty: all")
	file := flag.String("file", "", "only guards of files with this in their name")
	atOnce := flag.Int("at-once", 2, "how many guards are tried at once")
	patience := flag.Duration("patience", 2*time.Minute, "how long the tests of one guard may take; longer counts as noticed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r := &run{only: *file, atOnce: *atOnce, patience: *patience}
	err := r.all(ctx, list(*packages), list(*frontDoor), *frontTests)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// run is one run of the command.
type run struct {
	only     string
	atOnce   int
	patience time.Duration

	dir     string
	cluster *apptest.Cluster // shared by all processes: starting one each would cost more than their tests do
	mutants []mutant
	tests   []test
}

// test is one test of one compiled package.
type test struct {
	binary, dir, name string
	took              time.Duration
	reached           map[int]bool
}

func (r *run) all(ctx context.Context, packages, frontDoor []string, frontTests string) error {
	var err error
	if r.dir, err = os.MkdirTemp("", "itemlens-mutants-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	if r.cluster, err = apptest.StartCluster(ctx); err != nil {
		return err
	}
	defer r.cluster.Stop()
	overlay, err := r.overlay(packages)
	if err != nil {
		return err
	}
	fmt.Printf("%d guards in %s\n", len(r.mutants), strings.Join(packages, ", "))
	for _, name := range packages {
		if err := r.compile(ctx, overlay, name, ""); err != nil {
			return err
		}
	}
	for _, name := range frontDoor {
		if slices.Contains(packages, name) {
			continue
		}
		if err := r.compile(ctx, overlay, name, frontTests); err != nil {
			return err
		}
	}
	number(r.mutants)
	if err := r.survey(ctx); err != nil {
		return err
	}
	survivors, err := r.try(ctx)
	if err != nil {
		return err
	}
	return r.report(survivors)
}

// overlay writes the switchable sources and says where the go command finds them.
func (r *run) overlay(packages []string) (string, error) {
	replace := map[string]string{}
	next := 1
	for _, name := range packages {
		paths, err := filepath.Glob(filepath.Join("internal", name, "*.go"))
		if err != nil || len(paths) == 0 {
			return "", fmt.Errorf("no package internal/%s here: run this at the module's root (%w)", name, errors.Join(err, fs.ErrNotExist))
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") || !strings.Contains(path, r.only) {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			changed, err := rewrite(path, string(text), next)
			if err != nil {
				return "", err
			}
			next += len(changed.mutants)
			r.mutants = append(r.mutants, changed.mutants...)
			if err := r.put(replace, path, changed.text); err != nil {
				return "", err
			}
		}
		if err := r.put(replace, filepath.Join("internal", name, "zz_mutants.go"), fmt.Sprintf(switchboard, name)); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

func (r *run) put(replace map[string]string, path, text string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	replace[absolute] = filepath.Join(r.dir, strconv.Itoa(len(replace))+".go")
	return os.WriteFile(replace[absolute], []byte(text), 0o600)
}

// compile builds the tests of a package and lists those that match.
func (r *run) compile(ctx context.Context, overlay, name, match string) error {
	dir := filepath.Join("internal", name)
	if tests, _ := filepath.Glob(filepath.Join(dir, "*_test.go")); len(tests) == 0 {
		return nil
	}
	binary := filepath.Join(r.dir, name+".test")
	if said, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "./"+filepath.ToSlash(dir)).CombinedOutput(); err != nil {
		return fmt.Errorf("compile tests of %s: %w\n%s", name, err, said)
	}
	matches, err := regexp.Compile(match)
	if err != nil {
		return err
	}
	list := r.command(ctx, binary, dir, "-test.list", "^(Test|Fuzz|Example)")
	said, err := list.Output()
	if err != nil {
		return fmt.Errorf("list tests of %s: %w", name, err)
	}
	for line := range strings.Lines(string(said)) {
		if line = strings.TrimSpace(line); matches.MatchString(line) {
			r.tests = append(r.tests, test{binary: binary, dir: dir, name: line})
		}
	}
	return nil
}

// survey runs every test alone, as everything is, and notes which guards decided anything.
func (r *run) survey(ctx context.Context) error {
	fmt.Printf("%d tests, each alone\n", len(r.tests))
	return r.each(ctx, len(r.tests), func(i int) error {
		t := &r.tests[i]
		log := filepath.Join(r.dir, "reached."+strconv.Itoa(i))
		start := time.Now()
		if said, err := r.ask(ctx, []test{*t}, "MUTANTS_REACHED="+log); err != nil {
			return fmt.Errorf("%s fails with every guard in place: %w\n%s", t.name, err, said)
		}
		t.took, t.reached = time.Since(start), map[int]bool{}
		f, err := os.Open(log)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				t.reached[n] = true
			}
		}
		return nil
	})
}

// command runs a test binary on the shared cluster.
func (r *run) command(ctx context.Context, binary, dir string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, binary, args...)
	c.Dir, c.Env = dir, append(os.Environ(), apptest.SharedCluster+"="+r.cluster.Dir())
	c.WaitDelay = 5 * time.Second
	return c
}

// ask runs tests of one binary.
func (r *run) ask(ctx context.Context, tests []test, env string) ([]byte, error) {
	var names []string
	for _, t := range tests {
		names = append(names, t.name)
	}
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	c := r.command(ctx, tests[0].binary, tests[0].dir, "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	c.Env = append(c.Env, env)
	return c.CombinedOutput()
}

// try switches each guard off and gives those that nobody missed.
func (r *run) try(ctx context.Context) ([]mutant, error) {
	var mu sync.Mutex
	var survivors []mutant
	done := 0
	err := r.each(ctx, len(r.mutants), func(i int) error {
		noticed := r.noticed(ctx, r.mutants[i])
		mu.Lock()
		defer mu.Unlock()
		if !noticed {
			survivors = append(survivors, r.mutants[i])
		}
		if done++; done%50 == 0 {
			fmt.Printf("%d of %d tried, %d survive\n", done, len(r.mutants), len(survivors))
		}
		return ctx.Err()
	})
	slices.SortFunc(survivors, func(a, b mutant) int { return a.number - b.number })
	return survivors, err
}

// noticed reports whether a test fails without a guard.
func (r *run) noticed(ctx context.Context, m mutant) bool {
	var concerned []test
	for _, t := range r.tests {
		if t.reached[m.number] {
			concerned = append(concerned, t)
		}
	}
	slices.SortStableFunc(concerned, func(a, b test) int { return int(a.took - b.took) })
	for len(concerned) > 0 {
		// A few at a time: as a rule one of the first fails, and each has a database of its own to clone.
		now := concerned[:1]
		for len(now) < min(8, len(concerned)) && concerned[len(now)].binary == now[0].binary {
			now = concerned[:len(now)+1]
		}
		if _, err := r.ask(ctx, now, "MUTANT="+strconv.Itoa(m.number)); err != nil {
			return true
		}
		concerned = concerned[len(now):]
	}
	return false
}

// each does something with every number below count, some at once, until one fails.
func (r *run) each(ctx context.Context, count int, do func(int) error) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	next := 0
	for range r.atOnce {
		all.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := failed != nil || i >= count || ctx.Err() != nil
				mu.Unlock()
				if stop {
					return
				}
				if err := do(i); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return errors.Join(failed, ctx.Err())
}

// report prints survivors and compares them with those that are explained.
func (r *run) report(survivors []mutant) error {
	reasons := map[string]string{}
	for line := range strings.Lines(explained) {
		if name, reason, found := strings.Cut(strings.TrimSpace(line), " — "); found && !strings.HasPrefix(line, "#") {
			reasons[name] = reason
		}
	}
	fresh := 0
	alive := map[string]bool{}
	for _, m := range survivors {
		alive[m.name()] = true
		if reasons[m.name()] != "" {
			continue
		}
		fresh++
		how := "no test notices"
		if !slices.ContainsFunc(r.tests, func(t test) bool { return t.reached[m.number] }) {
			how = "no test gets there"
		}
		fmt.Printf("%s:%d: %s (%s)\n", m.file, m.line, m.name(), how)
	}
	for _, m := range r.mutants {
		if reasons[m.name()] != "" && !alive[m.name()] {
			alive[m.name()] = true // said once
			fresh++
			fmt.Printf("%s:%d: %s is explained in survivors.txt, and a test notices it now\n", m.file, m.line, m.name())
		}
	}
	fmt.Printf("%d guards, %d survive, %d of these explained\n", len(r.mutants), len(survivors), len(survivors)-min(fresh, len(survivors)))
	if fresh > 0 {
		return fmt.Errorf("%d guards to look at", fresh)
	}
	return nil
}
