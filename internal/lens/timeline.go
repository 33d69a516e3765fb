package lens

import (
	"context"
	"strconv"
	"time"

	"itemlens/internal/card"
	"itemlens/internal/crm"
)

// Timeline is a part of what was done around an item, by day, with the newest first.
type Timeline struct {
	Days []Day
	More bool // there is more before it
	Next crm.TimelinePlace
}

// Day is what was done on a day of the reader's.
type Day struct {
	Key     string // 2026-05-20
	Title   string
	Entries []Entry
}

// Entry is a comment, or an activity that is done or planned.
type Entry struct {
	Key     string // names it in its page
	Kind    string // in messages: history.kind.<Kind>
	Icon    string // comment, call, mail, meeting, task, chat or other
	Time    string // of the day; of what is planned, when it is to be done
	Subject string
	Text    *card.Piece // of a comment
	Who     *card.Piece
	About   *card.Piece // the item that it belongs to, where that is another one
	Late    bool
	Note    string // how late
}

// NewTimeline makes a further part of an item's timeline.
func NewTimeline(ctx context.Context, r *crm.Reading, t crm.Timeline, reader card.Reader) (*Timeline, error) {
	b := &historyBuilder{Writer: card.NewWriter(r, reader), reading: r, now: reader.Now}
	return b.timeline(t), ctx.Err()
}

// timeline puts comments and activities into one list.
func (b *historyBuilder) timeline(t crm.Timeline) *Timeline {
	out := &Timeline{Next: t.At}
	comments, activities := t.Comments, t.Activities
	for range crm.TimelineStep {
		var at time.Time
		var entry Entry
		switch {
		case len(comments) > 0 && (len(activities) == 0 || !comments[0].At.Before(activities[0].At)):
			at, entry = comments[0].At, b.comment(comments[0])
			comments = comments[1:]
			out.Next.Comments++
		case len(activities) > 0:
			at, entry = activities[0].At, b.activity(activities[0])
			activities = activities[1:]
			out.Next.Activities++
		default:
			return out
		}
		out.add(b, at, entry)
	}
	out.More = len(comments) > 0 || len(activities) > 0
	return out
}

// add puts an entry under its day.
func (t *Timeline) add(b *historyBuilder, at time.Time, entry Entry) {
	key, title := "", ""
	if !at.IsZero() {
		at = b.In(at)
		key, title, entry.Time = at.Format(time.DateOnly), b.L.Date(at), b.L.Time(at)
	}
	if n := len(t.Days); n == 0 || t.Days[n-1].Key != key {
		t.Days = append(t.Days, Day{Key: key, Title: title})
	}
	day := &t.Days[len(t.Days)-1]
	day.Entries = append(day.Entries, entry)
}

func (b *historyBuilder) comment(c crm.Comment) Entry {
	text := b.Rich(c.Text)
	return Entry{Key: entryKey("c", c.ID), Kind: "comment", Icon: "comment", Text: &text, Who: b.who(c.Author)}
}

func (b *historyBuilder) activity(a crm.Activity) Entry {
	entry := Entry{Key: entryKey("a", a.ID), Subject: a.Subject, Who: b.who(a.Responsible)}
	entry.Kind, entry.Icon = kindOf(a)
	if a.Owner.ID > 0 && a.Owner != b.reading.Ref {
		if owner, ok := b.Linked(a.Owner); ok {
			entry.About = &owner
		}
	}
	return entry
}

// plan is an activity that is to be done.
func (b *historyBuilder) plan(a crm.Activity) Entry {
	entry := b.activity(a)
	if a.Deadline.IsZero() {
		entry.Time = b.L.T("history.no_deadline")
		return entry
	}
	entry.Time = b.L.DateTime(b.In(a.Deadline))
	if a.Deadline.Before(b.now) {
		entry.Late, entry.Note = true, b.L.T("history.late", "Span", card.Span(b.L, b.now.Sub(a.Deadline)))
	}
	return entry
}

func (b *historyBuilder) who(id int64) *card.Piece {
	if person, ok := b.Person(id); ok {
		return &person
	}
	return nil
}

// kindOf tells what an activity is: by its type, and where a provider makes it, by its provider (crm/data-types.md,
// crm_enum_activitytype; the platform's own providers).
func kindOf(a crm.Activity) (kind, icon string) {
	directed := func(kind string) string {
		switch a.Direction {
		case 1:
			return kind + "_in"
		case 2:
			return kind + "_out"
		}
		return kind
	}
	switch {
	case a.Type == 1 || a.Provider == "CRM_MEETING":
		return "meeting", "meeting"
	case a.Type == 2 || a.Provider == "VOXIMPLANT_CALL" || a.Provider == "CRM_CALL_TRACKER":
		return directed("call"), "call"
	case a.Type == 4 || a.Provider == "CRM_EMAIL":
		return directed("mail"), "mail"
	case a.Type == 3 || a.Provider == "TASKS" || a.Provider == "CRM_TASKS_TASK":
		return "task", "task"
	}
	switch a.Provider {
	case "CRM_SMS", "CRM_NOTIFICATION", "CRM_TELEGRAM":
		return "message", "chat"
	case "IMOPENLINES_SESSION":
		return "chat", "chat"
	case "CRM_WEBFORM":
		return "form", "other"
	}
	return "activity", "other"
}

func entryKey(kind string, id int64) string { return kind + strconv.FormatInt(id, 10) }
