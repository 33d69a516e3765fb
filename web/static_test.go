package web

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPackedFilesAreThoseOfToday: a browser gets the packed file, so an old one is an old page.
func TestPackedFilesAreThoseOfToday(t *testing.T) {
	sources, err := packed.ReadFile("packed/sources")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	for _, entry := range entries {
		plain, err := os.ReadFile("static/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&now, "%x  %s\n", sha256.Sum256(plain), entry.Name())
	}
	if now.String() != string(sources) {
		t.Errorf("packed/ was made of other files than static/ holds now: `go generate ./web/...` packs them anew\n%s\n%s", sources, now.String())
	}
}

// TestModulesComeTogether: a page names all that its script imports, once, so that browsers fetch it at once.
func TestModulesComeTogether(t *testing.T) {
	static, err := NewStatic()
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range static.files {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		source, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(string(source), "\n") {
			if _, module, ok := strings.Cut(line, " from './"); ok && strings.HasPrefix(line, "import ") {
				if module = strings.TrimSuffix(module, "';"); !slices.Contains(file.imports, module) {
					t.Errorf("%s imports %s, which is not among %v", name, module, file.imports)
				}
			}
		}
		sorted := slices.Sorted(slices.Values(file.imports))
		if len(slices.Compact(sorted)) != len(file.imports) || slices.Contains(file.imports, name) {
			t.Errorf("%s imports %v", name, file.imports)
		}
		for i, address := range static.Modules(name) {
			if address != static.Address(file.imports[i]) || address == "" {
				t.Errorf("%s imports %s, at %q", name, file.imports[i], address)
			}
		}
	}
	if len(static.Modules("item.js")) < 5 || slices.Contains(static.Modules("item.js"), static.Address("tools.js")) {
		t.Errorf("the page of an item fetches %v", static.Modules("item.js"))
	}
}
