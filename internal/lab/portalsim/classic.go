package portalsim

import (
	"fmt"
	"slices"
	"strings"
)

// classicMethods are crm.{lead,deal,contact,company,quote}.{get,list,fields}: the same items as crm.item.* gives, in the
// older shape, with names in capitals and nearly everything as text (api-reference/crm/deals/crm-deal-get.md and the
// like).
func classicMethods() map[string]method {
	out := map[string]method{}
	for name, id := range map[string]int{"lead": 1, "deal": 2, "contact": 3, "company": 4, "quote": 7} {
		out["crm."+name+".get"] = method{scope: "crm", run: func(c *call) (any, *apiError) { return c.classicGet(id) }}
		out["crm."+name+".list"] = method{scope: "crm", run: func(c *call) (any, *apiError) { return c.classicList(id) }}
		out["crm."+name+".fields"] = method{scope: "crm", run: func(c *call) (any, *apiError) { return c.classicFields(id) }}
	}
	return out
}

// classicName is the older name of a field: DATE_CREATE for createdTime.
func (t *crmType) classicName(name string) string {
	switch name {
	case "createdTime":
		return "DATE_CREATE"
	case "updatedTime":
		return "DATE_MODIFY"
	case "createdBy":
		return "CREATED_BY_ID"
	case "updatedBy":
		return "MODIFY_BY_ID"
	case "movedBy":
		return "MOVED_BY_ID"
	case "stageId":
		if t.entityTypeID == 1 || t.entityTypeID == 7 {
			return "STATUS_ID"
		}
	case "stageSemanticId":
		if t.entityTypeID == 1 {
			return "STATUS_SEMANTIC_ID"
		}
	}
	return upperName(name)
}

// classicHidden are members of items that the older methods do not have.
func classicHidden(name string) bool {
	return slices.Contains([]string{"entityTypeId", "fm", "phone", "email", "imol", "observers", "contactIds", "companyIds", "searchContent"}, name) ||
		strings.HasPrefix(name, "phone") || strings.HasPrefix(name, "email") || strings.HasSuffix(name, "Short")
}

// classic writes an item in the older shape. Sums have two decimals; phones and the like are lists.
func (t *crmType) classic(item *object, withContacts bool) *object {
	out := newObject()
	for _, key := range item.keys {
		if !classicHidden(key) {
			out.set(t.classicName(key), classicValue(key, item.values[key]))
		}
	}
	if fm, ok := item.get("fm").(*object); ok && withContacts {
		for _, key := range fm.keys {
			kind := fm.text(key, "typeId")
			list, _ := out.values[kind].(*object)
			if list == nil {
				list = newObject()
				out.set(kind, list)
			}
			list.push(newObject().set("ID", fm.text(key, "id")).set("VALUE_TYPE", fm.text(key, "valueType")).
				set("VALUE", fm.text(key, "value")).set("TYPE_ID", kind))
		}
	}
	return out
}

func classicValue(name string, value any) any {
	switch v := value.(type) {
	case nil, bool:
		return v
	case *object:
		out := newObject()
		for _, key := range v.keys {
			out.set(key, classicValue("", v.values[key]))
		}
		return out
	default:
		text := fmt.Sprint(v)
		if slices.Contains([]string{"opportunity", "taxValue", "revenue"}, name) {
			var sum float64
			if _, err := fmt.Sscan(text, &sum); err == nil {
				return fmt.Sprintf("%.2f", sum)
			}
		}
		if slices.Contains([]string{"companyId", "contactId", "leadId", "quoteId", "dealId"}, name) && text == "0" {
			return nil
		}
		return text
	}
}

func (c *call) classicGet(entityTypeID int) (any, *apiError) {
	id := 0
	if _, err := fmt.Sscan(c.params.foldText("id"), &id); err != nil || id <= 0 {
		return nil, failure(400, "", "ID is not defined or invalid.")
	}
	t := c.portal.crmType(entityTypeID)
	item := t.item(id)
	switch {
	case !c.user.CRM || c.user.Extranet:
		return nil, failure(400, "", "Access denied.")
	case item == nil:
		return nil, failure(400, "", "Not found")
	}
	return t.classic(item, true), nil
}

// classicList answers every field but custom and multiple ones where nothing is selected; UF_* selects the custom ones.
func (c *call) classicList(entityTypeID int) (any, *apiError) {
	if !c.user.CRM || c.user.Extranet {
		return nil, failure(400, "", "Access denied.")
	}
	t := c.portal.crmType(entityTypeID)
	names := map[string]string{}
	for _, f := range t.fields {
		names[t.classicName(f.name)] = f.name
	}
	given, _ := c.params.fold("filter").(*object)
	f, refusal := parseFilter(given, func(_, name string) (string, *apiError) { return names[strings.ToUpper(name)], nil })
	if refusal != nil {
		return nil, refusal
	}
	var order []sorting
	if o, ok := c.params.fold("order").(*object); ok {
		for _, key := range o.keys {
			order = append(order, sorting{names[strings.ToUpper(key)], strings.EqualFold(o.text(key), "DESC")})
		}
	}
	start := c.params.int("start")
	total, page := t.list(f, order, max(0, start), pageLength)
	if start >= 0 {
		c.total = &total
		if start+pageLength < total {
			next := start + pageLength
			c.next = &next
		}
	}
	selected := newObject().set("select", c.params.fold("select")).texts("select")
	wanted := func(name string) bool {
		custom := strings.HasPrefix(name, "UF_")
		return name == "ID" || slices.Contains(selected, name) || custom && slices.Contains(selected, "UF_*") ||
			!custom && (len(selected) == 0 || slices.Contains(selected, "*"))
	}
	items := newObject()
	for _, item := range page {
		whole, out := t.classic(item, len(selected) > 0), newObject()
		for _, key := range whole.keys {
			_, isList := whole.values[key].(*object)
			if wanted(key) && (!isList || slices.Contains(selected, key) || strings.HasPrefix(key, "UF_")) {
				out.set(key, whole.values[key])
			}
		}
		items.push(out)
	}
	return items, nil
}

func (c *call) classicFields(entityTypeID int) (any, *apiError) {
	if !c.user.CRM || c.user.Extranet {
		return nil, failure(400, "", "Access denied.")
	}
	t, out := c.portal.crmType(entityTypeID), newObject()
	for _, f := range t.fields {
		if classicHidden(f.name) {
			continue
		}
		d, name := f.describe(c.user.Lang).without("upperName"), t.classicName(f.name)
		if strings.HasPrefix(name, "UF_") { // the name stands in for the title, which has members of its own
			title := d.values["title"]
			d.set("title", name).set("listLabel", title).set("formLabel", title).set("filterLabel", title)
		}
		out.set(name, d)
	}
	for _, name := range []string{"PHONE", "EMAIL", "WEB", "IM"} {
		if t.field("hasPhone").name != "" {
			out.set(name, field{name: name, kind: "crm_multifield", titles: [2]string{name, name}, flags: "m"}.describe("en").without("upperName"))
		}
	}
	return out, nil
}
