package card

import (
	"testing"

	"itemlens/internal/crm"
	"itemlens/internal/portal"
)

// TestProductsAddUp: whoever adds and takes away what a table shows comes to its total, and the item's amount is held
// against that.
func TestProductsAddUp(t *testing.T) {
	rows := `[{"productName":"Scale","price":113.05,"priceExclusive":95,"quantity":2,"discountTypeId":2,"discountRate":5,"discountSum":5,"taxRate":19},
		{"productName":"Trip","price":50,"priceExclusive":50,"quantity":1,"discountTypeId":1,"discountSum":10,"taxRate":null}]`
	products := func(item string, hidden ...string) *Products {
		reading := testReading(item)
		reading.Products.Rows = crm.ParseProductRows([]byte(rows))
		reading.Products.Total = len(reading.Products.Rows)
		card, err := New(t.Context(), reading, testReader(t, "en"), portal.Settings{Cards: map[string]portal.CardSettings{"2": {Hidden: hidden}}}, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range card.Sections {
			if s.Products != nil {
				return s.Products
			}
		}
		t.Fatal("no products")
		return nil
	}
	p := products(`{"id":1,"currencyId":"EUR","opportunity":276.1}`)
	scale := ProductRow{"Scale", "100,00\u00a0€", "-5\u00a0%", "+19\u00a0%", "113,05\u00a0€", "2", "226,10\u00a0€"}
	trip := ProductRow{"Trip", "60,00\u00a0€", "-10,00\u00a0€", "", "50,00\u00a0€", "1", "50,00\u00a0€"}
	for i, want := range []ProductRow{scale, trip} {
		if p.Rows[i] != want {
			t.Errorf("row %d is %q, want %q", i, p.Rows[i], want)
		}
	}
	if p.Before != "260,00\u00a0€" || p.Discount != "-20,00\u00a0€" || p.Tax != "36,10\u00a0€" || p.Total != "276,10\u00a0€" {
		t.Errorf("%s before, %s discount, %s tax, %s in total", p.Before, p.Discount, p.Tax, p.Total)
	}
	for item, want := range map[string]string{
		`{"id":1,"currencyId":"EUR","opportunity":276.1}`:     "",
		`{"id":1,"currencyId":"EUR","opportunity":"276.11"}`:  "", // as rounding makes it
		`{"id":1,"currencyId":"EUR","opportunity":"300.00"}`:  "23,90\u00a0€",
		`{"id":1,"currencyId":"EUR","opportunity":200}`:       "-76,10\u00a0€",
		`{"id":1,"currencyId":"EUR","opportunity":null}`:      "",
		`{"id":1,"currencyId":"EUR"}`:                         "",
		`{"id":1,"currencyId":"EUR","opportunity":{"a":"b"}}`: "",
	} {
		if got := products(item).Differs; got != want {
			t.Errorf("%s differs by %q, want %q", item, got, want)
		}
	}
	if got := products(`{"id":1,"currencyId":"EUR","opportunity":300}`, "opportunity").Differs; got != "" {
		t.Errorf("an amount that is hidden differs by %q", got)
	}
}
