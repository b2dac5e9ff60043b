package parse

import (
	"bytes"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Bounds of recorded references.
const (
	maxReferences = 50_000  // per page
	maxAnchorText = 512     // bytes of one text, white space collapsed
	maxAnchorRel  = 128     // bytes of one rel
	maxAnchors    = 4 << 20 // bytes of all texts together
)

// references records the links of a page one by one, with their texts, for the link
// graph. Its memory is reused from page to page.
//
// The text of an anchor is the text within it and the alt of its images. It ends where
// the anchor ends: at its end tag, at the next anchor, or at the end of the table cell in
// which it was opened. The text of an anchor that is never closed continues as in a tree,
// which opens the anchor again in each following block.
type references struct {
	raw    []byte // references and rels, as written
	words  []byte // texts of all anchors
	list   []mention
	open   bool // the text of the last one continues
	space  bool // a space precedes its next word
	tables int  // tables open within it
	drawn  int  // SVG anchors open within it
}

// mention is one reference. Its spans are in raw, except for text, which is in words.
type mention struct {
	ref, rel, text span
	noFollow       bool
	kind           fetched.ReferenceKind
}

type span struct{ a, b int }

func (r *references) put(b []byte) span {
	a := len(r.raw)
	r.raw = append(r.raw, b...)
	return span{a, len(r.raw)}
}

// add records a reference that has no text, or none yet. It returns false if the
// reference is not recorded.
func (r *references) add(kind fetched.ReferenceKind, ref, rel []byte) bool {
	ref = trimReference(ref)
	if len(ref) > urltext.MaxLength || len(r.list) == maxReferences {
		return false
	}
	m := mention{ref: r.put(ref), kind: kind, noFollow: htmltok.HasToken(rel, "nofollow"),
		text: span{len(r.words), len(r.words)}}
	m.rel.a = len(r.raw)
	for word := range bytes.FieldsSeq(rel) {
		if len(r.raw)-m.rel.a+1+len(word) > maxAnchorRel {
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

// anchor records an anchor, whose text follows.
func (r *references) anchor(ref, rel []byte) {
	r.open = r.add(fetched.ReferenceAnchor, ref, rel)
	r.space, r.tables, r.drawn = false, 0, 0
}

// area records an area of an image map and its description.
func (r *references) area(ref, rel, alt []byte) {
	r.open = r.add(fetched.ReferenceArea, ref, rel)
	r.space = false
	r.read(alt)
	r.open = false
}

// within records a reference whose element may be within an anchor. The text of the
// anchor continues.
func (r *references) within(kind fetched.ReferenceKind, ref, rel []byte) {
	if !r.open {
		r.add(kind, ref, rel)
		return
	}
	last := len(r.list) - 1
	if r.add(kind, ref, rel) { // the open one must stay last
		r.list[last], r.list[last+1] = r.list[last+1], r.list[last]
	}
}

// read adds text to the open anchor.
func (r *references) read(text []byte) {
	if !r.open || len(r.words) > maxAnchors {
		return
	}
	begin := r.list[len(r.list)-1].text.a
	for _, c := range text {
		switch {
		case htmltok.IsSpace(c):
			r.space = true
			continue
		case len(r.words)-begin > maxAnchorText: // clipped later, between runes
		case r.space && len(r.words) > begin:
			r.words = append(r.words, ' ', c)
		default:
			r.words = append(r.words, c)
		}
		r.space = false
	}
	r.list[len(r.list)-1].text.b = len(r.words)
}

// image adds the description of an image as a separate word.
func (r *references) image(alt []byte) {
	r.space = true
	r.read(alt)
	r.space = true
}

// start notes a start tag, before the element itself is recorded.
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

// partsText reports whether a word ends before and after an element, because it is shown
// separately from what is around it.
func partsText(name []byte) bool {
	switch string(name) {
	case "br", "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "table", "tr", "td", "th", "caption", "hr", "pre",
		"blockquote",
		"h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "nav", "aside", "figure",
		"figcaption",
		"address", "center", "option", "button":
		return true
	}
	return false
}

// resolve resolves the recorded references, in document order. It drops what is not an
// http or https URL, and exact duplicates.
func (r *references) resolve(res reference.Resolver) []fetched.Reference {
	all := make([]fetched.Reference, 0, len(r.list))
	raw, words := string(r.raw), string(r.words) // one allocation for all
	urls := make(map[string]crawler.URL)         // most pages repeat references
	seen := make(map[fetched.Reference]bool, len(r.list))
	for _, m := range r.list {
		ref := raw[m.ref.a:m.ref.b]
		u, known := urls[ref]
		if !known {
			u, _ = res.URL(ref)
			urls[ref] = u
		}
		if u.IsZero() {
			continue
		}
		one := fetched.Reference{
			URL: u, Text: htmltok.Clip(htmltok.Clean(words[m.text.a:m.text.b]), maxAnchorText),
			Rel:      htmltok.Clean(raw[m.rel.a:m.rel.b]),
			NoFollow: m.noFollow, Kind: m.kind,
		}
		if !seen[one] {
			seen[one] = true
			all = append(all, one)
		}
	}
	return all
}

// forget empties r for the next page and reports whether its memory is worth keeping.
func (r *references) forget() bool {
	const maxKept = 4096
	if len(r.list) > maxKept || cap(r.raw) > maxKept*64 || cap(r.words) > maxKept*64 {
		return false
	}
	*r = references{raw: r.raw[:0], words: r.words[:0], list: r.list[:0]}
	return true
}
