package crm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"itemlens/internal/bitrix24"
)

// TestWhatAuthorizesIsTakenOutOfItems in every form in which portals have written it.
func TestWhatAuthorizesIsTakenOutOfItems(t *testing.T) {
	for value, want := range map[string]string{
		`"https://x.example/a?auth=SECRET&b=1"`:                                  `"https://x.example/a?b=1"`,
		`"https://x.example/a?auth[ap]=SECRET&b=1"`:                              `"https://x.example/a?b=1"`,
		`"https://x.example/a?auth%5Bap%5D=SECRET"`:                              `"https://x.example/a"`,
		`"https://x.example/a?%61uth=SECRET&b=1"`:                                `"https://x.example/a?b=1"`,
		`"https://x.example/a?%2561uth=SECRET&b=1"`:                              `"https://x.example/a?b=1"`,
		`"https://x.example/a?AUTH_ID=SECRET;b=1"`:                               `"https://x.example/a?b=1"`,
		`"https://x.example/a?access_token=SECRET&b=1"`:                          `"https://x.example/a?b=1"`,
		`"https://x.example/a?sessid=SECRET&b=1"`:                                `"https://x.example/a?b=1"`,
		`"https://x.example/a?b=1#auth=SECRET"`:                                  `"https://x.example/a?b=1"`,
		`"https://x.example/a#b=%20c&token=SECRET"`:                              `"https://x.example/a#b=%20c"`,
		`"https:\/\/x.example\/a\u003fauth=SECRET\u0026b=1"`:                     `"https://x.example/a?b=1"`,
		`"https://ann:SECRET@x.example/a"`:                                       `"https://x.example/a"`,
		`"//ann:SECRET@x.example/a"`:                                             `"//x.example/a"`,
		`"/download.php?auth=SECRET&id=3"`:                                       `"/download.php?id=3"`,
		`"?auth=SECRET&id=3"`:                                                    `"?id=3"`,
		`"https://x.example:port/a?auth=SECRET"`:                                 `"https://x.example:port/a"`,
		`"https://ann:SECRET@x.example:port/a"`:                                  `""`,
		`["https://x.example/?auth=SECRET","plain"]`:                             `["https://x.example/","plain"]`,
		`{"VIEW_URL":"/a?auth[ap]=SECRET&b=1"}`:                                  `{"VIEW_URL":"/a?b=1"}`,
		`{"DOWNLOAD_URL":"/a?auth=SECRET"}`:                                      `{"DOWNLOAD_URL":"/a"}`,
		`{"showUrl":"/a?auth=SECRET","downloadUrl":"/?token=SECRET"}`:            `{"showUrl":"/a","downloadUrl":"/"}`,
		`{"id":1,"urlMachine":"https://x.example/?auth=SECRET"}`:                 `{"id":1}`,
		`{"URLMACHINE":"SECRET","id":1}`:                                         `{"id":1}`,
		`{"id":1, "urlmachine" : {"a":["SECRET",{"b":"}"}]} , "c":2}`:            `{"id":1, "c":2}`,
		`{"\u0075rlMachine":"SECRET"}`:                                           `{}`,
		`{"a":1,"urlMachine":"SECRET","UrlMachine":["SECRET"]}`:                  `{"a":1}`,
		`[{"urlMachine":"SECRET"},[{"urlMachine":null,"url":"/a?auth=SECRET"}]]`: `[{},[{"url":"/a"}]]`,
	} {
		it := ParseItem([]byte(`{"ufCrm_1":` + value + `,"id":5}`))
		got := string(it.Value("ufCrm_1"))
		if !json.Valid([]byte(got)) || strings.Contains(got, "SECRET") {
			t.Errorf("%s becomes %s", value, got)
			continue
		}
		if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s becomes %s, want %s", value, got, want)
		}
		if it.Text("id") != "5" {
			t.Errorf("%s takes its neighbour along", value)
		}
	}
}

// TestOtherTextsStay as they came, byte by byte.
func TestOtherTextsStay(t *testing.T) {
	for _, value := range []string{
		`"What is auth=5? Ask ann@x.example; it is #1"`, `"see https://x.example/?auth=1 for more"`, `"a@b.example"`, `"why?"`, `"C#"`,
		`"https://x.example/books?author=Ann&authors[]=Bo"`, `"https://x.example/a?b=1&c=2#top"`, `"/crm/deal/?id=1"`, `"\u0022?\\"`,
		`{"b":"?","a":[1,2.50,null,true,"C#"]}`, `{"urlMachines":"?"}`, `["urlMachine","#"]`, `7`, `null`, `true`, `[]`, `{}`, `""`,
	} {
		if got := string(ParseItem([]byte(`{"ufCrm_1":` + value + `}`)).Value("ufCrm_1")); got != value {
			t.Errorf("%s becomes %s", value, got)
		}
	}
	if got := WithoutAuthorization("https://x.example/?authorization=1&author=2"); got != "https://x.example/?author=2" {
		t.Error(got)
	}
}

// TestCleaningIsOnePass: a value that is nested as deep as JSON may be takes no longer than a flat one.
func TestCleaningIsOnePass(t *testing.T) {
	nested := func(depth int) []byte {
		return []byte(`{"a":` + strings.Repeat("[", depth) + `"?` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat("]", depth) + `}`)
	}
	took := func(raw []byte) time.Duration {
		start := time.Now()
		ParseItem(raw)
		return time.Since(start)
	}
	took(nested(1))
	flat, deep := took(nested(1)), took(nested(9000))
	if deep > 20*flat+200*time.Millisecond {
		t.Errorf("flat %s, deep %s", flat, deep)
	}
}

func TestPhotosAreLoadedFromTheWebAlone(t *testing.T) {
	for address, want := range map[string]string{
		"https://x.example/a.png":                        "https://x.example/a.png",
		"http://x.example/a.png?auth=SECRET":             "http://x.example/a.png",
		"javascript:alert(1)":                            "",
		"data:image/svg+xml,<svg/>":                      "",
		"//x.example/a.png":                              "",
		"ftp://x.example/a.png":                          "",
		" https://x.example/a.png":                       "",
		"https://x.example/" + strings.Repeat("a", 3000): "",
	} {
		if got := photo(address); got != want {
			t.Errorf("%.60q: %q, want %q", address, got, want)
		}
	}
}

// authorized looks for what authorizes in a value, in its own way.
func authorized(t *testing.T, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, value := range v {
			if strings.EqualFold(name, "urlMachine") {
				t.Errorf("%q stays", name)
			}
			authorized(t, value)
		}
	case []any:
		for _, value := range v {
			authorized(t, value)
		}
	case string:
		rest, isWeb := strings.CutPrefix(v, "https://")
		if !isWeb || strings.ContainsAny(v, " \t\n") {
			return
		}
		host, _, _ := strings.Cut(rest, "/")
		_, query, _ := strings.Cut(rest, "?")
		for _, part := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' || r == '#' }) {
			if name, _, _ := strings.Cut(part, "="); name == "auth" || name == "auth[ap]" || name == "access_token" || name == "%61uth" {
				t.Errorf("%q authorizes", v)
			}
		}
		if strings.ContainsRune(host, '@') && !strings.ContainsAny(host, "?#;") {
			t.Errorf("%q names a user", v)
		}
	}
}

// FuzzParseItem reads items of any shape: members come out in their order, as valid JSON, each as it came unless something
// in it authorizes.
func FuzzParseItem(f *testing.F) {
	f.Add(`{"id":1,"title":"a","id":2}`)
	f.Add(`{"f":{"id":1,"url":"/a?auth=t","urlMachine":"https://x/?auth=t"},"g":["https://x/?auth[ap]=1&b=2"]}`)
	f.Add(`{"a": {"b" : [ {"\u0075rlMachine":{"c":"}]"} } , "https://u:p@x/?%61uth=1;a#token=2" ] }}`)
	f.Add(`{"a":[[[["?"]]]],"b":"\ud800?","c":"\\\"?","":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || !utf8.ValidString(text) {
			return
		}
		it := ParseItem([]byte(text))
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &members) != nil {
			members = nil
		}
		var order []string
		bitrix24.EachMember([]byte(text), func(name, _ []byte) bool {
			if name := bitrix24.Text(name); !slices.Contains(order, name) {
				order = append(order, name)
			}
			return true
		})
		if len(it.Members) != len(members) || len(it.Members) != len(order) {
			t.Fatalf("%d members of %d", len(it.Members), len(members))
		}
		for i, m := range it.Members {
			if m.Name != order[i] {
				t.Errorf("member %d is %q, want %q", i, m.Name, order[i])
			}
			var value any
			if err := json.Unmarshal(m.Value, &value); err != nil {
				t.Fatalf("%q: %s is no JSON", m.Name, m.Value)
			}
			authorized(t, value)
			if !strings.ContainsAny(string(m.Value)+string(members[m.Name]), `?#@\;`) && !strings.Contains(strings.ToLower(string(members[m.Name])), "urlmachine") &&
				string(m.Value) != string(members[m.Name]) {
				t.Errorf("%q: %s becomes %s", m.Name, members[m.Name], m.Value)
			}
		}
	})
}
