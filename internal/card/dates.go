package card

import (
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
)

// Day reads a day, as its midnight of Greenwich. The platform writes it as the server's midnight, moved by the server's offset
// once more: in the east as the early morning of that day, in the west as the evening before. The nearest midnight of Greenwich
// is right for both.
func Day(text string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC().Add(12 * time.Hour).Truncate(24 * time.Hour), true
	}
	if len(text) >= len(time.DateOnly) {
		if t, err := time.Parse(time.DateOnly, text[:len(time.DateOnly)]); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// date shows a day.
func (f *formatter) date(text string) Piece {
	if day, ok := Day(text); ok {
		return Piece{Text: f.L.Date(day)}
	}
	return Piece{Text: text, Raw: true}
}

// dateTime shows a moment in the reader's zone, unless the field keeps what a clock on the wall showed: then its digits are
// the value, whatever zone they come with.
func (f *formatter) dateTime(field *crm.Field, text string) Piece {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return Piece{Text: text, Raw: true}
	}
	if f.Zone != nil && !isWallClock(field) {
		t = t.In(f.Zone)
	}
	return Piece{Text: f.L.DateTime(t)}
}

// isWallClock reports whether a custom field takes no part in time zones, which is how new ones are made.
func isWallClock(field *crm.Field) bool {
	setting, ok := field.Settings["USE_TIMEZONE"]
	return ok && bitrix24.Text(setting) == "N"
}
