package card

import (
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	xhtml "golang.org/x/net/html"

	"itemlens/internal/crm"
)

// Bounds of formatted text, in bytes. A longer text is shown plain.
const (
	maxRichText = 100_000   // of a value
	maxRichCard = 1_000_000 // of a card
	maxDepth    = 50        // elements within each other; deeper ones lose their shape and keep their words
)

// policy is what formatted text may hold: the shape of a text and its links. No pictures, no styles, no scripts.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("b", "strong", "i", "em", "u", "s", "del", "p", "br", "div", "ul", "ol", "li", "blockquote", "code", "pre",
		"table", "thead", "tbody", "tr", "td", "th", "hr")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.RequireParseableURLs(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.RequireNoFollowOnLinks(true)
	return p
}()

// The kinds of content that fields such as contentType name (api-reference/crm/data-types.md, crm_enum_contenttype).
const (
	contentPlain  = "1"
	contentBBCode = "2"
	contentHTML   = "3"
)

var (
	tag    = regexp.MustCompile(`(?i)</?(a|b|br|p|div|i|u|s|em|strong|span|ul|ol|li|table|tr|td|th|h[1-6]|blockquote|pre|code|hr)(\s[^<>]*)?/?>`)
	bbcode = regexp.MustCompile(`(?i)\[(/?)(b|i|u|s|p|br|url|img|list|\*|quote|code|color|size|font|user|left|right|center|justify|table|tr|td|th|disk file)(?:=([^\]\n]*)|\s[^\]\n]*)?\]`)
)

// rich formats a text, which editors of the platform write in BBCode, in HTML, or plain; a field beside it may say which.
// A text of which nothing would remain is shown as it came, and so is one that is very long.
func (f *formatter) rich(field *crm.Field, text string) Piece {
	if !strings.ContainsAny(text, "<[") || len(text) > min(maxRichText, f.richLeft) {
		return Piece{Text: text}
	}
	kind := f.item.Text(field.Name + "Type")
	isHTML := kind == contentHTML || kind != contentBBCode && tag.MatchString(text)
	if kind == contentPlain || !isHTML && !bbcode.MatchString(text) {
		return Piece{Text: text}
	}
	f.richLeft -= len(text)
	source := text
	if !isHTML {
		source = strings.NewReplacer("\r\n", "<br>", "\r", "<br>", "\n", "<br>").Replace(html.EscapeString(text))
	}
	clean, visible := balanced(policy.Sanitize(fromBBCode(source)))
	if !visible {
		return Piece{Text: text, Raw: true}
	}
	return Piece{HTML: template.HTML(clean)} //nolint:gosec // sanitised above
}

// balanced closes what a text leaves open, and drops what it closes without having opened it, or opens where browsers
// would leave the text for it: a row without its table, an entry without its list. Either would go on in the card around
// it. It reports whether any words remain. It is one pass, whatever the text.
func balanced(text string) (clean string, visible bool) {
	var out strings.Builder
	out.Grow(len(text) + len(text)/8)
	var open []string
	closeTo := func(depth int) {
		for len(open) > depth {
			out.WriteString("</" + open[len(open)-1] + ">")
			open = open[:len(open)-1]
		}
	}
	// inside is the place of the innermost open element of these names, unless one of the others encloses it more closely.
	inside := func(names, unless string) int {
		for at := len(open) - 1; at >= 0; at-- {
			if hasWord(names, open[at]) {
				return at
			}
			if hasWord(unless, open[at]) {
				break
			}
		}
		return -1
	}
	for z := xhtml.NewTokenizer(strings.NewReader(text)); ; {
		switch kind := z.Next(); kind {
		case xhtml.ErrorToken:
			closeTo(0)
			return out.String(), visible
		case xhtml.TextToken:
			raw := z.Raw()
			visible = visible || strings.TrimSpace(html.UnescapeString(string(raw))) != ""
			out.Write(raw)
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			raw := string(z.Raw())
			tagName, _ := z.TagName()
			name := string(tagName)
			if name == "br" || name == "hr" {
				out.WriteString(raw)
				continue
			}
			if len(open) >= maxDepth || kind == xhtml.SelfClosingTagToken {
				continue
			}
			switch name {
			case "li":
				if inside("ul ol", "table td th") < 0 {
					continue
				}
				if at := inside("li", "ul ol"); at >= 0 {
					closeTo(at)
				}
			case "tr", "thead", "tbody":
				at := inside("table", "")
				if at < 0 {
					continue
				}
				if row := inside(name, "table"); row >= 0 {
					closeTo(row)
				}
			case "td", "th":
				if inside("tr", "table") < 0 {
					continue
				}
				if cell := inside("td th", "tr"); cell >= 0 {
					closeTo(cell)
				}
			}
			open = append(open, name)
			out.WriteString(raw)
		case xhtml.EndTagToken:
			tagName, _ := z.TagName()
			name := string(tagName)
			unless := ""
			if !hasWord("table thead tbody tr td th ul ol li blockquote div p pre", name) {
				unless = "table td th li blockquote"
			}
			if at := inside(name, unless); at >= 0 {
				closeTo(at)
			}
		case xhtml.CommentToken, xhtml.DoctypeToken: // nobody reads them
		}
	}
}

// hasWord reports whether a word stands in a list of words.
func hasWord(list, word string) bool {
	for rest := list; rest != ""; {
		first, after, _ := strings.Cut(rest, " ")
		if first == word {
			return true
		}
		rest = after
	}
	return false
}

// fromBBCode writes the tags of BBCode as those of HTML. What it makes of foreign text is sanitised afterwards: here
// nothing has to be safe or balanced.
func fromBBCode(text string) string {
	var out strings.Builder
	out.Grow(len(text) + len(text)/4)
	for {
		at := strings.IndexByte(text, '[')
		if at < 0 {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(text[:at])
		text = text[at:]
		t, ok := parseBBTag(text)
		if !ok {
			out.WriteByte('[')
			text = text[1:]
			continue
		}
		text = text[t.length:]
		if address, rest, bare := bareAddress(t, text); bare {
			out.WriteString(`<a href="` + html.EscapeString(html.UnescapeString(address)) + `">` + address + "</a>")
			text = rest
			continue
		}
		out.WriteString(t.html())
	}
}

// bbTag is a tag of BBCode: [name], [name=value], [name with more], [/name].
type bbTag struct {
	name    string
	value   string
	plain   bool // nothing but the name
	closing bool
	length  int
}

// maxBBTag bounds a tag, in bytes; the addresses in them are the longest.
const maxBBTag = 4096

// bbTags are the tags that editors of the platform write.
const bbTags = "b i u s p br url img list * quote code color size font user left right center justify table tr td th disk"

// parseBBTag reads the tag with which a text begins.
func parseBBTag(text string) (bbTag, bool) {
	text = text[:min(len(text), maxBBTag)]
	t := bbTag{length: 1}
	if strings.HasPrefix(text[1:], "/") {
		t.closing, t.length = true, 2
	}
	end := t.length
	for end < len(text) && (text[end] == '*' || text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z') {
		end++
	}
	t.name = strings.ToLower(text[t.length:end])
	if end == t.length || end == len(text) || !hasWord(bbTags, t.name) {
		return bbTag{}, false
	}
	switch text[end] {
	case ']':
		t.plain, t.length = t.name != "disk", end+1
		return t, t.plain
	case '=', ' ', '\t':
	default:
		return bbTag{}, false
	}
	inside := text[end+1:]
	closeAt := strings.IndexByte(inside, ']')
	if closeAt < 0 || strings.IndexByte(inside[:closeAt], '\n') >= 0 {
		return bbTag{}, false
	}
	if text[end] == '=' {
		t.value = strings.Trim(inside[:closeAt], `"' `)
	}
	t.length = end + 1 + closeAt + 1
	return t, true
}

// bareAddress reads what follows a plain [url] or [img]: an address that is its own text.
func bareAddress(t bbTag, text string) (address, rest string, ok bool) {
	if !t.plain || t.closing || t.name != "url" && t.name != "img" {
		return "", "", false
	}
	end := strings.IndexAny(text[:min(len(text), maxBBTag)], "[] \t\r\n")
	if end <= 0 || text[end] != '[' {
		return "", "", false
	}
	closing, found := parseBBTag(text[end:])
	if !found || !closing.closing || !closing.plain || closing.name != "url" && closing.name != "img" {
		return "", "", false
	}
	return text[:end], text[end+closing.length:], true
}

// html is the tag as HTML writes it; size, colour and alignment are none: the words stay.
func (t bbTag) html() string {
	open := func(tag string) string {
		if t.closing {
			return "</" + tag + ">"
		}
		return "<" + tag + ">"
	}
	switch t.name {
	case "b", "i", "u", "s", "p", "code", "table", "tr", "td", "th":
		return open(t.name)
	case "br":
		return "<br>"
	case "list":
		return open("ul")
	case "*":
		return "<li>"
	case "quote":
		return open("blockquote")
	case "url":
		if t.closing {
			return "</a>"
		}
		if t.value != "" {
			return `<a href="` + html.EscapeString(html.UnescapeString(t.value)) + `">`
		}
	}
	return ""
}
