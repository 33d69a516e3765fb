package bitrix24

import (
	"bytes"
	"encoding/json"
	"strings"
)

// EachMember walks the members of an object in the order in which they are written, until do returns false. raw must be
// valid JSON, as every answer of Batch is; names and values are parts of it and must not be changed. A list counts as an
// empty object, because PHP knows one kind of array; so does everything else that is no object. It is one pass that copies
// nothing: a page reads hundreds of values this way.
func EachMember(raw []byte, do func(name, value []byte) bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	for at := SkipBlanks(raw, 1); at < len(raw) && raw[at] == '"'; {
		nameEnd := EndOfText(raw, at)
		valueStart := SkipBlanks(raw, SkipBlanks(raw, nameEnd)+1) // over the colon
		valueEnd := EndOfValue(raw, valueStart)
		if valueStart >= len(raw) || !do(raw[at:nameEnd], raw[valueStart:valueEnd]) {
			return
		}
		at = SkipBlanks(raw, valueEnd)
		if at >= len(raw) || raw[at] != ',' {
			return
		}
		at = SkipBlanks(raw, at+1)
	}
}

// EachElement walks the values of a list as EachMember walks those of an object. A value that is no list is its own only
// element; nothing at all has none.
func EachElement(raw []byte, do func(value []byte) bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return
	}
	if raw[0] != '[' {
		do(raw)
		return
	}
	for at := SkipBlanks(raw, 1); at < len(raw) && raw[at] != ']'; {
		end := EndOfValue(raw, at)
		if end == at || !do(raw[at:end]) {
			return
		}
		at = SkipBlanks(raw, end)
		if at >= len(raw) || raw[at] != ',' {
			return
		}
		at = SkipBlanks(raw, at+1)
	}
}

// Text is what a JSON scalar says: a text without its quotes, a number or a flag as it is written; empty for null, lists
// and objects.
func Text(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null":
		return ""
	case raw[0] != '"':
		return string(raw)
	case len(raw) < 2:
		return ""
	case bytes.IndexByte(raw, '\\') < 0:
		return strings.ToValidUTF8(string(raw[1:len(raw)-1]), "\uFFFD")
	}
	var text string
	_ = json.Unmarshal(raw, &text)
	return text
}

// SkipBlanks is the place of the next character from a place on that is no blank.
func SkipBlanks(raw []byte, at int) int {
	for at < len(raw) && (raw[at] == ' ' || raw[at] == '\n' || raw[at] == '\t' || raw[at] == '\r') {
		at++
	}
	return at
}

// EndOfText is the place after a text that begins at a place.
func EndOfText(raw []byte, at int) int {
	for at++; at < len(raw); {
		quote := bytes.IndexByte(raw[at:], '"')
		if quote < 0 {
			return len(raw)
		}
		at += quote
		escapes := 0
		for raw[at-1-escapes] == '\\' {
			escapes++
		}
		at++
		if escapes%2 == 0 {
			return at
		}
	}
	return len(raw)
}

// EndOfValue is the place after a value that begins at a place.
func EndOfValue(raw []byte, at int) int {
	if at >= len(raw) {
		return len(raw)
	}
	switch raw[at] {
	case '"':
		return EndOfText(raw, at)
	case '{', '[':
		for depth := 0; at < len(raw); {
			switch raw[at] {
			case '"':
				at = EndOfText(raw, at)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return at + 1
				}
			}
			at++
		}
		return len(raw)
	}
	for at < len(raw) && strings.IndexByte(",]} \n\t\r", raw[at]) < 0 {
		at++
	}
	return at
}
