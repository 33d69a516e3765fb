package card

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// made makes a card with everything that readers may see.
func made(t *testing.T, r *crm.Reading, chosen portal.Settings) *Card {
	t.Helper()
	card, err := New(t.Context(), r, testReader(t, "en"), chosen, true)
	if err != nil {
		t.Fatal(err)
	}
	return card
}

// TestMomentsMoveAndWallClocksDoNot: a field that takes no part in time zones shows its digits, whatever the reader's zone.
func TestMomentsMoveAndWallClocksDoNot(t *testing.T) {
	reader := testReader(t, "en") // in New York
	moment := func(hour int) string { return reader.L.DateTime(time.Date(2026, 7, 1, hour, 30, 0, 0, time.UTC)) }
	for _, tt := range []struct {
		name     string
		settings string
		zone     *time.Location
		want     string
	}{
		{"moves", `{}`, reader.Zone, moment(8)},
		{"moves, told so", `{"USE_TIMEZONE":"Y"}`, reader.Zone, moment(8)},
		{"wall clock", `{"USE_TIMEZONE":"N"}`, reader.Zone, moment(15)},
		{"no zone", `{}`, nil, moment(15)},
		{"wall clock, no zone", `{"USE_TIMEZONE":"N"}`, nil, moment(15)},
	} {
		field := crm.Field{Name: "ufCrm_1", Type: "datetime"}
		if err := json.Unmarshal([]byte(tt.settings), &field.Settings); err != nil {
			t.Fatal(err)
		}
		f := newFormatter(testReading(testItem), Reader{L: reader.L, Zone: tt.zone})
		pieces, _ := f.format(&field, json.RawMessage(`"2026-07-01T15:30:00+03:00"`))
		if pieces[0].Text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, pieces[0].Text, tt.want)
		}
	}
}

// TestDaysAreThoseOfThePortal, on whichever side of Greenwich its server stands and wherever the reader is.
func TestDaysAreThoseOfThePortal(t *testing.T) {
	f := testFormatter(t, "en")
	want := f.L.Date(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	for _, text := range []string{
		"2026-03-01T00:00:00+00:00", "2026-03-01T03:00:00+03:00", "2026-03-01T11:00:00+11:00", "2026-02-28T19:00:00-05:00", "2026-02-28T14:00:00-10:00",
		"2026-03-01T00:00:00+03:00", "2026-03-01T00:00:00-05:00", "2026-03-01", "2026-03-01 00:00:00",
	} {
		if got := f.date(text); got.Text != want || got.Raw {
			t.Errorf("%s: %q, want %q", text, got.Text, want)
		}
	}
	if got := f.date("soon"); got.Text != "soon" || !got.Raw {
		t.Errorf("what is no day: %+v", got)
	}
}

func TestTheTimeOfTheLastCommunicationIsAMoment(t *testing.T) {
	r := testReading(`{"lastCommunicationTime":"2026-07-01T15:30:00+03:00"}`, crm.Field{Name: "lastCommunicationTime", Type: "string", UpperName: "LAST_COMMUNICATION_TIME"})
	want, got := testReader(t, "en").L.DateTime(time.Date(2026, 7, 1, 8, 30, 0, 0, time.UTC)), ""
	card := made(t, r, portal.Settings{})
	for _, section := range append(card.Sections, Section{Rows: card.System}) {
		for _, row := range section.Rows {
			if row.Code == "lastCommunicationTime" {
				got = row.Pieces[0].Text
			}
		}
	}
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestElementsThatStandForFields: what the portal's card calls otherwise than crm.item.get does has its place in ours.
func TestElementsThatStandForFields(t *testing.T) {
	for element, fields := range map[string][]string{
		"LINK":                  {"fm.LINK"},
		"MOVED_BY_ID":           {"movedBy"},
		"ADDRESS":               {"address", "addressCity", "addressCountry"},
		"ADDRESS_LEGAL":         {"addressLegal", "regAddress", "regAddressCity"},
		"COMPANY_TYPE":          {"typeId"},
		"REVENUE_WITH_CURRENCY": {"revenue", "currencyId"},
		"FILES":                 {"storageElementIds"},
		"RECURRING":             {"isRecurring"},
		"CLIENT":                {"companyId", "contactIds"},
		"COMMENTS":              {"comments"}, // by its own name
	} {
		var members []string
		var described []crm.Field
		for _, name := range fields {
			if name == "fm.LINK" {
				members = append(members, `"fm":[{"typeId":"LINK","valueType":"USER","value":"7"}]`)
				continue
			}
			members = append(members, `"`+name+`":"1"`)
			described = append(described, crm.Field{Name: name, Type: "string", UpperName: strings.ToUpper(name)})
		}
		r := testReading(`{`+strings.Join(members, ",")+`,"title":"x"}`, described...)
		r.Arrangement = crm.ParseArrangement([]byte(`[{"title":"Arranged","elements":[{"name":"` + element + `"},{"name":"NO_SUCH"}]}]`))
		var got []string
		for _, section := range made(t, r, portal.Settings{}).Sections {
			if section.Title == "Arranged" {
				for _, row := range section.Rows {
					got = append(got, row.Code)
				}
			}
		}
		if !slices.Equal(got, fields) {
			t.Errorf("%s shows %v, want %v", element, got, fields)
		}
	}
}

// TestChoicesOfferContactDetails where a type describes them as one field alone, and not where it has none.
func TestChoicesOfferContactDetails(t *testing.T) {
	l := testReader(t, "en").L
	codes := func(fields ...crm.Field) (codes []string) {
		for _, choice := range NewChoices(l, bitrix24.Contact, &crm.TypeCard{Type: testReading(`{}`, fields...).Type}).Fields {
			codes = append(codes, choice.Code)
		}
		return codes
	}
	if got := codes(crm.Field{Name: "fm", Type: "crm_multifield"}); !slices.Equal(got, []string{"fm.PHONE", "fm.EMAIL", "fm.WEB", "fm.IM"}) {
		t.Errorf("of a type with fm alone: %v", got)
	}
	if got := codes(crm.Field{Name: "title", Type: "string"}); !slices.Equal(got, []string{"title"}) {
		t.Errorf("of a type without contact details: %v", got)
	}
}

// TestHiddenFieldsAreInNoList: nor in the head, nor in the JSON.
func TestHiddenFieldsAreInNoList(t *testing.T) {
	hide := func(entityType string, names ...string) portal.Settings {
		return portal.Settings{Cards: map[string]portal.CardSettings{entityType: {Hidden: names}}}
	}
	list := func(entityTypeID int, item string, chosen portal.Settings) ListItem {
		known := testReading(item,
			crm.Field{Name: "opportunity", Type: "double"}, crm.Field{Name: "stageId", Type: "crm_status", StatusType: "DEAL_STAGE"}, crm.Field{Name: "updatedTime", Type: "datetime"})
		return NewList(&crm.List{EntityTypeID: entityTypeID, Items: []*crm.Item{known.Item}, Type: known.Type, Names: testNames{}}, testReader(t, "en"), chosen, "").Items[0]
	}
	const item = `{"id":5,"title":"Secret","opportunity":1234,"currencyId":"EUR","stageId":"NEW","updatedTime":"2026-07-01T15:30:00+03:00"}`
	if got := list(bitrix24.Deal, item, portal.Settings{}); got.Title != "Secret" || !strings.Contains(got.Amount, "234") || got.Stage != "New" || got.Updated == "" {
		t.Errorf("nothing hidden: %+v", got)
	}
	if got := list(bitrix24.Deal, item, hide("2", "opportunity", "title", "stageId", "updatedTime")); got.Title != "Deal #5" || got.Amount != "" || got.Stage != "" || got.Updated != "" {
		t.Errorf("hidden: %+v", got)
	}
	const person = `{"id":5,"name":"Ann","lastName":"Secret"}`
	if got := list(bitrix24.Contact, person, portal.Settings{}); got.Title != "Ann Secret" {
		t.Errorf("nothing hidden: %+v", got)
	}
	for _, name := range []string{"name", "lastName"} {
		if got := list(bitrix24.Contact, person, hide("3", name)); got.Title != "Contact #5" {
			t.Errorf("%s hidden: %+v", name, got)
		}
	}
	card := made(t, testReading(item, crm.Field{Name: "title", Type: "string"}, crm.Field{Name: "opportunity", Type: "double"}), hide("2", "title", "opportunity"))
	if strings.Contains(string(card.JSON), "Secret") || strings.Contains(string(card.JSON), "1234") || card.Head.Title != "Deal #1" || card.Head.Amount != "" {
		t.Errorf("head %+v, JSON %s", card.Head, card.JSON)
	}
}

// TestAHiddenKindOfContactDetails is in no row and takes all of them out of the JSON, where they stand together.
func TestAHiddenKindOfContactDetails(t *testing.T) {
	const item = `{"id":1,"fm":[{"typeId":"PHONE","value":"+1 202 555 0110"},{"typeId":"EMAIL","value":"a@b.example"}]}`
	for _, hidden := range []string{"fm.PHONE", "fm"} {
		card := made(t, testReading(item), portal.Settings{Cards: map[string]portal.CardSettings{"2": {Hidden: []string{hidden}}}})
		if strings.Contains(string(card.JSON), "555") || !strings.Contains(string(card.JSON), `"id":1`) {
			t.Errorf("%s hidden: %s", hidden, card.JSON)
		}
		for _, section := range append(card.Sections, Section{Rows: card.System}) {
			for _, row := range section.Rows {
				if row.Code == hidden {
					t.Errorf("%s has a row", hidden)
				}
			}
		}
	}
	if card := made(t, testReading(item), portal.Settings{}); !strings.Contains(string(card.JSON), "555") {
		t.Errorf("nothing hidden: %s", card.JSON)
	}
}

// TestFormattedTextStaysInItsPlace: parts of tables and lists that stand alone, nesting of any depth, and what runs.
func TestFormattedTextStaysInItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"<li>one <b>two</b></li>":                         "one <b>two</b>",
		"<ul><li>one<li>two</ul>":                         "<ul><li>one</li><li>two</li></ul>",
		"<td>one</td> <b>two</b>":                         "one <b>two</b>",
		"<tr><td>one</td></tr> <b>two</b>":                "one <b>two</b>",
		"<table><td>one</td></table>":                     "<table>one</table>",
		"<table><tr><td>1<td>2<tr><td>3</table>":          "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>",
		"</div></article><b>one</b>":                      "<b>one</b>",
		"<b>one":                                          "<b>one</b>",
		"<b>one</b><script>alert(1)</script>":             "<b>one</b>",
		"<b>one</b><style>*{color:red}</style>":           "<b>one</b>",
		"<b onclick='x()' style='x' class='head'>one</b>": "<b>one</b>",
		"<b>one</b><svg><script>alert(1)</script></svg>":  "<b>one</b>",
	} {
		f := testFormatter(t, "en")
		got := f.rich(&crm.Field{Name: "ufCrm_1", Type: "text"}, text)
		if string(got.HTML) != want {
			t.Errorf("%s becomes %s, want %s", text, got.HTML, want)
		}
		checkFormatted(t, string(got.HTML))
	}
	deep := testFormatter(t, "en").rich(&crm.Field{Name: "ufCrm_1", Type: "text"}, strings.Repeat("<div>", 5000)+"<b>words</b>"+strings.Repeat("</div>", 5000))
	if strings.Count(string(deep.HTML), "<div>") != maxDepth || !strings.Contains(string(deep.HTML), "words") {
		t.Errorf("%d elements within each other, %.80s", strings.Count(string(deep.HTML), "<div>"), deep.HTML)
	}
	checkFormatted(t, string(deep.HTML))
}
