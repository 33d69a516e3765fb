package card

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// FuzzCard arranges items, arrangements and product rows of any shape: a portal's answer must not break a page, lose a
// field, or bring an address with a token to the browser.
func FuzzCard(f *testing.F) {
	f.Add(`{"id":1,"title":"a","stageId":"NEW","fm":[{"typeId":"PHONE","value":"1"}],"contactId":3,"contactIds":[3]}`,
		`[{"title":"A","elements":[{"name":"TITLE","optionFlags":"1"},{"name":"CLIENT"},{"name":"PRODUCT_ROW_SUMMARY"}]}]`, `[{"price":"1","quantity":2}]`, `{"top":["title"],"hidden":["id"]}`)
	f.Add(`{"ufCrm_1":{"id":1,"url":"/a?auth=t","urlMachine":"https://x/?auth=t"},"fm":{}}`, `[{"type":"column","elements":[{"elements":[{"name":"UTM"}]}]}]`, `[]`, `{}`)
	f.Add(`[]`, `null`, `{}`, `{"sections":[{"title":"x","fields":["products","fm.PHONE"]}]}`)
	reader := testReader(f, "en")
	f.Fuzz(func(t *testing.T, itemJSON, layoutJSON, rowsJSON, chosenJSON string) {
		var chosen portal.CardSettings
		for _, text := range []string{itemJSON, layoutJSON, rowsJSON} {
			if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
				return
			}
		}
		if json.Unmarshal([]byte(chosenJSON), &chosen) != nil {
			return
		}
		reading := testReading(itemJSON)
		it := reading.Item
		reading.Arrangement = crm.ParseArrangement([]byte(layoutJSON))
		reading.Products.Rows = crm.ParseProductRows([]byte(rowsJSON))
		reading.Products.Total = len(reading.Products.Rows)
		card, err := New(t.Context(), reading, reader, portal.Settings{Cards: map[string]portal.CardSettings{"2": chosen}}, false)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(card.JSON) {
			t.Errorf("JSON of the item is none: %s", card.JSON)
		}
		if strings.Contains(string(card.JSON), `"urlMachine":`) {
			t.Errorf("an address for applications: %s", card.JSON)
		}
		shown := map[string]int{}
		for _, section := range append(card.Sections, Section{Rows: card.System}) {
			for _, row := range section.Rows {
				if shown[row.Code]++; shown[row.Code] > 1 && !strings.HasPrefix(row.Code, "fm") {
					t.Errorf("%s is shown %d times", row.Code, shown[row.Code])
				}
			}
		}
		for _, m := range it.Members {
			if name := m.Name; shown[name] == 0 && name != "fm" && !slices.Contains(chosen.Hidden, name) {
				t.Errorf("%s is lost", name)
			}
		}
	})
}
