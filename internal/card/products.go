package card

import (
	"math"
	"strconv"
	"strings"

	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// Products are the product rows of an item as its card shows them.
type Products struct {
	Rows     []ProductRow
	Before   string // without discount and tax; empty where there is neither
	Discount string // empty where there is none
	Tax      string // empty where there is none
	Total    string
	Differs  string // by how much the item's amount differs from Total; empty where it does not
	ByHand   bool   // the amount that differs was typed in; the portal does not work it out of the rows
	Count    int    // how many rows the item has
	Missing  int    // how many of them are not shown yet
	Beyond   int    // how many of them are more than a card shows
}

// ProductRow is one row. ListPrice, less Discount, plus Tax, is Price; times Quantity it is Sum.
type ProductRow struct {
	Name, ListPrice, Discount, Tax, Price, Quantity, Sum string
}

// NewProducts makes the product rows of an item as its card shows them with a portal's settings; nil where there are none.
func NewProducts(r *crm.Reading, reader Reader, chosen portal.Settings) *Products {
	f := newFormatter(r, reader)
	p := f.products(r.Products)
	if hidden := newHidden(chosen.Card(r.Ref.EntityTypeID, r.Item.Text("categoryId")).Hidden); p != nil && !hidden.has("opportunity") {
		p.compare(f, r.Products)
	}
	return p
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
		line, exclusive := r.Price*r.Quantity, r.Price
		sum += line
		row := ProductRow{
			Name:     shorten(r.Name, maxTitle),
			Price:    f.amount(r.Price, currency),
			Quantity: strings.TrimSpace(f.L.Number(r.Quantity, 4) + "\u00a0" + shorten(r.Measure, maxTitle)),
			Sum:      f.amount(line, currency),
		}
		if r.Taxed {
			exclusive = r.PriceExclusive
			tax += (r.Price - exclusive) * r.Quantity
			row.Tax = "+" + f.L.Number(r.TaxRate, 2) + "\u00a0%"
		}
		if r.DiscountSum != 0 {
			discount += r.DiscountSum * r.Quantity
			row.Discount = f.amount(-r.DiscountSum, currency)
			if r.DiscountType == discountInPercent {
				row.Discount = f.L.Number(-r.DiscountRate, 2) + "\u00a0%"
			}
		}
		row.ListPrice = f.amount(exclusive+r.DiscountSum, currency)
		p.Rows = append(p.Rows, row)
	}
	p.Total = f.amount(sum, currency)
	if tax != 0 {
		p.Tax = f.amount(tax, currency)
	}
	if discount != 0 {
		p.Discount = f.amount(-discount, currency)
	}
	if tax != 0 || discount != 0 {
		p.Before = f.amount(sum-tax+discount, currency)
	}
	return p
}

// compare tells by how much the item's amount differs from the sum of all rows. A difference that rounding makes is none,
// and neither is the tax of portals where it depends on the client's location: rows do not hold it, the amount does.
func (p *Products) compare(f *formatter, rows crm.ProductRows) {
	stated, err := strconv.ParseFloat(f.item.Text("opportunity"), 64)
	if err != nil || p.Missing > 0 || p.Beyond > 0 {
		return
	}
	taxed := false
	for i := range rows.Rows {
		stated -= rows.Rows[i].Price * rows.Rows[i].Quantity
		taxed = taxed || rows.Rows[i].Taxed
	}
	rounding := 0.01 * float64(len(rows.Rows))
	if tax, err := strconv.ParseFloat(f.item.Text("taxValue"), 64); err == nil && !taxed && math.Abs(stated-tax) < rounding {
		return
	}
	if math.Abs(stated) >= rounding {
		p.Differs, p.ByHand = f.amount(stated, f.item.Text("currencyId")), f.item.Flag("isManualOpportunity")
	}
}
