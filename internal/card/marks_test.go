package card

import (
	"strings"
	"testing"
	"time"

	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// marked makes the card of an item at a moment and tells what is said of a field's value.
func marked(t *testing.T, code, item, now string, fields ...crm.Field) *Mark {
	t.Helper()
	reading := testReading(item, fields...)
	reading.Type.Statuses = crm.NewStatuses([]crm.Status{
		{EntityID: "DEAL_STAGE", ID: "NEW", Name: "New"}, {EntityID: "DEAL_STAGE", ID: "WON", Name: "Won", Semantics: "S"},
		{EntityID: "DEAL_STAGE", ID: "LOSE", Name: "Lost", Semantics: "F"},
	})
	reader := testReader(t, "en") // who reads lives in New York
	reader.Now = moment(t, now)
	return markOf(t, reading, reader, code)
}

func markOf(t *testing.T, reading *crm.Reading, reader Reader, code string) *Mark {
	t.Helper()
	made, err := New(t.Context(), reading, reader, portal.Settings{}, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(made.Sections, Section{Rows: made.System}) {
		for _, row := range s.Rows {
			if row.Code == code {
				return row.Mark
			}
		}
	}
	t.Fatalf("the card has no %s", code)
	return nil
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestPassedEnd: an end that has passed is told of an item in work, in whole days of the reader's calendar.
func TestPassedEnd(t *testing.T) {
	fields := []crm.Field{{Name: "closedate", Type: "date", Title: "End"}, {Name: "stageId", Type: "crm_status", StatusType: "DEAL_STAGE", Title: "Stage"}}
	const noon = "2026-11-24T12:00:00Z"
	for _, c := range []struct{ name, stage, end, now, want string }{
		{"long ago", `"stageId":"NEW"`, "2026-11-01T03:00:00+03:00", noon, "23 days overdue"},
		{"yesterday", `"stageId":"NEW"`, "2026-11-23T03:00:00+03:00", noon, "1 day overdue"},
		{"today", `"stageId":"NEW"`, "2026-11-24T03:00:00+03:00", noon, ""},
		{"still today in New York", `"stageId":"NEW"`, "2026-11-24T03:00:00+03:00", "2026-11-25T03:00:00Z", ""},
		{"tomorrow", `"stageId":"NEW"`, "2026-11-25T03:00:00+03:00", noon, ""},
		{"won", `"stageId":"WON"`, "2026-11-01", noon, ""},
		{"lost", `"stageId":"LOSE"`, "2026-11-01", noon, ""},
		{"a stage that is not described, in work", `"stageId":"X","stageSemanticId":"P"`, "2026-11-01", noon, "23 days overdue"},
		{"a stage that is not described, won", `"stageId":"X","stageSemanticId":"S"`, "2026-11-01", noon, ""},
		{"nobody knows whether it is in work", `"stageId":"X"`, "2026-11-01", noon, ""},
		{"no stages", `"a":1`, "2026-11-01", noon, ""},
		{"no date", `"stageId":"NEW"`, "soon", noon, ""},
	} {
		mark := marked(t, "closedate", `{"id":1,"closedate":"`+c.end+`",`+c.stage+`}`, c.now, fields...)
		if got := textOf(mark); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	reading := testReading(`{"id":1,"stageId":"NEW","closedate":"2026-11-23T03:00:00+03:00","createdTime":"2026-11-01T10:00:00+09:00"}`, fields...)
	abroad := Reader{L: testReader(t, "en").L, Now: moment(t, "2026-11-23T16:00:00Z")}
	if got := textOf(markOf(t, reading, abroad, "closedate")); got != "1 day overdue" {
		t.Errorf("a reader without a time zone: %q; the portal's calendar shows the 24th already", got)
	}
	reading.Item = crm.ParseItem([]byte(`{"id":1,"stageId":"NEW","closedate":"2026-11-23T03:00:00+03:00"}`))
	if got := textOf(markOf(t, reading, Reader{L: abroad.L}, "closedate")); got != "" {
		t.Errorf("at no time: %q", got)
	}
}

func textOf(m *Mark) string {
	if m == nil {
		return ""
	}
	return m.Text
}

// TestRequiredField: a required field without a value is marked, and is seen while empty ones are hidden.
func TestRequiredField(t *testing.T) {
	for _, c := range []struct {
		name, item string
		field      crm.Field
		want       bool
	}{
		{"empty", `""`, crm.Field{Required: true}, true},
		{"null", `null`, crm.Field{Required: true}, true},
		{"a list of nothing", `[]`, crm.Field{Required: true, Multiple: true}, true},
		{"filled", `"x"`, crm.Field{Required: true}, false},
		{"not required", `""`, crm.Field{}, false},
		{"written by the platform alone", `""`, crm.Field{Required: true, ReadOnly: true}, false},
	} {
		c.field.Name, c.field.Title, c.field.Type = "ufCrm_1", "Contract", "string"
		mark := marked(t, "ufCrm_1", `{"id":1,"ufCrm_1":`+c.item+`}`, "2026-11-24T12:00:00Z", c.field)
		if (mark != nil) != c.want {
			t.Errorf("%s: %q", c.name, textOf(mark))
		}
	}
	reading := testReading(`{"id":1,"ufCrm_1":"","ufCrm_2":""}`, crm.Field{Name: "ufCrm_1", UpperName: "UF_1", Title: "Contract", Required: true}, crm.Field{Name: "ufCrm_2", UpperName: "UF_2", Title: "Note"})
	reading.Arrangement = crm.ParseArrangement([]byte(`[{"title":"A","elements":[{"name":"UF_1"},{"name":"UF_2"}]}]`))
	made, err := New(t.Context(), reading, testReader(t, "en"), portal.Settings{}, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range made.Sections {
		for _, row := range s.Rows {
			if row.Always != (row.Code == "ufCrm_1") {
				t.Errorf("%s is shown while empty: %t", row.Code, row.Always)
			}
		}
	}
	if made.Empty != 1 {
		t.Errorf("%d empty fields are hidden, want 1", made.Empty)
	}
}

// TestSumWithinArabic: a negative sum keeps its sign in front where the words around it run from right to left.
func TestSumWithinArabic(t *testing.T) {
	reading := testReading(`{"id":1,"currencyId":"EUR","opportunity":100}`, crm.Field{Name: "opportunity", Type: "double", Title: "Amount"})
	reading.Products = crm.ProductRows{Rows: crm.ParseProductRows([]byte(`[{"price":119,"quantity":1}]`)), Total: 1}
	if got := textOf(markOf(t, reading, testReader(t, "ar"), "opportunity")); !strings.Contains(got, "\u2066-19,00\u00a0€\u2069") {
		t.Errorf("%q", got)
	}
}

// TestAmountAgainstProducts: the amount says by how much it differs from its products, and whether that is meant so; once
// all rows are known.
func TestAmountAgainstProducts(t *testing.T) {
	const taxed, untaxed = `{"productName":"a","price":119,"priceExclusive":100,"quantity":1,"taxRate":19}`, `{"productName":"a","price":100,"priceExclusive":100,"quantity":1,"taxRate":null}`
	for _, c := range []struct {
		name, item, row, want string
		total                 int
		calm                  bool
	}{
		{"the same", `"opportunity":119`, taxed, "", 1, false},
		{"more", `"opportunity":130,"isManualOpportunity":"N"`, taxed, "Differs from the products by 11,00\u00a0€", 1, false},
		{"by hand", `"opportunity":100,"isManualOpportunity":"Y"`, taxed, "Entered manually; differs from the products by -19,00\u00a0€", 1, true},
		{"rows are missing", `"opportunity":500`, taxed, "", 2, false},
		{"tax by location", `"opportunity":119,"taxValue":19`, untaxed, "", 1, false},
		{"tax that the rows hold already", `"opportunity":138,"taxValue":19`, taxed, "Differs from the products by 19,00\u00a0€", 1, false},
	} {
		reading := testReading(`{"id":1,"currencyId":"EUR",`+c.item+`}`, crm.Field{Name: "opportunity", Type: "double", Title: "Amount"})
		reading.Products = crm.ProductRows{Rows: crm.ParseProductRows([]byte("[" + c.row + "]")), Total: c.total}
		mark := markOf(t, reading, testReader(t, "en"), "opportunity")
		if got := textOf(mark); got != c.want || mark != nil && mark.Calm != c.calm {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		made, err := New(t.Context(), reading, testReader(t, "en"), portal.Settings{}, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := textOf(made.Head.AmountMark); got != c.want {
			t.Errorf("%s: the head says %q", c.name, got)
		}
		if got := NewProducts(reading, testReader(t, "en"), portal.Settings{}).Differs; (got != "") != (c.want != "") || !strings.HasSuffix(c.want, got) {
			t.Errorf("%s: the rows alone differ by %q", c.name, got)
		}
	}
}
