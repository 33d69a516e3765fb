package lens

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
	"itemlens/web/locales"
)

func requestOf(t *testing.T, item string, fields []crm.Field, hidden ...string) *Request {
	t.Helper()
	catalog, err := i18n.Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	read := &crm.Request{
		Reading: &crm.Reading{
			Ref: crm.Ref{EntityTypeID: 2, ID: 20}, Item: crm.ParseItem([]byte(item)),
			Type: &crm.Type{Fields: crm.NewFields(fields), Pipelines: &crm.Pipelines{}, Statuses: crm.NewStatuses(nil), Types: &crm.Types{}, Currencies: crm.NewCurrencies(nil)},
		},
		Method: "crm.item.get", Parameters: bitrix24.Params{"entityTypeId": 2, "id": int64(20)},
		Time: json.RawMessage(`{"duration":0.25,"operating":1.5}`), Took: 250 * time.Millisecond, Operating: 1500 * time.Millisecond,
	}
	chosen := portal.Settings{Cards: map[string]portal.CardSettings{"2": {Hidden: hidden}}}
	r, err := NewRequest(t.Context(), read, card.Reader{L: catalog.For("en")}, chosen, "https://acme.example/rest/")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRequestAsItCame: the answer has every member as it came and in its order, and nothing that is hidden.
func TestRequestAsItCame(t *testing.T) {
	fields := []crm.Field{
		{Name: "id", Type: "integer", Title: "ID", ReadOnly: true}, {Name: "title", Type: "string", Title: "Name", Required: true},
		{Name: "opportunity", Type: "double", Title: "Amount"}, {Name: "fm", Type: "crm_multifield", Title: "FM", Multiple: true},
	}
	const item = `{"id":20,"title":"a \"b\" <c>","opportunity":1.50,"fm":[{"value":"1"}],"list":[],"object":{},"none":null}`
	r := requestOf(t, item, fields)
	const want = `{
  "result": {
    "item": {
      "id": 20,
      "title": "a \"b\" <c>",
      "opportunity": 1.50,
      "fm": [
        {
          "value": "1"
        }
      ],
      "list": [],
      "object": {},
      "none": null
    }
  },
  "time": {
    "duration": 0.25,
    "operating": 1.5
  }
}`
	if r.Answer != want {
		t.Errorf("the answer is\n%s\nwant\n%s", r.Answer, want)
	}
	if r.Took != "0.25 s" || r.Operating != "1.5 s" || r.Cut != "" || r.Address != "https://acme.example/rest/crm.item.get" || r.Parameters != "{\n  \"entityTypeId\": 2,\n  \"id\": 20\n}" {
		t.Errorf("took %q, operating %q, cut %q, %s\n%s", r.Took, r.Operating, r.Cut, r.Address, r.Parameters)
	}
	if len(r.Fields) != 4 || r.Fields[0] != (FieldRow{"id", "integer", "ID", false, true, false}) || !r.Fields[1].Required || !r.Fields[3].Multiple {
		t.Errorf("fields %+v", r.Fields)
	}
	r = requestOf(t, item, fields, "opportunity", "fm.PHONE")
	if strings.Contains(r.Answer, "opportunity") || strings.Contains(r.Answer, `"fm"`) || len(r.Fields) != 2 {
		t.Errorf("what is hidden is told: %+v\n%s", r.Fields, r.Answer)
	}
}

// TestRequestIsBounded: what is too much is cut, and that is said; an answer of any shape costs what its size is.
func TestRequestIsBounded(t *testing.T) {
	if r := requestOf(t, `{"a":[`+strings.TrimSuffix(strings.Repeat(`"x",`, maxAnswer), ",")+`]}`, nil); len(r.Answer) > maxAnswer+100 || !strings.Contains(r.Cut, " of ") || !strings.HasSuffix(r.Answer, "…") {
		t.Errorf("%d bytes, cut: %q", len(r.Answer), r.Cut)
	}
	if r := requestOf(t, `{"a":"`+strings.Repeat("ж", maxAnswer)+`","b":1}`, nil); len(r.Answer) > 1000 || r.Cut == "" {
		t.Errorf("a text of %d bytes is shown, cut: %q", len(r.Answer), r.Cut)
	}
	const deep = 5000
	if r := requestOf(t, `{"a":`+strings.Repeat("[", deep)+`1`+strings.Repeat("]", deep)+`}`, nil); len(r.Answer) > maxAnswer+100 {
		t.Errorf("%d bytes of a deep answer", len(r.Answer))
	}
	fields := make([]crm.Field, maxFieldRows+5)
	for i := range fields {
		fields[i] = crm.Field{Name: "f" + strings.Repeat("i", i%7)}
	}
	if r := requestOf(t, `{"a":1}`, fields); len(r.Fields) != maxFieldRows || r.Beyond != 5 {
		t.Errorf("%d fields and %d beyond", len(r.Fields), r.Beyond)
	}
}

// TestSnippetsQuoteAddresses: the address of a portal is its owner's, and whoever copies a program runs it.
func TestSnippetsQuoteAddresses(t *testing.T) {
	const nasty = `https://o'hara.example/$(id)` + "`id`" + `"\/rest/`
	for _, s := range NewSnippets(nasty, crm.Ref{EntityTypeID: 2, ID: 20})[:2] {
		command := strings.Replace(s.Code, "curl", `printf '%s\n'`, 1)
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command).Output()
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if last := lines[len(lines)-1]; !strings.HasPrefix(last, nasty) || !strings.HasSuffix(last, "crm.item.get") {
			t.Errorf("%s asks at %s", s.Name, last)
		}
	}
	if got := literal("a\"b\\c</x>\u2028"); got != `"a\"b\\c\u003c/x\u003e\u2028"` {
		t.Errorf("a text for Python is %s", got)
	}
}
