package lens

import (
	"context"
	"time"

	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// History is the view of how an item came to be.
type History struct {
	Facts      []Fact
	Way        *Way // nil where nothing is known of it
	Plans      []Entry
	MorePlans  []Entry // those that wait until they are asked for
	OpenTotal  int     // how many activities are planned
	Unseen     int     // how many of them are not among Plans and MorePlans
	Overdue    int     // how many of those that are shown should have been done by now
	Timeline   *Timeline
	Incomplete bool // a part could not be read
}

// Fact is a figure with its name: how long, how late.
type Fact struct {
	Name string // in messages: history.<Name>; empty where Title is the portal's
	// Title is the portal's own name of a field.
	Title string
	Text  string
	Note  string
	Late  bool
}

// firstPlans is how many planned activities are shown at once.
const firstPlans = 5

// NewHistory makes the view. It ends with the context's error once that is done.
func NewHistory(ctx context.Context, h *crm.History, reader card.Reader, chosen portal.Settings) (*History, error) {
	b := &historyBuilder{Writer: card.NewWriter(h.Reading, reader), reading: h.Reading, hides: hides(h.Reading, chosen), now: reader.Now}
	out := &History{Incomplete: h.Incomplete, OpenTotal: h.OpenTotal, Unseen: h.OpenTotal - len(h.Open)}
	if !b.hides("stageId") {
		out.Way = b.way(h.Moves, h.MovesTotal)
	}
	out.Facts = b.facts(h.Moves)
	for _, activity := range h.Open {
		entry := b.plan(activity)
		if entry.Late {
			out.Overdue++
		}
		if len(out.Plans) < firstPlans {
			out.Plans = append(out.Plans, entry)
		} else {
			out.MorePlans = append(out.MorePlans, entry)
		}
	}
	out.Timeline = b.timeline(h.Timeline)
	return out, ctx.Err()
}

// historyBuilder makes the parts of a history.
type historyBuilder struct {
	*card.Writer
	reading *crm.Reading
	hides   func(field string) bool
	now     time.Time
}

// ended reports whether the item has come to the end of its way.
func (b *historyBuilder) ended() bool {
	item := b.reading.Item
	return b.Stage(item.Text("categoryId"), item.Text("stageId")).Class != ""
}

// facts are the figures above the way: how long, and how late.
func (b *historyBuilder) facts(moves []crm.Move) []Fact {
	var facts []Fact
	created, known := b.moment("createdTime")
	last, moved := b.moment("movedTime")
	if len(moves) > 0 && !b.hides("stageId") {
		last, moved = moves[0].At, true
	}
	switch staged := b.reading.Item.Text("stageId") != "" && !b.hides("stageId"); {
	case staged && moved && !b.ended():
		facts = append(facts, b.since("in_stage", last))
	case staged && moved && known:
		facts = append(facts, Fact{Name: "took", Text: card.Span(b.L, last.Sub(created)), Note: b.L.DateTime(b.In(last))})
	}
	if known {
		facts = append(facts, b.since("since_creation", created))
	}
	if fact, ok := b.plannedEnd(); ok {
		facts = append(facts, fact)
	}
	return facts
}

// moment reads a moment of the item, unless its field is hidden.
func (b *historyBuilder) moment(field string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, b.reading.Item.Text(field))
	return t, err == nil && !b.hides(field)
}

func (b *historyBuilder) since(name string, t time.Time) Fact {
	return Fact{Name: name, Text: card.Span(b.L, b.now.Sub(t)), Note: b.L.DateTime(b.In(t))}
}

// plannedEnd tells when the item was to end, and by how much that is missed, as long as it goes on. The portal's own title of
// the field says what end it is: that of a deal, the last day of an estimate, the day on which an invoice is due.
func (b *historyBuilder) plannedEnd() (Fact, bool) {
	const field = "closedate"
	day, ok := card.Day(b.reading.Item.Text(field))
	title := b.FieldTitle(field)
	if !ok || title == "" || b.hides(field) {
		return Fact{}, false
	}
	fact := Fact{Title: title, Text: b.L.Date(day)}
	if b.ended() {
		return fact, true
	}
	switch days := b.DaysSince(day); {
	case days > 0:
		fact.Note, fact.Late = b.L.T("history.late", "Span", b.days(days)), true
	case days < 0:
		fact.Note = b.L.T("history.left", "Span", b.days(-days))
	default:
		fact.Note = b.L.T("history.today")
	}
	return fact, true
}

func (b *historyBuilder) days(n int) string { return b.L.T("span.days", "Count", n) }
