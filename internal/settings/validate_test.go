package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

func TestSettingsAreParsed(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "",
		`{"titles":{"en":"Linse für Ämter ✓"},"cards":{"2":{"top":["title"]}}}`: "",
		`{"cards":{"2":{"hidden":["fm.\u0000"]}}}`:                              "form",
		`{"cards":{"2":{"top":["a\u0000b"]}}}`:                                  "form",
		`{"cards":{"2":{"sections":[{"title":"a\u0000","fields":[]}]}}}`:        "form",
		`{"cards":{"2":{"sections":[{"title":"a","fields":["\u0000"]}]}}}`:      "form",
		`{"cards":{"2\u0000":{}}}`:                                              "form",
		`{"titles":{"en":"a\u0000"}}`:                                           "form",
		`{"titles":{"e\u0000":"a"}}`:                                            "form",
		`{"titles":{"en":"two\nlines"}}`:                                        "form",
		`{"language":"\u0000"}`:                                                 "form",
		`{"codesFor":"\u0000"}`:                                                 "form",
		`{"titles":{"en":"\\u0000"}}`:                                           "", // a text about it
		`{"unknown":1}`:                                                         "settings",
		`[]`:                                                                    "settings",
		``:                                                                      "settings",
		fmt.Sprintf(`{"titles":{"en":%q}}`, strings.Repeat("x", maxSettings)):    "settings",
		fmt.Sprintf(`{"titles":{"en":%q}}`, strings.Repeat("x", maxSettings-50)): "", // too long for a title, which Check says
	} {
		_, err := parse([]byte(text))
		var form *bitrix24.FormError
		got := ""
		switch {
		case errors.As(err, &form):
			got = "form"
		case portal.ProblemOf(err) == portal.InvalidSettings:
			got = "settings"
		case err != nil:
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.60s: %q, want %q", text, got, want)
		}
	}
}

// TestEveryTextOfSettingsIsLookedAt: a part that is added later must not be forgotten.
func TestEveryTextOfSettingsIsLookedAt(t *testing.T) {
	s := portal.Settings{
		TabsOff: []int{1}, Titles: map[string]string{"~1": "~2"}, ShowEmpty: true, CodesFor: "~3", Language: "~4",
		Cards: map[string]portal.CardSettings{"~5": {Sections: []portal.CardSection{{Title: "~6", Fields: []string{"~7"}}}, Hidden: []string{"~8"}, Top: []string{"~9"}}},
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if want, got := strings.Count(string(raw), "~"), strings.Count(strings.Join(texts(s), ""), "~"); want != 9 || got != want {
		t.Errorf("%d of %d texts", got, want)
	}
}

func TestFieldsOfAnArrangementExist(t *testing.T) {
	has := bitrix24.Object{"title": nil, "ufCrm_1": nil}
	for field, known := range map[string]bool{
		"title": true, "ufCrm_1": true, "products": true, "fm.PHONE": true, "fm.EMAIL": true, "fm.WEB": true, "fm.IM": true, "fm.LINK": true,
		"Title": false, "fm.": false, "fm.FAX": false, "fm.phone": false, "fm.PHONE ": false, "fm": false, "": false,
	} {
		for part, card := range map[string]portal.CardSettings{
			"top": {Top: []string{field}}, "hidden": {Hidden: []string{field}}, "section": {Sections: []portal.CardSection{{Fields: []string{field}}}},
		} {
			if unknown := unknownFields(card, has); len(unknown) == 0 != known {
				t.Errorf("%s %q: unknown %q", part, field, unknown)
			}
		}
	}
	if got := unknownFields(portal.CardSettings{Top: []string{"z", "a", "title"}, Hidden: []string{"z"}}, has); strings.Join(got, ",") != "a,z" {
		t.Errorf("%q", got)
	}
}

func TestDifferencesNameTheParts(t *testing.T) {
	before := portal.Settings{TabsOff: []int{1}, Titles: map[string]string{"en": "a"}, Language: "en"}
	after := before
	if got := differences(before, after); len(got) != 0 {
		t.Errorf("%v", got)
	}
	after.TabsOff, after.Language, after.ShowEmpty, after.CodesFor = nil, "", true, portal.Administrators
	after.Titles, after.Cards = map[string]string{"en": "b"}, map[string]portal.CardSettings{"2": {}}
	if got := strings.Join(differences(before, after), " "); got != "tabsOff titles cards showEmpty codesFor language" {
		t.Errorf("%s", got)
	}
}

// TestCategoriesAndTypesOfThePortal reads them as portals write them: ids as numbers or as text.
func TestCategoriesAndTypesOfThePortal(t *testing.T) {
	result := &bitrix24.BatchResult{Result: bitrix24.Object{
		"types":         []byte(`[{"ID":"2"},{"ID":1038,"NAME":"Trips"},{"ID":null}]`),
		"categories2":   []byte(`{"categories":[{"id":0},{"id":"9"}]}`),
		"categories128": []byte(`{"categories":[]}`),
	}}
	known, err := knownTypes(result)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]bool{2: true, 1038: true, 31: true, 5555: false} {
		if _, got := known[id]; got != want {
			t.Errorf("type %d: %t", id, got)
		}
	}
	if known[1038] != "Trips" {
		t.Errorf("names %v", known)
	}
	for category, want := range map[string]bool{"0": true, "9": true, "1": false, "": false} {
		if got := hasCategory(result, 2, category); got != want {
			t.Errorf("%q: %t", category, got)
		}
	}
	result.Result["categories2"] = []byte(`{"categories":[{"id":9},5]}`)
	if hasCategory(result, 2, "9") {
		t.Error("an answer that cannot be read is believed in part")
	}
	if hasCategory(result, 128, "0") || hasCategory(result, 7, "0") {
		t.Error("a category that is not there")
	}
}
