package main

import (
	"go/format"
	"strings"
	"testing"
)

const before = `package p

func f(a, b, c bool, err error, n int) int {
	if err != nil {
		return 1
	}
	if a || b && c {
		return 2
	}
	switch {
	case n > 3, !a:
		return 3
	}
	if x := n + 1; x < 0 {
		return 4
	}
	if func() bool { return a }() {
		return 5
	}
	return 6
}
`

// Every condition and every part of one gets a switch; passing errors on gets none, and the code means the same.
func TestGuardsGetSwitches(t *testing.T) {
	got, err := rewrite("internal/p/p.go", before, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"if err != nil {",
		"if mutantFalse(14, mutantFalse(10, a) || mutantFalse(13, mutantTrue(11, b) && mutantTrue(12, c))) {",
		"case mutantFalse(15, n > 3), mutantFalse(16, !a):",
		"if x := n + 1; mutantFalse(17, x < 0) {",
		"if func() bool { return a }() {",
	} {
		if !strings.Contains(got.text, want) {
			t.Errorf("lacks %s:\n%s", want, got.text)
		}
	}
	if _, err := format.Source([]byte(got.text)); err != nil {
		t.Errorf("what came of it does not parse: %v", err)
	}
	if len(got.mutants) != 8 {
		t.Errorf("%d guards, want 8", len(got.mutants))
	}
	if name := got.mutants[1].name(); name != "p/p.go f: b (as if true)" {
		t.Errorf("a guard is called %q", name)
	}
}

// Two guards of one function that read alike have different names, so that a reason for one is none for the other.
func TestGuardsThatReadAlikeAreToldApart(t *testing.T) {
	got, err := rewrite("internal/p/p.go", "package p\n\nfunc f(a bool) {\n\tif a {\n\t}\n\tif a {\n\t}\n}\n\nfunc g(a bool) {\n\tif a {\n\t}\n}\n", 1)
	if err != nil {
		t.Fatal(err)
	}
	number(got.mutants)
	var names []string
	for _, m := range got.mutants {
		names = append(names, m.name())
	}
	if got, want := strings.Join(names, "; "), "p/p.go f: a; p/p.go f: a (no. 2); p/p.go g: a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
