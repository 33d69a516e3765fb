package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one guard that can be taken out.
type mutant struct {
	number int
	file   string // from the module's root
	line   int
	where  string // function in which it stands
	text   string // the condition, or the part of one
	always bool   // counts as fulfilled where it is taken out, as a part of a conjunction does
}

// name tells a mutant from others for as long as its code stays what it is, wherever it moves in its file.
func (m mutant) name() string {
	return fmt.Sprintf("%s %s: %s", strings.TrimPrefix(m.file, "internal/"), m.where, m.text)
}

// number tells guards apart that stand in one function with the same words.
func number(mutants []mutant) {
	seen := map[string]int{}
	for i := range mutants {
		name := mutants[i].name()
		if seen[name]++; seen[name] > 1 {
			mutants[i].text += fmt.Sprintf(" (no. %d)", seen[name])
		}
	}
}

// source is a file with its guards made switchable.
type source struct {
	path, text string
	mutants    []mutant
}

// rewriter wraps conditions of a file in calls that can leave them out.
type rewriter struct {
	files    *token.FileSet
	original string
	path     string
	where    string
	next     int
	edits    []edit
	mutants  []mutant
}

type edit struct {
	from, to int
	text     string
}

// rewrite finds the guards of a file. Numbers begin with next.
func rewrite(path, original string, next int) (source, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, original, parser.SkipObjectResolution)
	if err != nil {
		return source{}, fmt.Errorf("parse %s: %w", path, err)
	}
	r := &rewriter{files: files, original: original, path: filepath.ToSlash(path), next: next}
	for _, declaration := range parsed.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Body == nil {
			continue
		}
		r.where = function.Name.Name
		ast.Inspect(function.Body, func(node ast.Node) bool {
			switch statement := node.(type) {
			case *ast.IfStmt:
				r.condition(statement.Cond)
			case *ast.SwitchStmt:
				if statement.Tag != nil {
					break
				}
				for _, clause := range statement.Body.List {
					for _, condition := range clause.(*ast.CaseClause).List {
						r.condition(condition)
					}
				}
			}
			return true
		})
	}
	text := original
	slices.SortFunc(r.edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range r.edits {
		text = text[:e.from] + e.text + text[e.to:]
	}
	return source{path, text, r.mutants}, nil
}

// condition makes a whole condition switchable, and each of its parts. Functions inside a condition are left as they are.
func (r *rewriter) condition(cond ast.Expr) {
	if plumbing(cond) || hasFunction(cond) {
		return
	}
	text := r.wrap(cond, false, r.parts(cond))
	r.edits = append(r.edits, edit{r.offset(cond.Pos()), r.offset(cond.End()), text})
}

// parts writes a condition with its operands made switchable.
func (r *rewriter) parts(cond ast.Expr) string {
	binary, ok := cond.(*ast.BinaryExpr)
	if !ok || binary.Op != token.LOR && binary.Op != token.LAND {
		return r.source(cond)
	}
	operand := func(e ast.Expr) string {
		inner := r.parts(e)
		if same, ok := e.(*ast.BinaryExpr); ok && same.Op == binary.Op {
			return inner // a || b || c has three parts
		}
		return r.wrap(e, binary.Op == token.LAND, inner)
	}
	return operand(binary.X) + " " + binary.Op.String() + " " + operand(binary.Y)
}

func (r *rewriter) wrap(cond ast.Expr, always bool, inner string) string {
	m := mutant{
		number: r.next, file: r.path, line: r.files.Position(cond.Pos()).Line, where: r.where,
		text: strings.Join(strings.Fields(r.source(cond)), " "), always: always,
	}
	r.next++
	r.mutants = append(r.mutants, m)
	name := "mutantFalse"
	if always {
		name, r.mutants[len(r.mutants)-1].text = "mutantTrue", m.text+" (as if true)"
	}
	return fmt.Sprintf("%s(%d, %s)", name, m.number, inner)
}

func (r *rewriter) offset(at token.Pos) int { return r.files.Position(at).Offset }

func (r *rewriter) source(e ast.Expr) string { return r.original[r.offset(e.Pos()):r.offset(e.End())] }

// plumbing reports whether a condition only passes an error on, or notes that there is none: without it nothing works,
// and every test would have to fail once for each.
func plumbing(cond ast.Expr) bool {
	binary, ok := cond.(*ast.BinaryExpr)
	if !ok || binary.Op != token.NEQ && binary.Op != token.EQL {
		return false
	}
	left, isName := binary.X.(*ast.Ident)
	right, isNil := binary.Y.(*ast.Ident)
	return isName && isNil && right.Name == "nil" && (left.Name == "err" || strings.HasSuffix(left.Name, "Err"))
}

func hasFunction(cond ast.Expr) bool {
	found := false
	ast.Inspect(cond, func(node ast.Node) bool {
		_, isFunction := node.(*ast.FuncLit)
		found = found || isFunction
		return true
	})
	return found
}

// switchboard is what each package gets besides: the switches, and a record of which would have changed anything.
const switchboard = `package %s

import (
	"os"
	"strconv"
	"sync"
)

var (
	mutantOut, _ = strconv.Atoi(os.Getenv("MUTANT"))
	mutantLog    = os.Getenv("MUTANTS_REACHED")
	mutantSeen   sync.Map
)

func mutantFalse[B ~bool](n int, cond B) B {
	if bool(cond) {
		mutantReached(n)
	}
	return cond && B(n != mutantOut)
}

func mutantTrue[B ~bool](n int, cond B) B {
	if !bool(cond) {
		mutantReached(n)
	}
	return cond || B(n == mutantOut)
}

func mutantReached(n int) {
	if mutantLog == "" {
		return
	}
	if _, seen := mutantSeen.LoadOrStore(n, true); seen {
		return
	}
	f, err := os.OpenFile(mutantLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.WriteString(strconv.Itoa(n) + "\n")
}
`
