package parse

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostDigits is how long a number may be, with its separators.
const mostDigits = 64

// readNumber reads the one number of a text, whatever stands around it: currency,
// unit, per cent. why says why there is none, for a person.
//
// Spaces, apostrophes and underscores between groups of three digits are left out.
// Of comma and point, the last one is the decimal separator if both are there; one
// that is there more than once parts groups. A comma alone parts groups if just
// three digits follow, and one to three, not beginning with 0, are before it; a
// point alone is a decimal point. decimal, "." or ",", is over these rules.
func readNumber(text, decimal string) (number json.Number, why string) {
	start, end := numeral(text, 0)
	if start < 0 {
		return "", fmt.Sprintf("%q is no number", quotable(text))
	}
	digits, ok := plainDigits(text[start:end], decimal)
	switch next, _ := numeral(text, end); {
	case end-start > mostDigits:
		return "", fmt.Sprintf("%q is too long for a number", quotable(text))
	case next >= 0:
		return "", fmt.Sprintf("%q has more than one number: let a regular expression take one", quotable(text))
	case !ok:
		return "", fmt.Sprintf("%q is no number", quotable(text[start:end]))
	case shortened(text[end:]):
		return "", fmt.Sprintf("%q is a number that is shortened", quotable(text))
	case negative(text[:start]):
		return json.Number("-" + digits), ""
	}
	return json.Number(digits), ""
}

// numeral finds the first digits of text from place from on, with the separators
// between them. start is -1 when there are none.
func numeral(text string, from int) (start, end int) {
	at := strings.IndexAny(text[from:], "0123456789")
	if at < 0 {
		return -1, -1
	}
	start = from + at
	for end = start; end < len(text); {
		r, size := utf8.DecodeRuneInString(text[end:])
		switch {
		case isDigit(text[end]):
		case end+size < len(text) && isDigit(text[end+size]) && (r == '.' || r == ',' || parts(r) && group(text[end+size:])):
		default:
			return leadingPoint(text, start), end
		}
		end += size
	}
	return leadingPoint(text, start), end
}

// leadingPoint takes the point of .5 in.
func leadingPoint(text string, start int) int {
	if start > 0 && text[start-1] == '.' && (start == 1 || isSpace(text[start-2]) || text[start-2] == '-' || text[start-2] == '$') {
		return start - 1
	}
	return start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// parts reports the characters that do nothing but part groups.
func parts(r rune) bool {
	switch r {
	case ' ', '\u00a0', '\u2009', '\u202f', '\'', '’', '_':
		return true
	}
	return false
}

// group reports whether text begins with just three digits.
func group(text string) bool {
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return n == 3
}

// plainDigits writes digits with separators as JSON has them, and reports whether
// they are one number.
func plainDigits(s, decimal string) (string, bool) {
	var b strings.Builder
	grouped := false
	for _, r := range s {
		if parts(r) {
			grouped = true
			r = '\''
		}
		b.WriteRune(r)
	}
	s = b.String()
	if decimal == "" {
		decimal = decimalOf(s, grouped)
	}
	whole, fraction, ok := s, "", true
	if decimal != "" {
		whole, fraction, ok = cutDecimal(s, decimal)
	}
	whole, grouping := ungroup(whole)
	if !ok || !grouping {
		return "", false
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		return whole + "." + fraction, true
	}
	return whole, true
}

// decimalOf tells the decimal separator of digits that have groups already, or
// not. It is "" when they have none.
func decimalOf(s string, grouped bool) string {
	point, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	switch {
	case point >= 0 && comma >= 0:
		return s[max(point, comma) : max(point, comma)+1]
	case strings.Count(s, ".") == 1:
		return "."
	case strings.Count(s, ",") != 1:
		return ""
	case !grouped && comma >= 1 && comma <= 3 && len(s)-comma == len(",000") && s[0] != '0':
		return ""
	}
	return ","
}

// cutDecimal parts the digits at the decimal separator, which is there once at
// most, and behind which nothing but digits is.
func cutDecimal(s, decimal string) (whole, fraction string, ok bool) {
	whole, fraction, _ = strings.Cut(s, decimal)
	return whole, fraction, !strings.ContainsAny(fraction, ".,'")
}

// ungroup joins groups, and reports whether they are such: parted by one character,
// the last of three digits, those before of three, or two as in India, and the
// first not longer.
func ungroup(s string) (string, bool) {
	at := strings.IndexAny(s, ".,'")
	if at < 0 {
		return s, true
	}
	all := strings.Split(s, s[at:at+1])
	for i, g := range all {
		switch last := i == len(all)-1; {
		case strings.ContainsAny(g, ".,'"), last && len(g) != 3, len(g) < 1, len(g) > 3, i > 0 && len(g) < 2:
			return "", false
		}
	}
	return strings.Join(all, ""), true
}

// negative reports whether what stands before a number ends in a minus, which
// neither joins words nor is a dash. A currency may be between.
func negative(before string) bool {
	before = strings.TrimRightFunc(before, func(r rune) bool { return unicode.Is(unicode.Sc, r) })
	for _, sign := range []string{"-", "\u2212"} {
		if rest, ok := strings.CutSuffix(before, sign); ok {
			last, _ := utf8.DecodeLastRuneInString(rest)
			return rest == "" || !unicode.IsLetter(last) && !unicode.IsDigit(last)
		}
	}
	return false
}

// shortened reports whether a number is followed by the letter of thousands or
// millions.
func shortened(after string) bool {
	if after == "" || !strings.ContainsRune("kKMB", rune(after[0])) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(after[1:])
	return len(after) == 1 || !unicode.IsLetter(next) && !unicode.IsDigit(next)
}

// quotable is a text as a message quotes it.
func quotable(text string) string { return clip(collapse(text, mostQuoted), mostQuoted) }
