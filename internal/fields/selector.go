package fields

import (
	"fmt"
	"iter"
	"strings"

	"github.com/andybalholm/cascadia"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"golang.org/x/net/html"
)

// selector is a CSS selector. It inspects each element once for each part of the
// selector, regardless of the elements around it. A matcher that goes from each element
// to its ancestors and siblings takes time in proportion to the depth of the page to the
// power of the number of parts.
type selector struct {
	parts    []part
	last     uint64 // bit set of the parts that end an alternative
	siblings bool   // whether preceding siblings matter
}

// part is the part of a selector for one element.
type part struct {
	combinator byte // combinator with the previous part: ' ', '>', '+', '~'; 0 for the first part of an alternative
	cheap      cascadia.Selector
	whole      cascadia.Selector // nil if cheap is the whole part
	cost       cost              // of whole, at one element
}

// maxParts is how many parts a selector may have in all of its alternatives.
const maxParts = 64

// newSelector compiles a selector. The error says what is wrong with it.
func newSelector(css string) (*selector, error) {
	if _, err := cascadia.Compile(css); err != nil {
		return nil, err
	}
	s := new(selector)
	for _, alternative := range alternativesOf(css) {
		for _, written := range alternative {
			p, err := newPart(written)
			if err != nil {
				return nil, err
			}
			s.siblings = s.siblings || p.combinator == '+' || p.combinator == '~'
			s.parts = append(s.parts, p)
		}
		if len(s.parts) > maxParts {
			return nil, fmt.Errorf("it has more than %d parts", maxParts)
		}
		s.last |= 1 << (len(s.parts) - 1)
	}
	return s, nil
}

func newPart(w writtenPart) (p part, err error) {
	p.combinator = w.combinator
	cheap := new(strings.Builder)
	for _, simple := range simplesOf(w.text) {
		if c, costly := costOf(simple); costly {
			p.cost = append(p.cost, c...)
		} else {
			cheap.WriteString(simple)
		}
	}
	if cheap.Len() == 0 {
		cheap.WriteByte('*')
	}
	if p.cheap, err = cascadia.Compile(cheap.String()); err != nil {
		return p, err
	}
	if len(p.cost) > 0 {
		p.whole, err = cascadia.Compile(w.text)
	}
	return p, err
}

// around is what the elements around a place match: bit i stands for part i.
type around struct{ ancestors, parent uint64 }

// find yields the elements within a node that the selector matches, in page order, as
// long as work is left.
func (s *selector) find(p *pageWork, in *html.Node) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		if above, ok := s.above(p, in); ok {
			s.within(p, in, above, yield)
		}
	}
}

// within visits the elements in a node. It returns false to stop.
func (s *selector) within(p *pageWork, n *html.Node, a around, yield func(*html.Node) bool) bool {
	var previous, before uint64
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode {
			continue
		}
		fits, ok := s.match(p, c, a, previous, before)
		if !ok || fits&s.last != 0 && !yield(c) || !s.within(p, c, around{a.ancestors | fits, fits}, yield) {
			return false
		}
		previous, before = fits, before|fits
	}
	return true
}

// above returns what the elements around the content of a node match. ok is false if no
// work is left.
func (s *selector) above(p *pageWork, n *html.Node) (a around, ok bool) {
	if n.Type != html.ElementNode {
		return a, true
	}
	if n.Parent != nil {
		if a, ok = s.above(p, n.Parent); !ok {
			return a, false
		}
	}
	var previous, before uint64
	if s.siblings && n.Parent != nil {
		for c := n.Parent.FirstChild; c != n; c = c.NextSibling {
			if c.Type != html.ElementNode {
				continue
			}
			if previous, ok = s.match(p, c, a, previous, before); !ok {
				return a, false
			}
			before |= previous
		}
	}
	fits, ok := s.match(p, n, a, previous, before)
	return around{a.ancestors | fits, fits}, ok
}

// match returns the parts that an element matches together with the parts before them. ok
// is false if no work is left.
func (s *selector) match(p *pageWork, n *html.Node, a around, previous, before uint64) (fits uint64, ok bool) {
	if !p.spend(1) {
		return 0, false
	}
	for i := range s.parts {
		part := &s.parts[i]
		led := uint64(1) << max(0, i-1)
		switch part.combinator {
		case ' ':
			led &= a.ancestors
		case '>':
			led &= a.parent
		case '+':
			led &= previous
		case '~':
			led &= before
		}
		if led == 0 || !part.cheap.Match(n) {
			continue
		}
		if part.whole != nil {
			if !p.spend(part.cost.at(p, n)) {
				return 0, false
			}
			if !part.whole.Match(n) {
				continue
			}
		}
		fits |= 1 << i
	}
	return fits, true
}

// writtenPart is a part of a selector as it is written.
type writtenPart struct {
	combinator byte
	text       string
}

// alternativesOf splits a valid selector at its commas, and at the combinators between
// its parts.
func alternativesOf(css string) (all [][]writtenPart) {
	var parts []writtenPart
	combinator, start := byte(0), 0
	end := func(at int) {
		if text := strings.Trim(css[start:at], htmltok.Spaces); text != "" {
			parts = append(parts, writtenPart{combinator, text})
			combinator = ' '
		}
	}
	css = withoutComments(css)
	for i := 0; i < len(css); i++ {
		switch c := css[i]; {
		case c == ',':
			end(i)
			all, parts = append(all, parts), nil
			combinator, start = 0, i+1
		case c == '>' || c == '+' || c == '~':
			end(i)
			combinator, start = c, i+1
		case htmltok.IsSpace(c):
			end(i)
			start = i + 1
		default:
			i = pastOne(css, i) - 1
		}
	}
	end(len(css))
	return append(all, parts)
}

// pastOne returns the index after a character, or after a text in quotes, brackets or
// parentheses.
func pastOne(css string, i int) int {
	switch c := css[i]; c {
	case '\\': // CSS Syntax 3, 4.3.7: up to six hexadecimal digits, and a space after them
		end := i + 1
		for end < len(css) && end-i <= 6 && strings.IndexByte("0123456789abcdefABCDEF", css[end]) >= 0 {
			end++
		}
		if end == i+1 || end < len(css) && htmltok.IsSpace(css[end]) {
			end++
		}
		return min(end, len(css))
	case '"', '\'':
		for i++; i < len(css) && css[i] != c; i++ {
			if css[i] == '\\' {
				i++
			}
		}
		return min(i+1, len(css))
	case '(', '[':
		closing := byte(')')
		if c == '[' {
			closing = ']'
		}
		for i++; i < len(css) && css[i] != closing; {
			i = pastOne(css, i)
		}
		return min(i+1, len(css))
	}
	return i + 1
}

// withoutComments replaces the comments of a selector by spaces.
func withoutComments(css string) string {
	var b strings.Builder
	for i := 0; i < len(css); {
		if strings.HasPrefix(css[i:], "/*") {
			length := strings.Index(css[i:], "*/")
			if length < 0 {
				break
			}
			b.WriteByte(' ')
			i += length + len("*/")
			continue
		}
		end := i + 1
		if c := css[i]; c == '\\' || c == '"' || c == '\'' {
			end = pastOne(css, i)
		}
		b.WriteString(css[i:end])
		i = end
	}
	return b.String()
}

// simplesOf splits a part into simple selectors: "li", ".a", "[href]", ":has(b)".
func simplesOf(text string) (all []string) {
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if i > start && (c == '.' || c == '#' || c == '[' || c == ':' && text[i-1] != ':') {
			all = append(all, text[start:i])
			start = i
		}
		i = pastOne(text, i)
	}
	return append(all, text[start:])
}
