package i18n

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// preparedMessage is a message in one language, taken apart once so that writing it is putting texts together. Messages
// with plural forms are written by the library, and remembered for the counts that pages have.
type preparedMessage struct {
	parts     []messagePart
	localizer *goi18n.Localizer // of a message with plural forms; nil of any other
	id        string
	counted   sync.Map // int -> string
}

// messagePart is a text, or the name of the argument that stands in its place.
type messagePart struct {
	text string
	name string
}

var placeholder = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

// prepare takes a message apart. raw is its text, or an object of plural forms.
func prepare(localizer *goi18n.Localizer, id string, raw json.RawMessage) (*preparedMessage, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return &preparedMessage{id: id, localizer: localizer}, nil
	}
	if !strings.Contains(text, "{{") {
		return &preparedMessage{parts: []messagePart{{text: text}}}, nil
	}
	// The library writes marks in the places of the arguments, and so says where they are.
	const mark = "\x00"
	data := map[string]string{}
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		data[found[1]] = mark + found[1] + mark
	}
	marked, err := localizer.Localize(&goi18n.LocalizeConfig{MessageID: id, TemplateData: data})
	if err != nil {
		return nil, err
	}
	m := &preparedMessage{}
	for i, part := range strings.Split(marked, mark) {
		if i%2 == 0 {
			m.parts = append(m.parts, messagePart{text: part})
		} else {
			m.parts = append(m.parts, messagePart{name: part})
		}
	}
	return m, nil
}

// maxCounted is up to which count a message is remembered.
const maxCounted = 1000

func (m *preparedMessage) write(args []any) string {
	if m.localizer != nil {
		return m.writeCounted(args)
	}
	if len(m.parts) == 1 {
		return m.parts[0].text
	}
	var out strings.Builder
	for _, part := range m.parts {
		if part.name == "" {
			out.WriteString(part.text)
			continue
		}
		for i := 0; i+1 < len(args); i += 2 {
			if args[i] == part.name {
				fmt.Fprint(&out, args[i+1])
			}
		}
	}
	return out.String()
}

func (m *preparedMessage) writeCounted(args []any) string {
	count, small := 0, false
	if len(args) == 2 {
		count, small = args[1].(int)
		small = small && count >= 0 && count < maxCounted
	}
	if small {
		if known, ok := m.counted.Load(count); ok {
			return known.(string)
		}
	}
	data := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		data[fmt.Sprint(args[i])] = args[i+1]
	}
	text, err := m.localizer.Localize(&goi18n.LocalizeConfig{MessageID: m.id, TemplateData: data, PluralCount: data["Count"]})
	if err != nil && text == "" {
		return m.id
	}
	if small {
		m.counted.Store(count, text)
	}
	return text
}
