package secret

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// authorizing are the words that names of parameters and members hold whose values give access: the platform's own names,
// and the usual ones of others.
var authorizing = [...]string{"auth", "token", "sessid", "session", "secret", "passw", "apikey", "api_key", "api-key"}

// stems are how those words begin, as names write them. A text is searched for these: what has none is left alone quickly.
var stems = [...]string{"auth", "Auth", "AUTH", "token", "Token", "TOKEN", "sess", "Sess", "SESS", "secret", "Secret", "SECRET", "passw", "Passw", "PASSW", "api", "Api", "API"}

// persons are words that hold one of those and mean somebody. What may follow instead turns them into the other meaning
// again: "author" is a person, "authorization" is not.
var persons = [...]struct{ word, unless string }{{"author", "iz"}, {"secretar", ""}}

// longestName is the length beyond which no name is looked at: whatever a text holds, it is read a few times and no more.
const longestName = 200

// shortestValue is the length below which a value gives access to nothing.
const shortestValue = 4

// Authorizes reports whether a parameter or a member of this name gives access, however often the name is encoded for
// addresses.
func Authorizes(name string) bool {
	for range 3 {
		if !strings.ContainsAny(name, "%+") {
			break
		}
		decoded, err := url.QueryUnescape(name)
		if err != nil || decoded == name {
			break
		}
		name = decoded
	}
	name = strings.ToLower(name)
	for _, person := range persons {
		name = withoutPerson(name, person.word, person.unless)
	}
	for _, word := range authorizing {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// withoutPerson leaves a space where the word stands, so that what stands around it does not become another word.
func withoutPerson(name, word, unless string) string {
	from := 0
	for {
		found := strings.Index(name[from:], word)
		if found < 0 {
			return name
		}
		at := from + found
		rest := name[at+len(word):]
		if unless != "" && strings.HasPrefix(rest, unless) {
			from = at + len(word)
			continue
		}
		name = name[:at] + " " + rest
		from = at + 1
	}
}

// RedactNamed takes the values of parameters (name=value, however that is escaped) and of members ("name":"value", also
// within a text of JSON) whose names authorize out of a text. It reads the text a fixed number of times, whatever stands in
// it.
func RedactNamed(text string) string {
	var found []span
	for _, stem := range stems {
		for at := 0; ; {
			next := strings.Index(text[at:], stem)
			if next < 0 {
				break
			}
			begin := at + next
			at = begin + len(stem)
			if value := valueOf(text, begin, at); value.to-value.from >= shortestValue {
				found = append(found, value)
			}
		}
	}
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Or(a.from-b.from, b.to-a.to) })
	var out strings.Builder
	done := 0
	for _, value := range found {
		if value.from < done { // within one that is gone already
			continue
		}
		out.WriteString(text[done:value.from])
		out.WriteString(Redacted)
		done = value.to
	}
	out.WriteString(text[done:])
	return out.String()
}

// span is a part of a text.
type span struct{ from, to int }

// valueOf finds the value that belongs to the name with a stem in it; an empty span says that there is none, or that the
// name does not authorize.
func valueOf(text string, begin, end int) span {
	for begin > 0 && end-begin < longestName && isNameByte(text[begin-1]) {
		begin--
	}
	name := end
	for ; end < len(text) && end-begin < longestName; end++ {
		switch rest := text[end:]; {
		case isNameByte(rest[0]):
			name = end + 1
		case rest[0] == '[' || rest[0] == ']':
		case strings.HasPrefix(rest, "%5B"), strings.HasPrefix(rest, "%5D"): // auth[ap]=, escaped
			end += len("%5B") - 1
		default:
			value := valueAfter(text, end)
			if value == (span{}) || !Authorizes(text[begin:name]) {
				return span{}
			}
			return value
		}
	}
	return span{}
}

// valueAfter finds what follows "=", "%3D" or "\u003d", or the text after `":`.
func valueAfter(text string, at int) span {
	rest := text[at:]
	for _, sign := range [...]string{"=", "%3D", "%3d", `\u003d`, `\u003D`} {
		if strings.HasPrefix(rest, sign) {
			from := at + len(sign)
			to := from
			for to < len(text) && (isNameByte(text[to]) || strings.IndexByte("%.+/~", text[to]) >= 0 && !strings.HasPrefix(text[to:], "%26")) {
				to++
			}
			return span{from, to}
		}
	}
	// Within a text of JSON the quotes have backslashes before them.
	rest, isMember := strings.CutPrefix(strings.TrimLeft(rest, `\`), `"`)
	rest, hasColon := strings.CutPrefix(strings.TrimLeft(rest, " "), ":")
	rest, isText := strings.CutPrefix(strings.TrimLeft(rest, ` \`), `"`)
	if !isMember || !hasColon || !isText {
		return span{}
	}
	from, to := len(text)-len(rest), len(text)
	if end := strings.IndexByte(rest, '"'); end >= 0 {
		to = from + len(strings.TrimRight(rest[:end], `\`))
	}
	return span{from, to}
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
