package card

import (
	"slices"
	"strconv"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// TypeChoice is a type of items to choose from.
type TypeChoice struct {
	EntityTypeID int
	Name         string
}

// TypeChoices are the types that have items for crm.item.get: those of every portal, and its smart processes.
func TypeChoices(l *i18n.Printer, types *crm.Types) []TypeChoice {
	var all []TypeChoice
	for _, id := range bitrix24.SystemTypes() {
		all = append(all, TypeChoice{id, TypeName(l, id, types.Name(id))})
	}
	for _, id := range types.Dynamic {
		all = append(all, TypeChoice{id, types.Name(id)})
	}
	return all
}

// List are items of a type as a page lists them.
type List struct {
	Type  TypeChoice
	Query string
	Items []ListItem
	More  bool  // there are more than are shown
	Last  int64 // the id of the last one: a list that goes on begins before it
}

// ListItem is an item in a list.
type ListItem struct {
	Ref      crm.Ref
	Title    string
	Href     string // where the portal shows it
	Pipeline string // "" where the type has none
	Updated  string
	Amount   string
	Stage    string
}

// NewList makes a list. Fields that an administrator hides are not in it.
func NewList(list *crm.List, reader Reader, chosen portal.Settings, query string) *List {
	name := TypeName(reader.L, list.EntityTypeID, list.Type.Types.Name(list.EntityTypeID))
	out := &List{Type: TypeChoice{list.EntityTypeID, name}, Query: query, More: list.More}
	for _, item := range list.Items {
		f := newFormatter(&crm.Reading{Item: item, Type: list.Type, Names: list.Names}, reader)
		hidden := chosen.Card(list.EntityTypeID, item.Text("categoryId")).Hidden
		first := func(code string) string {
			field := list.Type.Fields.Field(code)
			if field == nil || item.Text(code) == "" || slices.Contains(hidden, code) {
				return ""
			}
			if pieces, _ := f.format(field, item.Value(code)); len(pieces) > 0 {
				return pieces[0].Text
			}
			return ""
		}
		ref := crm.Ref{EntityTypeID: list.EntityTypeID, ID: crm.PositiveID(item.Text("id"))}
		title := item.Title()
		if title == "" || slices.ContainsFunc([]string{"title", "name", "lastName"}, func(code string) bool {
			return item.Value(code) != nil && slices.Contains(hidden, code) // what makes the title is hidden
		}) {
			title = name + " #" + strconv.FormatInt(ref.ID, 10)
		}
		out.Items = append(out.Items, ListItem{
			Ref: ref, Title: shorten(title, maxTitle), Href: reader.Origin + ref.Path(), Pipeline: item.Text("categoryId"),
			Updated: first("updatedTime"), Amount: first("opportunity"), Stage: first("stageId"),
		})
		out.Last = ref.ID
	}
	return out
}
