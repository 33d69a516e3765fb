package lens

import (
	"context"
	"encoding/json"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// Request is the view of how an item is read through REST: for those who may see field codes.
type Request struct {
	Method     string
	Address    string // where it is asked
	Parameters string // in JSON
	Took       string // empty where the portal does not tell
	Operating  string // the same
	Size       string // of the answer
	Answer     string // in JSON, over many lines
	Cut        string // how much of the answer is shown; empty where all of it is
	Snippets   []Snippet
	Fields     []FieldRow
	Beyond     int // how many fields are more than the view shows
}

// FieldRow describes a field of a type as crm.item.fields does.
type FieldRow struct {
	Code, Type, Title            string
	Multiple, ReadOnly, Required bool
}

// maxAnswer is how much of an answer is shown, in bytes, and maxFieldRows how many fields: more than most portals have,
// and as much as a browser draws in a moment.
const (
	maxAnswer    = 200_000
	maxFieldRows = 2000
)

// NewRequest makes the view. endpoint is the portal's REST address. Fields that an administrator hides are neither in the
// answer nor among the fields. It ends with the context's error once that is done.
func NewRequest(ctx context.Context, r *crm.Request, reader card.Reader, chosen portal.Settings, endpoint string) (*Request, error) {
	hidden := hides(r.Reading, chosen)
	parameters, err := json.MarshalIndent(r.Parameters, "", "  ")
	if err != nil {
		return nil, err
	}
	out := &Request{Method: r.Method, Address: endpoint + r.Method, Parameters: string(parameters), Snippets: NewSnippets(endpoint, r.Ref)}
	seconds := func(d float64) string { return reader.L.T("request.seconds", "Seconds", reader.L.Number(d, 3)) }
	if r.Time != nil {
		out.Took, out.Operating = seconds(r.Took.Seconds()), seconds(r.Operating.Seconds())
	}
	answer := answerOf(r, hidden)
	out.Size = reader.L.Size(int64(len(answer)))
	var shown int
	if out.Answer, shown = pretty(answer, maxAnswer); shown < len(answer) {
		out.Cut = reader.L.T("value.cut", "Shown", reader.L.Size(int64(shown)), "Whole", out.Size)
	}
	for i := range r.Type.Fields.All {
		field := &r.Type.Fields.All[i]
		switch {
		case hidden(field.Name):
		case len(out.Fields) == maxFieldRows:
			out.Beyond++
		default:
			out.Fields = append(out.Fields, FieldRow{field.Name, field.Type, card.FieldTitle(reader.L, field), bool(field.Multiple), bool(field.ReadOnly), bool(field.Required)})
		}
	}
	return out, ctx.Err()
}

// answerOf writes an answer as the portal gave it, without hidden fields.
func answerOf(r *crm.Request, hidden func(string) bool) []byte {
	out := []byte(`{"result":{"item":{`)
	first := true
	for _, m := range r.Item.Members {
		if hidden(m.Name) {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		name, _ := json.Marshal(m.Name)
		out = append(append(append(out, name...), ':'), m.Value...)
	}
	out = append(out, "}}"...)
	if r.Time != nil {
		out = append(append(out, `,"time":`...), r.Time...)
	}
	return append(out, '}')
}

// maxIndent is how many levels of an answer are set off: portals nest a few, and one that nests thousands gains nothing.
const maxIndent = 20

// pretty writes JSON over many lines, up to about a number of bytes, and tells how many bytes of raw that shows. raw must be
// valid JSON. It is one pass that costs no more than its result, however deep the value is.
func pretty(raw []byte, limit int) (text string, shown int) {
	out := make([]byte, 0, min(2*len(raw), limit+limit/8))
	depth := 0
	line := func() { out = append(append(out, '\n'), strings.Repeat("  ", min(depth, maxIndent))...) }
	at := 0
	for at < len(raw) && len(out) < limit {
		switch c := raw[at]; c {
		case '"':
			end := bitrix24.EndOfText(raw, at)
			if len(out)+end-at > limit {
				return string(append(out, "…"...)), at
			}
			out = append(out, raw[at:end]...)
			at = end
			continue
		case '{', '[':
			out = append(out, c)
			if next := bitrix24.SkipBlanks(raw, at+1); next < len(raw) && raw[next] == c+2 { // nothing in it
				out = append(out, raw[next])
				at = next + 1
				continue
			}
			depth++
			line()
		case '}', ']':
			depth--
			line()
			out = append(out, c)
		case ',':
			out = append(out, c)
			line()
		case ':':
			out = append(out, ": "...)
		case ' ', '\t', '\n', '\r':
		default:
			out = append(out, c)
		}
		at++
	}
	if at < len(raw) {
		out = append(out, "…"...)
	}
	return string(out), at
}
