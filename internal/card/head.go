package card

import (
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
)

// Head is what stands above the sections.
type Head struct {
	Title       string
	Pipeline    string // name of the item's pipeline; empty where there is only one
	Stages      *Stages
	Amount      string
	Client      []Piece
	Responsible []Piece
	Created     []Piece
	Updated     []Piece
}

// Stages is the way of an item: the stages of its pipeline, and where it stands.
type Stages struct {
	Name  string
	Class string // "won", "lost" or ""
	Color string // of the stage where it stands, as #rrggbb
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
	h := Head{Responsible: pieces("assignedById"), Created: pieces("createdTime"), Updated: pieces("updatedTime")}
	if has("title") {
		h.Title = strings.TrimSpace(f.item.Text("title"))
	}
	if has("stageId") {
		h.Stages = f.stages()
	}
	if amount := pieces("opportunity"); len(amount) > 0 {
		h.Amount = amount[0].Text
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
	return s
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
