package crm

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"itemlens/internal/i18n"
	"itemlens/web"
)

func newFormatter(t testing.TB, lang string) *formatter {
	t.Helper()
	catalog, err := i18n.Load(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return &formatter{
		l: catalog.For(lang), zone: zone, origin: "https://portal.example",
		schema: &Schema{statuses: map[string]map[string]Status{"SOURCE": {"CALL": {Name: "Call"}}}},
		names:  &names{people: map[int64]string{7: "Ann Lee"}, linked: map[Ref]string{{4, 40}: "Nordlicht"}},
	}
}

func TestFormat(t *testing.T) {
	f := newFormatter(t, "en")
	for _, tt := range []struct {
		name, kind, value string
		want              string // "" for an empty value
	}{
		{"title", "string", `"plain"`, "plain"},
		{"title", "string", `null`, ""},
		{"title", "string", `"  "`, ""},
		{"comments", "text", `"[B]bold[/B] [url=https://x.example]link[/url] [1]"`, "bold link [1]"},
		{"comments", "text", `"[B][/B]"`, "[B][/B]"},
		{"phoneWork", "string", `"+1 (202) 555-0134"`, "+1 (202) 555-0134 -> tel:+12025550134"},
		{"emailWork", "string", `"a@example.com"`, "a@example.com -> mailto:a@example.com"},
		{"opened", "boolean", `"Y"`, "Yes"},
		{"opened", "boolean", `false`, "No"},
		{"opened", "char", `"N"`, "No"},
		{"opened", "boolean", `"maybe"`, "raw maybe"},
		{"webformId", "integer", `0`, ""},
		{"probability", "integer", `"0"`, "0"},
		{"probability", "integer", `"x"`, "raw x"},
		{"weight", "double", `1234.5`, "1,234.5"},
		{"price", "money", `"1500.5|EUR"`, "1,500.50\u00a0EUR"},
		{"price", "money", `"broken"`, "raw broken"},
		{"birthdate", "date", `"2000-01-01T02:00:00+02:00"`, "Jan 1, 2000"},
		{"birthdate", "date", `"soon"`, "raw soon"},
		{"createdTime", "datetime", `"2024-07-22T18:00:08+02:00"`, "Jul 22, 2024, 12:00 PM"},
		{"createdTime", "datetime", `"2024-07-22"`, "raw 2024-07-22"},
		{"sourceId", "crm_status", `"CALL"`, "Call"},
		{"sourceId", "crm_status", `"GONE"`, "raw GONE"},
		{"assignedById", "user", `7`, "Ann Lee -> https://portal.example/company/personal/user/7/"},
		{"assignedById", "user", `"8"`, "raw User #8 -> https://portal.example/company/personal/user/8/"},
		{"assignedById", "user", `0`, ""},
		{"observers", "user", `[7,8]`, "Ann Lee -> https://portal.example/company/personal/user/7/ | raw User #8 -> https://portal.example/company/personal/user/8/"},
		{"observers", "user", `[]`, ""},
		{"companyId", "crm_company", `40`, "Nordlicht -> https://portal.example/crm/company/details/40/"},
		{"companyId", "crm_company", `41`, "raw Company #41 -> https://portal.example/crm/company/details/41/"},
		{"parentId1222", "crm_entity", `3`, "raw Smart process item #3 -> https://portal.example/crm/type/1222/details/3/"},
		{"uf", "crm", `"CO_40"`, "Nordlicht -> https://portal.example/crm/company/details/40/"},
		{"uf", "crm", `"T40e_5"`, "raw Smart process item #5 -> https://portal.example/crm/type/1038/details/5/"},
		{"uf", "crm", `"???"`, "raw ???"},
		{"uf", "url", `"https://x.example/a"`, "https://x.example/a -> https://x.example/a"},
		{"uf", "url", `"javascript:alert(1)"`, "javascript:alert(1)"},
		{"uf", "address", `"Main St 1|52.5;13.4|12"`, "Main St 1"},
		{"uf", "file", `{"id":"901","url":"/download?x=1","urlMachine":"https://p/?auth=secret"}`, "File #901 -> https://portal.example/download?x=1"},
		{"uf", "file", `{"id":901,"url":"//evil.example/x"}`, "File #901"},
		{"uf", "file", `null`, ""},
		{"uf", "rest_gauge", `"42;bar"`, "raw 42;bar"},
		{"uf", "rest_gauge", `{"a":1}`, `raw {"a":1}`},
		{"", "", `true`, "raw true"},
	} {
		var shown []string
		for _, p := range f.format(&Field{Name: tt.name, Type: tt.kind, StatusType: "SOURCE"}, json.RawMessage(tt.value)) {
			text := p.Text
			if p.Raw {
				text = "raw " + text
			}
			if p.Href != "" {
				text += " -> " + p.Href
			}
			shown = append(shown, text)
		}
		if got := strings.Join(shown, " | "); got != tt.want {
			t.Errorf("%s %s %s: %q, want %q", tt.name, tt.kind, tt.value, got, tt.want)
		}
	}
}

func TestEnumerations(t *testing.T) {
	f := newFormatter(t, "en")
	field := &Field{Name: "uf", Type: "enumeration", choices: map[string]string{"51": "New"}}
	if got := f.format(field, json.RawMessage(`[51,"52",0]`)); len(got) != 2 || got[0].Text != "New" || got[1].Text != "#52" || !got[1].Raw {
		t.Errorf("%+v", got)
	}
}

func FuzzFormat(f *testing.F) {
	for _, kind := range []string{"string", "money", "date", "datetime", "crm", "file", "url", "address", "user", "crm_entity"} {
		f.Add("ufCrm_1", kind, `"1|2"`)
		f.Add("parentId5", kind, `[{"id":1},null,"x"]`)
	}
	format := newFormatter(f, "en")
	f.Fuzz(func(t *testing.T, name, kind, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		for _, piece := range format.format(&Field{Name: name, Type: kind}, json.RawMessage(strings.TrimSpace(value))) {
			for _, scheme := range []string{"https://", "http://", "mailto:", "tel:"} {
				if strings.HasPrefix(piece.Href, scheme) {
					piece.Href = ""
				}
			}
			if piece.Href != "" {
				t.Errorf("link %q", piece.Href)
			}
		}
	})
}
