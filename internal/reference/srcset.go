package reference

import (
	"bytes"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"iter"
	"strconv"
)

// InSrcset yields the URLs of a srcset (HTML, "parse a srcset attribute"). It skips
// candidates with invalid descriptors.
func InSrcset(srcset []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		rest := srcset
		for {
			rest = bytes.TrimLeft(rest, htmltok.Spaces+",")
			if len(rest) == 0 {
				return
			}
			end := bytes.IndexAny(rest, htmltok.Spaces)
			if end < 0 {
				end = len(rest)
			}
			url := rest[:end]
			rest = rest[end:]
			var words descriptors
			if trimmed := bytes.TrimRight(url, ","); len(trimmed) < len(url) {
				url = trimmed
			} else {
				words, rest = cutDescriptors(rest)
			}
			if words.valid() && !yield(url) {
				return
			}
		}
	}
}

// descriptors are the words after a candidate's URL.
type descriptors [][]byte

// cutDescriptors reads up to the comma that ends a candidate. A comma between parentheses
// does not.
func cutDescriptors(s []byte) (words descriptors, rest []byte) {
	start, parens := -1, false
	word := func(end int) {
		if start >= 0 {
			words = append(words, s[start:end])
			start = -1
		}
	}
	for i, c := range s {
		switch {
		case parens:
			parens = c != ')'
		case htmltok.IsSpace(c):
			word(i)
		case c == ',':
			word(i)
			return words, s[i+1:]
		default:
			if start < 0 {
				start = i
			}
			parens = c == '('
		}
	}
	word(len(s))
	return words, nil
}

// valid reports whether a candidate has at most one width or density, and a height only
// together with a width.
func (d descriptors) valid() bool {
	var width, density, height bool
	for _, word := range d {
		number, unit := string(word[:len(word)-1]), word[len(word)-1]
		switch {
		case unit == 'w' && isCount(number) && !width && !density:
			width = true
		case unit == 'h' && isCount(number) && !height && !density:
			height = true
		case unit == 'x' && isDensity(number) && !width && !density && !height:
			density = true
		default:
			return false
		}
	}
	return !height || width
}

// isCount reports whether s is a whole number above 0, without a sign.
func isCount(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return bytes.ContainsAny([]byte(s), "123456789")
}

// isDensity reports whether s is a valid floating-point number that is not negative.
func isDensity(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', c == '.', c == '-', c == 'e', c == 'E', c == '+' && i > 0:
		default:
			return false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && f >= 0
}
