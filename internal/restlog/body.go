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
	text = secret.RedactNamed(secret.Redact(ctx, text, access))
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

// answersAreNotKept reports whether a command asks for requisites, bank details or addresses of clients. Portals give them to
// whoever may read any client at all, so the app shows them only beside a client that this user may read, and keeps them
// nowhere: of such a request the log keeps everything but the answer.
func answersAreNotKept(command string) bool {
	command = strings.ToLower(command)
	return strings.HasPrefix(command, "crm.requisite.") || strings.HasPrefix(command, "crm.address.")
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
