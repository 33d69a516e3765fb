package crm

import (
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
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
	tag      = regexp.MustCompile(`(?i)</?(a|b|br|p|div|i|u|s|em|strong|span|ul|ol|li|table|tr|td|th|h[1-6]|blockquote|pre|code|hr)(\s[^<>]*)?/?>`)
	bbcode   = regexp.MustCompile(`(?i)\[(/?)(b|i|u|s|p|br|url|img|list|\*|quote|code|color|size|font|user|left|right|center|justify|table|tr|td|th|disk file)(?:=([^\]\n]*)|\s[^\]\n]*)?\]`)
	bareURL  = regexp.MustCompile(`(?i)\[(url|img)\]([^\[\]\s]+)\[/(?:url|img)\]`) // the address is the text
	newlines = regexp.MustCompile(`\r\n?|\n`)
)

// rich formats a text, which editors of the platform write in BBCode, in HTML, or plain; a field beside it may say which.
// A text of which nothing would remain is shown as it came.
func (f *formatter) rich(field *Field, text string) Piece {
	kind := ""
	if f.item != nil {
		kind = f.item.text(field.Name + "Type")
	}
	isHTML := kind == contentHTML || kind != contentBBCode && tag.MatchString(text)
	if kind == contentPlain || !isHTML && !bbcode.MatchString(text) {
		return Piece{Text: text}
	}
	source := text
	if !isHTML {
		source = newlines.ReplaceAllString(html.EscapeString(text), "<br>")
	}
	clean := balanced(policy.Sanitize(fromBBCode(source)))
	if visible := strings.TrimSpace(html.UnescapeString(bluemonday.StrictPolicy().Sanitize(clean))); visible == "" {
		return Piece{Text: text, Raw: true}
	}
	return Piece{HTML: template.HTML(clean)} //nolint:gosec // sanitised above
}

// balanced closes what a text leaves open, and drops what it closes without having opened it: either would go on in the
// card around it.
func balanced(text string) string {
	nodes, err := xhtml.ParseFragment(strings.NewReader(text), &xhtml.Node{Type: xhtml.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return html.EscapeString(text)
	}
	var out strings.Builder
	for _, node := range nodes {
		if err := xhtml.Render(&out, node); err != nil {
			return html.EscapeString(text)
		}
	}
	return out.String()
}

// fromBBCode writes the tags of BBCode as those of HTML. What it makes of foreign text is sanitised afterwards: here
// nothing has to be safe or balanced.
func fromBBCode(text string) string {
	text = bareURL.ReplaceAllString(text, "[url=$2]$2[/url]")
	return bbcode.ReplaceAllStringFunc(text, func(found string) string {
		part := bbcode.FindStringSubmatch(found)
		closing, name, value := part[1] != "", strings.ToLower(part[2]), strings.Trim(part[3], `"' `)
		open := func(tag string) string {
			if closing {
				return "</" + tag + ">"
			}
			return "<" + tag + ">"
		}
		switch name {
		case "b", "i", "u", "s", "p", "code", "table", "tr", "td", "th":
			return open(name)
		case "br":
			return "<br>"
		case "list":
			return open("ul")
		case "*":
			return "<li>"
		case "quote":
			return open("blockquote")
		case "url":
			if closing {
				return "</a>"
			}
			if value != "" {
				return `<a href="` + html.EscapeString(html.UnescapeString(value)) + `">`
			}
		}
		return "" // size, colour, alignment: the words stay
	})
}
