package blockpage

import (
	"bytes"
	"sync"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/htmltok"
)

// page is what signs are looked for in. All texts are in lower case.
type page struct {
	tokens htmltok.Tokenizer
	name   htmltok.TagName
	buffer []byte // of all texts

	ids, refs, actions, scripts [][]byte
	title, text                 []byte

	words   int // of the visible text
	inForms int // of these, those in forms
	links   int
	fields  int // that a visitor can fill in

	forms int // forms that are open
}

var pages = sync.Pool{New: func() any { return new(page) }}

// Bounds of the parts of a page that are kept, so that one page costs no more than others.
const (
	maxKept   = 200     // values of each kind
	maxValue  = 300     // bytes of a value
	maxScript = 4 << 10 // bytes of the beginning of a script
)

// scan reads a page. It returns false as soon as the page has too many words or links for a block
// page.
func (p *page) scan(body []byte) bool {
	tokens := p.tokens
	*p = page{
		tokens: tokens, buffer: p.buffer[:0], ids: p.ids[:0], refs: p.refs[:0], actions: p.actions[:0],
		scripts: p.scripts[:0], title: p.title[:0], text: p.text[:0],
	}
	p.tokens.Reset(body)
	inside := "" // the element whose text is no visible one
	for {
		switch p.tokens.Next() {
		case html.ErrorToken:
			return true
		case html.StartTagToken, html.SelfClosingTagToken:
			inside = p.open()
		case html.EndTagToken:
			if string(p.name.Of(p.tokens.Raw()[len("</"):])) == "form" && p.forms > 0 {
				p.forms--
			}
			inside = ""
		case html.TextToken:
			p.read(inside)
		}
		if p.words > maxWords || p.links > maxLinks {
			return false
		}
	}
}

// open reads a start tag. It returns the name of the element if its text is not visible.
func (p *page) open() (inside string) {
	switch string(p.name.Of(p.tokens.Raw()[len("<"):])) {
	case "script":
		p.attrs(&p.refs, "src")
		return "script"
	case "style", "template":
		return "style"
	case "title":
		return "title"
	case "noscript": // this is what we would see
		p.tokens.NextIsNotRawText()
	case "iframe", "img", "link":
		p.attrs(&p.refs, "src", "href")
	case "form":
		p.forms++
		p.attrs(&p.actions, "action")
	case "a", "area":
		p.links++
		p.attrs(nil)
	case "input":
		p.input()
	case "textarea", "select":
		p.fields++
	default:
		p.attrs(nil)
	}
	return ""
}

// attrs keeps the id and the classes of an element, and in refs the values of other attributes.
func (p *page) attrs(refs *[][]byte, names ...string) {
	for {
		key, value, more := p.tokens.TagAttr()
		switch {
		case string(key) == "id":
			p.keep(&p.ids, value)
		case string(key) == "class":
			for class := range bytes.FieldsSeq(value) {
				p.keep(&p.ids, class)
			}
		default:
			for _, name := range names {
				if string(key) == name {
					p.keep(refs, value)
				}
			}
		}
		if !more {
			return
		}
	}
}

// input counts an input that a visitor can fill in.
func (p *page) input() {
	for {
		key, value, more := p.tokens.TagAttr()
		if string(key) == "type" {
			switch string(bytes.ToLower(value)) {
			case "hidden", "submit", "button", "image", "reset", "checkbox", "radio":
				return
			}
		}
		if !more {
			p.fields++
			return
		}
	}
}

// read reads a text.
func (p *page) read(inside string) {
	switch raw := p.tokens.Raw(); inside {
	case "script":
		p.scripts = append(p.scripts, p.lower(raw, maxScript))
	case "style":
	case "title":
		p.title = append(p.title, p.lower(p.tokens.Text(), maxValue)...)
	default:
		text := p.tokens.Text()
		n := words(text)
		if n == 0 {
			return
		}
		p.words += n
		if p.forms > 0 {
			p.inForms += n
		}
		if len(p.text) > 0 {
			p.text = append(p.text, ' ')
		}
		p.text = lowered(p.text, text, maxScript)
	}
}

// keep keeps a value, if it is not one too many.
func (p *page) keep(values *[][]byte, value []byte) {
	if len(*values) < maxKept {
		*values = append(*values, p.lower(value, maxValue))
	}
}

// lower returns at most the given number of bytes of a text, in lower case, from the buffer.
func (p *page) lower(text []byte, most int) []byte {
	from := len(p.buffer)
	p.buffer = lowered(p.buffer, text, most)
	return p.buffer[from:len(p.buffer):len(p.buffer)]
}

// lowered appends at most the given number of bytes of a text in lower case, as ASCII.
func lowered(to, text []byte, most int) []byte {
	for _, c := range text[:min(len(text), most)] {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		to = append(to, c)
	}
	return to
}

// bytesWord is how many bytes of text count as a word where spaces are rare, as in Chinese.
const bytesWord = 9

// words counts the words of a text: runs of bytes that are no white space, or more if the runs
// are long.
func words(text []byte) int {
	runs, size, between := 0, 0, true
	for _, c := range text {
		if htmltok.IsSpace(c) {
			between = true
			continue
		}
		if between {
			runs, between = runs+1, false
		}
		size++
	}
	return max(runs, size/bytesWord)
}
