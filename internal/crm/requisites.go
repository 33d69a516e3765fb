package crm

import (
	"encoding/json"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// Client is a contact or a company with what the portal knows to bill it by. None of it is kept, and none of it is read of
// an item that the portal has not shown to the same user in the same visit: the methods for it ask for the right on the
// type alone.
type Client struct {
	Ref        Ref
	Item       *Item
	Fields     []string // of the item, by which it names this client; none where the item is the client
	Requisites []Requisite
	Addresses  []Address
	More       int // how many requisites are left out because they are too many
}

// Requisite is a set of requisites (api-reference/crm/requisites/universal/crm-requisite-list.md).
type Requisite struct {
	ID      int64
	Name    string
	Details []Detail
	Bank    []Bank
}

// Bank are bank details of a requisite (api-reference/crm/requisites/bank-detail/crm-requisite-bank-detail-list.md).
type Bank struct {
	Name    string
	Details []Detail
}

// Detail is a field with a value.
type Detail struct {
	Code, Title, Value string
}

// Address is an address of a client (api-reference/crm/requisites/addresses/crm-address-list.md).
type Address struct {
	Type  string // what the portal calls its type; empty where it does not tell
	Parts []string
}

// Bounds of what is read of a client. Bank details take a command for each requisite.
const (
	maxRequisites    = 5
	maxDetails       = 60
	maxBank          = 10
	maxAddresses     = 20
	maxDetailLength  = 2000
	requisiteOwnerID = 8 // the type of requisites as an owner of bank details and addresses
)

// askRequisites asks for the requisites, bank details and addresses of a client that the portal has shown to this user.
func (a *around) askRequisites(ref Ref, at int) {
	if a.proven[ref] {
		a.together(func() { a.askRequisitesOf(ref, at) })
	}
}

func (a *around) askRequisitesOf(ref Ref, at int) {
	client := func() *Client { return &a.out.Clients[at] }
	prefix := "requisites" + strconv.Itoa(ref.EntityTypeID)
	titles, bankTitles, types := map[string]string{}, map[string]string{}, map[int64]string{}
	a.ask(bitrix24.Command{Method: "crm.requisite.fields"}, func(got answer) { readTitles(got.raw, titles) })
	a.ask(bitrix24.Command{Method: "crm.requisite.bankdetail.fields"}, func(got answer) { readTitles(got.raw, bankTitles) })
	a.ask(bitrix24.Command{Method: "crm.enum.addresstype"}, func(got answer) { readAddressTypes(got.raw, types) })
	a.ask(bitrix24.Command{Key: prefix, Method: "crm.requisite.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"ENTITY_TYPE_ID": ref.EntityTypeID, "ENTITY_ID": ref.ID}, // both exactly so: the right on the type hangs on the first
		"order":  bitrix24.Params{"SORT": "ASC", "ID": "ASC"},
	}}, func(got answer) {
		c := client()
		eachRow(got.raw, func(row map[string]string) {
			switch {
			case PositiveID(row["ENTITY_TYPE_ID"]) != int64(ref.EntityTypeID) || PositiveID(row["ENTITY_ID"]) != ref.ID:
			case len(c.Requisites) >= maxRequisites:
				c.More++
			default:
				c.Requisites = append(c.Requisites, Requisite{ID: PositiveID(row["ID"]), Name: row["NAME"], Details: detailsOf(got.raw, row, titles)})
			}
		})
		c.More = max(c.More, got.total-len(c.Requisites))
	})
	for i := range maxRequisites {
		a.ask(bitrix24.Command{Method: "crm.requisite.bankdetail.list", Params: bitrix24.Params{
			"filter": bitrix24.Params{"ENTITY_TYPE_ID": requisiteOwnerID, "ENTITY_ID": bitrix24.RefID(prefix, strconv.Itoa(i), "ID")},
			"order":  bitrix24.Params{"SORT": "ASC", "ID": "ASC"},
		}}, func(got answer) {
			c := client()
			if i >= len(c.Requisites) {
				return
			}
			requisite := &c.Requisites[i]
			eachRow(got.raw, func(row map[string]string) {
				if PositiveID(row["ENTITY_ID"]) == requisite.ID && len(requisite.Bank) < maxBank {
					requisite.Bank = append(requisite.Bank, Bank{row["NAME"], detailsOf(got.raw, row, bankTitles)})
				}
			})
		})
	}
	a.ask(bitrix24.Command{Method: "crm.address.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"ANCHOR_TYPE_ID": ref.EntityTypeID, "ANCHOR_ID": ref.ID}, "order": bitrix24.Params{"TYPE_ID": "ASC"},
	}}, func(got answer) {
		c := client()
		eachRow(got.raw, func(row map[string]string) {
			if PositiveID(row["ANCHOR_TYPE_ID"]) != int64(ref.EntityTypeID) || PositiveID(row["ANCHOR_ID"]) != ref.ID || len(c.Addresses) >= maxAddresses {
				return
			}
			address := Address{Type: types[PositiveID(row["TYPE_ID"])]}
			for _, part := range []string{row["ADDRESS_1"], row["ADDRESS_2"], row["POSTAL_CODE"] + " " + row["CITY"], row["REGION"], row["PROVINCE"], row["COUNTRY"]} {
				if part = strings.TrimSpace(part); part != "" {
					address.Parts = append(address.Parts, part)
				}
			}
			if len(address.Parts) > 0 {
				c.Addresses = append(c.Addresses, address)
			}
		})
	})
}

// eachRow walks a list of rows whose members are texts.
func eachRow(raw json.RawMessage, do func(map[string]string)) {
	count := 0
	bitrix24.EachElement(raw, func(value []byte) bool {
		row := map[string]string{}
		bitrix24.EachMember(value, func(name, value []byte) bool {
			row[bitrix24.Text(name)] = cutTo(strings.TrimSpace(bitrix24.Text(value)), maxDetailLength)
			return len(row) < MaxMembers
		})
		if len(row) > 0 {
			do(row)
		}
		count++
		return count < kindPage
	})
}

// detailsOf are the values of a row that a person reads, in the order in which the portal writes them.
func detailsOf(raw json.RawMessage, row, titles map[string]string) []Detail {
	var out []Detail
	seen := map[string]bool{}
	bitrix24.EachElement(raw, func(value []byte) bool {
		bitrix24.EachMember(value, func(name, _ []byte) bool {
			code := bitrix24.Text(name)
			isTold := strings.HasPrefix(code, "RQ_") || strings.HasPrefix(code, "UF_") || code == "COMMENTS"
			if !isTold || row[code] == "" || seen[code] || len(out) >= maxDetails {
				return true
			}
			seen[code] = true
			title := titles[code]
			if title == "" {
				title = code
			}
			out = append(out, Detail{code, title, row[code]})
			return true
		})
		return false // every row has the same members
	})
	return out
}

// readTitles reads what the portal calls fields.
func readTitles(raw json.RawMessage, into map[string]string) {
	bitrix24.EachMember(raw, func(name, value []byte) bool {
		var field struct {
			Title string `json:"title"`
		}
		if json.Unmarshal(value, &field) == nil {
			into[bitrix24.Text(name)] = cut(field.Title)
		}
		return len(into) < MaxMembers
	})
}

// readAddressTypes reads what the portal calls types of addresses (api-reference/crm/auxiliary/enum/crm-enum-address-type.md).
func readAddressTypes(raw json.RawMessage, into map[int64]string) {
	bitrix24.EachElement(raw, func(value []byte) bool {
		var kind struct {
			ID   bitrix24.ID `json:"ID"`
			Name string      `json:"NAME"`
		}
		if json.Unmarshal(value, &kind) == nil {
			into[int64(kind.ID)] = cut(kind.Name)
		}
		return len(into) < maxStatuses
	})
}
