package i18n

import (
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"itemlens/web/locales"
)

// TestNumbersAreThoseOfTheLibrary holds our own writing of numbers against the library's, in every language.
func TestNumbersAreThoseOfTheLibrary(t *testing.T) {
	catalog, err := Load(locales.Files)
	if err != nil {
		t.Fatal(err)
	}
	values := []float64{0, 1, -1, 12, 123, 1234, -1234.5, 12345.67, 999999.99, 1e6, 1e15, 1e21, -0.5, 0.25, 0.125, 2.345, math.Copysign(0, -1), math.MaxFloat64}
	// Beyond 2^53 ten-thousandths the library's own digits are wrong: it writes 2,070,595,638,205.1 with ".1001".
	for range 300 {
		values = append(values, math.Round(rand.NormFloat64()*math.Pow10(rand.IntN(12)))/math.Pow10(rand.IntN(6)))
	}
	for lang, p := range catalog.printers {
		library := message.NewPrinter(language.MustParse(lang + "-u-nu-latn"))
		for _, value := range values {
			for _, most := range []int{0, 2, 4} {
				if got, want := p.Number(value, most), library.Sprint(number.Decimal(value, number.MaxFractionDigits(most))); got != want {
					t.Errorf("%s: %v with at most %d digits: %q, want %q", lang, value, most, got, want)
				}
			}
			if got, want := p.Amount(value), library.Sprint(number.Decimal(value, number.Scale(2))); got != want {
				t.Errorf("%s: amount %v: %q, want %q", lang, value, got, want)
			}
		}
	}
}
