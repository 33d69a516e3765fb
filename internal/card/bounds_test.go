package card_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
	"itemlens/web/locales"
	"itemlens/web/templates"
)

// reading is an item of which the portal describes each field with a type of its own choice.
func reading(item string, types ...string) *crm.Reading {
	it := crm.ParseItem([]byte(item))
	var fields []crm.Field
	for i, m := range it.Members {
		if len(types) > 0 {
			fields = append(fields, crm.Field{Name: m.Name, Type: types[i%len(types)], Title: "Field " + m.Name, UpperName: strings.ToUpper(m.Name)})
		}
	}
	return &crm.Reading{
		Ref: crm.Ref{EntityTypeID: bitrix24.Deal, ID: 1}, Item: it, Names: nobody{},
		Type: &crm.Type{
			Fields: crm.NewFields(fields), Pipelines: &crm.Pipelines{}, Statuses: crm.NewStatuses(nil), Types: &crm.Types{}, Currencies: crm.NewCurrencies(nil),
		},
	}
}

type nobody struct{}

func (nobody) Person(int64) (crm.Person, bool)  { return crm.Person{}, false }
func (nobody) Title(ref crm.Ref) (string, bool) { return "", false }

func english(t testing.TB) card.Reader {
	t.Helper()
	catalog, err := i18n.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	return card.Reader{L: catalog.For("en"), Origin: "https://portal.example"}
}

// members writes an object of so many fields.
func members(count int, value func(i int) string) string {
	var out strings.Builder
	out.WriteByte('{')
	for i := range count {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `"ufCrm%d":%s`, i, value(i))
	}
	return out.String() + "}"
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

// hostile are answers of eight megabytes, each of a shape that once cost seconds of a processor, or gigabytes.
var hostile = []struct {
	name  string
	types []string
	item  func() string
}{
	{"four hundred thousand fields", nil, func() string { return members(400_000, func(int) string { return "1" }) }},
	{"sixteen thousand described fields", []string{"string", "datetime", "double", "user", "crm_contact"}, func() string {
		return members(16_000, func(i int) string { return quoted(strings.Repeat("x", 400)) })
	}},
	{"a field of two million values", []string{"integer"}, func() string {
		return members(1, func(int) string { return "[" + strings.Repeat("1,", 2_000_000) + "1]" })
	}},
	{"four thousand fields of a thousand links", []string{"user"}, func() string {
		return members(4000, func(int) string { return "[" + strings.Repeat("7,", 999) + "7]" })
	}},
	{"unclosed tables", []string{"text"}, func() string {
		return members(80, func(int) string { return quoted(strings.Repeat("<table>x<tr>x", 7500)) })
	}},
	{"unclosed lists in BBCode", []string{"text"}, func() string {
		return members(80, func(int) string { return quoted(strings.Repeat("[list][*]x[b]", 7500)) })
	}},
	{"one text", []string{"text"}, func() string {
		return members(1, func(int) string { return quoted(strings.Repeat("long <b>text</b> ", 500_000)) })
	}},
	{"addresses", []string{"url"}, func() string {
		return members(1000, func(int) string { return quoted("https://portal.example/?" + strings.Repeat("auth=x&", 1100)) })
	}},
	{"nested lists", []string{"string"}, func() string {
		return members(1, func(int) string { return strings.Repeat("[", 4000) + strings.Repeat("]", 4000) })
	}},
	{"contact details", nil, func() string {
		return `{"fm":[` + strings.TrimSuffix(strings.Repeat(`{"typeId":"PHONE","valueType":"WORK","value":"+1 202 555 0110"},`, 120_000), ",") + `]}`
	}},
}

// draw makes a card and draws it, as a page does.
func draw(ctx context.Context, r *crm.Reading, reader card.Reader) (*card.Card, error) {
	made, err := card.New(ctx, r, reader, portal.Settings{}, true)
	if err != nil {
		return nil, err
	}
	return made, templates.Card(reader.L, made).Render(ctx, io.Discard)
}

// TestAnAnswerOfAnyShapeStaysSmall counts every byte that reading, making and drawing allocate, collected or not.
func TestAnAnswerOfAnyShapeStaysSmall(t *testing.T) {
	reader := english(t)
	for _, tt := range hostile {
		item := tt.item()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if _, err := draw(t.Context(), reading(item, tt.types...), reader); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		runtime.ReadMemStats(&after)
		allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%s: %d MB of answer, %d MB allocated", tt.name, len(item)>>20, allocated)
		if allocated > 100 {
			t.Errorf("%s: an answer of %d MB allocates %d MB", tt.name, len(item)>>20, allocated)
		}
	}
}

// TestWhatIsLeftOutIsTold: nothing that is bounded is dropped in silence.
func TestWhatIsLeftOutIsTold(t *testing.T) {
	reader := english(t)
	html := func(r *crm.Reading) string {
		made, err := card.New(t.Context(), r, reader, portal.Settings{}, true)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := templates.Card(reader.L, made).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, tt := range []struct{ name, item, kind, want string }{
		{"fields", members(crm.MaxMembers+7, func(int) string { return "1" }), "", "7 more fields aren’t shown"},
		{"values", members(1, func(int) string { return "[" + strings.Repeat("1,", 502) + "1]" }), "integer", "3 more values in CRM"},
		{"text", members(1, func(int) string { return quoted(strings.Repeat("x", 300_000)) }), "string", "97.7\u00a0KB of 293\u00a0KB shown"},
		{"JSON", members(1, func(int) string { return quoted(strings.Repeat("x", 3<<20)) }), "string", "too large to copy as JSON"},
		{"contact details", `{"fm":[` + strings.TrimSuffix(strings.Repeat(`{"typeId":"EMAIL","value":"a@b.example"},`, 501), ",") + `]}`, "", "1 more value in CRM"},
	} {
		var types []string
		if tt.kind != "" {
			types = []string{tt.kind}
		}
		if body := html(reading(tt.item, types...)); !strings.Contains(body, tt.want) {
			t.Errorf("%s: the page does not say %q", tt.name, tt.want)
		}
	}
}

// waiter is somebody who goes away after so many looks at the context.
type waiter struct {
	context.Context
	looks int
}

func (w *waiter) Err() error {
	if w.looks--; w.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestACardEndsWhenNobodyWaits: making a card looks at its context every so many fields.
func TestACardEndsWhenNobodyWaits(t *testing.T) {
	reader := english(t)
	r := reading(members(16_000, func(int) string { return `"<b>x</b>"` }), "text")
	gone := &waiter{t.Context(), 3}
	if _, err := card.New(gone, r, reader, portal.Settings{}, true); !errors.Is(err, context.Canceled) {
		t.Errorf("a card was made for nobody: %v", err)
	}
	if gone.looks < -3 { // the one that tells it, and those that pass it on
		t.Errorf("it went on %d times after nobody waited", -gone.looks)
	}
}

// BenchmarkField makes cards of different sizes; ns/field is to stay the same.
func BenchmarkField(b *testing.B) {
	reader := english(b)
	for _, count := range []int{100, 1000, 4000, 16_000} {
		r := reading(members(count, func(i int) string { return quoted(fmt.Sprint("value ", i)) }), "string", "datetime", "double", "boolean")
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			for b.Loop() {
				if _, err := draw(context.Background(), r, reader); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(count), "ns/field")
		})
	}
}

// BenchmarkHostileAnswer tells what the worst answers cost.
func BenchmarkHostileAnswer(b *testing.B) {
	reader := english(b)
	for _, tt := range hostile {
		item := tt.item()
		b.Run(strings.ReplaceAll(tt.name, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				if _, err := draw(context.Background(), reading(item, tt.types...), reader); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
