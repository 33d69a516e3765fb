package crm

import (
	"encoding/json"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// ProductPage is how many rows crm.item.productrow.list gives at once; MaxProductPages is how many pages a card shows.
const (
	ProductPage     = 50
	MaxProductPages = 20
)

// ProductRow is a row of an item's products (api-reference/crm/data-types.md, crm_item_product_row). Prices are those of
// one unit; Price holds discounts and taxes.
type ProductRow struct {
	Name           string
	Price          float64
	PriceExclusive float64 // without tax
	Quantity       float64
	DiscountRate   float64
	DiscountSum    float64 // of one unit
	DiscountType   int64
	TaxRate        float64
	Taxed          bool // false: no tax, which is not the same as 0 %
	Measure        string
}

// ProductRows are the rows of an item that were read.
type ProductRows struct {
	Rows  []ProductRow
	Total int // how many the item has
}

// HasProducts reports whether items of a type may have product rows.
func HasProducts(entityTypeID int) bool {
	return entityTypeID != bitrix24.Contact && entityTypeID != bitrix24.Company
}

// productCommand asks for a page of an item's product rows.
func productCommand(ref Ref, page int) bitrix24.Command {
	return bitrix24.Command{Key: "products" + strconv.Itoa(page), Method: "crm.item.productrow.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"=ownerType": bitrix24.ShortCode(ref.EntityTypeID), "=ownerId": ref.ID},
		"order":  bitrix24.Params{"sort": "asc"},
		"start":  page * ProductPage,
	}}
}

// readProducts reads the pages of rows that were asked for. An item that cannot have any answers an error, which is none.
func readProducts(result *bitrix24.BatchResult) ProductRows {
	var rows ProductRows
	for page := range MaxProductPages {
		key := "products" + strconv.Itoa(page)
		raw, err := result.Raw(key)
		if err != nil {
			continue
		}
		bitrix24.EachMember(raw, func(name, value []byte) bool {
			if string(name) != `"productRows"` {
				return true
			}
			rows.Rows = append(rows.Rows, ParseProductRows(value)...)
			return false
		})
		rows.Total = max(rows.Total, result.Totals[key], len(rows.Rows))
	}
	return rows
}

// ParseProductRows reads a list of rows. What is no number is 0.
func ParseProductRows(raw []byte) []ProductRow {
	var rows []ProductRow
	bitrix24.EachElement(raw, func(value []byte) bool {
		if len(value) == 0 || value[0] != '{' {
			return true
		}
		var r ProductRow
		bitrix24.EachMember(value, func(name, value []byte) bool {
			switch string(name) {
			case `"productName"`:
				r.Name = bitrix24.Text(value)
			case `"price"`:
				r.Price = number(value)
			case `"priceExclusive"`:
				r.PriceExclusive = number(value)
			case `"quantity"`:
				r.Quantity = number(value)
			case `"discountRate"`:
				r.DiscountRate = number(value)
			case `"discountSum"`:
				r.DiscountSum = number(value)
			case `"discountTypeId"`:
				r.DiscountType = int64(number(value))
			case `"taxRate"`:
				r.TaxRate, r.Taxed = number(value), string(value) != "null"
			case `"measureName"`:
				r.Measure = bitrix24.Text(value)
			}
			return true
		})
		rows = append(rows, r)
		return len(rows) < ProductPage*MaxProductPages
	})
	return rows
}

func number(raw json.RawMessage) float64 {
	value, _ := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	return value
}
