package lens_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/internal/lens"
	"itemlens/internal/portal"
	"itemlens/web/locales"
	"itemlens/web/templates"
)

var now = time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)

type nobody struct{}

func (nobody) Person(int64) (crm.Person, bool)  { return crm.Person{}, false }
func (nobody) Title(ref crm.Ref) (string, bool) { return "", false }

// words are read once: that takes longer than all tests of the views together.
var words = sync.OnceValues(func() (*i18n.Catalog, error) { return i18n.Load(locales.Files) })

// reader reads in Berlin, in English.
func reader(t testing.TB) card.Reader {
	t.Helper()
	catalog, err := words()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return card.Reader{L: catalog.For("en"), Zone: zone, Now: now, Origin: "https://portal.example"}
}

// deal is a deal of a type with three stages and two pipelines; members overwrite its own.
func deal(t testing.TB, members string) *crm.Reading {
	t.Helper()
	item := map[string]json.RawMessage{}
	for _, text := range []string{`{"id":20,"stageId":"DO","categoryId":0,"createdTime":"2026-05-01T10:00:00+02:00","movedTime":"2026-06-01T10:00:00+02:00"}`, members} {
		if err := json.Unmarshal([]byte(text), &item); err != nil {
			t.Fatal(err)
		}
	}
	whole, _ := json.Marshal(item)
	return &crm.Reading{
		Ref: crm.Ref{EntityTypeID: bitrix24.Deal, ID: 20}, Item: crm.ParseItem(whole), Names: nobody{},
		Type: &crm.Type{
			Fields: crm.NewFields([]crm.Field{
				{Name: "stageId", Type: "crm_status", Title: "Stage", StatusType: "DEAL_STAGE"}, {Name: "closedate", Type: "date", Title: "End date"},
			}),
			Pipelines: &crm.Pipelines{Names: map[string]string{"0": "General", "9": "Service"}},
			Statuses: crm.NewStatuses([]crm.Status{
				{EntityID: "DEAL_STAGE", ID: "NEW", Name: "New", Color: "#39A8EF"}, {EntityID: "DEAL_STAGE", ID: "DO", Name: "Doing", Color: "#ffffff"},
				{EntityID: "DEAL_STAGE", ID: "WON", Name: "Won", Semantics: "S"}, {EntityID: "DEAL_STAGE_9", ID: "C9:NEW", Name: "Request"},
			}),
			Types: &crm.Types{}, Currencies: crm.NewCurrencies(nil),
		},
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func history(t testing.TB, h *crm.History, hidden ...string) *lens.History {
	t.Helper()
	settings := portal.Settings{Cards: map[string]portal.CardSettings{portal.CardKey(bitrix24.Deal, ""): {Hidden: hidden}}}
	made, err := lens.NewHistory(t.Context(), h, reader(t), settings)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// facts are the figures of a history in one line each.
func facts(h *lens.History) (lines []string) {
	for _, f := range h.Facts {
		line := f.Name + f.Title + ": " + f.Text + " (" + f.Note + ")"
		if f.Late {
			line += "!"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestFiguresSayHowLongAndHowLate(t *testing.T) {
	moves := []crm.Move{{At: at("2026-06-08T12:00:00Z"), Category: "0", Stage: "DO"}, {At: at("2026-05-01T08:00:00Z"), Category: "0", Stage: "NEW"}}
	for _, tt := range []struct {
		name, item string
		moves      []crm.Move
		hidden     []string
		want       []string
	}{
		{"by the steps", `{}`, moves, nil, []string{"in_stage: 2 days (Jun 8, 2026, 2:00 PM)", "since_creation: 40 days (May 1, 2026, 10:00 AM)"}},
		{"by the item's own field", `{}`, nil, nil, []string{"in_stage: 9 days (Jun 1, 2026, 10:00 AM)", "since_creation: 40 days (May 1, 2026, 10:00 AM)"}},
		{"a day late, in the east", `{"closedate":"2026-06-09T03:00:00+03:00"}`, nil, []string{"stageId", "createdTime"}, []string{"End date: Jun 9, 2026 (Overdue by 1 day)!"}},
		{"today, in the west", `{"closedate":"2026-06-09T19:00:00-05:00"}`, nil, []string{"stageId", "createdTime"}, []string{"End date: Jun 10, 2026 (Today)"}},
		{"in time", `{"closedate":"2026-06-12T03:00:00+03:00"}`, nil, []string{"stageId", "createdTime"}, []string{"End date: Jun 12, 2026 (2 days left)"}},
		{"no end date", `{"closedate":""}`, nil, []string{"movedTime", "createdTime"}, nil},
		{"an end date that is hidden", `{"closedate":"2026-06-09T03:00:00+03:00"}`, nil, []string{"movedTime", "createdTime", "closedate"}, nil},
		{"won", `{"stageId":"WON","closedate":"2026-06-09T03:00:00+03:00","movedTime":"2026-05-02T10:00:00+02:00"}`, nil, nil,
			[]string{"took: 24 hours (May 2, 2026, 10:00 AM)", "since_creation: 40 days (May 1, 2026, 10:00 AM)", "End date: Jun 9, 2026 ()"}},
	} {
		if got := facts(history(t, &crm.History{Reading: deal(t, tt.item), Moves: tt.moves}, tt.hidden...)); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTheWayIsABarOfTime(t *testing.T) {
	moves := []crm.Move{ // newest first
		{At: at("2026-06-08T12:00:00Z"), Category: "0", Stage: "GONE"}, {At: at("2026-06-04T12:00:00Z"), Category: "9", Stage: "C9:NEW"}, {At: at("2026-05-31T12:00:00Z"), Category: "0", Stage: "NEW"},
	}
	way := history(t, &crm.History{Reading: deal(t, `{}`), Moves: moves, MovesTotal: 5}).Way
	if way.Earlier != 2 || len(way.Segments) != 3 || len(way.Stays) != 3 {
		t.Fatalf("%+v", way)
	}
	var got []string
	for i, stay := range way.Stays {
		got = append(got, fmt.Sprint(stay.Name, "/", stay.Pipeline, "/", stay.Since, "/", stay.Span, "/", stay.Now, "/", way.Segments[i].At, "+", way.Segments[i].Width, way.Segments[i].Named))
	}
	want := []string{
		"New/General/May 31, 2026, 2:00 PM/4 days/false/0.00%+40.00%true", "Request/Service/Jun 4, 2026, 2:00 PM/4 days/false/40.00%+40.00%true", "GONE/General/Jun 8, 2026, 2:00 PM/2 days/true/80.00%+20.00%true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
	// An end lasts no time: what came before fills the bar but for its mark, and nothing grows while nobody works on it.
	moves[0].Stage = "WON"
	way = history(t, &crm.History{Reading: deal(t, `{"stageId":"WON"}`), Moves: moves}).Way
	if last := way.Segments[2]; last.At != "98.50%" || last.Width != "1.50%" || last.Named || way.Stays[2].Span != "" || way.Segments[0].Width != "49.25%" {
		t.Errorf("%+v", way.Segments)
	}
	if history(t, &crm.History{Reading: deal(t, `{}`), Moves: moves}, "stageId").Way != nil {
		t.Error("the way of a hidden field is shown")
	}
	if history(t, &crm.History{Reading: deal(t, `{}`)}).Way != nil {
		t.Error("a way of which nothing is known")
	}
	// Clocks of a portal may go backwards, and everything may happen in one second.
	moves[2].At, moves[1].At = now.AddDate(1, 0, 0), now
	for _, segment := range history(t, &crm.History{Reading: deal(t, `{}`), Moves: moves}).Way.Segments {
		if strings.HasPrefix(segment.At, "-") || strings.HasPrefix(segment.Width, "-") || strings.Contains(segment.Width, "NaN") {
			t.Errorf("%+v", segment)
		}
	}
}

// done makes so many activities, an hour after each other, the newest first.
func done(count int) (all []crm.Activity) {
	for n := range count {
		all = append(all, crm.Activity{ID: int64(1000 - n), Type: 2, Direction: 1, Subject: fmt.Sprint("Call ", n), At: now.Add(-time.Duration(n) * time.Hour), Responsible: 2, Owner: crm.Ref{EntityTypeID: 2, ID: 20}})
	}
	return all
}

func TestTheTimelineIsOneListByDay(t *testing.T) {
	comments := []crm.Comment{{ID: 7, Author: 1, At: now.Add(-30 * time.Minute), Text: "[b]New[/b]<script>"}, {ID: 6, Author: 0, At: now.AddDate(-1, 0, 0), Text: "Old"}}
	timeline := history(t, &crm.History{Reading: deal(t, `{}`), Timeline: crm.Timeline{Comments: comments, Activities: done(40)}}).Timeline
	var keys []string
	for _, day := range timeline.Days {
		keys = append(keys, day.Key+" "+day.Title)
		for _, entry := range day.Entries {
			keys = append(keys, entry.Key+" "+entry.Time)
		}
	}
	if got := strings.Join(keys[:4], "|"); got != "2026-06-10 Jun 10, 2026|a1000 2:00 PM|c7 1:30 PM|a999 1:00 PM" {
		t.Error(got)
	}
	if len(timeline.Days) != 2 || len(keys) != 2+crm.TimelineStep || !timeline.More || timeline.Next != (crm.TimelinePlace{Comments: 1, Activities: 19}) {
		t.Errorf("%d days, %d lines, more %v, next %+v", len(timeline.Days), len(keys), timeline.More, timeline.Next)
	}
	first, comment := timeline.Days[0].Entries[0], timeline.Days[0].Entries[1]
	if first.Kind != "call_in" || first.Icon != "call" || first.Who.Name != "user:2" || first.About != nil || comment.Kind != "comment" {
		t.Errorf("%+v\n%+v", first, comment)
	}
	if html := string(comment.Text.HTML); !strings.Contains(html, "<strong>New</strong>") && !strings.Contains(html, "<b>New</b>") || strings.Contains(html, "<script") {
		t.Errorf("%+v", comment.Text)
	}
	// The next part goes on where this one ends, and has the item that something belongs to where it is another one.
	foreign := crm.Activity{ID: 1, Type: 6, Provider: "CRM_TODO", Owner: crm.Ref{EntityTypeID: bitrix24.Company, ID: 40}}
	next, err := lens.NewTimeline(t.Context(), deal(t, `{}`), crm.Timeline{At: timeline.Next, Activities: []crm.Activity{foreign}}, reader(t))
	if err != nil || next.More || next.Next != (crm.TimelinePlace{Comments: 1, Activities: 20}) || next.Days[0].Entries[0].About.Name != "item:4:40" || next.Days[0].Title != "" {
		t.Errorf("%+v, %v", next, err)
	}
}

func TestPlansSayWhatIsOverdue(t *testing.T) {
	var plans []crm.Activity
	for n := range 8 {
		plans = append(plans, crm.Activity{ID: int64(n + 1), Type: 1, Subject: "Meet", Deadline: now.AddDate(0, 0, n-3)})
	}
	plans[7].Deadline = time.Time{}
	made := history(t, &crm.History{Reading: deal(t, `{}`), Open: plans, OpenTotal: 60})
	if made.Overdue != 3 || len(made.Plans) != 5 || len(made.MorePlans) != 3 || made.Unseen != 52 {
		t.Errorf("overdue %d, %d plans, %d more, %d unseen", made.Overdue, len(made.Plans), len(made.MorePlans), made.Unseen)
	}
	if p := made.Plans[0]; !p.Late || p.Note != "Overdue by 3 days" || p.Time != "Jun 7, 2026, 2:00 PM" {
		t.Errorf("%+v", p)
	}
	if p := made.Plans[3]; p.Late || p.Note != "" {
		t.Errorf("what is due this moment is not late: %+v", p)
	}
	if p := made.MorePlans[2]; p.Time != "No deadline" || p.Late {
		t.Errorf("%+v", p)
	}
}

// TestEveryKindHasItsWords: whatever provider a portal has, the page says something.
func TestEveryKindHasItsWords(t *testing.T) {
	r := reader(t)
	for kind := range 8 {
		for _, provider := range []string{"", "CRM_TODO", "CRM_SMS", "IMOPENLINES_SESSION", "CRM_WEBFORM", "VOXIMPLANT_CALL", "CRM_EMAIL", "CRM_MEETING", "CRM_TASKS_TASK", "REST_APP", "\"><script>"} {
			for direction := range 4 {
				h := history(t, &crm.History{Reading: deal(t, `{}`), Timeline: crm.Timeline{Activities: []crm.Activity{{Type: kind, Provider: provider, Direction: direction, Subject: "<i>"}}}})
				var out strings.Builder
				if err := templates.History(r.L, h).Render(t.Context(), &out); err != nil {
					t.Fatal(err)
				}
				if page := out.String(); strings.Contains(page, "history.") || strings.Contains(page, "<script") || strings.Contains(page, "<i>") || strings.Contains(page, `d=""`) {
					t.Errorf("type %d, provider %q, direction %d:\n%s", kind, provider, direction, page)
				}
			}
		}
	}
}

// TestAHistoryEndsWithItsReader: nobody waits, nothing is answered.
func TestAHistoryEndsWithItsReader(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lens.NewHistory(ctx, &crm.History{Reading: deal(t, `{}`)}, reader(t), portal.Settings{}); err == nil {
		t.Error("a history for nobody")
	}
}
