package crm

import (
	"context"
	"strings"

	"itemlens/internal/bitrix24"
)

// listSize is how many items a list shows.
const listSize = 20

// List are the items of a type that a user may read.
type List struct {
	EntityTypeID int
	Items        []*Item
	More         bool // there are more than were read
	Type         *Type
	Names        Names
	Denied       bool // the user may not read any; Type may still tell which types there are
}

// List reads the newest items of a type, or those that a query finds by their title or id, with one request. A user who
// may not read the type gets a List that is Denied.
func (s *Source) List(ctx context.Context, v Viewer, entityTypeID int, query string) (*List, error) {
	query = strings.TrimSpace(query)
	known := s.Cache.typeOf(v.Who(), entityTypeID)
	result, err := v.Batch(ctx, append(listCommands(entityTypeID, query), known.missing(entityTypeID)...))
	if err != nil {
		return nil, err
	}
	list := &List{EntityTypeID: entityTypeID, Names: s.names(v.Who())}
	known, err = s.learnType(v.Who(), entityTypeID, known, result)
	if bitrix24.IsAccessDenied(err) {
		// Who may not read this type can choose another one.
		list.Denied = true
		known, err = s.learnType(v.Who(), entityTypeID, &Type{Fields: NewFields(nil)}, result)
	}
	if err != nil {
		return nil, err
	}
	list.Type = known.complete()
	if list.Denied {
		return list, nil
	}
	seen := map[int64]bool{}
	for _, key := range []string{"byID", "byBoth", "list", "byName"} {
		if !result.Has(key) {
			continue
		}
		raw, err := result.Raw(key)
		if bitrix24.IsAccessDenied(err) {
			list.Denied, list.Items = true, nil
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		eachItem(raw, func(it *Item) bool {
			if id := PositiveID(it.Text("id")); id > 0 && !seen[id] {
				seen[id] = true
				list.Items = append(list.Items, it)
			}
			return len(list.Items) <= listSize
		})
	}
	if len(list.Items) > listSize {
		list.Items, list.More = list.Items[:listSize], true
	}
	return list, nil
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
	if id := PositiveID(strings.TrimPrefix(query, "#")); id > 0 {
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
