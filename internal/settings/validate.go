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

// validate checks settings against what the portal has at this moment, as the administrator who saves them: that they
// are one, and that types, pipelines and fields exist. One request. Errors are problems for people; the detail names
// what does not exist.
func (h *Handler) validate(ctx context.Context, visit *gate.Visit, chosen portal.Settings) error {
	invalid := func(what string) error {
		return &portal.Error{Problem: portal.InvalidSettings, Detail: what, Err: fmt.Errorf("settings name what the portal does not have: %s", what)}
	}
	types := map[int]bool{}
	for key := range chosen.Cards {
		if id, _, ok := portal.ParseCardKey(key); ok {
			types[id] = true
		}
	}
	commands := []bitrix24.Command{{Key: "types", Method: "crm.enum.ownertype"}}
	const perType = 2
	if len(types) > (bitrix24.MaxBatch-2)/perType {
		return invalid("cards: > " + strconv.Itoa((bitrix24.MaxBatch-2)/perType))
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
		return err
	}
	if err := onlyAdmin(visit); err != nil {
		return err
	}
	if what := chosen.Check(h.Catalog.Languages()); what != "" {
		return invalid(what)
	}
	known, err := knownTypes(result)
	if err != nil {
		return gate.Problem(err)
	}
	for _, id := range chosen.TabsOff {
		if !known[id] {
			return invalid("tabsOff: " + strconv.Itoa(id))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(chosen.Cards)) {
		id, category, _ := portal.ParseCardKey(key)
		if !known[id] {
			return invalid("cards: " + key)
		}
		if category != "" && !hasCategory(result, id, category) {
			return invalid("cards: " + key)
		}
		var fields struct {
			Fields bitrix24.Object `json:"fields"`
		}
		if err := result.Decode(fmt.Sprintf("fields%d", id), &fields); err != nil {
			return gate.Problem(err)
		}
		if unknown := unknownFields(chosen.Cards[key], fields.Fields); len(unknown) > 0 {
			return invalid(key + ": " + strings.Join(unknown, ", "))
		}
	}
	return nil
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

func knownTypes(result *bitrix24.BatchResult) (map[int]bool, error) {
	var types []struct {
		ID bitrix24.ID `json:"ID"`
	}
	if err := result.Decode("types", &types); err != nil {
		return nil, err
	}
	known := map[int]bool{}
	for _, id := range bitrix24.SystemTypes() {
		known[id] = true
	}
	for _, t := range types {
		known[int(t.ID)] = true
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
