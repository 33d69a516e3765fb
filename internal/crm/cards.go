// Package crm reads items and shows them: crm.item.get and what it takes to make a card of its answer (field schemas,
// dictionaries, names), the card as a view model, the formatting of each field type, and the page handlers.
package crm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// Ref names an item.
type Ref struct {
	EntityTypeID int
	ID           int64
}

// Cards makes cards.
type Cards struct {
	Cache *Cache
}

// peopleFields are the fields with people that every type has; others are known once the schema is.
var peopleFields = []string{"assignedById", "createdBy", "updatedBy"}

// Load reads an item as the user who looks and makes its card: one request to the portal when the schema and the names
// of the item's people are known, two when they are not. Errors are problems for people.
func (c *Cards) Load(ctx context.Context, visit *gate.Visit, ref Ref, lang string, l *i18n.Printer) (*Card, error) {
	key := schemaKey{visit.Portal.MemberID, lang, ref.EntityTypeID}
	schema, cached := c.Cache.schemas.get(key)
	result, err := visit.Batch(ctx, itemCommands(ref, schema))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Item json.RawMessage `json:"item"`
	}
	if err := result.Decode("item", &answer); err != nil {
		return nil, gate.Problem(err)
	}
	if !cached {
		schema, err = readSchema(result)
		switch {
		case schema == nil:
			return nil, gate.Problem(err)
		case err == nil:
			c.Cache.schemas.add(key, schema)
		} // without dictionaries the card still shows codes; it is not kept
	}
	item, err := readItem(answer.Item)
	if err != nil {
		return nil, portal.Problemf(portal.Unreachable, "read item: %w", err)
	}
	names := c.readNames(visit.Portal.MemberID, result)
	if err := c.completeNames(ctx, visit, schema, item, names); err != nil {
		return nil, err
	}
	return newCard(ref, item, schema, names, visit, l), nil
}

// itemCommands ask for the item and for what its card needs beside it. What depends on the item refers to its answer
// within the batch; where a reference does not resolve, that command finds nothing, which does no harm.
func itemCommands(ref Ref, schema *Schema) []bitrix24.Command {
	commands := []bitrix24.Command{{
		Key: "item", Method: "crm.item.get", Params: bitrix24.Params{"entityTypeId": ref.EntityTypeID, "id": ref.ID},
	}}
	if schema == nil {
		people := make([]string, len(peopleFields))
		for i, field := range peopleFields {
			people[i] = bitrix24.Ref("item", "item", field)
		}
		commands = append(commands,
			bitrix24.Command{Key: "fields", Method: "crm.item.fields", Params: bitrix24.Params{"entityTypeId": ref.EntityTypeID}},
			bitrix24.Command{Key: "statuses", Method: "crm.status.list"},
			bitrix24.Command{Key: "people", Method: "user.get", Params: peopleFilter(people)})
	}
	if ref.EntityTypeID != bitrix24.Company {
		commands = append(commands, titleCommand("company", bitrix24.Company, bitrix24.Ref("item", "item", "companyId")))
	}
	if ref.EntityTypeID != bitrix24.Contact && ref.EntityTypeID != bitrix24.Company {
		commands = append(commands, titleCommand("contact", bitrix24.Contact, bitrix24.Ref("item", "item", "contactId")))
	}
	return commands
}

func peopleFilter(ids []string) bitrix24.Params {
	return bitrix24.Params{"FILTER": bitrix24.Params{"ID": ids}}
}

func titleCommand(key string, entityTypeID int, id string) bitrix24.Command {
	return bitrix24.Command{Key: key, Method: "crm.item.list", Params: bitrix24.Params{
		"entityTypeId": entityTypeID,
		"filter":       bitrix24.Params{"id": id},
		"select":       []string{"id", "title", "name", "lastName"},
	}}
}

// names are what ids of people and of linked items are called.
type names struct {
	people map[int64]string
	linked map[Ref]string
}

// readNames takes the names that an answer brought. Missing ones are no error: the user may not see them, or the
// portal did not grant the scope.
func (c *Cards) readNames(id portal.MemberID, result *bitrix24.BatchResult) *names {
	n := &names{people: map[int64]string{}, linked: map[Ref]string{}}
	var people []struct {
		ID       bitrix24.ID `json:"ID"`
		Name     string      `json:"NAME"`
		LastName string      `json:"LAST_NAME"`
	}
	if result.Decode("people", &people) == nil {
		for _, p := range people {
			if name := strings.TrimSpace(p.Name + " " + p.LastName); name != "" {
				n.people[int64(p.ID)] = name
				c.Cache.people.add(personKey{id, int64(p.ID)}, name)
			}
		}
	}
	for key, entityTypeID := range map[string]int{"company": bitrix24.Company, "contact": bitrix24.Contact} {
		var list struct {
			Items []struct {
				ID       bitrix24.ID `json:"id"`
				Title    string      `json:"title"`
				Name     string      `json:"name"`
				LastName string      `json:"lastName"`
			} `json:"items"`
		}
		if result.Decode(key, &list) != nil {
			continue
		}
		for _, item := range list.Items {
			title := item.Title
			if title == "" {
				title = strings.TrimSpace(item.Name + " " + item.LastName)
			}
			n.linked[Ref{entityTypeID, int64(item.ID)}] = title
		}
	}
	return n
}

// completeNames finds the names of the item's people that the first answer did not bring: in the cache, or with one
// more request.
func (c *Cards) completeNames(ctx context.Context, visit *gate.Visit, schema *Schema, item *item, n *names) error {
	unknown := map[string]bool{}
	for _, field := range schema.Fields {
		if field.Type != "user" && field.Type != "employee" {
			continue
		}
		for _, id := range item.ids(field.Name) {
			key := personKey{visit.Portal.MemberID, id}
			if _, known := n.people[id]; known {
				continue
			}
			if name, cached := c.Cache.people.get(key); cached {
				n.people[id] = name
				continue
			}
			unknown[strconv.FormatInt(id, 10)] = true
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(unknown))
	ids = ids[:min(len(ids), 50)] // a page of user.get
	result, err := visit.Batch(ctx, []bitrix24.Command{{Key: "people", Method: "user.get", Params: peopleFilter(ids)}})
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil // the card is complete but for names
	}
	if err != nil {
		return err
	}
	maps.Copy(n.people, c.readNames(visit.Portal.MemberID, result).people)
	for _, id := range ids {
		// A person who is gone stays unknown; asking again at every open would cost a request each time.
		number, _ := strconv.ParseInt(id, 10, 64)
		if _, found := n.people[number]; !found && result.Err("people") == nil {
			c.Cache.people.add(personKey{visit.Portal.MemberID, number}, "")
		}
	}
	return nil
}
