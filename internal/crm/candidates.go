package crm

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"itemlens/internal/bitrix24"
)

// Candidates are items of an item's type that it can be compared with.
type Candidates struct {
	Reading *Reading // the item itself
	Query   string
	Items   []*Item // the newest, or those that a query finds
}

// maxCandidates is how many items there are to choose from.
const maxCandidates = 20

// Candidates finds other items of an item's type by a part of their titles, the newest ones where nothing is asked for, with
// one request. A contact is found by its names.
func (s *Source) Candidates(ctx context.Context, v Viewer, ref Ref, query string) (*Candidates, error) {
	query = strings.TrimSpace(query)
	commands := []bitrix24.Command{}
	add := func(key, field string) {
		filter := bitrix24.Params{"!id": ref.ID}
		if query != "" {
			filter[field] = query
		}
		commands = append(commands, bitrix24.Command{Key: key, Method: "crm.item.list", Params: bitrix24.Params{
			"entityTypeId": ref.EntityTypeID, "filter": filter, "select": kindFields, "order": bitrix24.Params{"id": "DESC"}, "start": -1,
		}})
	}
	if ref.EntityTypeID == bitrix24.Contact {
		add("candidates1", "%lastName")
		if query != "" {
			add("candidates2", "%name")
		}
	} else {
		add("candidates1", "%title")
	}
	reading, result, err := s.view(ctx, v, ref, commands...)
	if err != nil {
		return nil, err
	}
	out := &Candidates{Reading: reading, Query: query}
	seen := map[int64]bool{ref.ID: true}
	for _, command := range commands {
		raw, err := result.Raw(command.Key)
		if err != nil && !isLasting(err) {
			return nil, err
		}
		count := 0
		eachItem(raw, func(it *Item) bool {
			if id := PositiveID(it.Text("id")); id > 0 && !seen[id] {
				seen[id] = true
				out.Items = append(out.Items, it)
			}
			count++
			return count < kindPage
		})
	}
	slices.SortFunc(out.Items, func(a, b *Item) int { return cmp.Compare(PositiveID(b.Text("id")), PositiveID(a.Text("id"))) })
	out.Items = out.Items[:min(len(out.Items), maxCandidates)]
	return out, nil
}
