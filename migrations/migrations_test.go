package migrations_test

import (
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"itemlens/migrations"
)

var raises = regexp.MustCompile(`(?i)UPDATE\s+schema_support\s+SET\s+oldest\s*=\s*(\d+)`)

// TestEveryMigrationSaysWhichVersionsItSupports: from the one on that made the table, each raises what it says, or tells why
// it need not, so that nobody forgets to ask what replicas of the release before do with it.
func TestEveryMigrationSaysWhichVersionsItSupports(t *testing.T) {
	names, err := fs.Glob(migrations.Files, "*.up.sql")
	if err != nil || len(names) < 12 {
		t.Fatalf("%d migrations, %v", len(names), err)
	}
	for i, name := range names {
		number, err := strconv.Atoi(name[:4])
		if err != nil || number != i+1 {
			t.Errorf("%s is not migration %d", name, i+1)
		}
		if _, err := fs.Stat(migrations.Files, strings.Replace(name, ".up.", ".down.", 1)); err != nil {
			t.Errorf("%s has no way back: %v", name, err)
		}
		content, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		if problem := supportOf(number, string(content)); problem != "" {
			t.Errorf("%s %s", name, problem)
		}
	}
	for text, problem := range map[string]string{
		"ALTER TABLE portals DROP COLUMN scope;":                                             "says nothing of schema_support",
		"UPDATE schema_support SET oldest = 99;":                                             "supports only what comes after it",
		"UPDATE schema_support SET oldest = 13;":                                             "",
		"-- schema_support stays: a column with a default.\nALTER TABLE portals ADD a text;": "",
	} {
		if got := supportOf(13, text); got != problem {
			t.Errorf("%q: %q, want %q", text, got, problem)
		}
	}
}

func supportOf(number int, content string) (problem string) {
	const first = 12 // made the table
	match := raises.FindStringSubmatch(content)
	switch {
	case number <= first:
		return ""
	case match == nil && !strings.Contains(content, "-- schema_support stays:"):
		return "says nothing of schema_support"
	case match == nil:
		return ""
	}
	if oldest, _ := strconv.Atoi(match[1]); oldest > number {
		return "supports only what comes after it"
	}
	return ""
}
