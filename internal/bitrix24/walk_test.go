package bitrix24_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"itemlens/internal/bitrix24"
)

// FuzzWalk holds the walkers against encoding/json: the same members in the same order, the same elements, the same texts.
func FuzzWalk(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `""`, `{"a":1,"b":"x\"y\\","c":{"d":[1,"]}"]},"e":[]}`, ` { "a" : [ 1 , { } , "," ] } `, `["\u0041\\",null,true,-1.5e3]`, `{"":""}`, `"\\\""`, `7`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || !utf8.ValidString(text) || strings.Contains(text, "\uFFFD") {
			return
		}
		raw := []byte(text)
		decoder := json.NewDecoder(bytes.NewReader(raw))
		open, _ := decoder.Token()
		var got, want []string
		compact := func(raw []byte) string {
			var out bytes.Buffer
			_ = json.Compact(&out, raw)
			return out.String()
		}
		switch open {
		case json.Delim('{'):
			for decoder.More() {
				name, _ := decoder.Token()
				var value json.RawMessage
				if err := decoder.Decode(&value); err != nil {
					return // deeper than encoding/json goes
				}
				want = append(want, name.(string), compact(value))
			}
			bitrix24.EachMember(raw, func(name, value []byte) bool {
				got = append(got, bitrix24.Text(name), compact(value))
				return true
			})
		case json.Delim('['):
			for decoder.More() {
				var value json.RawMessage
				if err := decoder.Decode(&value); err != nil {
					return
				}
				want = append(want, compact(value))
			}
			bitrix24.EachElement(raw, func(value []byte) bool {
				got = append(got, compact(value))
				return true
			})
		default:
			var s string
			if json.Unmarshal(raw, &s) == nil && !bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
				got, want = append(got, bitrix24.Text(raw)), append(want, s)
			}
		}
		if strings.Join(got, "\x00") != strings.Join(want, "\x00") {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	})
}

// TestWalkersSurviveWhatIsNoJSON: they are for valid JSON alone, but must never run away or panic.
func TestWalkersSurviveWhatIsNoJSON(t *testing.T) {
	for _, text := range []string{`{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":[`, `{"a":"\`, `[`, `[1`, `[,`, `["`, `[{]`, `}`, `]`, `{]`, `"`} {
		bitrix24.EachMember([]byte(text), func(_, _ []byte) bool { return true })
		bitrix24.EachElement([]byte(text), func([]byte) bool { return true })
		bitrix24.Text([]byte(text))
	}
}
