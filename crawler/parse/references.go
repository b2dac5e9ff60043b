package parse

import (
	"bytes"

	"github.com/trawlcrawler/trawl/crawler"
)

// Bounds of what is noted of references.
const (
	mostReferences = 50_000  // of a page
	mostAnchorText = 512     // bytes of one, white space collapsed
	mostAnchorRel  = 128     // bytes of one
	mostAnchors    = 4 << 20 // bytes of the text of all together
)

// references are the links of a page one by one, with the words on them, for
// who asks for the link graph. Their memory is kept from page to page.
//
// The text of an anchor is that of what it holds, and the alt of its images. It
// ends where the anchor ends: at its end tag, at the next anchor, at the end of
// the table cell that it was opened in. Of one that is never closed, it goes on as
// a tree has it, which opens the anchor again in each block that follows.
type references struct {
	raw    []byte // references and rels, as they are written
	words  []byte // of all anchors
	list   []mention
	open   bool // the text of the last one goes on
	space  bool // is to come before its next word
	tables int  // that are open within it
	drawn  int  // anchors of SVG that are
}

// mention is one reference. What is from a to b lies in raw, but its text in words.
type mention struct {
	ref, rel, text span
	noFollow       bool
	kind           crawler.ReferenceKind
}

type span struct{ a, b int }

func (r *references) put(b []byte) span {
	a := len(r.raw)
	r.raw = append(r.raw, b...)
	return span{a, len(r.raw)}
}

// add notes a reference that has no text, or none yet. It reports false for one
// that is not noted.
func (r *references) add(kind crawler.ReferenceKind, ref, rel []byte) bool {
	ref = trimReference(ref)
	if len(ref) > crawler.MaxURLLength || len(r.list) == mostReferences {
		return false
	}
	m := mention{ref: r.put(ref), kind: kind, noFollow: hasToken(rel, "nofollow"), text: span{len(r.words), len(r.words)}}
	m.rel.a = len(r.raw)
	for word := range bytes.FieldsSeq(rel) {
		if len(r.raw)-m.rel.a+1+len(word) > mostAnchorRel {
			break
		}
		if len(r.raw) > m.rel.a {
			r.raw = append(r.raw, ' ')
		}
		for _, c := range word {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			r.raw = append(r.raw, c)
		}
	}
	m.rel.b = len(r.raw)
	r.list = append(r.list, m)
	return true
}

// anchor notes one, whose text follows.
func (r *references) anchor(ref, rel []byte) {
	r.open = r.add(crawler.ReferenceAnchor, ref, rel)
	r.space, r.tables, r.drawn = false, 0, 0
}

// area notes a part of an image map and what it is called.
func (r *references) area(ref, rel, alt []byte) {
	r.open = r.add(crawler.ReferenceArea, ref, rel)
	r.space = false
	r.read(alt)
	r.open = false
}

// within notes one whose element may lie in an anchor, the text of which goes on.
func (r *references) within(kind crawler.ReferenceKind, ref, rel []byte) {
	if !r.open {
		r.add(kind, ref, rel)
		return
	}
	last := len(r.list) - 1
	if r.add(kind, ref, rel) { // the open one stays the last
		r.list[last], r.list[last+1] = r.list[last+1], r.list[last]
	}
}

// read adds text to the anchor that is open.
func (r *references) read(text []byte) {
	if !r.open || len(r.words) > mostAnchors {
		return
	}
	begin := r.list[len(r.list)-1].text.a
	for _, c := range text {
		switch {
		case isSpace(c):
			r.space = true
			continue
		case len(r.words)-begin > mostAnchorText: // it is clipped later, between runes
		case r.space && len(r.words) > begin:
			r.words = append(r.words, ' ', c)
		default:
			r.words = append(r.words, c)
		}
		r.space = false
	}
	r.list[len(r.list)-1].text.b = len(r.words)
}

// image adds what stands for an image, as a word of its own.
func (r *references) image(alt []byte) {
	r.space = true
	r.read(alt)
	r.space = true
}

// start notes a start tag, before what its element is noted as.
func (r *references) start(name []byte, isHTML bool) {
	if !r.open {
		return
	}
	r.space = r.space || partsText(name)
	switch string(name) {
	case "a":
		if isHTML {
			r.open = false
		} else {
			r.drawn++
		}
	case "table":
		r.tables++
	case "td", "th", "tr", "caption":
		r.open = r.tables > 0
	}
}

// end notes an end tag.
func (r *references) end(name []byte) {
	if !r.open {
		return
	}
	r.space = r.space || partsText(name)
	switch string(name) {
	case "a":
		if r.drawn--; r.drawn < 0 {
			r.open = false
		}
	case "table":
		r.tables--
		r.open = r.tables >= 0
	case "td", "th", "tr", "caption":
		r.open = r.tables > 0
	}
}

// partsText reports the elements before and behind which a word ends, because
// they are shown apart from what is around them.
func partsText(name []byte) bool {
	switch string(name) {
	case "br", "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "table", "tr", "td", "th", "caption", "hr", "pre", "blockquote",
		"h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "nav", "aside", "figure", "figcaption",
		"address", "center", "option", "button":
		return true
	}
	return false
}

// resolve makes references of what was noted, in the order of the document. What
// is no http or https URL is dropped, and one that is the same as another in all
// is there once.
func (r *references) resolve(res resolver) []crawler.Reference {
	all := make([]crawler.Reference, 0, len(r.list))
	raw, words := string(r.raw), string(r.words) // one allocation for all
	urls := make(map[string]crawler.URL)         // of few pages alone, all references differ
	seen := make(map[crawler.Reference]bool, len(r.list))
	for _, m := range r.list {
		ref := raw[m.ref.a:m.ref.b]
		u, known := urls[ref]
		if !known {
			u, _ = res.url(ref)
			urls[ref] = u
		}
		if u.IsZero() {
			continue
		}
		one := crawler.Reference{
			URL: u, Text: clip(clean(words[m.text.a:m.text.b]), mostAnchorText), Rel: clean(raw[m.rel.a:m.rel.b]),
			NoFollow: m.noFollow, Kind: m.kind,
		}
		if !seen[one] {
			seen[one] = true
			all = append(all, one)
		}
	}
	return all
}

// forget empties r for the next page and reports whether its memory is worth
// keeping.
func (r *references) forget() bool {
	const mostKept = 4096
	if len(r.list) > mostKept || cap(r.raw) > mostKept*64 || cap(r.words) > mostKept*64 {
		return false
	}
	*r = references{raw: r.raw[:0], words: r.words[:0], list: r.list[:0]}
	return true
}
