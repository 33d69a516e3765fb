package i18n_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"itemlens/internal/i18n"
	"itemlens/web/locales"
)

func messages(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := fs.ReadFile(locales.Files, name)
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
	english := messages(t, "en.json")
	names, _ := fs.Glob(locales.Files, "*.json")
	for _, name := range names {
		other := messages(t, name)
		for id := range english {
			text, ok := other[id]
			if !ok || text == "" {
				t.Errorf("%s lacks %s", path.Base(name), id)
			}
			if got, want := placeholders(text), placeholders(english[id]); got != want {
				t.Errorf("%s: %s has the placeholders %s, want %s", path.Base(name), id, got, want)
			}
		}
		for id := range other {
			if _, ok := english[id]; !ok {
				t.Errorf("%s has %s, English does not", path.Base(name), id)
			}
		}
	}
}

// placeholders are what a message leaves open, each named once.
func placeholders(message any) string {
	text, _ := json.Marshal(message)
	found := regexp.MustCompile(`\{\{\.\w+\}\}|%`).FindAllString(string(text), -1)
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

// TestPluralFormsAreThoseOfTheLanguage holds every message with plural forms against the categories of its language: with
// one missing the page would show the message's id, one too many would never be chosen.
func TestPluralFormsAreThoseOfTheLanguage(t *testing.T) {
	categories := map[string]string{"ar": "few many one other two zero", "ja": "other", "vi": "other", "zh-Hans": "other"}
	for _, lang := range []string{"de", "en", "kk", "tr"} {
		categories[lang] = "one other"
	}
	for _, lang := range []string{"es", "fr", "it", "pt-BR"} {
		categories[lang] = "many one other"
	}
	for _, lang := range []string{"pl", "ru", "uk"} {
		categories[lang] = "few many one other"
	}
	english := messages(t, "en.json")
	for lang, want := range categories {
		for id, message := range messages(t, lang+".json") {
			forms, plural := message.(map[string]any)
			if _, ok := english[id].(map[string]any); ok != plural {
				t.Errorf("%s: %s has plural forms in one of it and English only", lang, id)
			}
			if !plural {
				continue
			}
			if got := strings.Join(slices.Sorted(maps.Keys(forms)), " "); got != want {
				t.Errorf("%s: %s has the forms %s, want %s", lang, id, got, want)
			}
			for form, text := range forms {
				if !strings.Contains(fmt.Sprint(text), "{{.Count}}") {
					t.Errorf("%s: %s, %s does not say the number", lang, id, form)
				}
			}
		}
	}
}

// TestTextsKeepToTheRulesOfVoice checks what of web/locales/README.md a machine can see.
func TestTextsKeepToTheRulesOfVoice(t *testing.T) {
	names, _ := fs.Glob(locales.Files, "*.json")
	straight, id := regexp.MustCompile(`['"]`), regexp.MustCompile(`\bids?\b`)
	for _, name := range names {
		for key, message := range messages(t, name) {
			texts, plural := message.(map[string]any)
			if !plural {
				texts = map[string]any{"": message}
			}
			for _, text := range texts {
				text := fmt.Sprint(text)
				if straight.MatchString(text) {
					t.Errorf("%s: %s has a straight quote or apostrophe: %s", name, key, text)
				}
				if id.MatchString(text) {
					t.Errorf("%s: %s writes ID small: %s", name, key, text)
				}
				separator := strings.Trim(text, " ,、،") == "" // between the parts of a list
				if text != strings.TrimSpace(text) && !separator || strings.Contains(text, "  ") || strings.Contains(text, "...") {
					t.Errorf("%s: %s has stray spaces, or dots for an ellipsis: %q", name, key, text)
				}
			}
		}
	}
}

// TestEveryMessageInTemplatesExists looks for T("id") in the templates and in the code.
func TestEveryMessageInTemplatesExists(t *testing.T) {
	english := messages(t, "en.json")
	used := regexp.MustCompile(`\bT\("([a-z0-9_.]+)"[,)]`)
	var names []string
	for _, pattern := range []string{"../../web/templates/*.templ", "../*/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		names = append(names, found...)
	}
	count := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range used.FindAllStringSubmatch(string(text), -1) {
			count++
			if _, ok := english[match[1]]; !ok {
				t.Errorf("%s uses %s, which does not exist", name, match[1])
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d messages found in %d files", count, len(names))
	}
}

func TestPluralsAndFormats(t *testing.T) {
	catalog, err := i18n.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lang  string
		count int
		want  string
	}{
		{"en", 1, "1 row"}, {"en", 2, "2 rows"}, {"ru", 1, "1 строка"}, {"ru", 3, "3 строки"}, {"ru", 11, "11 строк"}, {"ru", 21, "21 строка"},
		{"xx", 5, "5 rows"}, {"", 5, "5 rows"}, {"RU", 5, "5 строк"}, {"de", 1, "1 Zeile"}, {"la", 2, "2 filas"}, {"br", 1, "1 linha"}, {"fr", 0, "0 ligne"},
		{"pl", 2, "2 wiersze"}, {"pl", 5, "5 wierszy"}, {"pl", 22, "22 wiersze"}, {"it", 2, "2 righe"}, {"tr", 2, "2 satır"}, {"ua", 2, "2 рядки"}, {"kz", 2, "2 жол"},
		{"vn", 2, "2 dòng"}, {"sc", 2, "2 行"}, {"tc", 2, "2 行"}, {"ja", 2, "2 行"}, {"ar", 2, "صفان (2)"}, {"ar", 5, "5 صفوف"}, {"ar", 11, "11 صفًا"}, {"ar", 100, "100 صف"},
		{"hi", 1, "1 row"}, {"th", 1, "1 row"}, {"ms", 1, "1 row"}, {"id", 1, "1 row"},
	} {
		if got := catalog.For(tt.lang).T("products.count", "Count", tt.count); got != tt.want {
			t.Errorf("%s %d: %q, want %q", tt.lang, tt.count, got, tt.want)
		}
	}
	for lang, want := range map[string]string{"es": "la", "pt-BR": "br", "uk": "ua", "kk": "kz", "vi": "vn", "zh-Hans": "sc", "en": "en", "de": "de"} {
		if got := i18n.PlatformCode(lang); got != want {
			t.Errorf("the platform calls %s %q, want %q", lang, got, want)
		}
	}
	if len(catalog.Languages()) != 15 {
		t.Errorf("languages %v", catalog.Languages())
	}
	if ar := catalog.For("ar"); ar.Dir() != "rtl" || catalog.For("en").Dir() != "ltr" || ar.Number(1234.5, 1) != "1,234.5" {
		t.Errorf("Arabic: %s, %q", ar.Dir(), ar.Number(1234.5, 1))
	}
	if got := catalog.For("ru").Amount(1234567.5); strings.ReplaceAll(got, "\u00a0", " ") != "1 234 567,50" {
		t.Errorf("Russian amount %q", got)
	}
	if got := catalog.For("en").Number(-1234.5678, 2); got != "-1,234.57" {
		t.Errorf("English number %q", got)
	}
}

// TestEveryMessageIsUsed finds messages that nothing asks for any more: each is named in a template, in the code, or begins
// as a name that is put together there ("problem." + code, "type.%d").
func TestEveryMessageIsUsed(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"../../web/templates/*.templ", "../../web/templates/*.go", "../*/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	code := source.String()
	var prefixes []string
	for _, match := range regexp.MustCompile(`"([a-z_]+\.(?:[a-z_]+\.)*)(?:"\s*\+|%d")`).FindAllStringSubmatch(code, -1) {
		prefixes = append(prefixes, match[1])
	}
	for id := range messages(t, "en.json") {
		if !strings.Contains(code, `"`+id+`"`) && !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(id, prefix) }) {
			t.Errorf("nothing uses %s", id)
		}
	}
}
