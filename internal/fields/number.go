package fields

import (
	"encoding/json"
	"fmt"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDigits is the maximum length of a number, with its separators.
const maxDigits = 64

// readNumber parses the only number in a text, ignoring what is around it, such as a
// currency, a unit or a percent sign. why says why there is none.
//
// Spaces, apostrophes and underscores between groups of three digits are ignored. If the
// number has both commas and points, the last one is the decimal separator. A separator
// that occurs more than once separates groups. A single comma separates groups if exactly
// three digits follow, and one to three digits that do not begin with 0 precede it. A
// single point is a decimal point. decimal, "." or ",", overrides these rules.
func readNumber(text, decimal string) (number json.Number, why string) {
	start, end := numeral(text, 0)
	if start < 0 {
		return "", fmt.Sprintf("%q is not a number", htmltok.Quotable(text))
	}
	digits, ok := plainDigits(text[start:end], decimal)
	switch next, _ := numeral(text, end); {
	case end-start > maxDigits:
		return "", fmt.Sprintf("%q is too long for a number", htmltok.Quotable(text))
	case next >= 0:
		return "", fmt.Sprintf("%q has more than one number: select one with a regular expression",
			htmltok.Quotable(text))
	case !ok:
		return "", fmt.Sprintf("%q is not a number", htmltok.Quotable(text[start:end]))
	case shortened(text[end:]):
		return "", fmt.Sprintf("%q is an abbreviated number", htmltok.Quotable(text))
	case negative(text[:start]):
		return json.Number("-" + digits), ""
	}
	return json.Number(digits), ""
}

// numeral finds the first digits of text at or after from, with the separators between
// them. start is -1 if there are none.
func numeral(text string, from int) (start, end int) {
	at := strings.IndexAny(text[from:], "0123456789")
	if at < 0 {
		return -1, -1
	}
	start = from + at
	for end = start; end < len(text); {
		r, size := utf8.DecodeRuneInString(text[end:])
		switch {
		case htmltok.IsDigit(text[end]):
		case end+size < len(text) && htmltok.IsDigit(text[end+size]) &&
			(r == '.' || r == ',' || parts(r) && group(text[end+size:])):
		default:
			return leadingPoint(text, start), end
		}
		end += size
	}
	return leadingPoint(text, start), end
}

// leadingPoint includes the point of a number such as .5.
func leadingPoint(text string, start int) int {
	if start > 0 && text[start-1] == '.' && (start == 1 || htmltok.IsSpace(text[start-2]) || text[start-2] == '-' ||
		text[start-2] == '$') {
		return start - 1
	}
	return start
}

// parts reports whether a character can only separate groups.
func parts(r rune) bool {
	switch r {
	case ' ', '\u00a0', '\u2009', '\u202f', '\'', '’', '_':
		return true
	}
	return false
}

// group reports whether text begins with exactly three digits.
func group(text string) bool {
	n := 0
	for n < len(text) && htmltok.IsDigit(text[n]) {
		n++
	}
	return n == 3
}

// plainDigits converts digits with separators to JSON, and reports whether they form one
// number.
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

// decimalOf determines the decimal separator, or "" if there isn't one. grouped says that
// another character separates groups.
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

// cutDecimal splits digits at the decimal separator. ok is false if the separator occurs
// twice or anything but digits follows it.
func cutDecimal(s, decimal string) (whole, fraction string, ok bool) {
	whole, fraction, _ = strings.Cut(s, decimal)
	return whole, fraction, !strings.ContainsAny(fraction, ".,'")
}

// ungroup joins groups, and reports whether they are valid: separated by one character,
// the last with three digits, the others with three, or two as in India, and the first
// not longer.
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

// negative reports whether the text before a number ends with a minus sign that is not a
// hyphen within a word or a dash. A currency sign may follow it.
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

// shortened reports whether a letter for thousands or millions follows a number.
func shortened(after string) bool {
	if after == "" || !strings.ContainsRune("kKMB", rune(after[0])) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(after[1:])
	return len(after) == 1 || !unicode.IsLetter(next) && !unicode.IsDigit(next)
}
