package card

import (
	"strconv"
	"time"

	"itemlens/internal/crm"
)

// Writer writes single values as a card does: for the views beside the fields, which package lens makes.
type Writer struct {
	Reader
	f *formatter
}

// NewWriter makes the writer of what was read of an item.
func NewWriter(r *crm.Reading, reader Reader) *Writer {
	return &Writer{reader, newFormatter(r, reader)}
}

// Person writes a user by id, with a link to their page; the page's script finds a name that is not known. It reports false
// where the id is 0.
func (w *Writer) Person(id int64) (Piece, bool) { return w.f.person(strconv.FormatInt(id, 10)) }

// Linked writes an item with a link to it, as Person does.
func (w *Writer) Linked(ref crm.Ref) (Piece, bool) {
	return w.f.linked(ref.EntityTypeID, strconv.FormatInt(ref.ID, 10))
}

// In is a moment in the reader's time zone, and in that of the portal where the reader's is not known.
func (w *Writer) In(t time.Time) time.Time {
	if w.Zone == nil {
		return t
	}
	return t.In(w.Zone)
}

// DaysSince is how many days ago a day was, by the reader's calendar; less than 0 where it lies ahead.
func (w *Writer) DaysSince(day time.Time) int { return w.f.daysSince(day) }

// Money writes a sum in a currency as the portal does.
func (w *Writer) Money(sum float64, currency string) string { return w.f.amount(sum, currency) }

// Rich writes a text in BBCode, HTML or plain as formatted text, sanitised.
func (w *Writer) Rich(text string) Piece {
	piece := w.f.rich(&crm.Field{}, text)
	w.f.bound(&piece)
	return piece
}

// TypeName is what a type is called.
func (w *Writer) TypeName(entityTypeID int) string { return w.f.typeName(entityTypeID) }

// FieldTitle is what the portal calls a field of the item's type; "" where it has none of that name.
func (w *Writer) FieldTitle(name string) string {
	field := w.f.typ.Fields.Field(name)
	if field == nil {
		return ""
	}
	return describe(w.L, field).title
}

// Pipeline is the name of a pipeline by its id; "" where the type has only one.
func (w *Writer) Pipeline(category string) string {
	if len(w.f.typ.Pipelines.Names) < 2 {
		return ""
	}
	return w.f.typ.Pipelines.Names[category]
}

// Stage is a stage of an item as it is drawn.
type Stage struct {
	Name  string
	Color string // as #rrggbb
	Class string // "won", "lost" or ""
	Pale  bool   // Color is so light that words on it are black
}

// Stage finds a stage of a pipeline (category; "" of types without pipelines) by the id that stageId holds. One that is gone
// is called by its id.
func (w *Writer) Stage(category, id string) Stage {
	name := shorten(id, maxTitle)
	var found crm.Status
	if field := w.f.typ.Fields.Field("stageId"); field != nil {
		for _, status := range w.f.typ.Statuses.Pipeline(field.StatusType, category, id) {
			if status.ID == id {
				found = status
				name = status.Name
			}
		}
	}
	return drawnStage(name, found)
}

// StageOf finds a stage of a type, whatever its pipeline, by the id that stageId holds.
func (w *Writer) StageOf(entityTypeID int, id string) Stage {
	stage, known := w.f.typ.Statuses.Stage(entityTypeID, id)
	if !known {
		stage.Name = id
	}
	return drawnStage(shorten(stage.Name, maxTitle), stage)
}

func drawnStage(name string, status crm.Status) Stage {
	drawn := Stage{Name: name, Class: classes[status.Semantics], Color: color(status.Color)}
	drawn.Pale = pale(drawn.Color)
	return drawn
}

// ItemTitle is what an item is called; the name of its type with its id where it has no title.
func (w *Writer) ItemTitle(ref crm.Ref, title string) string {
	if title == "" {
		title = w.TypeName(ref.EntityTypeID) + " #" + strconv.FormatInt(ref.ID, 10)
	}
	return shorten(title, maxTitle)
}

// classes are how the ends of a way are drawn, by the semantics of their stages.
var classes = map[string]string{"S": "won", "F": "lost"}
