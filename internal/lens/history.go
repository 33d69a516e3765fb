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
	Facts []Fact
}

// Fact is a figure with its name; Name is in messages: history.<Name>.
type Fact struct {
	Name string
	Text string
	Note string
	Bad  bool
}

// NewHistory makes the view. It ends with the context's error once that is done.
func NewHistory(ctx context.Context, h *crm.History, reader card.Reader, chosen portal.Settings, now time.Time) (*History, error) {
	out := &History{}
	r, hidden, w := h.Reading, hides(h.Reading, chosen), card.NewWriter(h.Reading, reader)
	since := func(name, field string) {
		if t, err := time.Parse(time.RFC3339, r.Item.Text(field)); err == nil && !hidden(field) {
			out.Facts = append(out.Facts, Fact{Name: name, Text: span(reader.L, now.Sub(t)), Note: w.Moment(r.Item.Text(field)).Text})
		}
	}
	if r.Item.Text("stageId") != "" && !hidden("stageId") {
		since("in_stage", "movedTime")
	}
	since("since_creation", "createdTime")
	return out, ctx.Err()
}
