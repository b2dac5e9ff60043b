package cookie

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Received parses the Set-Cookie lines of an answer. It returns names and values as they
// are, including quotes, brackets and non-ASCII bytes. The grammar of RFC 6265, 4.1 is
// binding for servers, but a user agent stores what it gets (5.2), so that the server finds
// what it set. net/http follows the grammar and would change or drop such cookies.
func Received(h http.Header) []*http.Cookie {
	var all []*http.Cookie
	for _, line := range h["Set-Cookie"] {
		if c := setCookie(line); c != nil {
			all = append(all, c)
		}
	}
	return all
}

// setCookie parses one line (RFC 6265, 5.2; RFC 6265bis, 5.6 for cookies without a name,
// and for control characters). It returns nil if the line sets nothing.
func setCookie(line string) *http.Cookie {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return nil
	}
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, named := strings.Cut(pair, "=")
	if !named {
		name, value = "", pair
	}
	const blank = " \t"
	c := &http.Cookie{Name: strings.Trim(name, blank), Value: strings.Trim(value, blank)}
	if c.Name == "" && c.Value == "" {
		return nil
	}
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(attribute, "=")
		setAttribute(c, strings.ToLower(strings.Trim(name, blank)), strings.Trim(value, blank))
	}
	return c
}

// setAttribute applies an attribute. If there are several with one name, the last counts.
// Unknown ones are ignored (RFC 6265, 5.2.1 to 5.2.6).
func setAttribute(c *http.Cookie, name, value string) {
	switch name {
	case "expires":
		if at, ok := cookieDate(value); ok {
			c.Expires = at
		}
	case "max-age":
		if seconds, ok := maxAge(value); ok {
			c.MaxAge = seconds
		}
	case "domain":
		if value != "" {
			c.Domain = value
		}
	case "path":
		c.Path = value
	case "secure":
		c.Secure = true
	}
}

// maxAge parses a number of seconds for http.Cookie, which uses a negative number for an
// expired cookie.
func maxAge(value string) (seconds int, ok bool) {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	seconds, err := strconv.Atoi(value)
	switch {
	case err != nil && digits == value: // too large for an int
		return 1 << 30, true
	case err != nil || seconds <= 0:
		return -1, true
	}
	return min(seconds, 1<<30), true
}

// cookieDate parses a date as leniently as RFC 6265, 5.1.1 requires: time, day, month and
// year in any order, with anything in between, in UTC.
func cookieDate(text string) (time.Time, bool) {
	var hour, minute, second, day, month, year int
	var timed, dated, monthed, yeared bool
	for _, token := range strings.FieldsFunc(text, betweenDates) {
		number, digits := leadingNumber(token)
		switch {
		case !timed && readTime(token, &hour, &minute, &second):
			timed = true
		case !dated && digits >= 1 && digits <= 2:
			day, dated = number, true
		case !monthed && monthOf(token) > 0:
			month, monthed = monthOf(token), true
		case !yeared && digits >= 2 && digits <= 4:
			year, yeared = number, true
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year >= 0 && year <= 69:
		year += 2000
	}
	if !timed || !dated || !monthed || !yeared || day < 1 || day > 31 || year < 1601 || hour > 23 || minute > 59 ||
		second > 59 {
		return time.Time{}, false
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return at, at.Day() == day // reject dates such as 31 February
}

// betweenDates reports whether r is a delimiter in a date.
func betweenDates(r rune) bool {
	return r == 0x09 || r >= 0x20 && r <= 0x2f || r >= 0x3b && r <= 0x40 || r >= 0x5b && r <= 0x60 || r >= 0x7b &&
		r <= 0x7e
}

// leadingNumber parses the digits at the start of a token.
func leadingNumber(token string) (number, digits int) {
	for digits < len(token) && token[digits] >= '0' && token[digits] <= '9' && digits < 5 {
		number = 10*number + int(token[digits]-'0')
		digits++
	}
	return number, digits
}

// readTime parses a token such as 06:03:20.
func readTime(token string, hour, minute, second *int) bool {
	parts := strings.SplitN(token, ":", 3)
	if len(parts) < 3 {
		return false
	}
	for i, to := range []*int{hour, minute, second} {
		number, digits := leadingNumber(parts[i])
		if digits < 1 || digits > 2 || i < 2 && digits != len(parts[i]) {
			return false
		}
		*to = number
	}
	return true
}

var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

// monthOf returns the month at the start of a token; 0 if there isn't one.
func monthOf(token string) int {
	if len(token) < 3 {
		return 0
	}
	return slices.Index(months, strings.ToLower(token[:3])) + 1
}

// Check says why a cookie cannot be sent; nil if it can. It does not quote the value. Only the
// name and the value count: they are sent byte for byte.
func Check(c *http.Cookie) error {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case c == nil:
		return errors.New("a cookie is nil")
	case c.Name == "" || strings.ContainsAny(c.Name, "=;, ") || strings.ContainsFunc(c.Name, control):
		return fmt.Errorf("%q cannot be the name of a cookie: want a name without =, ;, commas and spaces", c.Name)
	case strings.Contains(c.Value, ";") || strings.ContainsFunc(c.Value, control) ||
		strings.Trim(c.Value, " ") != c.Value:
		return fmt.Errorf("the cookie %s has a value that cannot be sent: it has a semicolon, a control character, or a space at an end", c.Name)
	case len(c.Name)+len(c.Value) > longestCookie:
		return fmt.Errorf("the cookie %s has %d bytes: want at most %d", c.Name, len(c.Name)+len(c.Value), longestCookie)
	}
	return nil
}

// PairOf returns what is sent of a cookie: only its value if it has no name (RFC 6265bis,
// 5.8.3).
func PairOf(c *http.Cookie) string {
	if c.Name == "" {
		return c.Value
	}
	return c.Name + "=" + c.Value
}
