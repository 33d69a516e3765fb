package card

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/web/locales"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testNames are the names that the tests know.
type testNames struct{}

func (testNames) Person(id int64) (crm.Person, bool) {
	people := map[int64]crm.Person{7: {Name: "Ann Lee", Photo: "https://portal.example/ann.png"}, 9: {}} // 9 is gone
	person, ok := people[id]
	return person, ok
}

func (testNames) Title(ref crm.Ref) (string, bool) {
	titles := map[crm.Ref]string{{EntityTypeID: 4, ID: 40}: "Nordlicht", {EntityTypeID: 4, ID: 49}: ""} // 49 may not be seen
	title, ok := titles[ref]
	return title, ok
}

func testReader(t testing.TB, lang string) Reader {
	t.Helper()
	catalog, err := i18n.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return Reader{L: catalog.For(lang), Zone: zone, Origin: "https://portal.example"}
}

// testReading is an item of a type that is known.
func testReading(item string, fields ...crm.Field) *crm.Reading {
	return &crm.Reading{
		Ref: crm.Ref{EntityTypeID: bitrix24.Deal, ID: 1}, Item: crm.ParseItem([]byte(item)), Names: testNames{},
		Type: &crm.Type{
			Fields:    crm.NewFields(fields),
			Pipelines: &crm.Pipelines{IDs: []string{"0", "9"}, Names: map[string]string{"0": "General", "9": "Service"}},
			Statuses: crm.NewStatuses([]crm.Status{
				{EntityID: "SOURCE", ID: "CALL", Name: "Call"},
				{EntityID: "DEAL_STAGE", ID: "NEW", Name: "New"},
				{EntityID: "DEAL_STAGE_9", ID: "C9:NEW", Name: "Request"},
			}),
			Types: crm.NewTypes(map[int]string{1222: "Project"}, nil),
			Currencies: crm.NewCurrencies([]crm.Currency{
				{Code: "EUR", Name: "Euro", Format: "# &euro;", DecPoint: ",", ThousandsSep: "&nbsp;", Decimals: 2},
				{Code: "RUB", Name: "Ruble", Format: "# &#8381;", DecPoint: ".", ThousandsSep: " ", Decimals: 0},
			}),
		},
	}
}

const testItem = `{"id":1,"currencyId":"EUR","categoryId":9,"contentType":3,"termsType":1}`

func testFormatter(t testing.TB, lang string) *formatter {
	return newFormatter(testReading(testItem), testReader(t, lang))
}

// typeCase is a type of field with values as portals send them: those of the documentation's pages, and broken ones.
type typeCase struct {
	Field    string            `json:"field"`
	Type     string            `json:"type"`
	Status   string            `json:"statusType"`
	Items    []crm.EnumItem    `json:"items"`
	Settings bitrix24.Object   `json:"settings"`
	Values   []json.RawMessage `json:"values"`
}

// TestEveryTypeOfField shows each type of value, in English and in Russian, as testdata/types.golden has it.
func TestEveryTypeOfField(t *testing.T) {
	raw, err := os.ReadFile("testdata/types.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []typeCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, lang := range []string{"en", "ru"} {
		f := testFormatter(t, lang)
		fmt.Fprintf(&out, "# %s\n", lang)
		for _, c := range cases {
			field := crm.Field{Name: c.Field, Type: c.Type, StatusType: c.Status, Settings: c.Settings, Items: c.Items}.WithChoices()
			fmt.Fprintf(&out, "\n%s (%s)\n", c.Type, c.Field)
			for _, value := range c.Values {
				var rows []Row
				if c.Type == "crm_multifield" {
					rows = f.contactRows(value)
				} else {
					pieces, _ := f.format(&field, crm.WithoutAuthorizationIn(value))
					rows = []Row{{Pieces: pieces}}
				}
				fmt.Fprintf(&out, "  %s\n", value)
				for _, row := range rows {
					if row.Empty() {
						fmt.Fprintf(&out, "    %s-\n", row.Title)
					}
					for _, p := range row.Pieces {
						fmt.Fprintf(&out, "    %s%s\n", row.Title, inWords(p))
					}
				}
			}
		}
		out.WriteString("\n")
	}
	golden(t, "testdata/types.golden", out.String())
}

func inWords(p Piece) string {
	text := fmt.Sprintf("> %s", strings.ReplaceAll(p.Text, "\n", "\\n"))
	if p.HTML != "" {
		text = "> html " + string(p.HTML)
	}
	for name, value := range map[string]string{"raw": map[bool]string{true: "yes"}[p.Raw]} {
		if value != "" {
			text += "  [" + name + "]"
		}
	}
	for _, part := range []struct{ name, value string }{
		{"note", p.Note}, {"type", p.Type}, {"ask", p.Name}, {"photo", p.Photo}, {"link", p.Href}, {"path", p.Path},
	} {
		if part.value != "" {
			text += "  [" + part.name + " " + part.value + "]"
		}
	}
	return text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Fatalf("%s:%d\n got %q\nwant %q\n`go test ./internal/card -update` writes it anew", name, i+1, g, w)
		}
	}
}

// checkFormatted fails where a formatted text holds more than words, shape and links, or does not end where it began.
func checkFormatted(t *testing.T, text string) {
	t.Helper()
	depth := 0
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if depth != 0 {
				t.Errorf("%q leaves %d elements open", text, depth)
			}
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if strings.Contains(" script style img iframe object embed form input svg math link meta base ", " "+token.Data+" ") {
				t.Errorf("%q holds %s", text, token.Data)
			}
			for _, a := range token.Attr {
				address := a.Key == "href" && (strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "https://") ||
					strings.HasPrefix(a.Val, "mailto:") || strings.HasPrefix(a.Val, "tel:") || !strings.Contains(a.Val, ":"))
				if !address && a.Key != "rel" && a.Key != "target" {
					t.Errorf("%q holds %s=%q", text, a.Key, a.Val)
				}
			}
			if token.Data != "br" && token.Data != "hr" {
				depth++
			}
		case html.EndTagToken:
			if depth--; depth < 0 {
				t.Errorf("%q closes what it has not opened", text)
				return
			}
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, kind := range []string{"string", "text", "money", "date", "datetime", "crm", "file", "diskfile", "url", "address", "user", "crm_entity", "crm_status"} {
		f.Add("ufCrm_1", kind, `"1|2"`)
		f.Add("parentId5", kind, `[{"id":1},null,"x"]`)
		f.Add("comments", kind, `"[url=javascript:alert(1)]x[/url] <b onclick=a>y</b>"`)
	}
	format := testFormatter(f, "en")
	f.Fuzz(func(t *testing.T, name, kind, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		pieces, _ := format.format(&crm.Field{Name: name, Type: kind}, json.RawMessage(strings.TrimSpace(value)))
		format.pieces, format.richLeft = format.pieces[:0], maxRichCard
		for _, piece := range pieces {
			for _, scheme := range []string{"https://", "http://", "mailto:", "tel:"} {
				if strings.HasPrefix(piece.Href, scheme) {
					piece.Href = ""
				}
			}
			if piece.Href != "" {
				t.Errorf("link %q", piece.Href)
			}
			checkFormatted(t, string(piece.HTML))
		}
	})
}
