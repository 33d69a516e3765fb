package crm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// Currency is how a portal writes sums in a currency (api-reference/crm/data-types.md, crm_currency).
type Currency struct {
	Code         string      `json:"CURRENCY"`
	Name         string      `json:"FULL_NAME"`
	Format       string      `json:"FORMAT_STRING"` // with # for the number; entities of HTML inside
	DecPoint     string      `json:"DEC_POINT"`
	ThousandsSep string      `json:"THOUSANDS_SEP"`
	Decimals     bitrix24.ID `json:"DECIMALS"`

	before, after, point, separator string // of Format and the others, as text
	digits                          int
}

// Currencies are the currencies of a portal by their codes.
type Currencies struct {
	byCode map[string]Currency
}

// NewCurrencies makes Currencies of a list.
func NewCurrencies(list []Currency) *Currencies {
	c := &Currencies{byCode: make(map[string]Currency, len(list))}
	for _, currency := range list {
		// Entities first: some of them hold a #.
		format := strings.ReplaceAll(html.UnescapeString(currency.Format), " ", "\u00a0")
		before, after, ok := strings.Cut(format, "#")
		if !ok {
			before, after = "", "\u00a0"+currency.Code
		}
		currency.before, currency.after = strings.TrimLeft(before, " \u00a0"), strings.TrimRight(after, " \u00a0")
		if !ok {
			currency.after = after
		}
		currency.point = cmp.Or(html.UnescapeString(currency.DecPoint), ".")
		currency.separator = strings.ReplaceAll(html.UnescapeString(currency.ThousandsSep), " ", "\u00a0")
		currency.digits = min(max(int(currency.Decimals), 0), 8)
		c.byCode[currency.Code] = currency
	}
	return c
}

// Currency finds a currency by its code.
func (c *Currencies) Currency(code string) (Currency, bool) {
	if c == nil {
		return Currency{}, false
	}
	currency, ok := c.byCode[code]
	return currency, ok
}

// Write writes a sum as the portal does.
func (c Currency) Write(sum float64) string {
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return strconv.FormatFloat(sum, 'f', -1, 64) + "\u00a0" + c.Code
	}
	var buffer [32]byte
	digits := strconv.AppendFloat(buffer[:0], math.Abs(sum), 'f', c.digits, 64)
	whole, fraction := digits, []byte(nil)
	if c.digits > 0 {
		whole, fraction = digits[:len(digits)-c.digits-1], digits[len(digits)-c.digits:]
	}
	out := make([]byte, 0, len(digits)+len(c.before)+len(c.after)+len(c.separator)*len(whole)/3+8)
	out = append(out, c.before...)
	if sum < 0 && strings.Trim(string(digits), "0.") != "" {
		out = append(out, '-')
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out = append(out, c.separator...)
		}
		out = append(out, digit)
	}
	if fraction != nil {
		out = append(append(out, c.point...), fraction...)
	}
	return string(append(out, c.after...))
}

// maxCurrencies is how many currencies are read.
const maxCurrencies = 1000

func currenciesCommand() bitrix24.Command {
	return bitrix24.Command{Key: "currencies", Method: "crm.currency.list"}
}

// readCurrencies reads the answer of crm.currency.list; nil for a user who may not see them.
func readCurrencies(raw json.RawMessage) (*Currencies, error) {
	if raw == nil {
		return NewCurrencies(nil), nil
	}
	var list []Currency
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read currencies: %w", err)
	}
	return NewCurrencies(list[:min(len(list), maxCurrencies)]), nil
}
