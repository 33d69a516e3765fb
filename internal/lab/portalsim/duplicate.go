package portalsim

import (
	"slices"
	"strings"
)

// mostDuplicates is how many items of a type crm.duplicate.findbycomm names, the oldest.
const mostDuplicates = 20

// methodFindByComm finds leads, contacts and companies by whole phone numbers or e-mail addresses
// (api-reference/crm/duplicates/crm-duplicate-find-by-comm.md). Types after one with 20 items or more are left out; where
// nothing is found the answer is an empty list. The user's rights on the items are not looked at.
func methodFindByComm(c *call) (any, *apiError) {
	if !c.user.CRM {
		return nil, failure(403, "", "Access denied.")
	}
	kind := strings.ToUpper(c.params.text("type"))
	switch {
	case kind == "":
		return nil, failure(400, "", "Communication type is not defined")
	case kind != "PHONE" && kind != "EMAIL":
		return nil, failure(400, "", "Communication type '"+kind+"' is not supported in current context")
	}
	wanted := c.params.texts("values")
	if len(wanted) == 0 {
		return nil, failure(400, "", "Communication values is not defined")
	}
	for i, value := range wanted {
		wanted[i] = comparable(kind, value)
	}
	out := newObject()
	owners := []struct {
		name string
		id   int
	}{{"LEAD", 1}, {"CONTACT", 3}, {"COMPANY", 4}}
	one := strings.ToUpper(c.params.text("entity_type"))
	known := slices.ContainsFunc(owners, func(o struct {
		name string
		id   int
	}) bool {
		return o.name == one
	})
	for _, owner := range owners {
		if known && owner.name != one {
			continue
		}
		found := newObject()
		_, items := c.portal.crmType(owner.id).list(filter{}, []sorting{{"id", false}}, 0, 1<<30)
		for _, item := range items {
			if fm, ok := item.get("fm").(*object); ok && len(found.keys) < mostDuplicates && hasDetail(fm, kind, wanted) {
				found.push(item.int("id"))
			}
		}
		if len(found.keys) > 0 {
			out.set(owner.name, found)
		}
		if len(found.keys) == mostDuplicates {
			break
		}
	}
	return out, nil
}

// hasDetail reports whether one of an item's phone numbers or addresses is wanted.
func hasDetail(fm *object, kind string, wanted []string) bool {
	return slices.ContainsFunc(fm.keys, func(key string) bool {
		return fm.text(key, "typeId") == kind && slices.Contains(wanted, comparable(kind, fm.text(key, "value")))
	})
}

// comparable is what of a phone number or an address is compared: the digits, or the text in lower case.
func comparable(kind, value string) string {
	if kind == "EMAIL" {
		return strings.ToLower(strings.TrimSpace(value))
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, value)
}
