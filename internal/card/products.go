package card

import (
	"strings"

	"itemlens/internal/crm"
)

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

// NewProducts makes the product rows of an item; nil where there are none.
func NewProducts(r *crm.Reading, reader Reader) *Products {
	return newFormatter(r, reader).products(r.Products)
}

// discountInPercent is the platform's discountTypeId of discounts in percent.
const discountInPercent = 2

func (f *formatter) products(all crm.ProductRows) *Products {
	if len(all.Rows) == 0 {
		return nil
	}
	currency := f.item.Text("currencyId")
	p := &Products{Rows: make([]ProductRow, 0, len(all.Rows)), Count: all.Total, Missing: all.Total - len(all.Rows)}
	if len(all.Rows) > crm.ProductPage {
		p.Missing, p.Beyond = 0, p.Missing
	}
	var sum, tax, discount float64
	for i := range all.Rows {
		r := &all.Rows[i]
		line := r.Price * r.Quantity
		sum += line
		row := ProductRow{
			Name:     shorten(r.Name, maxTitle),
			Price:    f.amount(r.Price, currency),
			Quantity: strings.TrimSpace(f.L.Number(r.Quantity, 4) + "\u00a0" + shorten(r.Measure, maxTitle)),
			Sum:      f.amount(line, currency),
		}
		if r.DiscountSum != 0 {
			discount += r.DiscountSum * r.Quantity
			row.Discount = f.amount(r.DiscountSum, currency)
			if r.DiscountType == discountInPercent {
				row.Discount = f.L.Number(r.DiscountRate, 2) + "\u00a0%"
			}
		}
		if r.Taxed {
			tax += (r.Price - r.PriceExclusive) * r.Quantity
			row.Tax = f.L.Number(r.TaxRate, 2) + "\u00a0%"
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
