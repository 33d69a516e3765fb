package card

import (
	"slices"
	"strings"

	"itemlens/internal/crm"
	"itemlens/internal/i18n"
)

// systemGroup holds what the platform keeps for itself.
const systemGroup = "system"

// describedFields are the fields of a type as readers of one language see them, whatever the item.
type describedFields struct {
	fields []describedField // in the portal's order
}

type describedField struct {
	field *crm.Field
	title string
	upper string // see Row.Upper
	group string
}

// describedIn is the key under which describedFields are kept with the portal's own.
type describedIn struct{ lang string }

// describeFields works out what depends on a type and a language alone, once for all cards.
func describeFields(l *i18n.Printer, fields *crm.Fields) *describedFields {
	return fields.Derive(describedIn{l.Lang()}, func() any {
		all := &describedFields{fields: make([]describedField, len(fields.All))}
		for i := range fields.All {
			all.fields[i] = describe(l, &fields.All[i])
		}
		return all
	}).(*describedFields)
}

func describe(l *i18n.Printer, field *crm.Field) describedField {
	if field.Name == "lastCommunicationTime" && field.Type == "string" {
		moment := *field // what the platform describes as a text is a moment
		moment.Type = "datetime"
		field = &moment
	}
	d := describedField{field: field, title: strings.TrimSpace(field.Title), group: groupOf(field)}
	if crm.IsCustom(field.Name) && field.UpperName != field.Name {
		d.upper = field.UpperName
	}
	// Some fields have their own name in capitals for a title.
	key := "field." + strings.ToLower(field.Name)
	switch known := l.Has(key); {
	case known && (d.title == "" || d.title == field.UpperName):
		d.title = l.T(key)
	case d.title == "" || d.title == field.UpperName && strings.Contains(d.title, "_"):
		d.title = field.Name
	}
	return d
}

// systemFields are those that the platform keeps for itself, and those that repeat others (universal/object-fields.md).
var systemFields = []string{
	"id", "xmlId", "entityTypeId", "webformId", "stageSemanticId", "hasPhone", "hasEmail", "hasImol", "searchContent", "login",
	"dateCreateShort", "dateModifyShort", "begindateShort", "closedateShort", "eventDateShort", "isConvert", "productId", "shortName",
	"isNew", "isWork", "isWon", "isLose", "receivedAmount", "lostAmount", "hasProducts", "locationId", "imol", "icq", "skype",
	"commentsType", "contentType", "termsType", "storageTypeId", "storageElementIds", "personTypeId", "contacts", "originVersion",
	"repeatSaleSegmentId", "lastCommunicationCallTime", "lastCommunicationEmailTime", "lastCommunicationImolTime", "lastCommunicationWebformTime",
}

// groupOf chooses the section of a field in a card that nobody has arranged.
func groupOf(field *crm.Field) string {
	name := strings.ToLower(field.Name)
	hasPrefix := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	switch {
	case slices.Contains(systemFields, field.Name):
		return systemGroup
	case crm.IsCustom(field.Name):
		return "custom"
	case hasPrefix("parentid"):
		return "links"
	case hasPrefix("source", "utm", "originat", "originid"):
		return "source"
	}
	switch field.Type {
	case "user", "employee":
		return "people"
	case "date", "datetime":
		return "dates"
	case "money", "crm_currency":
		return "money"
	case "crm_company", "crm_contact":
		return "client"
	case "crm_entity", "crm_deal", "crm_lead", "crm_quote":
		return "links"
	}
	switch {
	case hasPrefix("opportunity", "ismanualopportunity", "taxvalue", "revenue"):
		return "money"
	case hasPrefix("phone", "email", "company", "address", "client"):
		return "client"
	}
	return "about"
}

// FieldTitle is what a field is called, as cards call it.
func FieldTitle(l *i18n.Printer, field *crm.Field) string { return describe(l, field).title }
