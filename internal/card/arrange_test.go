package card

import (
	"slices"
	"strings"
	"testing"

	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

func testCard(t *testing.T, item string, chosen portal.CardSettings, fields ...crm.Field) *Card {
	t.Helper()
	card, err := New(t.Context(), testReading(item, fields...), testReader(t, "en"), portal.Settings{Cards: map[string]portal.CardSettings{"2": chosen}}, true)
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// TestShortSectionsStandSideBySide: two that follow each other, and never one that holds much.
func TestShortSectionsStandSideBySide(t *testing.T) {
	fields := []crm.Field{}
	item := `{"id":1`
	for _, name := range strings.Split("abcdefghijkl", "") {
		fields = append(fields, crm.Field{Name: name, Type: "string", Title: strings.ToUpper(name)})
		item += `,"` + name + `":"1"`
	}
	fields = append(fields, crm.Field{Name: "long", Type: "string", Title: "Long"}, crm.Field{Name: "none", Type: "string", Title: "None"})
	item += `,"long":"` + strings.Repeat("word ", 100) + `","none":""}`
	for arrangement, want := range map[string]string{
		"a b|c":             "half half",
		"a b|c|d":           "half half whole",
		"a b|c|d|e":         "half half half half",
		"a b c d|e":         "whole whole",
		"a|b c d e f|g|h":   "whole whole half half",
		"a|none|b":          "half whole half", // what is not shown parts nobody
		"a|long|b":          "whole whole whole",
		"a|none b c d e|f ": "whole whole whole",
	} {
		var chosen portal.CardSettings
		for _, section := range strings.Split(arrangement, "|") {
			chosen.Sections = append(chosen.Sections, portal.CardSection{Title: "S", Fields: strings.Fields(section)})
		}
		var got []string
		for _, s := range testCard(t, item, chosen, fields...).Sections {
			if s.Title == "S" {
				got = append(got, map[bool]string{true: "half", false: "whole"}[s.Half])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", arrangement, strings.Join(got, " "), want)
		}
	}
}

// TestTechnicalFields: what tells a person nothing waits for field codes, and nobody counts it as empty.
func TestTechnicalFields(t *testing.T) {
	card := testCard(t, `{"id":1,"searchContent":"nqzva","entityTypeId":2,"odd":"","repeatSaleSegmentId":[3],"oddFilled":"7","parentId1222":null,"parentId1300":null,"parentId1301":5,"parentId3":null,"note":""}`,
		portal.CardSettings{}, crm.Field{Name: "note", Type: "string", Title: "Note"}, crm.Field{Name: "repeatSaleSegmentId", Type: "crm_repeat_sale_segment_title", Title: "Segments"})
	got := map[string]bool{}
	for _, s := range append(card.Sections, Section{Rows: card.System}) {
		for _, r := range s.Rows {
			got[r.Code] = r.Technical
		}
	}
	for code, want := range map[string]bool{
		"searchContent": true, "entityTypeId": true, "odd": true, "oddFilled": false, "note": false,
		"parentId1300": true, "parentId1301": false, // no such type: shown only where it leads somewhere
	} {
		if technical, ok := got[code]; !ok || technical != want {
			t.Errorf("%s is technical: %t, there: %t", code, technical, ok)
		}
	}
	if !slices.ContainsFunc(card.System, func(r Row) bool { return r.Code == "repeatSaleSegmentId" }) {
		t.Error("what the platform counts for itself stands among people's fields")
	}
	if card.Empty != 1 { // note
		t.Errorf("%d fields are hidden because they are empty, want 1", card.Empty)
	}
}
