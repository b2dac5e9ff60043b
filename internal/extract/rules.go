package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// opinion says which texts of a page are its main text by one extractor.
type opinion struct {
	at    int    // the element with the text
	texts []bool // by index: this text is part of it
}

// Limits of the rules, in letters.
const (
	leastText     = 250           // a main text of fewer is looked for in another way
	fewParagraphs = 3 * leastText // where paragraphs have fewer, text directly in a div counts
	mostPruned    = 7             // names must leave more than one in so many letters
	lonelyLink    = 100           // an element that is one link of more is no text
)

// byRules finds the main text as trafilatura does: in an element known by its names,
// without what other names say is boilerplate, and without blocks that are mostly links.
func (p *page) byRules() opinion {
	r := rules{page: p, base: make(cuts, len(p.nodes))}
	for i := range p.nodes {
		n := &p.nodes[i]
		r.base[i] = n.Type == html.CommentNode || n.Type == html.ElementNode && r.never(i)
	}
	s := p.sum(r.base)
	r.divs = r.paragraphs(s) < fewParagraphs
	for rank := range contentNames {
		at := r.find(rank)
		if at < 0 {
			continue
		}
		gone := r.prune(at)
		if !r.hasElements(at, gone) {
			continue
		}
		o, letters, elements := r.collect(at, gone)
		if elements > 1 && letters >= leastText {
			return o
		}
		if elements > 1 {
			break
		}
	}
	return r.wild()
}

// rules is the state of one page.
type rules struct {
	*page
	base cuts // elements that are never text
	divs bool // text directly in a div is text
}

// neverText are elements that the rules leave out at once.
var neverText = setOf("aside", "embed", "footer", "form", "head", "iframe", "menu", "object", "script",
	"applet", "audio", "canvas", "figure", "map", "picture", "svg", "video",
	"area", "blink", "button", "datalist", "dialog", "frame", "frameset", "fieldset",
	"link", "input", "ins", "label", "legend", "marquee", "math", "menuitem", "nav",
	"noscript", "optgroup", "option", "output", "param", "progress", "rp", "rt", "rtc",
	"select", "source", "style", "track", "textarea", "time", "use", "title", "template")

// never reports whether an element is never text. A figure that has a table is like a
// div.
func (r *rules) never(i int) bool {
	n := &r.nodes[i]
	if n.Data == "figure" {
		for j := i + 1; j < int(n.end); j++ {
			if r.isElement(j, "table") {
				return false
			}
		}
	}
	return neverText[n.Data]
}

// paragraphs counts the letters of the page's paragraphs.
func (r *rules) paragraphs(s *sums) (letters int) {
	for i := 0; i < len(r.nodes); i++ {
		if r.isElement(i, "p") {
			letters += r.in(s.letters, i)
			i = int(r.nodes[i].end) - 1
		}
	}
	return letters
}

// find returns the first element with a name of that rank, or -1.
func (r *rules) find(rank int) int {
	at := -1
	r.each(0, r.base, func(i int) {
		if at < 0 && r.nodes[i].Type == html.ElementNode && isContent(r.nodes[i].Node, rank) {
			at = i
		}
	})
	return at
}

// linkBlocks are cut if they are mostly links, in this order.
var linkBlocks = []map[string]bool{setOf("div"), setOf("ul", "ol", "dl"), setOf("p")}

// prune cuts out of an element what names and links say is boilerplate.
func (r *rules) prune(at int) cuts {
	gone := append(cuts(nil), r.base...)
	before := r.in(r.sum(gone).letters, at)
	r.each(at, gone, func(i int) {
		gone[i] = gone[i] || i != at && r.nodes[i].Type == html.ElementNode && isDiscarded(r.nodes[i].Node)
	})
	if r.in(r.sum(gone).letters, at) <= before/mostPruned {
		copy(gone, r.base)
	}
	for range 2 {
		for _, names := range linkBlocks {
			r.cutLinks(at, gone, names)
		}
	}
	s := r.sum(gone)
	r.each(at, gone, func(i int) {
		if r.isElement(i, "table") && r.linkedTable(s, i) {
			gone[i] = true
		}
	})
	return gone
}

// cutLinks cuts elements with these names that are mostly links.
func (r *rules) cutLinks(at int, gone cuts, names map[string]bool) {
	s := r.sum(gone)
	r.each(at, gone, func(i int) {
		n := &r.nodes[i]
		if i == at || n.Type != html.ElementNode || !names[n.Data] || r.in(s.links, i) == 0 && !r.hasLink(i, gone) {
			return
		}
		letters := r.in(s.letters, i)
		short := letters < r.shortBlock(i, gone)
		gone[i] = r.dense(s, i, letters, short)
	})
}

// hasLink reports whether an element has a link, even one without text.
func (r *rules) hasLink(i int, gone cuts) (has bool) {
	r.each(i, gone, func(j int) { has = has || r.isElement(j, "a") })
	return has
}

// shortBlock is below how many letters the links of a block are looked at: fewer if
// something follows it.
func (r *rules) shortBlock(i int, gone cuts) int {
	last := r.nextElement(i, gone) < 0
	switch {
	case r.nodes[i].Data == "p" && last:
		return 60
	case r.nodes[i].Data == "p":
		return 30
	case last:
		return 300
	}
	return 100
}

func (r *rules) dense(s *sums, i, letters int, short bool) bool {
	links, linked := r.in(s.links, i), r.in(s.linked, i)
	if links == 1 && linked > lonelyLink && linked*10 > letters*9 {
		return true
	}
	return short && (links == 0 || linked*10 > letters*8 || links > 1 && r.in(s.shorts, i)*10 > links*8)
}

// linkedTable reports whether a table is mostly links.
func (r *rules) linkedTable(s *sums, i int) bool {
	letters, linked := r.in(s.letters, i), r.in(s.linked, i)
	switch {
	case letters < 200 || r.in(s.links, i) == 0:
		return false
	case letters < 1000:
		return linked*10 > letters*8
	}
	return linked*2 > letters
}

// nextElement returns the index of the next sibling that is an element and not cut, or -1.
func (r *rules) nextElement(i int, gone cuts) int {
	last := int(r.nodes[r.nodes[i].parent].end)
	for j := int(r.nodes[i].end); j < last; j = int(r.nodes[j].end) {
		if !gone[j] && r.nodes[j].Type == html.ElementNode {
			return j
		}
	}
	return -1
}

// kids counts the elements directly in an element.
func (r *rules) kids(i int, gone cuts) (n int) {
	for j := i + 1; j < int(r.nodes[i].end); j = int(r.nodes[j].end) {
		if !gone[j] && r.nodes[j].Type == html.ElementNode {
			n++
		}
	}
	return n
}

func (r *rules) hasElements(at int, gone cuts) bool { return r.kids(at, gone) > 0 }

// textBlocks are elements all of whose text counts; transparent ones leave the decision
// to what they lie in.
var (
	textBlocks = setOf("blockquote", "pre", "q", "code", "p", "ul", "ol", "dl", "table",
		"h1", "h2", "h3", "h4", "h5", "h6", "summary",
		"em", "i", "b", "strong", "u", "kbd", "samp", "tt", "var", "sub", "sup", "del", "s", "strike")
	transparent = setOf("a", "span", "abbr", "acronym", "address", "bdi", "bdo", "big", "cite", "data", "dfn", "font",
		"hgroup", "ins", "mark", "ruby", "small", "tbody", "tfoot", "thead")
	headings = setOf("h1", "h2", "h3", "h4", "h5", "h6")
)

// collect takes the texts of an element that are in blocks of text. Headings at the end
// are the titles of something else. It returns how many letters and blocks there are.
func (r *rules) collect(at int, gone cuts) (o opinion, letters, blocks int) {
	o = opinion{at: at, texts: make([]bool, len(r.nodes))}
	type piece struct {
		block int
		texts []int
	}
	var pieces []piece
	r.each(at, gone, func(i int) {
		if r.nodes[i].letters == 0 {
			return
		}
		block, ok := r.blockOf(i, at)
		if !ok || filtered(r.nodes[i].Data) {
			return
		}
		if len(pieces) == 0 || pieces[len(pieces)-1].block != block {
			pieces = append(pieces, piece{block: block})
		}
		last := &pieces[len(pieces)-1]
		last.texts = append(last.texts, i)
	})
	for len(pieces) > 0 && headings[r.nodes[pieces[len(pieces)-1].block].Data] {
		pieces = pieces[:len(pieces)-1]
	}
	for _, piece := range pieces {
		for _, i := range piece.texts {
			o.texts[i] = true
			letters += int(r.nodes[i].letters)
		}
	}
	return o, letters, len(pieces)
}

// blockOf returns the block of text that a text lies in, the outermost within at.
func (r *rules) blockOf(i, at int) (block int, ok bool) {
	inner := i
	open := true // nothing lies between the text and what is looked at but transparent elements
	for j := int(r.nodes[i].parent); j > at; j = int(r.nodes[j].parent) {
		name := r.nodes[j].Data
		switch {
		case textBlocks[name]:
			block, ok, open = j, true, false
		case transparent[name]:
			if open {
				inner = j
			}
		case open:
			open = false
			if (name == "div" || name == "details") && r.divs || r.afterBreak(inner) {
				block, ok = j, true
			}
		}
	}
	if open && (r.divs || r.afterBreak(inner)) {
		block, ok = at, true
	}
	return block, ok
}

// afterBreak reports whether a node follows a line break, perhaps after other texts.
func (r *rules) afterBreak(i int) bool {
	prev := r.nodes[i].PrevSibling
	for prev != nil && (prev.Type != html.ElementNode) {
		prev = prev.PrevSibling
	}
	return prev != nil && prev.Data == "br"
}

// wildBlocks are looked for in the whole page if there is too little in the element.
var wildBlocks = setOf("blockquote", "pre", "q", "code", "p", "table")

// wild takes what is in paragraphs and the like, wherever they are.
func (r *rules) wild() opinion {
	gone := r.prune(0)
	o := opinion{at: r.body, texts: make([]bool, len(r.nodes))}
	letters := 0
	r.each(r.body, gone, func(i int) {
		if r.nodes[i].letters == 0 || filtered(r.nodes[i].Data) {
			return
		}
		for j := int(r.nodes[i].parent); j > 0; j = int(r.nodes[j].parent) {
			if wildBlocks[r.nodes[j].Data] {
				o.texts[i] = true
				letters += int(r.nodes[i].letters)
				return
			}
		}
	})
	if letters < leastText {
		return r.anything()
	}
	return o
}

// anything is the last resort: an article, or else the paragraphs, or else all there is.
func (r *rules) anything() opinion {
	s := r.sum(r.base)
	o := opinion{at: r.body, texts: make([]bool, len(r.nodes))}
	take := func(named func(string) bool) (letters int) {
		for i := 0; i < len(r.nodes); i++ {
			if r.nodes[i].Type == html.ElementNode && named(r.nodes[i].Data) {
				letters += r.in(s.letters, i)
				r.each(i, r.base, func(j int) { o.texts[j] = r.nodes[j].letters > 0 })
				i = int(r.nodes[i].end) - 1
			}
		}
		return letters
	}
	for _, named := range []func(string) bool{
		func(name string) bool { return name == "article" },
		func(name string) bool { return wildBlocks[name] && name != "table" },
	} {
		clear(o.texts)
		if take(named) > 100 {
			return o
		}
	}
	r.each(r.body, r.base, func(j int) { o.texts[j] = r.nodes[j].letters > 0 })
	return o
}

// shareNames are the whole of a line that offers to share the page.
var shareNames = setOf("drucken", "email", "e-mail", "facebook", "flipboard", "google", "instagram", "linkedin", "mail",
	"pdf", "pinterest", "pocket", "print", "qq", "reddit", "twitter", "wechat", "weibo", "whatsapp", "xing",
	"pint", "telegram", "tumblr", "share", "tweet", "mehr zum thema", "mehr zum thema:", "more on this")

// filtered reports whether a text has a line that offers to share the page.
func filtered(text string) bool {
	if len(text) > 200 {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if shareNames[strings.ToLower(strings.TrimSpace(line))] {
			return true
		}
	}
	return false
}
