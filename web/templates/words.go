package templates

import (
	"github.com/a-h/templ"

	"itemlens/internal/i18n"
)

// cardWords are what the page's script says of a card, in the reader's language.
func cardWords(l *i18n.Printer) templ.Attributes {
	words := templ.Attributes{}
	for attribute, key := range map[string]string{
		"data-changed": "tools.changed", "data-unchanged": "tools.unchanged", "data-copy": "tools.copy", "data-copied": "tools.copied",
		"data-copy-by-hand": "tools.copy_by_hand", "data-matches": "tools.matches", "data-matches-empty": "tools.matches_empty",
		"data-nothing": "tools.nothing", "data-clear": "tools.clear", "data-was": "tools.was", "data-was-empty": "tools.was_empty",
		"data-unavailable": "value.unavailable", "data-copy-number": "tools.copy_number",
	} {
		words[attribute] = l.T(key)
	}
	return words
}
