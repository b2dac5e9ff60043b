package crawler

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// signatureBytes is how much of a body a signature is made of.
const signatureBytes = 64 << 10

// calendarWords change from one page of a calendar to the next.
var calendarWords = func() map[string]bool {
	words := make(map[string]bool)
	for name := range strings.FieldsSeq("january february march april may june july august september october november december " +
		"monday tuesday wednesday thursday friday saturday sunday") {
		words[name], words[name[:3]] = true, true
	}
	return words
}()

// drawnAlike makes one of the classes that what is drawn may happen to have: of
// eight hexadecimal digits one in forty is a number.
var drawnAlike = strings.NewReplacer("/N", "/#", "/M", "/#", "/X", "/#", "=X", "")

// digestOf tells bodies apart, byte for byte.
func digestOf(p *Page) uint64 {
	if p.Body == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(p.Body.Digest[:])
}

// signatureOf tells pages apart by what they say: the words of their text, and
// the patterns of their links. Left out are what differs between the pages of a
// trap: words with digits in them, names of months and days, and the page's own
// path, which a page that says that there is nothing often repeats.
func signatureOf(p *Page, doc *Document) uint64 {
	if p.Body == nil {
		return 0
	}
	const fnvOffset, fnvPrime = 14695981039346656037, 1099511628211
	sum := uint64(fnvOffset)
	add := func(s []byte) {
		for _, c := range s {
			sum = (sum ^ uint64(c)) * fnvPrime
		}
		sum = (sum ^ ' ') * fnvPrime
	}
	path, _, _ := strings.Cut(p.URL.Path(), "?")
	body := p.Body.Head[:min(len(p.Body.Head), signatureBytes)]
	if len(path) > 1 {
		body = bytes.ReplaceAll(body, []byte(path), nil)
	}
	eachWord(body, func(word []byte) {
		if !calendarWords[string(word)] {
			add(word)
		}
	})
	if doc == nil {
		return sum
	}
	var patterns []string
	for _, l := range doc.Links {
		patterns = append(patterns, string(l.URL.Host())+drawnAlike.Replace(string(patternOf(l.URL))))
	}
	slices.Sort(patterns)
	for _, link := range slices.Compact(patterns) {
		add([]byte(link))
	}
	return sum
}

// eachWord calls do with each run of letters that stands outside of tags, in
// lower case. Runs with a digit are left out.
func eachWord(body []byte, do func([]byte)) {
	var word []byte
	tag, digit := false, false
	end := func() {
		if len(word) > 0 && !digit {
			do(word)
		}
		word, digit = word[:0], false
	}
	for _, c := range body {
		switch {
		case c == '<':
			end()
			tag = true
		case c == '>':
			tag = false
		case tag:
		case '0' <= c && c <= '9':
			digit = true
			word = append(word, c)
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			word = append(word, c|0x20)
		case c >= 0x80:
			word = append(word, c)
		default:
			end()
		}
	}
	end()
}
