package crm

import (
	"encoding/json"
	"slices"

	"itemlens/internal/bitrix24"
)

// Same is a lead, a contact or a company with the same phone number or e-mail address as an item.
type Same struct {
	Ref   Ref
	Title string
	Phone bool
	Email bool
}

// maxSame is how many of each type are looked up, and maxDetailValues how many numbers and addresses of an item are searched
// for: the portal takes 20 (api-reference/crm/duplicates/crm-duplicate-find-by-comm.md).
const (
	maxSame         = 20
	maxDetailValues = 20
)

// askSame asks who has a phone number or an e-mail address of the item. The portal answers ids without a look at rights on
// the items, so each of them is read as this user, and one that cannot be read is not told.
func (a *around) askSame(item *Item) {
	if detailOwners[a.out.Ref.EntityTypeID] == "" {
		return
	}
	values := map[string][]string{}
	bitrix24.EachElement(item.Value("fm"), func(value []byte) bool {
		var detail struct {
			Kind  string `json:"typeId"`
			Value string `json:"value"`
		}
		if json.Unmarshal(value, &detail) == nil && detail.Value != "" && len(values[detail.Kind]) < maxDetailValues {
			values[detail.Kind] = append(values[detail.Kind], detail.Value)
		}
		return true
	})
	found := map[Ref]*Same{}
	left := 0
	for _, kind := range []string{"PHONE", "EMAIL"} {
		if len(values[kind]) == 0 {
			continue
		}
		left++
		command := bitrix24.Command{Method: "crm.duplicate.findbycomm", Params: bitrix24.Params{"type": kind, "values": values[kind]}}
		a.ask(command, func(got answer) {
			for _, ref := range duplicatesIn(got) {
				if ref == a.out.Ref {
					continue
				}
				if found[ref] == nil {
					found[ref] = &Same{Ref: ref}
				}
				found[ref].Phone = found[ref].Phone || kind == "PHONE"
				found[ref].Email = found[ref].Email || kind == "EMAIL"
			}
			if left--; left == 0 {
				a.askTitles(found)
			}
		})
	}
}

// askTitles reads what those are called that were found.
func (a *around) askTitles(found map[Ref]*Same) {
	for _, entityTypeID := range []int{bitrix24.Lead, bitrix24.Contact, bitrix24.Company} {
		var wanted []int64
		for ref := range found {
			if ref.EntityTypeID == entityTypeID {
				wanted = append(wanted, ref.ID)
			}
		}
		if slices.Sort(wanted); len(wanted) == 0 {
			continue
		}
		a.ask(titlesCommand("", entityTypeID, bitrix24.Params{"@id": texts(wanted[:min(len(wanted), maxSame)])}), func(got answer) {
			if got.err != nil {
				return
			}
			eachItem(got.raw, func(it *Item) bool {
				if same := found[Ref{entityTypeID, PositiveID(it.Text("id"))}]; same != nil {
					same.Title = cut(it.Title())
					a.out.Same = append(a.out.Same, *same)
				}
				return len(a.out.Same) < 3*maxSame
			})
		})
	}
}

// duplicatesIn are the items that an answer names; nothing comes as an empty list.
func duplicatesIn(got answer) []Ref {
	var named map[string][]bitrix24.ID
	if got.err != nil || json.Unmarshal(got.raw, &named) != nil {
		return nil
	}
	var refs []Ref
	for entityTypeID, name := range detailOwners {
		for _, id := range named[name][:min(len(named[name]), 10*maxSame)] {
			refs = append(refs, Ref{entityTypeID, int64(id)})
		}
	}
	return refs
}
