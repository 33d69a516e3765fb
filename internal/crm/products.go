package crm

import (
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// productPage is how many rows crm.item.productrow.list gives at once; maxProductPages is how many pages a card shows.
const (
	productPage     = 50
	maxProductPages = 20
)

// productRow is a row of an item's products (api-reference/crm/data-types.md, crm_item_product_row). Prices are those of
// one unit; price holds discounts and taxes.
type productRow struct {
	Name           string      `json:"productName"`
	Price          number      `json:"price"`
	PriceExclusive number      `json:"priceExclusive"` // without tax
	Quantity       number      `json:"quantity"`
	DiscountRate   number      `json:"discountRate"`
	DiscountSum    number      `json:"discountSum"` // of one unit
	DiscountType   bitrix24.ID `json:"discountTypeId"`
	TaxRate        *number     `json:"taxRate"` // null: no tax
	Measure        string      `json:"measureName"`
	Sort           bitrix24.ID `json:"sort"`
}

// number is a number that may come as text.
type number float64

// UnmarshalJSON never fails: what is no number is 0.
func (n *number) UnmarshalJSON(text []byte) error {
	value, _ := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	*n = number(value)
	return nil
}

// Products are the product rows of an item as its card shows them.
type Products struct {
	Rows     []ProductRow
	Total    string
	Tax      string // empty where there is none
	Discount string // empty where there is none
	Count    int    // how many rows the item has
	Missing  int    // how many of them are not shown yet
	Beyond   int    // how many of them are more than a card shows
}

// ProductRow is one row.
type ProductRow struct {
	Name, Price, Quantity, Discount, Tax, Sum string
}

// hasProducts reports whether items of a type may have product rows.
func hasProducts(entityTypeID int) bool {
	return entityTypeID != bitrix24.Contact && entityTypeID != bitrix24.Company
}

// productCommand asks for a page of an item's product rows.
func productCommand(ref Ref, page int) bitrix24.Command {
	return bitrix24.Command{Key: "products" + strconv.Itoa(page), Method: "crm.item.productrow.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"=ownerType": bitrix24.ShortCode(ref.EntityTypeID), "=ownerId": ref.ID},
		"order":  bitrix24.Params{"sort": "asc"},
		"start":  page * productPage,
	}}
}

// readProducts reads the pages of rows that were asked for. An item that cannot have any answers an error, which is none.
func readProducts(result *bitrix24.BatchResult) (rows []productRow, total int) {
	for page := range maxProductPages {
		key := "products" + strconv.Itoa(page)
		var answer struct {
			Rows []productRow `json:"productRows"`
		}
		if result.Result[key] == nil || result.Decode(key, &answer) != nil {
			continue
		}
		rows = append(rows, answer.Rows...)
		total = max(total, result.Totals[key], len(rows))
	}
	return rows, total
}

// products formats rows; nil where there are none.
func (f *formatter) products(rows []productRow, total int) *Products {
	if len(rows) == 0 {
		return nil
	}
	currency := f.item.text("currencyId")
	p := &Products{Count: total, Missing: total - len(rows)}
	if len(rows) > productPage {
		p.Missing, p.Beyond = 0, p.Missing
	}
	var sum, tax, discount float64
	for _, r := range rows {
		line := float64(r.Price) * float64(r.Quantity)
		sum += line
		row := ProductRow{
			Name:     r.Name,
			Price:    f.amount(float64(r.Price), currency),
			Quantity: strings.TrimSpace(f.l.Number(float64(r.Quantity), 4) + "\u00a0" + r.Measure),
			Sum:      f.amount(line, currency),
		}
		if r.DiscountSum != 0 {
			discount += float64(r.DiscountSum) * float64(r.Quantity)
			row.Discount = f.amount(float64(r.DiscountSum), currency)
			if r.DiscountType == 2 { // in percent
				row.Discount = f.l.Number(float64(r.DiscountRate), 2) + "\u00a0%"
			}
		}
		if r.TaxRate != nil {
			tax += (float64(r.Price) - float64(r.PriceExclusive)) * float64(r.Quantity)
			row.Tax = f.l.Number(float64(*r.TaxRate), 2) + "\u00a0%"
		}
		p.Rows = append(p.Rows, row)
	}
	p.Total = f.amount(sum, currency)
	if tax != 0 {
		p.Tax = f.amount(tax, currency)
	}
	if discount != 0 {
		p.Discount = f.amount(discount, currency)
	}
	return p
}
