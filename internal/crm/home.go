package crm

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/portal"
)

// Home is the app's own page.
type Home struct {
	User  portal.User
	Types []Type
	List  *List // of the first type that the user may read; nil where there is none
}

// Type is a type of items to choose from.
type Type struct {
	EntityTypeID int
	Name         string
}

// List are items of a type.
type List struct {
	Type  Type
	Query string
	Items []ListItem
	More  bool // there are more than are shown
}

// ListItem is an item in a list.
type ListItem struct {
	Ref     Ref
	Title   string
	Path    string
	Updated string
	Amount  string
	Stage   string
}

// Home makes the app's own page with one request to the portal: the types, and the newest deals. Errors are problems for
// people.
func (c *Cards) Home(ctx context.Context, visit *gate.Visit, r Reader) (*Home, error) {
	first := Ref{EntityTypeID: bitrix24.Deal}
	known := c.known(visit, first, r)
	result, err := visit.Batch(ctx, append(listCommands(first.EntityTypeID, ""), known.commands(first)...))
	if err != nil {
		return nil, err
	}
	home := &Home{User: visit.User}
	err = c.complete(known, result)
	if err == nil {
		home.List, err = c.list(known, visit, r, result, first.EntityTypeID, "")
	}
	if err != nil && portal.ProblemOf(gate.Problem(err)) != portal.AccessDenied {
		return nil, gate.Problem(err)
	}
	// Who may not read deals can choose another type; that one says why where it is refused too.
	if known.dictionaries == nil {
		known.dictionaries, _ = readDictionaries(result)
	}
	home.Types = types(known.dictionaries, r)
	return home, nil
}

// types are the types that have items for crm.item.get: those of every portal, and its smart processes.
func types(d *Dictionaries, r Reader) []Type {
	var all []Type
	for _, id := range bitrix24.SystemTypes() {
		all = append(all, Type{id, typeName(r.L, d, id)})
	}
	for _, id := range d.dynamic {
		all = append(all, Type{id, d.types[id]})
	}
	return all
}

// listSize is how many items a list shows.
const listSize = 20

// List reads the newest items of a type, or those that a query finds by their title or id. Errors are problems for people.
func (c *Cards) List(ctx context.Context, visit *gate.Visit, r Reader, entityTypeID int, query string) (*List, error) {
	query = strings.TrimSpace(query)
	known := c.known(visit, Ref{EntityTypeID: entityTypeID}, r)
	result, err := visit.Batch(ctx, append(listCommands(entityTypeID, query), known.commands(Ref{EntityTypeID: entityTypeID})...))
	if err != nil {
		return nil, err
	}
	if err := c.complete(known, result); err != nil {
		return nil, gate.Problem(err)
	}
	list, err := c.list(known, visit, r, result, entityTypeID, query)
	return list, gate.Problem(err)
}

// listCommands ask for items. A query that is a number finds the item with that id too; a contact is found by its names.
func listCommands(entityTypeID int, query string) []bitrix24.Command {
	command := func(key string, filter bitrix24.Params) bitrix24.Command {
		params := bitrix24.Params{"entityTypeId": entityTypeID, "order": bitrix24.Params{"id": "DESC"}, "start": -1}
		if len(filter) > 0 {
			params["filter"] = filter
		}
		return bitrix24.Command{Key: key, Method: "crm.item.list", Params: params}
	}
	if query == "" {
		return []bitrix24.Command{command("list", nil)}
	}
	var commands []bitrix24.Command
	if id := positiveID(strings.TrimPrefix(query, "#")); id > 0 {
		commands = append(commands, command("byID", bitrix24.Params{"id": id}))
	}
	if entityTypeID != bitrix24.Contact {
		return append(commands, command("list", bitrix24.Params{"%title": query}))
	}
	first, last, several := strings.Cut(query, " ")
	commands = append(commands, command("list", bitrix24.Params{"%lastName": query}), command("byName", bitrix24.Params{"%name": query}))
	if several {
		commands = append(commands, command("byBoth", bitrix24.Params{"%name": first, "%lastName": strings.TrimSpace(last)}))
	}
	return commands
}

// list reads the answers to listCommands.
func (c *Cards) list(k *known, visit *gate.Visit, r Reader, result *bitrix24.BatchResult, entityTypeID int, query string) (*List, error) {
	f := c.formatter(k, visit, r)
	list := &List{Type: Type{entityTypeID, f.typeName(entityTypeID)}, Query: query}
	seen := map[int64]bool{}
	for _, key := range []string{"byID", "byBoth", "list", "byName"} {
		if result.Result[key] == nil && result.Err(key) == nil {
			continue
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := result.Decode(key, &page); err != nil {
			return nil, err
		}
		for _, raw := range page.Items {
			var called titled
			it, err := readItem(raw)
			if err != nil || json.Unmarshal(raw, &called) != nil || called.ID <= 0 || seen[int64(called.ID)] {
				continue
			}
			seen[int64(called.ID)] = true
			f.item = it
			list.Items = append(list.Items, f.listItem(Ref{entityTypeID, int64(called.ID)}, called.title()))
		}
	}
	if len(list.Items) > listSize {
		list.Items, list.More = list.Items[:listSize], true
	}
	return list, nil
}

func (f *formatter) listItem(ref Ref, title string) ListItem {
	if title == "" {
		title = f.typeName(ref.EntityTypeID) + " #" + strconv.FormatInt(ref.ID, 10)
	}
	first := func(code string) string {
		field := f.schema.Field(code)
		if field == nil {
			return ""
		}
		pieces := f.format(field, f.item.values[code])
		if len(pieces) == 0 || f.item.text(code) == "" {
			return ""
		}
		return pieces[0].Text
	}
	return ListItem{
		Ref: ref, Title: title, Path: ref.path(), Updated: first("updatedTime"), Amount: first("opportunity"), Stage: first("stageId"),
	}
}
