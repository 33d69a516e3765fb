package crm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// FuzzCard arranges items, arrangements and product rows of any shape: a portal's answer must not break a page, lose a
// field, or bring an address with a token to the browser.
func FuzzCard(f *testing.F) {
	f.Add(`{"id":1,"title":"a","stageId":"NEW","fm":[{"typeId":"PHONE","value":"1"}],"contactId":3,"contactIds":[3]}`,
		`[{"title":"A","elements":[{"name":"TITLE","optionFlags":"1"},{"name":"CLIENT"},{"name":"PRODUCT_ROW_SUMMARY"}]}]`, `[{"price":"1","quantity":2}]`, `{"top":["title"],"hidden":["id"]}`)
	f.Add(`{"ufCrm_1":{"id":1,"url":"/a?auth=t","urlMachine":"https://x/?auth=t"},"fm":{}}`, `[{"type":"column","elements":[{"elements":[{"name":"UTM"}]}]}]`, `[]`, `{}`)
	f.Add(`[]`, `null`, `{}`, `{"sections":[{"title":"x","fields":["products","fm.PHONE"]}]}`)
	base := newFormatter(f, "en")
	base.schema = &Schema{byName: map[string]*Field{}, byUpper: map[string]*Field{}, categories: map[string]string{}}
	f.Fuzz(func(t *testing.T, itemJSON, layoutJSON, rowsJSON, chosenJSON string) {
		var rows []productRow
		var chosen portal.CardSettings
		if !json.Valid([]byte(itemJSON)) || !json.Valid([]byte(layoutJSON)) || json.Unmarshal([]byte(rowsJSON), &rows) != nil || json.Unmarshal([]byte(chosenJSON), &chosen) != nil {
			return
		}
		it, err := readItem(json.RawMessage(itemJSON))
		if err != nil {
			return
		}
		format := *base
		format.item = it
		card := newCard(Ref{bitrix24.Deal, 1}, &format, chosen, parseLayout(json.RawMessage(layoutJSON), 0), format.products(rows, len(rows)))
		if !json.Valid(card.JSON) {
			t.Errorf("JSON of the item is none: %s", card.JSON)
		}
		if strings.Contains(string(card.JSON), `"urlMachine":`) {
			t.Errorf("an address for applications: %s", card.JSON)
		}
		shown := map[string]int{}
		for _, list := range append(rowsOf(card.Sections), card.System) {
			for _, row := range list {
				if shown[row.Code]++; shown[row.Code] > 1 && !strings.HasPrefix(row.Code, "fm") {
					t.Errorf("%s is shown %d times", row.Code, shown[row.Code])
				}
			}
		}
		for _, name := range it.order {
			if shown[name] == 0 && name != "fm" && !slices.Contains(chosen.Hidden, name) {
				t.Errorf("%s is lost", name)
			}
		}
	})
}
