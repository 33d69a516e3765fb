package templates

import (
	"strconv"
	"strings"

	"itemlens/internal/i18n"
	"itemlens/internal/lens"
)

// factTitle is what a figure is called: by us, or by the portal.
func factTitle(l *i18n.Printer, f lens.Fact) string {
	if f.Name == "" {
		return f.Title
	}
	return l.T("history." + f.Name)
}

// yes says that something is so; where it is not, nothing.
func yes(l *i18n.Printer, is bool) string {
	if is {
		return l.T("value.yes")
	}
	return ""
}

// segmentAt is where a segment of the bar begins, from the left: time runs as the reader reads.
func segmentAt(l *i18n.Printer, s lens.Segment) string {
	if l.Dir() != "rtl" {
		return s.At
	}
	number := func(text string) float64 {
		value, _ := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		return value
	}
	return strconv.FormatFloat(max(100-number(s.At)-number(s.Width), 0), 'f', 2, 64) + "%"
}

// entryIcons are the signs of what is done around items, drawn in lines.
var entryIcons = map[string]string{
	"comment": "M3 3.5h10v7H7.5L4.5 13v-2.5H3z",
	"call":    "M4 2.5l2 3-1.2 1.3a9 9 0 0 0 4.4 4.4L10.5 10l3 2-1 1.7c-5 .6-10.6-5-10-10z",
	"mail":    "M2.5 4h11v8h-11zM2.5 4.5L8 9l5.5-4.5",
	"meeting": "M6 7.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4M2.5 13c0-2.5 1.5-4 3.5-4s3.5 1.5 3.5 4M10.5 7a1.7 1.7 0 1 0 0-3.4M11 9c1.5.2 2.5 1.7 2.5 4",
	"task":    "M3 3h10v10H3zM5.5 8l2 2 3.5-4",
	"chat":    "M2.5 3h7v5h-4l-2 2V8h-1zM11 6h2.5v5h-1v2l-2-2H7",
	"other":   "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.5l2 1.5",
}

func entryIcon(name string) string { return entryIcons[name] }
