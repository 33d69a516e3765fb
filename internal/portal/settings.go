package portal

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Settings is what an administrator chose for a portal. The zero value is the app as it comes: tabs in every card, the
// portal's own arrangement, each user's language.
type Settings struct {
	TabsOff   []int                   `json:"tabsOff,omitempty"`   // types without our tab
	Titles    map[string]string       `json:"titles,omitempty"`    // of the tab, by language (en, pt-BR)
	Cards     map[string]CardSettings `json:"cards,omitempty"`     // by CardKey
	ShowEmpty bool                    `json:"showEmpty,omitempty"` // empty fields are shown until a user hides them
	CodesFor  string                  `json:"codesFor,omitempty"`  // who may see field codes and JSON: "" everyone, Administrators
	Language  string                  `json:"language,omitempty"`  // of the app for everyone; "" each user's own
}

// Administrators is the value of CodesFor that keeps codes and JSON to them.
const Administrators = "administrators"

// CardSettings arrange the cards of a type, or of one of its pipelines.
type CardSettings struct {
	Sections []CardSection `json:"sections,omitempty"` // none: as the portal's own card
	Hidden   []string      `json:"hidden,omitempty"`   // fields that the card leaves out
	Top      []string      `json:"top,omitempty"`      // fields that go before everything
}

// CardSection is a section of an arrangement of our own.
type CardSection struct {
	Title  string   `json:"title"`
	Fields []string `json:"fields"` // by their names in crm.item.get
}

// CardKey names the cards of a type ("2"), or of one of its pipelines ("2/9").
func CardKey(entityTypeID int, category string) string {
	if category == "" {
		return strconv.Itoa(entityTypeID)
	}
	return strconv.Itoa(entityTypeID) + "/" + category
}

// ParseCardKey is the reverse of CardKey.
func ParseCardKey(key string) (entityTypeID int, category string, ok bool) {
	digits, category, piped := strings.Cut(key, "/")
	id, err := strconv.Atoi(digits)
	if piped {
		if n, err := strconv.Atoi(category); err != nil || n < 0 || strconv.Itoa(n) != category {
			return 0, "", false
		}
	}
	return id, category, err == nil && id > 0 && strconv.Itoa(id) == digits
}

// Card finds the arrangement for an item: that of its pipeline, else that of its type.
func (s Settings) Card(entityTypeID int, category string) CardSettings {
	if card, ok := s.Cards[CardKey(entityTypeID, category)]; ok && category != "" {
		return card
	}
	return s.Cards[CardKey(entityTypeID, "")]
}

// HasTab reports whether the app's tab is to stand in the cards of a type.
func (s Settings) HasTab(entityTypeID int) bool { return !slices.Contains(s.TabsOff, entityTypeID) }

// Bounds of settings: far more than any portal needs, little enough for one row.
const (
	maxCards    = 40
	maxSections = 60
	maxFields   = 2000
	maxTitle    = 100 // characters
)

// FitTitle makes a text fit to be a title: of one line, and not too long.
func FitTitle(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxTitle {
		text = string(runes[:maxTitle])
	}
	return strings.TrimSpace(text)
}

// Check reports what is wrong with settings whatever the portal has: a short text for people, or "".
func (s Settings) Check(languages []string) string {
	tooLong := func(text string) bool {
		return utf8.RuneCountInString(text) > maxTitle || strings.ContainsAny(text, "\r\n\x00")
	}
	if len(s.TabsOff) > 1000 || slices.ContainsFunc(s.TabsOff, func(id int) bool { return id <= 0 }) {
		return "tabsOff"
	}
	for lang, title := range s.Titles {
		if !slices.Contains(languages, lang) || tooLong(title) {
			return "titles: " + lang
		}
	}
	if s.CodesFor != "" && s.CodesFor != Administrators {
		return "codesFor"
	}
	if s.Language != "" && !slices.Contains(languages, s.Language) {
		return "language: " + s.Language
	}
	if len(s.Cards) > maxCards {
		return "cards: > " + strconv.Itoa(maxCards)
	}
	for key, card := range s.Cards {
		if _, _, ok := ParseCardKey(key); !ok {
			return "cards: " + key
		}
		if len(card.Sections) > maxSections || len(card.Fields()) > maxFields {
			return key + ": > " + strconv.Itoa(maxFields)
		}
		seen := map[string]bool{}
		for _, section := range card.Sections {
			if tooLong(section.Title) {
				return key + ": " + section.Title
			}
			for _, field := range section.Fields {
				if seen[field] {
					return key + ": " + field + " × 2"
				}
				seen[field] = true
			}
		}
	}
	return ""
}

// Fields are all fields that an arrangement names.
func (c CardSettings) Fields() []string {
	fields := slices.Concat(c.Hidden, c.Top)
	for _, section := range c.Sections {
		fields = append(fields, section.Fields...)
	}
	return fields
}

// Without is the arrangement without some fields.
func (c CardSettings) Without(fields []string) CardSettings {
	keep := func(from []string) []string {
		return slices.DeleteFunc(slices.Clone(from), func(field string) bool { return slices.Contains(fields, field) })
	}
	out := CardSettings{Hidden: keep(c.Hidden), Top: keep(c.Top)}
	for _, s := range c.Sections {
		out.Sections = append(out.Sections, CardSection{s.Title, keep(s.Fields)})
	}
	return out
}

// SettingsChange is one change of a portal's settings, as its history keeps it.
type SettingsChange struct {
	Version  int64 // of the settings after the change
	At       time.Time
	UserID   UserID
	UserName string
	Action   string // "save", "import", "undo" or "restore"
	Undid    int64  // which change an undo took back; 0 of anything else
	Before   Settings
	After    Settings
}

// ErrSettingsConflict is returned where settings were changed by somebody else meanwhile.
var ErrSettingsConflict = errors.New("the settings were changed meanwhile")

// ErrNothingToUndo is returned where the change of settings that is to be taken back is not known, or not any more.
var ErrNothingToUndo = errors.New("there is no such change to undo")

// Holdings is how much is stored about a portal.
type Holdings struct {
	Tokens  int // users with a pair of tokens
	Changes int // changes of settings in the history
}
