package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// line reads one line of printable text, which may be missing.
func (p *problems) line(name, value string, most int) string {
	value = strings.TrimSpace(value)
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(value) || utf8.RuneCountInString(value) > most || strings.ContainsFunc(value, unprintable) {
		p.add(name, fmt.Sprintf("must be one line of at most %d characters", most))
	}
	return value
}

// contact reads an e-mail address or an https address, which may be missing.
func (p *problems) contact(name, value string) string {
	value = strings.TrimSpace(value)
	if mailbox, err := mail.ParseAddress(value); value == "" || err == nil && mailbox.Address == value {
		return value
	}
	if u, err := url.Parse(value); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		p.add(name, "must be an e-mail address or an address that begins with https://")
	}
	return value
}
