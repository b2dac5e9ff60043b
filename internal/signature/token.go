package signature

import (
	"bytes"
	"strconv"
	"strings"
)

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
