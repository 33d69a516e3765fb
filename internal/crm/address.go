package crm

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

// WithoutAuthorizationIn takes out of a value what must not reach a browser: the addresses of files for applications
// (urlMachine), and in every text that is an address the parameters that authorize; the user's own session in the portal
// opens it (crm.item.get's files; tutorials/crm/how-to-edit-crm-objects). Most values have none of it and stay as they
// are, without a copy.
func WithoutAuthorizationIn(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return raw
	}
	switch raw[0] {
	case '"':
		if !mayAuthorize(raw) {
			return raw
		}
		text := bitrix24.Text(raw)
		if clean := WithoutAuthorization(text); clean != text {
			out, _ := json.Marshal(clean)
			return out
		}
		return raw
	case '{', '[':
		if !mayAuthorize(raw) && !bytes.Contains(bytes.ToLower(raw), []byte("urlmachine")) {
			return raw
		}
		return cleanedTree(raw)
	}
	return raw
}

// mayAuthorize reports whether a text could hold an address with parameters. Whatever is escaped could.
func mayAuthorize(raw []byte) bool { return bytes.ContainsAny(raw, `?#@\;`) }

// cleanedTree writes a list or an object anew, each text in it cleaned. It is one pass, however deep the value is.
func cleanedTree(raw json.RawMessage) json.RawMessage {
	out := make([]byte, 0, len(raw))
	for at := 0; at < len(raw); {
		if raw[at] != '"' {
			out = append(out, raw[at])
			at++
			continue
		}
		end := bitrix24.EndOfText(raw, at)
		text := raw[at:end]
		at = end
		colon := bitrix24.SkipBlanks(raw, end)
		switch isName := colon < len(raw) && raw[colon] == ':'; {
		case !isName:
			out = append(out, WithoutAuthorizationIn(text)...)
		case !strings.EqualFold(bitrix24.Text(text), "urlMachine"):
			out = append(out, text...)
		default: // it goes, and so does one of the commas beside it
			at = bitrix24.SkipBlanks(raw, bitrix24.EndOfValue(raw, bitrix24.SkipBlanks(raw, colon+1)))
			if at < len(raw) && raw[at] == ',' {
				at++
			} else {
				out = bytes.TrimSuffix(bytes.TrimRight(out, " \n\t\r"), []byte(","))
			}
		}
	}
	return out
}

// WithoutAuthorization takes the parameters that authorize, and a user with a password, out of a text that is an address.
// Any other text stays as it is.
func WithoutAuthorization(text string) string {
	if !strings.ContainsAny(text, "?#@;") {
		return text
	}
	trimmed := strings.TrimSpace(text)
	blank := strings.ContainsAny(trimmed, " \n\t")
	switch {
	case strings.HasPrefix(trimmed, "/"), strings.HasPrefix(trimmed, "?"):
	case strings.HasPrefix(strings.ToLower(trimmed), "http") && strings.Contains(trimmed, "://"):
	case !blank && (strings.Contains(trimmed, "://") || strings.Contains(trimmed, "=")):
	default:
		return text
	}
	u, err := url.Parse(trimmed)
	if err != nil {
		// No browser is as strict: what stands before the parameters is all that is surely harmless.
		end := strings.IndexAny(trimmed, "?#;")
		if end < 0 || strings.Contains(trimmed[:end], "@") {
			return ""
		}
		return trimmed[:end]
	}
	changed := u.User != nil
	u.User = nil
	if path, dropped := withoutPathParameters(u.EscapedPath()); dropped {
		u.RawPath, changed = path, true
		u.Path, _ = url.PathUnescape(path)
	}
	if query, dropped := withoutParameters(u.RawQuery); dropped {
		u.RawQuery, changed = query, true
	}
	if fragment, dropped := withoutParameters(u.EscapedFragment()); dropped {
		u.RawFragment, changed = fragment, true
		u.Fragment, _ = url.PathUnescape(fragment)
	}
	if !changed {
		return text
	}
	return u.String()
}

// withoutPathParameters drops the parameters that authorize from a path, in which a semicolon sets them off.
func withoutPathParameters(path string) (string, bool) {
	if !strings.Contains(path, ";") {
		return path, false
	}
	dropped := false
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		parts := strings.Split(segment, ";")
		kept := parts[:1]
		for _, part := range parts[1:] {
			if name, _, _ := strings.Cut(part, "="); secret.Authorizes(name) {
				dropped = true
				continue
			}
			kept = append(kept, part)
		}
		segments[i] = strings.Join(kept, ";")
	}
	return strings.Join(segments, "/"), dropped
}

// withoutParameters drops the parameters that authorize from a query, and from addresses that are values in it.
func withoutParameters(query string) (string, bool) {
	var kept []string
	changed := false
	for _, part := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		if secret.Authorizes(name) {
			changed = true
			continue
		}
		if inner, err := url.QueryUnescape(value); err == nil && inner != value {
			if clean := WithoutAuthorization(inner); clean != inner {
				part, changed = name+"="+url.QueryEscape(clean), true
			}
		}
		kept = append(kept, part)
	}
	if !changed {
		return query, false
	}
	return strings.Join(kept, "&"), true
}
