package lens

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// Around is the view of what hangs on an item.
type Around struct {
	Parents []Group
	Groups  []Group // what names the item, and other deals of its client
	Clients []Client
	Same    []Line // who has the same phone number or e-mail address; Note says which
	Beyond  int    // how many smart processes were left out because they are too many

	Incomplete bool // a part could not be read
}

// Nothing reports whether there is nothing to show.
func (a *Around) Nothing() bool {
	return len(a.Parents) == 0 && len(a.Groups) == 0 && len(a.Clients) == 0 && len(a.Same) == 0
}

// Group are the items of one type that have the same relation to the item.
type Group struct {
	Type   string
	Client string // whose other deals these are; empty for what names the item itself
	Count  string
	Open   string // how many are open; empty where that is not known or means nothing
	Sums   []Sum
	Covers *Covers // nil where the sums are of all of them
	Items  []Line
	More   string // how many more there are than Items; empty where there are none
	List   string // address of the portal's list of the type
}

// Sum is what items come to in one currency; Open is empty where none of them is open.
type Sum struct{ Amount, Open string }

// Covers says of how many, the newest, the sums are.
type Covers struct{ Read, Total string }

// Line is an item in a list.
type Line struct {
	Ref     crm.Ref
	Title   string
	Href    string
	Path    string
	Stage   *card.Stage // nil where it has none, or none is shown
	Amount  string
	Note    []string // keys of messages
	Compare bool     // it is of the item's own type
}

// Client is a contact or a company with what it is billed by.
type Client struct {
	Line
	Type       string
	Requisites []crm.Requisite
	Addresses  []Address
	More       int // how many requisites are left out
}

// Address is an address of a client.
type Address struct{ Type, Text string }

// NewAround makes the view. Fields that an administrator hides, of the item or of what hangs on it, are not told of.
func NewAround(ctx context.Context, read *crm.Around, reader card.Reader, chosen portal.Settings) (*Around, error) {
	reading := &crm.Reading{Ref: read.Ref, Item: read.Item, Type: read.Type, Names: nobody{}}
	a := &aroundMaker{w: card.NewWriter(reading, reader), read: read, chosen: chosen}
	out := &Around{Beyond: read.Beyond, Incomplete: read.Incomplete}
	hidden := hides(reading, chosen)
	told := func(fields []string) bool { return len(fields) == 0 || !slices.ContainsFunc(fields, hidden) }
	for _, kind := range read.Parents {
		if told(kind.Fields) {
			out.Parents = append(out.Parents, a.group(kind))
		}
	}
	for _, kind := range read.Kinds {
		if told(kind.Fields) {
			out.Groups = append(out.Groups, a.group(kind))
		}
	}
	for i := range read.Clients {
		if c := &read.Clients[i]; told(c.Fields) && len(c.Requisites)+len(c.Addresses) > 0 {
			out.Clients = append(out.Clients, a.client(c))
		}
	}
	for _, same := range read.Same {
		line := a.line(same.Ref, same.Title)
		if same.Phone && !hidden("fm.PHONE") {
			line.Note = append(line.Note, "contact.phone")
		}
		if same.Email && !hidden("fm.EMAIL") {
			line.Note = append(line.Note, "contact.email")
		}
		if len(line.Note) > 0 {
			out.Same = append(out.Same, line)
		}
	}
	return out, ctx.Err()
}

// nobody knows no names: everything here comes with its own.
type nobody struct{}

func (nobody) Person(int64) (crm.Person, bool) { return crm.Person{}, false }
func (nobody) Title(crm.Ref) (string, bool)    { return "", false }

type aroundMaker struct {
	w      *card.Writer
	read   *crm.Around
	chosen portal.Settings
}

// hides reports whether a field is hidden in the cards of a type, in one of some pipelines.
func (a *aroundMaker) hides(entityTypeID int, categories []string, field string) bool {
	return slices.ContainsFunc(categories, func(category string) bool {
		return card.Hides(a.chosen.Card(entityTypeID, category).Hidden)(field)
	})
}

func (a *aroundMaker) line(ref crm.Ref, title string) Line {
	return Line{
		Ref: ref, Title: a.w.ItemTitle(ref, title), Href: a.w.Origin + ref.Path(), Path: ref.Path(),
		Compare: ref.EntityTypeID == a.read.Ref.EntityTypeID && ref != a.read.Ref,
	}
}

// itemLine is the line of an item of which its stage and amount were read.
func (a *aroundMaker) itemLine(entityTypeID int, item *crm.Item) Line {
	hidden := card.Hides(a.chosen.Card(entityTypeID, item.Text("categoryId")).Hidden)
	title := item.Title()
	if hidden("title") || item.Text("title") == "" && (hidden("name") || hidden("lastName")) {
		title = ""
	}
	line := a.line(crm.Ref{EntityTypeID: entityTypeID, ID: crm.PositiveID(item.Text("id"))}, title)
	if id := item.Text("stageId"); id != "" && !hidden("stageId") {
		stage := a.w.StageOf(entityTypeID, id)
		line.Stage = &stage
	}
	if amount := item.Text("opportunity"); amount != "" && !hidden("opportunity") {
		if sum, err := strconv.ParseFloat(amount, 64); err == nil && sum != 0 {
			line.Amount = a.w.Money(sum, item.Text("currencyId"))
		}
	}
	return line
}

func (a *aroundMaker) group(kind *crm.Kind) Group {
	l := a.w.L
	g := Group{Type: a.w.TypeName(kind.EntityTypeID), Count: l.Number(float64(kind.Total), 0), List: a.w.Origin + crm.ListPath(kind.EntityTypeID)}
	if kind.Client != (crm.Ref{}) {
		for i := range a.read.Clients {
			if c := &a.read.Clients[i]; c.Ref == kind.Client {
				g.Client = a.w.ItemTitle(c.Ref, c.Item.Title())
			}
		}
	}
	for _, item := range kind.Newest {
		g.Items = append(g.Items, a.itemLine(kind.EntityTypeID, item))
	}
	if more := kind.Total - len(kind.Newest); more > 0 {
		g.More = l.Number(float64(more), 0)
	}
	if kind.Open >= 0 && !a.hides(kind.EntityTypeID, kind.Categories, "stageId") {
		g.Open = l.Number(float64(kind.Open), 0)
	}
	if a.hides(kind.EntityTypeID, kind.Categories, "opportunity") {
		return g
	}
	for _, sum := range kind.Sums {
		written := Sum{Amount: a.w.Money(sum.Amount, sum.Currency)}
		if sum.Open != 0 && g.Open != "" {
			written.Open = a.w.Money(sum.Open, sum.Currency)
		}
		g.Sums = append(g.Sums, written)
	}
	if kind.Read < kind.Total && len(g.Sums) > 0 {
		g.Covers = &Covers{l.Number(float64(kind.Read), 0), g.Count}
	}
	return g
}

func (a *aroundMaker) client(c *crm.Client) Client {
	out := Client{Line: a.line(c.Ref, c.Item.Title()), Type: a.w.TypeName(c.Ref.EntityTypeID), Requisites: c.Requisites, More: c.More}
	for _, address := range c.Addresses {
		out.Addresses = append(out.Addresses, Address{address.Type, strings.Join(address.Parts, ", ")})
	}
	return out
}
