package card

import (
	"time"

	"itemlens/internal/crm"
)

// Mark is what a reader should know of a value before relying on it.
type Mark struct {
	Text string
	Calm bool // worth knowing, but as somebody wanted it
}

// missing marks a row without a value whose field is required at every stage, so that it is seen among the filled ones.
// What single stages require, and what only applications may write, is left alone.
func (f *formatter) missing(field *crm.Field, row *Row) {
	if bool(field.Required) && !bool(field.ReadOnly) && row.Empty() && !row.Technical {
		row.Mark, row.Always = &Mark{Text: f.L.T("mark.required")}, true
	}
}

// mark marks an amount that the products do not add up to, and an end that has passed.
func (b *builder) mark() {
	if at, ok := b.byCode["opportunity"]; ok && b.products != nil && b.products.Differs != "" {
		key := "mark.differs"
		if b.products.ByHand {
			key = "mark.by_hand"
		}
		b.rows[at].Mark = &Mark{Text: b.f.L.T(key, "Difference", b.f.isolated(b.products.Differs)), Calm: b.products.ByHand}
	}
	if at, ok := b.byCode["closedate"]; ok {
		if days := b.f.late("closedate"); days > 0 {
			b.rows[at].Mark = &Mark{Text: b.f.L.T("mark.late", "Count", days)}
		}
	}
}

// isolated keeps a sum within a sentence together where the sentence runs from right to left.
func (f *formatter) isolated(sum string) string {
	if f.L.Dir() == "rtl" {
		return "\u2066" + sum + "\u2069"
	}
	return sum
}

// late is how many days ago an item that is open should have ended, by the reader's calendar.
func (f *formatter) late(code string) int {
	if !f.open() {
		return 0
	}
	end, ok := Day(f.item.Text(code))
	if !ok {
		return 0
	}
	return f.daysSince(end)
}

// daysSince is how many days ago a day was, by the reader's calendar.
func (f *formatter) daysSince(day time.Time) int {
	now := f.Now
	if f.Zone != nil {
		now = now.In(f.Zone)
	} else if created, err := time.Parse(time.RFC3339, f.item.Text("createdTime")); err == nil {
		now = now.In(created.Location()) // as the portal writes times
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return int(today.Sub(day) / (24 * time.Hour))
}

// open reports whether the item is known to be in work: its stage neither won nor lost it. Of a stage that the portal does
// not describe to this user, the item's own group of stages tells.
func (f *formatter) open() bool {
	field, id := f.typ.Fields.Field("stageId"), f.item.Text("stageId")
	if field == nil || id == "" {
		return false
	}
	for _, status := range f.pipeline(field, id) {
		if status.ID == id {
			return !status.Ended()
		}
	}
	return f.item.Text("stageSemanticId") == crm.InWork
}
