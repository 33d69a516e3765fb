package i18n_test

import (
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"itemlens/internal/i18n"
	"itemlens/web"
)

func messages(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := fs.ReadFile(web.Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return all
}

func TestEveryLanguageHasEveryMessage(t *testing.T) {
	english := messages(t, "locales/en.json")
	names, _ := fs.Glob(web.Files(), "locales/*.json")
	for _, name := range names {
		other := messages(t, name)
		for id := range english {
			if text, ok := other[id]; !ok || text == "" {
				t.Errorf("%s lacks %s", path.Base(name), id)
			}
		}
		for id := range other {
			if _, ok := english[id]; !ok {
				t.Errorf("%s has %s, English does not", path.Base(name), id)
			}
		}
	}
}

// TestEveryMessageInTemplatesExists looks for {{...T "id"...}} in the templates.
func TestEveryMessageInTemplatesExists(t *testing.T) {
	english := messages(t, "locales/en.json")
	used := regexp.MustCompile(`\.?T "([a-z0-9_.]+)"`)
	names, _ := fs.Glob(web.Files(), "templates/*.html")
	for _, name := range names {
		text, err := fs.ReadFile(web.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range used.FindAllStringSubmatch(string(text), -1) {
			if _, ok := english[match[1]]; !ok {
				t.Errorf("%s uses %s, which does not exist", name, match[1])
			}
		}
	}
}

func TestPluralsAndFormats(t *testing.T) {
	catalog, err := i18n.Load(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lang  string
		count int
		want  string
	}{
		{"en", 1, "1 empty field"}, {"en", 2, "2 empty fields"}, {"ru", 1, "1 пустое поле"}, {"ru", 3, "3 пустых поля"}, {"ru", 11, "11 пустых полей"},
		{"ua", 21, "21 пустое поле"}, {"xx", 5, "5 empty fields"}, {"", 5, "5 empty fields"}, {"RU", 5, "5 пустых полей"},
	} {
		if got := catalog.For(tt.lang).T("item.empty", "Count", tt.count); got != tt.want {
			t.Errorf("%s %d: %q, want %q", tt.lang, tt.count, got, tt.want)
		}
	}
	if got := catalog.For("ru").Amount(1234567.5); strings.ReplaceAll(got, "\u00a0", " ") != "1 234 567,50" {
		t.Errorf("Russian amount %q", got)
	}
	if got := catalog.For("en").Number(-1234.5678, 2); got != "-1,234.57" {
		t.Errorf("English number %q", got)
	}
}
