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
	"golang.org/x/text/number"
)

// Catalog holds the messages of all languages.
type Catalog struct {
	printers map[string]*Printer
}

// Printer writes messages and values in one language. It is safe for concurrent use.
type Printer struct {
	lang      string
	localizer *goi18n.Localizer
	numbers   *message.Printer
}

// platformCodes are the platform's codes of languages that differ from the usual ones (api-reference/crm/data-types.md,
// language identifiers; the official SDKs' lists of languages). Where there are two, the first is the one to write.
var platformCodes = []struct{ code, lang string }{
	{"la", "es"}, {"br", "pt-BR"}, {"pt", "pt-BR"}, {"ua", "uk"}, {"kz", "kk"}, {"vn", "vi"}, {"sc", "zh-Hans"}, {"tc", "zh-Hans"},
	{"cn", "zh-Hans"}, {"zh", "zh-Hans"}, {"jp", "ja"}, {"by", "ru"},
}

// rightToLeft are the languages that are written from the right.
var rightToLeft = []string{"ar"}

// Load reads locales/*.json; each file is named after its language.
func Load(files fs.FS) (*Catalog, error) {
	names, err := fs.Glob(files, "locales/*.json")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no message files in locales/: %w", err)
	}
	bundle := goi18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	catalog := &Catalog{printers: map[string]*Printer{}}
	for _, name := range names {
		if _, err := bundle.LoadMessageFileFS(files, name); err != nil {
			return nil, fmt.Errorf("read messages %s: %w", name, err)
		}
	}
	for _, tag := range bundle.LanguageTags() {
		lang := tag.String()
		// Digits are those of the portal's pages, in every language.
		digits, err := language.Parse(lang + "-u-nu-latn")
		if err != nil {
			return nil, fmt.Errorf("language %s: %w", lang, err)
		}
		catalog.printers[lang] = &Printer{lang, goi18n.NewLocalizer(bundle, lang), message.NewPrinter(digits)}
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
	config := &goi18n.LocalizeConfig{MessageID: id}
	if len(args) > 0 {
		data := map[string]any{}
		for i := 0; i+1 < len(args); i += 2 {
			data[fmt.Sprint(args[i])] = args[i+1]
		}
		config.TemplateData = data
		config.PluralCount = data["Count"]
	}
	text, err := p.localizer.Localize(config)
	if err != nil && text == "" {
		return id
	}
	return text
}

// Has reports whether a message exists.
func (p *Printer) Has(id string) bool {
	_, err := p.localizer.Localize(&goi18n.LocalizeConfig{MessageID: id})
	return err == nil
}

// Number writes a number with the language's separators and at most so many digits after the point.
func (p *Printer) Number(value float64, maxDigits int) string {
	return p.numbers.Sprint(number.Decimal(value, number.MaxFractionDigits(maxDigits)))
}

// Amount writes a sum with exactly two digits after the point.
func (p *Printer) Amount(value float64) string {
	return p.numbers.Sprint(number.Decimal(value, number.Scale(2)))
}

// Size writes how large a file is, in units of 1024 bytes.
func (p *Printer) Size(bytes int64) string {
	size, unit := float64(bytes), 0
	for size >= 1024 && unit < 4 {
		size, unit = size/1024, unit+1
	}
	return p.Number(size, min(unit, 1)) + "\u00a0" + p.T(fmt.Sprintf("size.%d", unit))
}

// Date writes a day.
func (p *Printer) Date(t time.Time) string { return t.Format(p.T("format.date")) }

// DateTime writes a moment, in the zone that it carries.
func (p *Printer) DateTime(t time.Time) string { return t.Format(p.T("format.datetime")) }
