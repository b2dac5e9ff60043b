// Package signature summarizes pages and URLs, to tell traps from other parts of a site.
//
// A [Signature] stands for what a page says: pages that say nearly the same have the same one. A
// [Pattern] is what similar URLs have in common.
package signature

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// signatureBytes is how much of a body goes into a signature.
const signatureBytes = 64 << 10

// maxDifferent is the number of bits, of 64, in which the fingerprints of two texts may
// differ and still count as the same text (Manku, Jain, Das Sarma: Detecting
// Near-Duplicates for Web Crawling, 2007).
const maxDifferent = 3

// Signature summarizes what a page says, to compare it with other pages.
type Signature struct {
	Words uint64 `json:"w"` // a fingerprint of its words; texts that are nearly the same have similar ones
	Sure  uint64 `json:"s"` // the bits that would not change with one word in a hundred
	Rest  uint64 `json:"r"` // a hash of the parts that must be equal: its numbers, pictures, title and links
}

// Same reports whether two pages say the same, or nearly the same.
func (s Signature) Same(other Signature) bool {
	return s.Rest == other.Rest && bits.OnesCount64((s.Words^other.Words)&s.Sure&other.Sure) <= maxDifferent
}

// OfBody returns a signature that compares bodies byte for byte.
func OfBody(p *fetched.Page) Signature {
	if p.Body == nil {
		return Signature{}
	}
	return Signature{Rest: binary.LittleEndian.Uint64(p.Body.Digest[:])}
}

// calendarWords change between the pages of a calendar.
var calendarWords = func() map[string]bool {
	words := make(map[string]bool)
	for name := range strings.FieldsSeq("january february march april may june july august september october november december " +
		"monday tuesday wednesday thursday friday saturday sunday") {
		words[name], words[name[:3]] = true, true
	}
	return words
}()

// drawnAlike merges the classes that a random string may fall into by chance: one in forty
// strings of eight hexadecimal digits is a number.
var drawnAlike = strings.NewReplacer("/N", "/#", "/M", "/#", "/X", "/#", "=X", "")

// Of summarizes what a page says: the words of its text, its numbers, pictures and
// title, and the patterns of its links. It leaves out what differs between the pages of a
// trap: repetitions of the page's own URL and its neighbors, names of months and days with
// their numbers, and generated strings.
func Of(p *fetched.Page, doc *fetched.Document) Signature {
	if p.Body == nil {
		return Signature{}
	}
	path, _, _ := strings.Cut(p.URL.Path(), "?")
	body := p.Body.Head[:min(len(p.Body.Head), signatureBytes)]
	if len(path) > 1 {
		body = bytes.ReplaceAll(body, []byte(path), nil)
	}
	own := numbersOf(p.URL)
	said := &saying{drawn: PatternOf(p.URL).Random()}
	said.read(body, own)
	rest := newHash()
	said.numbers.addTo(&rest)
	said.pictures.addTo(&rest)
	if doc != nil {
		title := &saying{drawn: said.drawn}
		title.read([]byte(strings.ReplaceAll(doc.Title, path, "")), own)
		rest.add(binary.LittleEndian.AppendUint64(nil, uint64(title.words.order)))
		title.numbers.addTo(&rest)
		var patterns []string
		for _, l := range doc.Links {
			patterns = append(patterns, string(l.URL.Host())+drawnAlike.Replace(string(PatternOf(l.URL))))
		}
		slices.Sort(patterns)
		for _, link := range slices.Compact(patterns) {
			rest.add([]byte(link))
		}
	}
	words, sure := said.words.fingerprint()
	return Signature{words, sure, uint64(rest)}
}

// hash is the FNV-1a hash of a sequence of words.
type hash uint64

func newHash() hash { return 14695981039346656037 }

func (h *hash) add(word []byte) {
	const prime = 1099511628211
	for _, c := range word {
		*h = (*h ^ hash(c)) * prime
	}
	*h = (*h ^ ' ') * prime
}

func hashOf(word []byte) uint64 {
	h := newHash()
	h.add(word)
	return uint64(h)
}

// set is a set of hashes. The order and the number of occurrences do not matter.
type set []uint64

func (s *set) add(word []byte) { *s = append(*s, hashOf(word)) }

func (s set) addTo(h *hash) {
	slices.Sort(s)
	for _, one := range slices.Compact(s) {
		h.add(binary.LittleEndian.AppendUint64(nil, one))
	}
	h.add(nil)
}

// votes accumulates Charikar's fingerprint of a text.
type votes struct {
	bits  [64]int32
	words int32
	order hash // of the sequence of words
}

func (v *votes) add(word []byte) {
	h := hashOf(word)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9 // splitmix64 finalizer, because FNV mixes its upper bits badly
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	for i := range v.bits {
		v.bits[i] += int32(h>>i&1)*2 - 1
	}
	v.words++
	v.order.add(word)
}

// fingerprint returns the bits, and which of them are sure. In a short text all are,
// because each word matters.
func (v *votes) fingerprint() (sum, sure uint64) {
	for i, n := range v.bits {
		if n > 0 {
			sum |= 1 << i
		}
		if v.words < 100 || max(n, -n) > v.words/100 {
			sure |= 1 << i
		}
	}
	return sum, sure
}

// numbersOf returns the numbers in a URL and the numbers before and after each, because
// pages of a series name their neighbors. A date written as one number also yields its
// parts.
func numbersOf(u crawler.URL) map[int]bool {
	own := make(map[int]bool)
	note := func(digits string) {
		if n, err := strconv.Atoi(digits); err == nil {
			own[n-1], own[n], own[n+1] = true, true, true
		}
	}
	for digits := range strings.FieldsFuncSeq(u.Path(), func(r rune) bool { return r < '0' || r > '9' }) {
		note(digits)
		if len(digits) == 6 || len(digits) == 8 { // 203105, 20310501
			note(digits[:4])
			note(digits[4:6])
			note(digits[6:])
		}
	}
	return own
}

// saying is the content of a page.
type saying struct {
	drawn    bool // its URL has a part that looks generated, and so may its numbers
	words    votes
	numbers  set
	pictures set
}

// read adds the content of markup or text. own are the numbers of the page's URL.
func (s *saying) read(body []byte, own map[int]bool) {
	l := lexer{text: body, drawn: s.drawn, pictures: &s.pictures}
	tokens := l.tokens()
	at := func(i int) token {
		if i < 0 || i >= len(tokens) {
			return token{}
		}
		return tokens[i]
	}
	for i, t := range tokens {
		before, behind := at(i-1), at(i+1)
		switch {
		case t.kind == tokenWord && !calendarWords[string(t.text)]:
			s.words.add(t.text)
		case t.kind != tokenNumber:
		case t.restates(own), t.dates(before), t.dates(behind):
		case timing[string(before.text)] && timeUnits[string(behind.text)]: // "in 0.012 seconds"
		default:
			s.numbers.add(t.text)
		}
	}
}
