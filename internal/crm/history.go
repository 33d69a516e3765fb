package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
)

// timelinePage is how many entries a page of each of the lists of a history has, and movePages how many pages of steps are
// read, the newest.
const (
	timelinePage = 50
	movePages    = 2
)

// maxTimelineText bounds the text of a comment, in bytes, and maxSubject that of an activity.
const (
	maxTimelineText = 20_000
	maxSubject      = 1_000
)

// TimelineStep is how many entries of a timeline are shown at once.
const TimelineStep = 20

// History is how an item came to be. What the viewer may not read is not there, and nothing tells that it exists.
type History struct {
	Reading    *Reading
	Moves      []Move // the way through the stages, the newest first; nil of types without a history of it
	MovesTotal int
	Open       []Activity // what is planned, the next ones first, 50 at most
	OpenTotal  int
	Timeline   Timeline
	Incomplete bool // a part could not be read, for a reason that passes
}

// Move is a step of an item to a stage (crm-stage-history-list.md).
type Move struct {
	At       time.Time
	Category string // the pipeline; "" of leads, which have none
	Stage    string
}

// Timeline is a part of what was done around an item, as two lists with the newest first: comments, and activities that are
// completed. Each list goes on until TimelineStep entries of it are known.
type Timeline struct {
	Comments        []Comment
	Activities      []Activity
	CommentsTotal   int // how many there are, from the beginning
	ActivitiesTotal int
	At              TimelinePlace
}

// TimelinePlace is where a part of a timeline begins: so many entries of each list are before it.
type TimelinePlace struct {
	Comments   int `json:"comments"`
	Activities int `json:"activities"`
}

// Comment is a comment in an item's timeline (crm-timeline-comment-list.md). Text is BBCode.
type Comment struct {
	ID     int64
	Author int64
	At     time.Time
	Text   string
}

// Activity is a call, a mail, a meeting, a task or anything else that is done around items (crm-activity-list.md).
type Activity struct {
	ID          int64
	Type        int    // crm_enum_activitytype: 1 meeting, 2 call, 3 task, 4 e-mail, 6 what Provider names
	Provider    string // CRM_TODO, CRM_SMS, IMOPENLINES_SESSION, ...
	Direction   int    // 1 incoming, 2 outgoing
	Subject     string
	At          time.Time // when it began
	Deadline    time.Time // zero where it has none
	Responsible int64
	Owner       Ref
}

// HasStageHistory reports whether the platform keeps the way of items of a type through their stages.
func HasStageHistory(entityTypeID int) bool {
	switch entityTypeID {
	case bitrix24.Lead, bitrix24.Deal, bitrix24.SmartInvoice:
		return true
	}
	return entityTypeID >= firstDynamic
}

// firstDynamic is the first id of smart processes.
const firstDynamic = 128

// History reads how an item came to be, with one request.
func (s *Source) History(ctx context.Context, v Viewer, ref Ref) (*History, error) {
	var commands []bitrix24.Command
	if HasStageHistory(ref.EntityTypeID) {
		for page := range movePages {
			commands = append(commands, movesCommand(ref, page))
		}
	}
	commands = append(commands, bitrix24.Command{Key: "open", Method: "crm.activity.list", Params: activityParams(ref, "N", "DEADLINE", "ASC", 0)})
	reading, result, err := s.view(ctx, v, ref, append(commands, timelineCommands(ref, TimelinePlace{})...)...)
	if err != nil {
		return nil, err
	}
	r := historyReader{result: result}
	h := &History{Reading: reading}
	for page := range movePages {
		h.Moves = append(h.Moves, readMoves(r.raw(movesKey(page)))...)
	}
	h.MovesTotal = max(result.Totals[movesKey(0)], len(h.Moves))
	h.Open = readActivities(r.raw("open"))
	h.OpenTotal = max(result.Totals["open"], len(h.Open))
	h.Timeline = r.timeline(TimelinePlace{})
	h.Incomplete = r.incomplete
	return h, nil
}

// TimelineOf reads a further part of an item's timeline, with one request.
func (s *Source) TimelineOf(ctx context.Context, v Viewer, ref Ref, at TimelinePlace) (*Reading, Timeline, error) {
	reading, result, err := s.view(ctx, v, ref, timelineCommands(ref, at)...)
	if err != nil {
		return nil, Timeline{}, err
	}
	r := historyReader{result: result}
	timeline := r.timeline(at)
	for _, key := range []string{"comments", "activities"} {
		if _, err := result.Raw(key); err != nil && !isLasting(err) {
			return nil, Timeline{}, err
		}
	}
	return reading, timeline, nil
}

func movesKey(page int) string { return "moves" + strconv.Itoa(page) }

func movesCommand(ref Ref, page int) bitrix24.Command {
	stage := "STAGE_ID"
	if ref.EntityTypeID == bitrix24.Lead {
		stage = "STATUS_ID"
	}
	return bitrix24.Command{Key: movesKey(page), Method: "crm.stagehistory.list", Params: bitrix24.Params{
		"entityTypeId": ref.EntityTypeID, "filter": bitrix24.Params{"OWNER_ID": ref.ID}, "order": bitrix24.Params{"ID": "DESC"},
		"select": []string{"ID", "CREATED_TIME", "CATEGORY_ID", stage}, "start": page * timelinePage,
	}}
}

// timelineCommands ask for the pages in which the entries stand that follow a place.
func timelineCommands(ref Ref, at TimelinePlace) []bitrix24.Command {
	var commands []bitrix24.Command
	for n, start := range pagesFrom(at.Comments) {
		commands = append(commands, bitrix24.Command{Key: furtherKey("comments", n), Method: "crm.timeline.comment.list", Params: bitrix24.Params{
			"filter": bitrix24.Params{"ENTITY_ID": ref.ID, "ENTITY_TYPE": ownerName(ref.EntityTypeID)}, "order": bitrix24.Params{"ID": "DESC"},
			"select": []string{"ID", "CREATED", "COMMENT", "AUTHOR_ID"}, "start": start,
		}})
	}
	for n, start := range pagesFrom(at.Activities) {
		commands = append(commands, bitrix24.Command{Key: furtherKey("activities", n), Method: "crm.activity.list", Params: activityParams(ref, "Y", "START_TIME", "DESC", start)})
	}
	return commands
}

// pagesFrom are the starts of the pages that hold the TimelineStep entries, and the one that says that there are more, after so
// many: two where they go over the end of a page.
func pagesFrom(count int) []int {
	first := count / timelinePage * timelinePage
	if count-first+TimelineStep < timelinePage {
		return []int{first}
	}
	return []int{first, first + timelinePage}
}

func furtherKey(key string, page int) string {
	if page == 0 {
		return key
	}
	return key + strconv.Itoa(page)
}

// activityParams ask for activities that are bound to an item, whoever owns them. Descriptions stay where they are: a mail's
// is as long as the mail.
func activityParams(ref Ref, completed, order, direction string, start int) bitrix24.Params {
	return bitrix24.Params{
		"filter": bitrix24.Params{"BINDINGS": bitrix24.Params{"0": bitrix24.Params{"OWNER_TYPE_ID": ref.EntityTypeID, "OWNER_ID": ref.ID}}, "COMPLETED": completed},
		"order":  bitrix24.Params{order: direction},
		"select": []string{"ID", "OWNER_TYPE_ID", "OWNER_ID", "TYPE_ID", "PROVIDER_ID", "SUBJECT", "START_TIME", "CREATED", "DEADLINE", "RESPONSIBLE_ID", "DIRECTION"},
		"start":  start,
	}
}

// ownerName is a type's name in the filter of comments (api-reference/crm/data-types.md, object types).
func ownerName(entityTypeID int) string {
	for name, id := range map[string]int{
		"lead": bitrix24.Lead, "deal": bitrix24.Deal, "contact": bitrix24.Contact, "company": bitrix24.Company, "quote": bitrix24.Quote, "smart_invoice": bitrix24.SmartInvoice,
	} {
		if id == entityTypeID {
			return name
		}
	}
	return fmt.Sprintf("dynamic_%d", entityTypeID)
}

// historyReader reads the answers of a history, and notes whether any was refused for a reason that passes.
type historyReader struct {
	result     *bitrix24.BatchResult
	incomplete bool
}

func (r *historyReader) raw(key string) json.RawMessage {
	if !r.result.Has(key) { // was not asked for
		return nil
	}
	raw, err := r.result.Raw(key)
	r.incomplete = r.incomplete || err != nil && !isLasting(err)
	return raw
}

func (r *historyReader) timeline(at TimelinePlace) Timeline {
	t := Timeline{At: at}
	for page := range 2 {
		t.Comments = append(t.Comments, readComments(r.raw(furtherKey("comments", page)))...)
		t.Activities = append(t.Activities, readActivities(r.raw(furtherKey("activities", page)))...)
	}
	t.Comments = t.Comments[min(at.Comments%timelinePage, len(t.Comments)):]
	t.Activities = t.Activities[min(at.Activities%timelinePage, len(t.Activities)):]
	t.CommentsTotal = max(r.result.Totals["comments"], at.Comments+len(t.Comments))
	t.ActivitiesTotal = max(r.result.Totals["activities"], at.Activities+len(t.Activities))
	return t
}

// readMoves reads the answer of crm.stagehistory.list. A step without a moment is none.
func readMoves(raw []byte) []Move {
	var moves []Move
	bitrix24.EachMember(raw, func(name, value []byte) bool {
		if string(name) != `"items"` {
			return true
		}
		bitrix24.EachElement(value, func(value []byte) bool {
			var row struct {
				At       string       `json:"CREATED_TIME"`
				Category *bitrix24.ID `json:"CATEGORY_ID"`
				Stage    string       `json:"STAGE_ID"`
				Status   string       `json:"STATUS_ID"`
			}
			at := time.Time{}
			if json.Unmarshal(value, &row) == nil {
				at = moment(row.At)
			}
			if !at.IsZero() {
				move := Move{At: at, Stage: cut(row.Stage + row.Status)}
				if row.Category != nil {
					move.Category = strconv.FormatInt(int64(*row.Category), 10)
				}
				moves = append(moves, move)
			}
			return len(moves) < timelinePage
		})
		return false
	})
	return moves
}

// readComments reads the answer of crm.timeline.comment.list.
func readComments(raw []byte) []Comment {
	var comments []Comment
	bitrix24.EachElement(raw, func(value []byte) bool {
		var row struct {
			ID     bitrix24.ID `json:"ID"`
			Author bitrix24.ID `json:"AUTHOR_ID"`
			At     string      `json:"CREATED"`
			Text   string      `json:"COMMENT"`
		}
		if json.Unmarshal(value, &row) == nil {
			comments = append(comments, Comment{int64(row.ID), int64(row.Author), moment(row.At), cutTo(row.Text, maxTimelineText)})
		}
		return len(comments) < timelinePage
	})
	return comments
}

// readActivities reads the answer of crm.activity.list.
func readActivities(raw []byte) []Activity {
	var activities []Activity
	bitrix24.EachElement(raw, func(value []byte) bool {
		var row struct {
			ID          bitrix24.ID `json:"ID"`
			OwnerType   bitrix24.ID `json:"OWNER_TYPE_ID"`
			Owner       bitrix24.ID `json:"OWNER_ID"`
			Type        bitrix24.ID `json:"TYPE_ID"`
			Provider    string      `json:"PROVIDER_ID"`
			Subject     string      `json:"SUBJECT"`
			Start       string      `json:"START_TIME"`
			Created     string      `json:"CREATED"`
			Deadline    string      `json:"DEADLINE"`
			Responsible bitrix24.ID `json:"RESPONSIBLE_ID"`
			Direction   bitrix24.ID `json:"DIRECTION"`
		}
		if json.Unmarshal(value, &row) == nil {
			a := Activity{
				ID: int64(row.ID), Type: int(row.Type), Provider: row.Provider, Direction: int(row.Direction), Subject: cutTo(strings.TrimSpace(row.Subject), maxSubject),
				At: moment(row.Start), Deadline: moment(row.Deadline), Responsible: int64(row.Responsible), Owner: Ref{int(row.OwnerType), int64(row.Owner)},
			}
			if a.At.IsZero() {
				a.At = moment(row.Created)
			}
			if a.Deadline.Year() >= noDeadline {
				a.Deadline = time.Time{}
			}
			activities = append(activities, a)
		}
		return len(activities) < timelinePage
	})
	return activities
}

// noDeadline is the year of the deadline that the platform keeps for activities without one.
const noDeadline = 9999

// moment reads a moment; the zero one where there is none.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
