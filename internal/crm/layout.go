package crm

import (
	"encoding/json"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// layout is the arrangement of a type's card in the portal (universal/item-details-configuration). It is read with every
// item: it is short, differs by user and pipeline, and whoever moved a field expects to see it moved.
type layout []layoutSection

type layoutSection struct {
	Title    string
	Elements []layoutElement
}

type layoutElement struct {
	Name   string // in upper case
	Always bool   // shown even where it is empty
}

// layoutCommands ask for the personal and the common view of the item's card: "personal" and "common", or, for leads,
// those of simple and of repeat ones. The pipeline is the item's own.
func layoutCommands(entityTypeID int) []bitrix24.Command {
	category := bitrix24.Ref("item", "item", "categoryId")
	variants := []bitrix24.Params{nil}
	switch {
	case entityTypeID == bitrix24.Deal:
		variants = []bitrix24.Params{{"dealCategoryId": category}}
	case entityTypeID == bitrix24.Lead:
		variants = []bitrix24.Params{{"leadCustomerType": 1}, {"leadCustomerType": 2}}
	case entityTypeID == bitrix24.SmartInvoice || entityTypeID >= 128:
		variants = []bitrix24.Params{{"categoryId": category}}
	}
	var commands []bitrix24.Command
	for i, extras := range variants {
		for _, scope := range []string{"P", "C"} {
			params := bitrix24.Params{"entityTypeId": entityTypeID, "scope": scope}
			if extras != nil {
				params["extras"] = extras
			}
			commands = append(commands, bitrix24.Command{
				Key: layoutKey(scope, i > 0), Method: "crm.item.details.configuration.get", Params: params,
			})
		}
	}
	return commands
}

func layoutKey(scope string, repeatLead bool) string {
	if repeatLead {
		return "layoutRepeat" + scope
	}
	return "layout" + scope
}

// readLayout takes the user's personal view, or the common one where there is none; nil where nobody arranged the card.
func readLayout(result *bitrix24.BatchResult, it *item) layout {
	repeat := bool(it.flag("isReturnCustomer")) && result.Result[layoutKey("C", true)] != nil
	for _, scope := range []string{"P", "C"} {
		var raw json.RawMessage
		if result.Decode(layoutKey(scope, repeat), &raw) != nil {
			continue
		}
		if found := parseLayout(raw, 0); len(found) > 0 {
			return found
		}
	}
	return nil
}

// parseLayout reads sections; columns, into which newer cards group theirs, are opened.
func parseLayout(raw json.RawMessage, depth int) layout {
	var found layout
	for _, element := range elements(raw) {
		var section struct {
			Title    string          `json:"title"`
			Type     string          `json:"type"`
			Elements json.RawMessage `json:"elements"`
		}
		if json.Unmarshal(element, &section) != nil {
			continue
		}
		if section.Type == "column" && depth == 0 {
			found = append(found, parseLayout(section.Elements, 1)...)
			continue
		}
		s := layoutSection{Title: strings.TrimSpace(section.Title)}
		for _, raw := range elements(section.Elements) {
			var e struct {
				Name  string        `json:"name"`
				Flags bitrix24.Bool `json:"optionFlags"`
			}
			if json.Unmarshal(raw, &e) == nil && e.Name != "" {
				s.Elements = append(s.Elements, layoutElement{strings.ToUpper(e.Name), bool(e.Flags)})
			}
		}
		if len(s.Elements) > 0 {
			found = append(found, s)
		}
	}
	return found
}

// products is the place of the product rows in an arrangement.
const products = "PRODUCT_ROW_SUMMARY"

// productsCode is the place of the product rows in an arrangement of our own.
const productsCode = "products"

// ownLayout is an arrangement that an administrator chose; it names fields as crm.item.get does.
func ownLayout(sections []portal.CardSection) layout {
	var found layout
	for _, s := range sections {
		section := layoutSection{Title: s.Title}
		for _, field := range s.Fields {
			if field == productsCode {
				field = products
			}
			section.Elements = append(section.Elements, layoutElement{Name: field})
		}
		found = append(found, section)
	}
	return found
}

// composed are the elements of a card that stand for several fields, or that have another name than the field: those of
// the documentation's examples, and the names that the methods for single types (crm.lead.*, crm.deal.*) give the fields.
var composed = map[string][]string{
	"OPPORTUNITY_WITH_CURRENCY": {"opportunity", "currencyId", "isManualOpportunity"},
	"CLIENT":                    {"companyId", "contactIds", "contactId"},
	"COMPANY":                   {"companyIds", "companyId"},
	"CONTACT":                   {"contactIds", "contactId"},
	"OBSERVER":                  {"observers"},
	"UTM":                       {"utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm"},
	"STATUS_ID":                 {"stageId"},
	"DATE_CREATE":               {"createdTime"},
	"DATE_MODIFY":               {"updatedTime"},
	"CREATED_BY_ID":             {"createdBy"},
	"MODIFY_BY_ID":              {"updatedBy"},
	"PHONE":                     {"fm.PHONE", "phone"},
	"EMAIL":                     {"fm.EMAIL", "email"},
	"WEB":                       {"fm.WEB"},
	"IM":                        {"fm.IM"},
}

// fields names the fields that an element shows.
func (e layoutElement) fields(schema *Schema) []string {
	if names, ok := composed[e.Name]; ok {
		return names
	}
	if field := schema.byUpper[e.Name]; field != nil {
		return []string{field.Name}
	}
	if e.Name != strings.ToUpper(e.Name) || strings.HasPrefix(e.Name, "fm.") { // a name of ours
		return []string{e.Name}
	}
	return nil
}
