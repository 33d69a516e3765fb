package crm

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"itemlens/internal/bitrix24"
)

// Link says how items of one type name an item of another: by a field that holds its id.
type Link struct {
	Parent int    `json:"p"` // type of the item that is named
	Child  int    `json:"c"` // type of the items that name it
	Field  string `json:"f"`
}

// systemLinks are the links between the types of every portal (api-reference/crm/universal/object-fields.md).
var systemLinks = []Link{
	{bitrix24.Lead, bitrix24.Deal, "leadId"}, {bitrix24.Lead, bitrix24.Quote, "leadId"},
	{bitrix24.Lead, bitrix24.Contact, "leadId"}, {bitrix24.Lead, bitrix24.Company, "leadId"},
	{bitrix24.Deal, bitrix24.SmartInvoice, "parentId2"}, {bitrix24.Deal, bitrix24.Quote, "dealId"},
	{bitrix24.Contact, bitrix24.Deal, "contactIds"}, {bitrix24.Contact, bitrix24.SmartInvoice, "contactIds"},
	{bitrix24.Contact, bitrix24.Quote, "contactIds"}, {bitrix24.Contact, bitrix24.Lead, "contactIds"},
	{bitrix24.Company, bitrix24.Deal, "companyId"}, {bitrix24.Company, bitrix24.SmartInvoice, "companyId"},
	{bitrix24.Company, bitrix24.Quote, "companyId"}, {bitrix24.Company, bitrix24.Lead, "companyId"},
	{bitrix24.Quote, bitrix24.Deal, "quoteId"}, {bitrix24.Quote, bitrix24.SmartInvoice, "parentId7"},
}

// linksOf are the links by which a type is named among the types of every portal.
func linksOf(entityTypeID int, all []Link) []Link {
	return slices.DeleteFunc(slices.Clone(all), func(l Link) bool { return l.Parent != entityTypeID })
}

// Relations are the links of smart processes and invoices that a viewer was told.
type Relations struct {
	All    []Link
	Beyond int // how many types were not asked about because they are too many
}

// maxRelated is how many smart processes are asked for their relations: they take a command each, once for a viewer as long
// as the answers are kept.
const maxRelated = 240

// describesRelations reports whether the portal tells the relations of a type itself
// (api-reference/crm/universal/user-defined-object-types/crm-type-get-by-entity-type-id.md). Those of the other types are
// told by the smart processes that are tied to them.
func describesRelations(entityTypeID int) bool {
	return entityTypeID == bitrix24.SmartInvoice || !slices.Contains(bitrix24.SystemTypes(), entityTypeID)
}

func relationsCommand(entityTypeID int) bitrix24.Command {
	return bitrix24.Command{Method: "crm.type.getByEntityTypeId", Params: bitrix24.Params{"entityTypeId": entityTypeID}}
}

// linksIn reads the links of one type out of its description.
func linksIn(entityTypeID int, raw json.RawMessage) []Link {
	type relation struct {
		EntityTypeID bitrix24.ID   `json:"entityTypeId"`
		Predefined   bitrix24.Bool `json:"isPredefined"`
	}
	var told struct {
		Type struct {
			Relations struct {
				Parent, Child []relation
			} `json:"relations"`
		} `json:"type"`
	}
	if json.Unmarshal(raw, &told) != nil {
		return nil
	}
	var links []Link
	add := func(l Link) {
		if l.Parent > 0 && l.Child > 0 && len(links) < maxTypes && !slices.Contains(links, l) {
			links = append(links, l)
		}
	}
	for _, r := range told.Type.Relations.Parent {
		switch parent := int(r.EntityTypeID); {
		case parent == bitrix24.Company && bool(r.Predefined):
			add(Link{parent, entityTypeID, "companyId"})
		case parent == bitrix24.Contact && bool(r.Predefined):
			add(Link{parent, entityTypeID, "contactIds"})
		case !bool(r.Predefined):
			add(Link{parent, entityTypeID, "parentId" + strconv.Itoa(parent)})
		}
	}
	for _, r := range told.Type.Relations.Child {
		if !r.Predefined {
			add(Link{entityTypeID, int(r.EntityTypeID), "parentId" + strconv.Itoa(entityTypeID)})
		}
	}
	return links
}

// relationsKey is the type under which relations are kept: a type's own, or those of all smart processes.
func relationsKey(entityTypeID int) int {
	if describesRelations(entityTypeID) {
		return entityTypeID
	}
	return 0
}

// discover asks which smart processes are tied to a type, and hands their links on when all of them have answered. What
// could not be read for a reason that passes is not kept.
func (s *Source) discover(r *rounds, who Who, entityTypeID int, types *Types, found func(*Relations)) {
	asked := []int{entityTypeID}
	relations := &Relations{}
	if !describesRelations(entityTypeID) {
		asked = append(slices.Clone(types.Dynamic), bitrix24.SmartInvoice)
		relations.Beyond = max(0, len(asked)-maxRelated)
		asked = asked[:min(len(asked), maxRelated)]
	}
	left, lasting := len(asked), true
	for _, id := range asked {
		r.ask(relationsCommand(id), func(a answer) {
			if a.err == nil {
				relations.All = append(relations.All, linksIn(id, a.raw)...)
			} else if passes(a.err) {
				lasting = false
			}
			if left--; left > 0 {
				return
			}
			slices.SortFunc(relations.All, func(a, b Link) int {
				return cmp.Or(cmp.Compare(a.Parent, b.Parent), cmp.Compare(a.Child, b.Child), cmp.Compare(a.Field, b.Field))
			})
			relations.All = slices.Compact(relations.All)
			if lasting {
				raw, _ := json.Marshal(relations)
				_, _ = keep(s.Cache, who, relationsKey(entityTypeID), relationsClass, raw, readRelations)
			}
			found(relations)
		})
	}
}

func readRelations(raw json.RawMessage) (*Relations, error) {
	r := &Relations{}
	return r, json.Unmarshal(raw, r)
}
