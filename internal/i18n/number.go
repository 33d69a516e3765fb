package i18n

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

// numberFormat writes numbers as a language does. The library knows how; asking it for each of a page's thousand numbers
// costs more than the rest of the page, so it is asked once for the language's signs. Numbers that have to be rounded it
// still writes itself.
type numberFormat struct {
	library             *message.Printer
	minus, group, point string
}

func newNumberFormat(library *message.Printer) numberFormat {
	f := numberFormat{library: library}
	sample := library.Sprint(number.Decimal(1234567.5, number.Scale(1))) // 1,234,567.5
	whole, fraction := sample[1:strings.Index(sample, "234")], sample[strings.Index(sample, "567")+3:]
	f.group, f.point = whole, strings.TrimSuffix(fraction, "5")
	f.minus = strings.TrimSuffix(library.Sprint(number.Decimal(-1)), "1")
	return f
}

// write writes a number with at least and at most so many digits after the point.
func (f numberFormat) write(value float64, least, most int) string {
	var buffer [40]byte
	digits := strconv.AppendFloat(buffer[:0], math.Abs(value), 'f', -1, 64)
	whole, fraction := digits, []byte(nil)
	for i, digit := range digits {
		if digit == '.' {
			whole, fraction = digits[:i], digits[i+1:]
		}
	}
	if math.IsNaN(value) || math.IsInf(value, 0) || value == 0 && math.Signbit(value) || math.Abs(value) >= 1e21 || len(fraction) > most {
		if least > 0 {
			return f.library.Sprint(number.Decimal(value, number.Scale(least)))
		}
		return f.library.Sprint(number.Decimal(value, number.MaxFractionDigits(most)))
	}
	out := make([]byte, 0, len(digits)+len(f.group)*len(whole)/3+len(f.minus)+len(f.point)+least)
	if value < 0 {
		out = append(out, f.minus...)
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out = append(out, f.group...)
		}
		out = append(out, digit)
	}
	if len(fraction) > 0 || least > 0 {
		out = append(out, f.point...)
		out = append(out, fraction...)
		for i := len(fraction); i < least; i++ {
			out = append(out, '0')
		}
	}
	return string(out)
}
