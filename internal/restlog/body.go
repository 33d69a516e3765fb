package restlog

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

const (
	// longestBody is how much of a body is kept, in bytes; a usual item and its fields take a tenth.
	longestBody = 64 << 10
	// secretRoom is how far past the end secrets are looked for: one that crosses the end must not leave its first half.
	secretRoom = 4 << 10
	// longestMethod and longestID bound what is told of a command.
	longestMethod = 60
	longestID     = 20
)

// cleanBody is a body as it is kept, and how many bytes were left out: without the secrets of the request that it belongs
// to, and without the values of parameters that authorize, as addresses of files have them.
func cleanBody(ctx context.Context, body []byte, access secret.Text) (text string, cut int) {
	text = string(body[:min(len(body), longestBody+secretRoom)])
	text = withoutAuthorization(secret.Redact(ctx, text, access))
	if len(text) > longestBody {
		text = text[:longestBody]
		for range utf8.UTFMax { // no half of a character
			if last, size := utf8.DecodeLastRuneInString(text); last != utf8.RuneError || size != 1 {
				break
			}
			text = text[:len(text)-1]
		}
	}
	return text, max(0, len(body)-longestBody)
}

// authorizing are what names of parameters and members hold whose values give access.
var authorizing = [...]string{"auth", "token", "sessid", "secret", "passw"}

// withoutAuthorization takes the values of parameters (name=value, however it is escaped) and of members ("name":"value")
// that authorize out of a text. It looks at names alone and reads the text once for each, so it costs little where there
// are none, which is nearly always.
func withoutAuthorization(text string) string {
	for _, word := range authorizing {
		at := 0
		for {
			found := indexFold(text[at:], word)
			if found < 0 {
				break
			}
			at += found + len(word)
			from, to := valueAfter(text, at)
			if to-from < 4 { // none, or too short to be one
				continue
			}
			text = text[:from] + secret.Redacted + text[to:]
			at = from + len(secret.Redacted)
		}
	}
	return text
}

// indexFold finds a lower-case word in a text whose words may begin with a capital or be all capitals.
func indexFold(text, word string) int {
	first := strings.Index(text, word)
	for _, form := range []string{strings.ToUpper(word[:1]) + word[1:], strings.ToUpper(word)} {
		end := len(text)
		if first >= 0 {
			end = first
		}
		if found := strings.Index(text[:end], form); found >= 0 {
			first = found
		}
	}
	return first
}

// valueAfter finds the value of the name that ends at or after a place: what follows "=", "%3D" or "\u003d", or the text
// after `":`. An empty range says that there is none.
func valueAfter(text string, at int) (from, to int) {
	for at < len(text) && (isNameByte(text[at]) || strings.HasPrefix(text[at:], "[") || strings.HasPrefix(text[at:], "]")) {
		at++
	}
	if strings.HasPrefix(text[at:], "%5B") || strings.HasPrefix(text[at:], "%5D") { // auth[ap]=, escaped
		return valueAfter(text, at+3)
	}
	rest := text[at:]
	for _, sign := range []string{"=", "%3D", "%3d", `\u003d`, `\u003D`} {
		if strings.HasPrefix(rest, sign) {
			from = at + len(sign)
			to = from
			for to < len(text) && (isNameByte(text[to]) || strings.IndexByte("%.-+/~", text[to]) >= 0 && !strings.HasPrefix(text[to:], "%26")) {
				to++
			}
			return from, to
		}
	}
	rest, isMember := strings.CutPrefix(rest, `"`)
	rest, hasColon := strings.CutPrefix(strings.TrimLeft(rest, " "), ":")
	rest = strings.TrimLeft(rest, " ")
	if rest, isText := strings.CutPrefix(rest, `"`); isMember && hasColon && isText {
		from = len(text) - len(rest)
		if end := strings.IndexByte(rest, '"'); end >= 0 {
			return from, from + end
		}
		return from, len(text)
	}
	return at, at
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// commandsOf tells which methods a request ran, each with the type and the id that it asked for.
func commandsOf(method string, request []byte) []string {
	if method != "batch" {
		var params url.Values
		bitrix24.EachMember(request, func(name, value []byte) bool {
			if key := bitrix24.Text(name); key == "id" || key == "entityTypeId" {
				if params == nil {
					params = url.Values{}
				}
				params.Set(key, strings.Trim(string(value), `"`))
			}
			return true
		})
		return []string{commandOf(method, params)}
	}
	var commands []string
	bitrix24.EachMember(request, func(name, value []byte) bool {
		if string(name) != `"cmd"` {
			return true
		}
		bitrix24.EachMember(value, func(_, line []byte) bool {
			name, query, _ := strings.Cut(bitrix24.Text(line), "?")
			params, _ := url.ParseQuery(query)
			commands = append(commands, commandOf(name, params))
			return len(commands) < bitrix24.MaxBatch
		})
		return false
	})
	return commands
}

// commandOf writes a command, such as "crm.item.get 2/20" or "crm.item.fields 2".
func commandOf(method string, params url.Values) string {
	text := bitrix24.CleanText(method, longestMethod)
	entityType, id := number(params.Get("entityTypeId")), number(params.Get("id"))
	switch {
	case entityType != "" && id != "":
		return text + " " + entityType + "/" + id
	case entityType+id != "":
		return text + " " + entityType + id
	}
	return text
}

func number(text string) string {
	if _, err := strconv.ParseInt(text, 10, 64); err != nil || len(text) > longestID {
		return ""
	}
	return text
}
