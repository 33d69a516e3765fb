package card

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
)

// Head is what stands above the sections.
type Head struct {
	Title       string
	Pipeline    string // name of the item's pipeline; empty where there is only one
	Stages      *Stages
	Amount      string
	AmountMark  *Mark
	Client      []Piece
	Responsible []Piece
	Created     Moment
	Updated     Moment
}

// Moment is when something happened, for people and for the page's script.
type Moment struct {
	Pieces []Piece
	At     string // RFC 3339; empty where it is no moment
}

// Stages is the way of an item: the stages of its pipeline, and where it stands.
type Stages struct {
	Name  string
	Class string // "won", "lost" or ""
	Color string // of the stage where it stands, as #rrggbb
	Pale  bool   // Color is so light that words on it are black
	Since []Piece
	For   string // how long it has stood there; empty where that is not known, or it has come to its end
	Place int    // from 1; 0 for a stage that ends the way before its end
	Steps []Step
}

// Step is a stage on the way.
type Step struct {
	Name    string
	Reached bool
	Current bool
}

func newHead(ref crm.Ref, f *formatter, typeName string, b *builder) Head {
	has := func(code string) bool { _, ok := b.row(code); return ok }
	pieces := func(codes ...string) []Piece {
		for _, code := range codes {
			if row, _ := b.row(code); len(row.Pieces) > 0 {
				return row.Pieces
			}
		}
		return nil
	}
	moment := func(code string) Moment {
		m := Moment{Pieces: pieces(code)}
		if at, err := time.Parse(time.RFC3339, f.item.Text(code)); err == nil && len(m.Pieces) > 0 {
			m.At = at.UTC().Format(time.RFC3339)
		}
		return m
	}
	h := Head{Responsible: pieces("assignedById"), Created: moment("createdTime"), Updated: moment("updatedTime")}
	if has("title") {
		h.Title = strings.TrimSpace(f.item.Text("title"))
	}
	if has("stageId") {
		if h.Stages = f.stages(); h.Stages != nil {
			h.Stages.Since = pieces("movedTime")
			if moved, err := time.Parse(time.RFC3339, f.item.Text("movedTime")); err == nil && len(h.Stages.Since) > 0 && h.Stages.Class == "" && !f.Now.IsZero() {
				h.Stages.For = Span(f.L, f.Now.Sub(moved))
			}
		}
	}
	if amount := pieces("opportunity"); len(amount) > 0 {
		h.Amount = amount[0].Text
		row, _ := b.row("opportunity")
		h.AmountMark = row.Mark
	}
	if ref.EntityTypeID != bitrix24.Company { // contacts of a company are not its client
		h.Client = slices.Concat(pieces("companyId", "companyIds"), pieces("contactIds", "contactId"))
	}
	if len(f.typ.Pipelines.Names) > 1 && has("categoryId") {
		h.Pipeline = f.typ.Pipelines.Names[f.item.Text("categoryId")]
	}
	if h.Title == "" && has("name") && has("lastName") {
		h.Title = strings.TrimSpace(f.item.Text("name") + " " + f.item.Text("lastName"))
	}
	if h.Title == "" {
		h.Title = typeName + " #" + strconv.FormatInt(ref.ID, 10)
	}
	h.Title = shorten(h.Title, maxTitle)
	return h
}

// maxTitle and maxSteps bound what stands in the head; the portal's own titles hold 255 characters.
const (
	maxTitle = 2000 // bytes
	maxSteps = 100
)

// stages finds where the item stands; nil for types without stages. Those that end the way badly are no steps of it:
// an item that reached one has lost its way.
func (f *formatter) stages() *Stages {
	field, id := f.typ.Fields.Field("stageId"), f.item.Text("stageId")
	if field == nil || id == "" {
		return nil
	}
	s := &Stages{Name: shorten(id, maxTitle)}
	var current crm.Status
	for _, status := range f.pipeline(field, id) {
		if status.ID == id {
			current = status
			s.Name = status.Name
		}
		if status.Semantics != "F" && len(s.Steps) < maxSteps {
			s.Steps = append(s.Steps, Step{Name: status.Name, Current: status.ID == id})
		}
	}
	switch current.Semantics {
	case "S":
		s.Class = "won"
	case "F":
		s.Class = "lost"
	}
	at := slices.IndexFunc(s.Steps, func(step Step) bool { return step.Current })
	s.Place = at + 1
	for i := range s.Steps {
		s.Steps[i].Reached = i <= at || s.Class == "lost"
	}
	s.Color = color(current.Color)
	s.Pale = pale(s.Color)
	return s
}

// pale reports whether black has more contrast than white on a colour: whether its relative luminance (WCAG 2.1) is above
// that at which both have the same, sqrt(1.05 * 0.05) - 0.05.
func pale(color string) bool {
	rgb, _ := strconv.ParseUint(color[1:], 16, 32)
	luminance := 0.0
	for shift, weight := range map[int]float64{16: 0.2126, 8: 0.7152, 0: 0.0722} {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		luminance += weight * c
	}
	return luminance > 0.179
}

// color lets a colour of the portal pass, or gives the platform's own for a stage.
func color(text string) string {
	if len(text) == 7 && text[0] == '#' && strings.Trim(strings.ToLower(text[1:]), "0123456789abcdef") == "" {
		return text
	}
	return "#2fc6f6"
}

// shorten cuts a text that is far too long for its place.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
