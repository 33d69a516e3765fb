package lens

import (
	"slices"
	"strconv"
	"time"

	"itemlens/internal/card"
	"itemlens/internal/crm"
)

// Way is the way of an item through the stages: a bar of time, and the same as a table.
type Way struct {
	Segments []Segment
	Stays    []Stay // from the first one on
	Earlier  int    // how many steps before the first one are not shown
}

// Segment is a stay as a part of the bar.
type Segment struct {
	card.Stage
	At    string // where it begins, in per cent of the bar
	Width string
	Span  string
	Named bool // wide enough for its name
}

// Stay is how long an item stood in a stage.
type Stay struct {
	card.Stage
	Pipeline string // where the item came to another one
	Since    string
	Span     string // empty of an end
	Now      bool   // it stands there
}

// The bar's parts, in per cent: an end lasts no time and has a mark; a segment has a name from a width on.
const (
	endMark   = 1.5
	nameWidth = 10
)

// way makes the way of the steps, the newest of which comes first; nil where none are known.
func (b *historyBuilder) way(moves []crm.Move, total int) *Way {
	if len(moves) == 0 {
		return nil
	}
	moves = slices.Clone(moves)
	slices.Reverse(moves)
	way := &Way{Earlier: total - len(moves)}
	last := moves[len(moves)-1]
	end, room := b.now, 100.0
	ended := b.Stage(last.Category, last.Stage).Class != ""
	if ended {
		end, room = last.At, 100-endMark
	}
	begin := moves[0].At
	whole := max(end.Sub(begin), time.Second)
	place := func(t time.Time) float64 { return room * min(max(float64(t.Sub(begin))/float64(whole), 0), 1) }
	for i, move := range moves {
		stay := Stay{Stage: b.Stage(move.Category, move.Stage), Since: b.L.DateTime(b.In(move.At)), Now: i == len(moves)-1}
		if i > 0 && move.Category != moves[i-1].Category || i == 0 && changesPipeline(moves) {
			stay.Pipeline = b.Pipeline(move.Category)
		}
		segment := Segment{Stage: stay.Stage}
		from, to := place(move.At), 100.0
		if !stay.Now || !ended {
			next := end
			if !stay.Now {
				next = moves[i+1].At
			}
			to = place(next)
			stay.Span = card.Span(b.L, next.Sub(move.At))
			segment.Span = stay.Span
		}
		segment.At, segment.Width, segment.Named = percent(from), percent(to-from), to-from >= nameWidth
		way.Segments, way.Stays = append(way.Segments, segment), append(way.Stays, stay)
	}
	return way
}

func changesPipeline(moves []crm.Move) bool {
	return slices.ContainsFunc(moves, func(m crm.Move) bool { return m.Category != moves[0].Category })
}

func percent(share float64) string { return strconv.FormatFloat(max(share, 0), 'f', 2, 64) + "%" }
