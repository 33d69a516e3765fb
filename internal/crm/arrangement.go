package crm

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"itemlens/internal/bitrix24"
)

// Arrangement is how a type's card is arranged in the portal (universal/item-details-configuration). It is read with every
// item: it is short, differs by user and pipeline, and whoever moved a field expects to see it moved. What it says is
// worked out once for everybody whose answer was the same.
type Arrangement struct {
	Sections []ArrangedSection
	derived  sync.Map
}

// ArrangedSection is a part of a card.
type ArrangedSection struct {
	Title    string
	Elements []ArrangedElement
}

// ArrangedElement is a field of a card, or what stands for several.
type ArrangedElement struct {
	Name   string // in upper case
	Always bool   // shown even where it is empty
}

// Bounds of an arrangement: far more than any card has.
const (
	maxArrangedSections = 500
	maxArrangedElements = MaxMembers
)

// maxAskedPipelines is how many pipelines' arrangements are asked for before the item's own is known. Each takes two
// commands; a type with more asks for the one that it needs in a second request.
const maxAskedPipelines = 8

// arrangedByPipeline reports whether the cards of a type differ by pipeline.
func arrangedByPipeline(entityTypeID int) bool {
	return entityTypeID == bitrix24.Deal || entityTypeID == bitrix24.SmartInvoice || isDynamic(entityTypeID)
}

// isDynamic reports whether the platform counts a type among its smart processes where it reads arrangements.
func isDynamic(entityTypeID int) bool { return entityTypeID >= 128 }

// arrangementCommands ask for the personal and the common view of the cards of pipelines, or of a type without them. The
// pipelines are told by number: a reference to the item's own does not resolve where the item cannot be read, and an
// unresolved one ends the whole batch without an answer.
func arrangementCommands(entityTypeID int, pipelines []string) []bitrix24.Command {
	var commands []bitrix24.Command
	ask := func(variant string, extras bitrix24.Params) {
		for _, scope := range []string{"P", "C"} {
			params := bitrix24.Params{"entityTypeId": entityTypeID, "scope": scope}
			if extras != nil {
				params["extras"] = extras
			}
			commands = append(commands, bitrix24.Command{
				Key: arrangementKey(scope, variant), Method: "crm.item.details.configuration.get", Params: params,
			})
		}
	}
	switch {
	case entityTypeID == bitrix24.Lead:
		ask("simple", bitrix24.Params{"leadCustomerType": 1})
		ask("repeat", bitrix24.Params{"leadCustomerType": 2})
	case !arrangedByPipeline(entityTypeID):
		ask("", nil)
	default:
		if len(pipelines) > maxAskedPipelines {
			return nil
		}
		for _, pipeline := range pipelines {
			id, err := strconv.Atoi(pipeline)
			if err != nil {
				continue
			}
			// The platform renames categoryId for deals and for what it counts among smart processes. Invoices are neither:
			// for them it reads the name that it uses inside.
			name := "categoryId"
			switch entityTypeID {
			case bitrix24.Deal:
				name = "dealCategoryId"
			case bitrix24.SmartInvoice:
				name = "CATEGORY_ID"
			}
			ask(pipeline, bitrix24.Params{name: id})
		}
	}
	return commands
}

func arrangementKey(scope, variant string) string { return "arrangement" + scope + variant }

// arrangementAsked reports whether the commands for these pipelines asked for the card of an item of a category.
func arrangementAsked(entityTypeID int, pipelines []string, category string) bool {
	return !arrangedByPipeline(entityTypeID) || category == "" || slices.Contains(pipelines, category) && len(pipelines) <= maxAskedPipelines
}

// readArrangement finds the user's personal view of an item's card, or the common one where there is none; nil where
// nobody arranged it.
func readArrangement(result *bitrix24.BatchResult, entityTypeID int, it *Item) json.RawMessage {
	return arrangementOf(result, entityTypeID, it.Text("categoryId"), it.Flag("isReturnCustomer"))
}

// arrangementOf is readArrangement for any item of a pipeline; of leads, for those of a customer who returned or for the others.
func arrangementOf(result *bitrix24.BatchResult, entityTypeID int, pipeline string, returned bool) json.RawMessage {
	variant := ""
	switch {
	case entityTypeID == bitrix24.Lead && returned:
		variant = "repeat"
	case entityTypeID == bitrix24.Lead:
		variant = "simple"
	case arrangedByPipeline(entityTypeID):
		variant = pipeline
	}
	for _, scope := range []string{"P", "C"} {
		raw, err := result.Raw(arrangementKey(scope, variant))
		if err == nil && !isNothing(raw) && len(parseSections(raw, 0)) > 0 {
			return raw
		}
	}
	return nil
}

// ParseArrangement reads an arrangement; nil where nothing is arranged.
func ParseArrangement(raw []byte) *Arrangement {
	if sections := parseSections(raw, 0); len(sections) > 0 {
		return &Arrangement{Sections: sections}
	}
	return nil
}

// bytes is about what the arrangement costs in memory, with what package card works out of it.
func (a *Arrangement) bytes() int {
	const perSection, perElement = 200, 120
	size := 0
	if a == nil {
		return size
	}
	for _, s := range a.Sections {
		size += perSection + len(s.Title)
		for _, e := range s.Elements {
			size += perElement + len(e.Name)
		}
	}
	return size
}

// Derive keeps what is worked out of this arrangement, as Fields.Derive does.
func (a *Arrangement) Derive(key any, make func() any) any {
	if kept, ok := a.derived.Load(key); ok {
		return kept
	}
	kept, _ := a.derived.LoadOrStore(key, make())
	return kept
}

// parseSections reads sections; columns, into which newer cards group theirs, are opened.
func parseSections(raw []byte, depth int) []ArrangedSection {
	var found []ArrangedSection
	elements := 0
	bitrix24.EachElement(raw, func(value []byte) bool {
		var title, kind string
		var inside []byte
		bitrix24.EachMember(value, func(name, value []byte) bool {
			switch string(name) {
			case `"title"`:
				title = bitrix24.Text(value)
			case `"type"`:
				kind = bitrix24.Text(value)
			case `"elements"`:
				inside = value
			}
			return true
		})
		if kind == "column" && depth == 0 {
			found = append(found, parseSections(inside, 1)...)
			return len(found) < maxArrangedSections
		}
		s := ArrangedSection{Title: strings.TrimSpace(title)}
		bitrix24.EachElement(inside, func(value []byte) bool {
			var e ArrangedElement
			bitrix24.EachMember(value, func(name, value []byte) bool {
				switch string(name) {
				case `"name"`:
					e.Name = strings.ToUpper(bitrix24.Text(value))
				case `"optionFlags"`:
					var flag bitrix24.Bool
					_ = flag.UnmarshalJSON(value)
					e.Always = bool(flag)
				}
				return true
			})
			if e.Name != "" {
				s.Elements = append(s.Elements, e)
				elements++
			}
			return elements < maxArrangedElements
		})
		if len(s.Elements) > 0 {
			found = append(found, s)
		}
		return len(found) < maxArrangedSections && elements < maxArrangedElements
	})
	return found
}
