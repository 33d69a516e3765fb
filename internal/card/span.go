package card

import (
	"time"

	"itemlens/internal/i18n"
)

// Span writes how long something took, in whole days, hours or minutes: the largest unit of which there are two.
func Span(l *i18n.Printer, d time.Duration) string {
	switch d = max(d, 0); {
	case d >= 48*time.Hour:
		return l.T("span.days", "Count", int(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return l.T("span.hours", "Count", int(d/time.Hour))
	}
	return l.T("span.minutes", "Count", int(d/time.Minute))
}
