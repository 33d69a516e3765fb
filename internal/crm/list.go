package crm

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// listSize is how many items a list shows.
const listSize = 20

// ListRequest says which items of a type a list shows.
type ListRequest struct {
	EntityTypeID int
	Query        string // a title or an id; for leads, contacts and companies a phone number or an e-mail address, too
	Mine         bool   // only those that the user who looks is responsible for
	Before       int64  // only those with a smaller id, to go on with a list; 0 begins it
}

// List are the items of a type that a user may read.
type List struct {
	EntityTypeID int
	Items        []*Item
	More         bool // there are more than were read
	Type         *Type
	Names        Names
	Denied       bool // the user may not read any; Type may still tell which types there are
}

// List reads the newest items of a type, or those that a query finds. It takes one request, and a second one where a phone
// number or an e-mail address was found. A user who may not read the type gets a List that is Denied.
func (s *Source) List(ctx context.Context, v Viewer, req ListRequest) (*List, error) {
	entityTypeID := req.EntityTypeID
	req.Query = strings.TrimSpace(req.Query)
	known := s.Cache.typeOf(v.Who(), entityTypeID)
	result, err := v.Batch(ctx, append(listCommands(v.Who(), req), known.missing(entityTypeID)...))
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
	if list.Denied, err = list.add(result, "byID", "byBoth", "list", "byName"); err != nil || list.Denied {
		list.Items = nil
		return list, err
	}
	// What has the phone number or the address is known by its ids alone; reading them is up to this user's rights.
	if ids := foundByDetail(result); len(ids) > 0 {
		result, err := v.Batch(ctx, []bitrix24.Command{itemsCommand("byDetail", v.Who(), req, bitrix24.Params{"@id": ids})})
		if err != nil {
			return nil, err
		}
		if _, err := list.add(result, "byDetail"); err != nil {
			return nil, err
		}
	}
	list.cut(PositiveID(strings.TrimPrefix(req.Query, "#")))
	return list, nil
}

// add takes the items from answers; those that are in the list already are left out. It reports that the user may read none.
func (l *List) add(result *bitrix24.BatchResult, keys ...string) (denied bool, err error) {
	seen := map[int64]bool{}
	for _, item := range l.Items {
		seen[PositiveID(item.Text("id"))] = true
	}
	for _, key := range keys {
		if !result.Has(key) {
			continue
		}
		raw, err := result.Raw(key)
		if bitrix24.IsAccessDenied(err) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		count := 0
		eachItem(raw, func(it *Item) bool {
			if id := PositiveID(it.Text("id")); id > 0 && !seen[id] {
				seen[id] = true
				l.Items = append(l.Items, it)
			}
			count++
			return count <= listSize
		})
	}
	return false, nil
}

// cut orders the list, what was named by its id first and then the newest, and leaves what a page shows.
func (l *List) cut(named int64) {
	place := func(it *Item) int64 {
		if id := PositiveID(it.Text("id")); id != named {
			return -id
		}
		return -1 << 62
	}
	slices.SortStableFunc(l.Items, func(a, b *Item) int { return cmp.Compare(place(a), place(b)) })
	if len(l.Items) > listSize {
		l.Items, l.More = l.Items[:listSize], true
	}
}

// itemsCommand asks for the newest items that fit a filter.
func itemsCommand(key string, who Who, req ListRequest, filter bitrix24.Params) bitrix24.Command {
	if req.Mine {
		filter["assignedById"] = int64(who.User)
	}
	if req.Before > 0 {
		filter["<id"] = req.Before
	}
	params := bitrix24.Params{"entityTypeId": req.EntityTypeID, "order": bitrix24.Params{"id": "DESC"}, "start": -1}
	if len(filter) > 0 {
		params["filter"] = filter
	}
	return bitrix24.Command{Key: key, Method: "crm.item.list", Params: params}
}

// listCommands ask for items. A query that is a number finds the item with that id too; a contact is found by its names.
func listCommands(who Who, req ListRequest) []bitrix24.Command {
	command := func(key string, filter bitrix24.Params) bitrix24.Command { return itemsCommand(key, who, req, filter) }
	query := req.Query
	if query == "" {
		return []bitrix24.Command{command("list", bitrix24.Params{})}
	}
	var commands []bitrix24.Command
	if id := PositiveID(strings.TrimPrefix(query, "#")); id > 0 && req.Before == 0 {
		commands = append(commands, command("byID", bitrix24.Params{"id": id}))
	}
	commands = append(commands, detailCommands(req)...)
	if req.EntityTypeID != bitrix24.Contact {
		return append(commands, command("list", bitrix24.Params{"%title": query}))
	}
	first, last, several := strings.Cut(query, " ")
	commands = append(commands, command("list", bitrix24.Params{"%lastName": query}), command("byName", bitrix24.Params{"%name": query}))
	if several {
		commands = append(commands, command("byBoth", bitrix24.Params{"%name": first, "%lastName": strings.TrimSpace(last)}))
	}
	return commands
}

// detailOwners are the types whose items have phone numbers and e-mail addresses, by their names for the search for these
// (api-reference/crm/duplicates/crm-duplicate-find-by-comm.md).
var detailOwners = map[int]string{bitrix24.Lead: "LEAD", bitrix24.Contact: "CONTACT", bitrix24.Company: "COMPANY"}

// detailCommands ask who has a phone number or an e-mail address, where a query is one. The portal finds whole ones only,
// and at most 20 items, the oldest.
func detailCommands(req ListRequest) []bitrix24.Command {
	owner, kind := detailOwners[req.EntityTypeID], detailKind(req.Query)
	if owner == "" || kind == "" || req.Before > 0 {
		return nil
	}
	params := bitrix24.Params{"entity_type": owner, "type": kind, "values": []string{req.Query}}
	return []bitrix24.Command{{Key: "details", Method: "crm.duplicate.findbycomm", Params: params}}
}

// fewestDigits is how many digits make a phone number and not an id.
const fewestDigits = 5

// detailKind tells whether a query is an e-mail address or a phone number; "" where it is neither.
func detailKind(query string) string {
	if name, host, ok := strings.Cut(query, "@"); ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(query, " \t") {
		return "EMAIL"
	}
	digits := 0
	for i, r := range query {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0 || strings.ContainsRune(" -()./", r):
		default:
			return ""
		}
	}
	if digits < fewestDigits {
		return ""
	}
	return "PHONE"
}

// foundByDetail are the ids of the items that have the phone number or the address. A refusal finds nothing: titles are
// searched all the same.
func foundByDetail(result *bitrix24.BatchResult) []string {
	if !result.Has("details") {
		return nil
	}
	raw, err := result.Raw("details")
	if err != nil {
		return nil
	}
	var found map[string][]bitrix24.ID
	if json.Unmarshal(raw, &found) != nil { // nothing comes as an empty list
		return nil
	}
	var ids []string
	for _, list := range found {
		for _, id := range list {
			ids = append(ids, strconv.FormatInt(int64(id), 10))
		}
	}
	slices.Sort(ids)
	return ids
}
