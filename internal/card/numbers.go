package card

import (
	"strconv"
	"strings"

	"itemlens/internal/crm"
)

// integer writes the digits alone: most whole numbers of an item are ids, years and the like. An id of 0 is none.
func (f *formatter) integer(field *crm.Field, text string) (Piece, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return Piece{Text: text, Raw: true}, true
	}
	return Piece{Text: strconv.FormatInt(n, 10)}, n != 0 || !strings.HasSuffix(field.Name, "Id")
}

// sums are the plain numbers that are sums in the currency of another field.
var sums = map[string]string{
	"opportunity": "currencyId", "taxValue": "currencyId", "revenue": "currencyId",
	"opportunityAccount": "accountCurrencyId", "taxValueAccount": "accountCurrencyId",
}

func (f *formatter) double(field *crm.Field, text string) Piece {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Piece{Text: text, Raw: true}
	}
	if currency, ok := sums[field.Name]; ok {
		return Piece{Text: f.amount(n, f.item.Text(currency))}
	}
	_, fraction, _ := strings.Cut(strconv.FormatFloat(n, 'f', -1, 64), ".")
	return Piece{Text: f.L.Number(n, len(fraction))}
}

// money reads "1500.5|EUR"; a currency alone is no sum.
func (f *formatter) money(text string) (Piece, bool) {
	sum, currency, _ := strings.Cut(text, "|")
	n, err := strconv.ParseFloat(sum, 64)
	if err != nil {
		return Piece{Text: text, Raw: true}, sum != ""
	}
	return Piece{Text: f.amount(n, currency)}, true
}

// amount writes a sum as the portal does, or as the reader's language does where the portal's way is not known.
func (f *formatter) amount(sum float64, currency string) string {
	if known, ok := f.typ.Currencies.Currency(currency); ok {
		return known.Write(sum)
	}
	return strings.TrimRight(f.L.Amount(sum)+"\u00a0"+currency, "\u00a0")
}

func (f *formatter) currency(code string) Piece {
	if known, ok := f.typ.Currencies.Currency(code); ok && known.Name != "" && known.Name != code {
		return Piece{Text: known.Name, Note: code}
	}
	return Piece{Text: code}
}
