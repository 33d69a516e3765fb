// Package i18n holds what the app says to people, in every language that it speaks: messages from web/locales, and
// numbers and dates as the language writes them. English is the last resort.
package i18n

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Catalog holds the messages of all languages.
type Catalog struct {
	printers map[string]*Printer
}

// Printer writes messages and values in one language. It is safe for concurrent use.
type Printer struct {
	lang     string
	messages map[string]*preparedMessage
	numbers  numberFormat
	dates    struct{ day, moment, time string } // as layouts of package time
}

// platformCodes are the platform's codes of languages that differ from the usual ones (api-reference/crm/data-types.md,
// language identifiers; the official SDKs' lists of languages). Where there are two, the first is the one to write.
var platformCodes = []struct{ code, lang string }{
	{"la", "es"}, {"br", "pt-BR"}, {"pt", "pt-BR"}, {"ua", "uk"}, {"kz", "kk"}, {"vn", "vi"}, {"sc", "zh-Hans"}, {"tc", "zh-Hans"},
	{"cn", "zh-Hans"}, {"zh", "zh-Hans"}, {"jp", "ja"}, {"by", "ru"},
}

// rightToLeft are the languages that are written from the right.
var rightToLeft = []string{"ar"}

// Load reads *.json; each file is named after its language.
func Load(files fs.FS) (*Catalog, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no message files: %w", err)
	}
	bundle := goi18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	catalog := &Catalog{printers: map[string]*Printer{}}
	texts := map[string]map[string]json.RawMessage{} // by language and id
	for _, name := range names {
		file, err := bundle.LoadMessageFileFS(files, name)
		if err != nil {
			return nil, fmt.Errorf("read messages %s: %w", name, err)
		}
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read messages %s: %w", name, err)
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, fmt.Errorf("read messages %s: %w", name, err)
		}
		texts[file.Tag.String()] = all
	}
	english := texts[language.English.String()]
	for _, tag := range bundle.LanguageTags() {
		lang := tag.String()
		// Digits are those of the portal's pages, in every language.
		digits, err := language.Parse(lang + "-u-nu-latn")
		if err != nil {
			return nil, fmt.Errorf("language %s: %w", lang, err)
		}
		p := &Printer{lang: lang, messages: map[string]*preparedMessage{}, numbers: newNumberFormat(message.NewPrinter(digits))}
		localizer := goi18n.NewLocalizer(bundle, lang)
		for id, text := range english {
			if own, ok := texts[lang][id]; ok {
				text = own
			}
			if p.messages[id], err = prepare(localizer, id, text); err != nil {
				return nil, fmt.Errorf("message %s in %s: %w", id, lang, err)
			}
		}
		p.dates.day, p.dates.moment = p.T("format.date"), p.T("format.datetime")
		p.dates.time = strings.TrimLeft(strings.TrimPrefix(p.dates.moment, p.dates.day), ", ") // no language writes it first
		catalog.printers[lang] = p
	}
	return catalog, nil
}

// Languages lists what the app speaks.
func (c *Catalog) Languages() []string {
	var langs []string
	for lang := range c.printers {
		langs = append(langs, lang)
	}
	slices.Sort(langs)
	return langs
}

// For finds the printer for the platform's code of a language.
func (c *Catalog) For(code string) *Printer {
	code = strings.ToLower(code)
	for lang, p := range c.printers {
		if strings.ToLower(lang) == code {
			return p
		}
	}
	for _, known := range platformCodes {
		if known.code == code && c.printers[known.lang] != nil {
			return c.printers[known.lang]
		}
	}
	return c.printers["en"]
}

// PlatformCode is what the platform calls a language of the catalog.
func PlatformCode(lang string) string {
	for _, known := range platformCodes {
		if known.lang == lang {
			return known.code
		}
	}
	return lang
}

// Lang is the language's code, for the lang attribute of a page.
func (p *Printer) Lang() string { return p.lang }

// Dir is the direction in which the language is written, for the dir attribute of a page.
func (p *Printer) Dir() string {
	if slices.Contains(rightToLeft, p.lang) {
		return "rtl"
	}
	return "ltr"
}

// T writes a message; arguments are name, value, name, value. "Count" chooses the plural form. A message that is
// missing shows as its id, and a test keeps that from happening.
func (p *Printer) T(id string, args ...any) string {
	if m, ok := p.messages[id]; ok {
		return m.write(args)
	}
	return id
}

// Has reports whether a message exists.
func (p *Printer) Has(id string) bool {
	_, ok := p.messages[id]
	return ok
}

// Number writes a number with the language's separators and at most so many digits after the point.
func (p *Printer) Number(value float64, maxDigits int) string {
	return p.numbers.write(value, 0, maxDigits)
}

// Amount writes a sum with exactly two digits after the point.
func (p *Printer) Amount(value float64) string { return p.numbers.write(value, 2, 2) }

// Size writes how large a file is, in units of 1024 bytes.
func (p *Printer) Size(bytes int64) string {
	size, unit := float64(bytes), 0
	for size >= 1024 && unit < 4 {
		size, unit = size/1024, unit+1
	}
	return p.Number(size, min(unit, 1)) + "\u00a0" + p.T(fmt.Sprintf("size.%d", unit))
}

// Date writes a day.
func (p *Printer) Date(t time.Time) string { return t.Format(p.dates.day) }

// Time writes the time of day, in the zone that it carries.
func (p *Printer) Time(t time.Time) string { return t.Format(p.dates.time) }

// DateTime writes a moment, in the zone that it carries.
func (p *Printer) DateTime(t time.Time) string { return t.Format(p.dates.moment) }
