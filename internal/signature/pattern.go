package signature

import (
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Pattern is what similar URLs have in common: the class of each path segment, and the
// names of the parameters. The first segment is kept as it is if it is a word.
//
//	/calendar/2031/05?view=month  →  /calendar/N/N?view
//	/shop/lamp-17?sid=9f86d081    →  /shop/M?sid=X
type Pattern string

// Classes of path segments and parameter values.
const (
	classNumber = "N" // digits, perhaps with separators: 17, 2031-05-01
	classRandom = "X" // looks generated: 9f86d081884c7d65, UUIDs
	classMixed  = "M" // letters and digits: page17
	classWord   = "w"
)

// PatternOf returns the pattern of a URL.
func PatternOf(u crawler.URL) Pattern {
	path, query, _ := strings.Cut(u.Path(), "?")
	var b strings.Builder
	for i, segment := range strings.Split(path[1:], "/") {
		b.WriteByte('/')
		switch class := classOf(segment); {
		case segment == "":
		case i == 0 && class == classWord:
			b.WriteString(segment)
		default:
			b.WriteString(class)
		}
	}
	if query == "" {
		return Pattern(b.String())
	}
	var params []string
	for param := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(param, "=")
		if classOf(value) == classRandom {
			name += "=" + classRandom
		}
		params = append(params, name)
	}
	slices.Sort(params)
	b.WriteByte('?')
	b.WriteString(strings.Join(slices.Compact(params), "&"))
	return Pattern(b.String())
}

// Random reports whether URLs of the pattern have a part that looks generated.
func (p Pattern) Random() bool { return strings.Contains(string(p), classRandom) }

// classOf tells numbers and words from random strings. A random string has at least eight
// letters and digits that either alternate often, unlike a word with a number after it, or
// are all hexadecimal.
func classOf(s string) string {
	digits, letters, beyondF, others, changes := 0, 0, 0, 0, 0
	last := byte(0)
	for i := range len(s) {
		kind := byte('o')
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			kind = 'd'
			digits++
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			kind = 'l'
			letters++
			if c|0x20 > 'f' {
				beyondF++
			}
		default:
			others++
		}
		if last != 0 && kind != last && kind != 'o' && last != 'o' {
			changes++
		}
		last = kind
	}
	switch {
	case digits == 0:
		return classWord
	case letters == 0:
		return classNumber
	case digits+letters >= 8 && (changes >= 4 || beyondF == 0) && others <= 4:
		return classRandom
	}
	return classMixed
}
