// Package price reads what servers ask to be paid for pages, and what a job may pay: a currency
// and an amount, such as "USD 0.01" (the headers of Cloudflare's Pay Per Crawl).
package price

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Price is an amount of money. The zero Price means that nothing is asked.
type Price struct {
	Currency string // three capital letters
	Micros   int64  // millionths of the currency; 0 or more
}

// form is what a price looks like. An amount has at most nine digits before the point, and six
// behind it, so that sums of prices are exact.
var form = regexp.MustCompile(`^([A-Z]{3}) ([0-9]{1,9})(?:\.([0-9]{1,6}))?$`)

// Parse reads a price. The error says what it should look like.
func Parse(text string) (Price, error) {
	m := form.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Price{}, fmt.Errorf("%q is no price: want a currency and an amount, such as USD 0.01", text)
	}
	micros, err := strconv.ParseInt(m[2]+(m[3] + "000000")[:6], 10, 64)
	return Price{m[1], micros}, err
}

// String returns the price in the form that Parse reads, without zeros at its end.
func (p Price) String() string {
	amount := strconv.FormatFloat(float64(p.Micros)/1e6, 'f', 6, 64)
	whole, fraction, _ := strings.Cut(amount, ".")
	if fraction = strings.TrimRight(fraction, "0"); len(fraction) < 2 {
		fraction += strings.Repeat("0", 2-len(fraction))
	}
	return p.Currency + " " + whole + "." + fraction
}

// Within reports whether the price is at most another one, in the same currency.
func (p Price) Within(most Price) bool { return p.Currency == most.Currency && p.Micros <= most.Micros }
