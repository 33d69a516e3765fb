package settings

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/portal"
)

// inventory is what a portal has of what settings can name.
type inventory struct {
	types  map[int]string // with the portal's names
	result *bitrix24.BatchResult
}

// takeInventory asks the portal for the types, pipelines and fields that settings name, as the administrator who wants
// them. One request. Errors are problems for people.
func (h *Handler) takeInventory(ctx context.Context, visit *gate.Visit, chosen portal.Settings) (*inventory, error) {
	types := map[int]bool{}
	for key := range chosen.Cards {
		if id, _, ok := portal.ParseCardKey(key); ok {
			types[id] = true
		}
	}
	commands := []bitrix24.Command{{Key: "types", Method: "crm.enum.ownertype"}}
	const perType = 2
	if len(types) > (bitrix24.MaxBatch-2)/perType {
		return nil, invalid("cards: > " + strconv.Itoa((bitrix24.MaxBatch-2)/perType))
	}
	for _, id := range slices.Sorted(maps.Keys(types)) {
		params := bitrix24.Params{"entityTypeId": id}
		commands = append(commands,
			bitrix24.Command{Key: fmt.Sprintf("fields%d", id), Method: "crm.item.fields", Params: params},
			bitrix24.Command{Key: fmt.Sprintf("categories%d", id), Method: "crm.category.list", Params: params})
	}
	visit.AskWho()
	result, err := visit.Batch(ctx, commands)
	if err != nil {
		return nil, err
	}
	if err := onlyAdmin(visit); err != nil {
		return nil, err
	}
	if what := chosen.Check(h.Catalog.Languages()); what != "" {
		return nil, invalid(what)
	}
	known, err := knownTypes(result)
	if err != nil {
		return nil, gate.Problem(err)
	}
	return &inventory{known, result}, nil
}

// invalid is the problem of settings that cannot be taken; what names the reason in the settings' own terms.
func invalid(what string) error {
	return &portal.Error{Problem: portal.InvalidSettings, Detail: what, Err: fmt.Errorf("settings name what the portal does not have: %s", what)}
}

// hasCard reports whether the portal has the cards of a key.
func (i *inventory) hasCard(key string) bool {
	id, category, _ := portal.ParseCardKey(key)
	_, known := i.types[id]
	return known && (category == "" || hasCategory(i.result, id, category))
}

// fieldsOf are the fields of the type of a card that the portal has.
func (i *inventory) fieldsOf(key string) (bitrix24.Object, error) {
	id, _, _ := portal.ParseCardKey(key)
	var fields struct {
		Fields bitrix24.Object `json:"fields"`
	}
	if err := i.result.Decode(fmt.Sprintf("fields%d", id), &fields); err != nil {
		return nil, gate.Problem(err)
	}
	return fields.Fields, nil
}

// validate checks settings against what the portal has at this moment, as the administrator who saves them: that they
// are one, and that types, pipelines and fields exist. What is in force already and was deleted in the portal since is left
// out of what it returns: nobody can see it, so nobody could mend it. One request. Errors are problems for people; the detail
// names what does not exist.
func (h *Handler) validate(ctx context.Context, visit *gate.Visit, chosen portal.Settings) (portal.Settings, error) {
	has, err := h.takeInventory(ctx, visit, chosen)
	if err != nil {
		return chosen, err
	}
	inForce := visit.Portal.Settings
	kept := chosen
	kept.TabsOff = nil
	for _, id := range chosen.TabsOff {
		if _, known := has.types[id]; known {
			kept.TabsOff = append(kept.TabsOff, id)
		} else if !slices.Contains(inForce.TabsOff, id) {
			return chosen, invalid("tabsOff: " + strconv.Itoa(id))
		}
	}
	kept.Cards = map[string]portal.CardSettings{}
	for _, key := range slices.Sorted(maps.Keys(chosen.Cards)) {
		before, was := inForce.Cards[key]
		if !has.hasCard(key) {
			if !was {
				return chosen, invalid("cards: " + key)
			}
			continue
		}
		fields, err := has.fieldsOf(key)
		if err != nil {
			return chosen, err
		}
		unknown := unknownFields(chosen.Cards[key], fields)
		if added := slices.DeleteFunc(slices.Clone(unknown), func(field string) bool { return slices.Contains(before.Fields(), field) }); len(added) > 0 {
			return chosen, invalid(key + ": " + strings.Join(added, ", "))
		}
		kept.Cards[key] = chosen.Cards[key].Without(unknown)
	}
	return kept, nil
}

// fit leaves out of settings, such as those of another portal, what this one does not have, and tells what that was.
func (i *inventory) fit(n narrator, chosen portal.Settings) (portal.Settings, []string, error) {
	var left []string
	chosen.TabsOff = slices.DeleteFunc(slices.Clone(chosen.TabsOff), func(id int) bool {
		_, known := i.types[id]
		if !known {
			left = append(left, n.typeName(id))
		}
		return !known
	})
	cards := map[string]portal.CardSettings{}
	for _, key := range slices.Sorted(maps.Keys(chosen.Cards)) {
		if !i.hasCard(key) {
			left = append(left, n.cardName(key))
			continue
		}
		fields, err := i.fieldsOf(key)
		if err != nil {
			return chosen, nil, err
		}
		unknown := unknownFields(chosen.Cards[key], fields)
		if len(unknown) > 0 {
			left = append(left, n.cardName(key)+": "+n.list(unknown))
		}
		cards[key] = chosen.Cards[key].Without(unknown)
	}
	chosen.Cards = cards
	return chosen, slices.Compact(left), nil
}

// ownFields are the rows of a card that are no fields of crm.item.fields: its products, and its contact details by the
// kinds that the platform has (api-reference/crm/data-types.md, crm_multifield).
var ownFields = []string{"products", "fm.PHONE", "fm.EMAIL", "fm.WEB", "fm.IM", "fm.LINK"}

// unknownFields are the fields of an arrangement that a type does not have, in order.
func unknownFields(card portal.CardSettings, has bitrix24.Object) []string {
	var unknown []string
	for _, field := range card.Fields() {
		if _, ok := has[field]; !ok && !slices.Contains(ownFields, field) {
			unknown = append(unknown, field)
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// knownTypes are the types that a portal has, with the names that it gives them.
func knownTypes(result *bitrix24.BatchResult) (map[int]string, error) {
	var types []struct {
		ID   bitrix24.ID     `json:"ID"`
		Name json.RawMessage `json:"NAME"`
	}
	if err := result.Decode("types", &types); err != nil {
		return nil, err
	}
	known := map[int]string{}
	for _, id := range bitrix24.SystemTypes() {
		known[id] = ""
	}
	for _, t := range types {
		known[int(t.ID)] = bitrix24.Text(t.Name)
	}
	return known, nil
}

func hasCategory(result *bitrix24.BatchResult, entityTypeID int, category string) bool {
	var list struct {
		Categories []struct {
			ID json.RawMessage `json:"id"`
		} `json:"categories"`
	}
	if err := result.Decode(fmt.Sprintf("categories%d", entityTypeID), &list); err != nil {
		return false
	}
	for _, c := range list.Categories {
		if strings.Trim(string(c.ID), `"`) == category {
			return true
		}
	}
	return false
}
