package visit

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

// signature summarizes what a page says, to compare it with other pages.
type signature struct {
	Words uint64 `json:"w"` // a fingerprint of its words; texts that are nearly the same have similar ones
	Sure  uint64 `json:"s"` // the bits that would not change with one word in a hundred
	Rest  uint64 `json:"r"` // a hash of what must be equal: its numbers, pictures, title and links
}

// same reports whether two pages say the same, or nearly the same.
func (s signature) same(other signature) bool {
	return s.Rest == other.Rest && bits.OnesCount64((s.Words^other.Words)&s.Sure&other.Sure) <= maxDifferent
}

// digestOf returns a signature that compares bodies byte for byte.
func digestOf(p *fetched.Page) signature {
	if p.Body == nil {
		return signature{}
	}
	return signature{Rest: binary.LittleEndian.Uint64(p.Body.Digest[:])}
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

// signatureOf summarizes what a page says: the words of its text, its numbers, pictures and
// title, and the patterns of its links. It leaves out what differs between the pages of a
// trap: repetitions of the page's own URL and its neighbors, names of months and days with
// their numbers, and generated strings.
func signatureOf(p *fetched.Page, doc *fetched.Document) signature {
	if p.Body == nil {
		return signature{}
	}
	path, _, _ := strings.Cut(p.URL.Path(), "?")
	body := p.Body.Head[:min(len(p.Body.Head), signatureBytes)]
	if len(path) > 1 {
		body = bytes.ReplaceAll(body, []byte(path), nil)
	}
	own := numbersOf(p.URL)
	said := &saying{drawn: patternOf(p.URL).random()}
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
			patterns = append(patterns, string(l.URL.Host())+drawnAlike.Replace(string(patternOf(l.URL))))
		}
		slices.Sort(patterns)
		for _, link := range slices.Compact(patterns) {
			rest.add([]byte(link))
		}
	}
	words, sure := said.words.fingerprint()
	return signature{words, sure, uint64(rest)}
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

// token is a word, a number, or a break between them.
type token struct {
	kind tokenKind
	text []byte // in lower case; for a number, its digits with any decimal point
}

type tokenKind int

const (
	tokenBreak  tokenKind = iota // a tag, punctuation, or a generated string
	tokenWord                    // letters
	tokenNumber                  // digits, perhaps with letters before or after them: 3rd, 17kg
)

// timing and timeUnits are the words before and after the time that a server took for a
// page.
var (
	timing    = map[string]bool{"in": true, "took": true}
	timeUnits = map[string]bool{"s": true, "ms": true, "sec": true, "secs": true, "second": true, "seconds": true,
		"milliseconds": true}
)

// restates reports whether a number occurs in the page's own URL.
func (t token) restates(own map[int]bool) bool {
	n, err := strconv.Atoi(string(t.text))
	return err == nil && own[n]
}

// dates reports whether a number is the day or year of a date, given the token beside it:
// "Monday 3", "May 2031".
func (t token) dates(beside token) bool {
	n, err := strconv.Atoi(string(t.text))
	return err == nil && beside.kind == tokenWord && calendarWords[string(beside.text)] &&
		(n <= 31 || n >= 1000 && n < 3000)
}

// lexer splits markup into tokens.
type lexer struct {
	text     []byte
	at       int
	drawn    bool // treat long numbers as generated
	script   bool
	pictures *set
	list     []token
}

func (l *lexer) tokens() []token {
	for l.at < len(l.text) {
		switch c := l.text[l.at]; {
		case c == '<':
			l.part()
			l.tag()
		case isWordByte(c):
			l.run()
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.at++
		default:
			l.part()
			l.at++
		}
	}
	return l.list
}

func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isWordByte(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80 }

// part records a break.
func (l *lexer) part() {
	if n := len(l.list); n > 0 && l.list[n-1].kind != tokenBreak {
		l.list = append(l.list, token{})
	}
}

// run reads letters and digits. It separates digits from non-ASCII characters, because some
// languages do not use spaces.
func (l *lexer) run() {
	var word []byte
	digits, changes, number := 0, 0, true // number: only digits and points so far
	for ; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		if n := len(word); n > 0 {
			last := word[n-1]
			if point := c == '.' || c == ','; point && number && isDigit(last) && l.at+1 < len(l.text) &&
				isDigit(l.text[l.at+1]) {
				word = append(word, c)
				continue
			}
			if isDigit(c) && last >= 0x80 || c >= 0x80 && isDigit(last) {
				break
			}
			if last != '.' && last != ',' && isDigit(c) != isDigit(last) {
				changes++
			}
		}
		if !isWordByte(c) {
			break
		}
		if isDigit(c) {
			digits++
		} else {
			number = false
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		word = append(word, c)
	}
	switch {
	case digits == 0:
		l.list = append(l.list, token{tokenWord, word})
	case l.script && digits >= longID, l.drawn && len(word) >= longDrawn && digits+letters(word) == len(word),
		changes > 1, classOf(string(word)) == classRandom:
		// Looks generated.
		l.part()
	default:
		l.list = append(l.list, token{tokenNumber, digitsOf(word)})
	}
}

// longID is the number of digits from which a number in a script is taken for an ID or a
// time.
const longID = 9

// longDrawn is the length from which a string may count as generated.
const longDrawn = 8

func letters(word []byte) (n int) {
	for _, c := range word {
		if c >= 'a' {
			n++
		}
	}
	return n
}

// digitsOf drops the letters around a number, and its leading zeros.
func digitsOf(word []byte) []byte {
	start, end := 0, len(word)
	for !isDigit(word[start]) {
		start++
	}
	for !isDigit(word[end-1]) {
		end--
	}
	for end-start > 1 && word[start] == '0' && isDigit(word[start+1]) {
		start++
	}
	return word[start:end]
}

// tag reads a tag, or skips a comment or a style sheet.
func (l *lexer) tag() {
	rest := l.text[l.at:]
	if bytes.HasPrefix(rest, []byte("<!--")) {
		l.behind("-->")
		return
	}
	end := bytes.IndexByte(rest, '>')
	if end < 0 {
		l.at = len(l.text)
		return
	}
	tag := rest[1:end]
	l.at += end + 1
	name := tag
	if i := bytes.IndexAny(name, " \t\r\n/"); i > 0 {
		name = name[:i]
	}
	switch name := strings.ToLower(string(name)); name {
	case "style":
		l.behind("</")
	case "script":
		l.script = true
	case "/script":
		l.script = false
	case "path", "circle", "ellipse", "rect", "line", "polyline", "polygon": // SVG shapes
		l.pictures.add(tag)
	default:
		l.picture(name, tag[len(name):])
	}
}

// behind moves past the next occurrence of text, or to the end.
func (l *lexer) behind(text string) {
	if i := bytes.Index(l.text[l.at:], []byte(text)); i >= 0 {
		l.at += i + len(text)
		return
	}
	l.at = len(l.text)
}

// pictureAttributes are the attributes that name images, videos and sounds.
var pictureAttributes = map[string]bool{
	"src": true, "srcset": true, "data-src": true, "data-srcset": true, "data-original": true, "data-lazy-src": true,
	"poster": true,
	"data":   true, "xlink:href": true, "background": true, "style": true,
}

// picture records the images of an element. An image that is at most one pixel high or wide
// is a tracking pixel and is left out.
func (l *lexer) picture(name string, attributes []byte) {
	var found [][]byte
	for len(attributes) > 0 {
		var key string
		var value []byte
		key, value, attributes = nextAttribute(attributes)
		switch {
		case (key == "width" || key == "height") && (string(value) == "0" || string(value) == "1"):
			return
		case key == "style" && !bytes.Contains(value, []byte("url(")):
		case pictureAttributes[key], name == "image" && key == "href":
			found = append(found, value)
		}
	}
	for _, value := range found {
		l.pictures.add(value)
	}
}

// nextAttribute cuts off one attribute. The value is unchanged; the name is in lower case.
func nextAttribute(s []byte) (key string, value, rest []byte) {
	const spaces = " \t\r\n"
	s = bytes.TrimLeft(s, spaces+"/=")
	end := bytes.IndexAny(s, spaces+"=")
	if end < 0 {
		return strings.ToLower(string(s)), nil, nil
	}
	key = strings.ToLower(string(s[:end]))
	s = bytes.TrimLeft(s[end:], spaces)
	if len(s) == 0 || s[0] != '=' {
		return key, nil, s
	}
	s = bytes.TrimLeft(s[1:], spaces)
	if len(s) > 0 && (s[0] == '"' || s[0] == '\'') {
		value, rest, _ = bytes.Cut(s[1:], s[:1])
		return key, value, rest
	}
	if end = bytes.IndexAny(s, spaces); end < 0 {
		end = len(s)
	}
	return key, s[:end], s[end:]
}
