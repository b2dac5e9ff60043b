package parse

import (
	"bytes"
	"context"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
)

// mostTitle is how many bytes of a title are kept.
const mostTitle = 4 << 10

// scan is one pass over a document, and what was noted in it. It is used by one
// goroutine at a time, and again for another document after forget.
type scan struct {
	refs      refs
	most      int         // bytes of a token that are held of a long source
	asked     bool        // for any of these
	resources *refs       // what the page embeds; nil when nobody asks
	graph     *references // its references one by one, with their text; nil when nobody asks
	simhash   *simhash    // of the text for readers; nil when nobody asks
	regrowth  *formatting // of the document's tree; nil when nobody wants one
	weight    int64       // of that tree without it, in bytes of memory; 0 when nobody wants one
	title     string
	base      reference // the first <base href>
	canonical reference // the first <link rel=canonical>
	robots    directives

	tokens   tokens
	skims    skimmer // they, as long as they can be skimmed; else nil
	markup   *markup // they, if the document is in memory
	long     *long   // what they are made of, if it is not
	agent    string
	nesting  nesting
	name     tagName
	titled   bool // the first <title> was met
	inTitle  bool // the next text is its text
	rawText  bool // the next text is not for readers: a script, a style, a title
	inStyle  bool // the next text is a style sheet; told only while resources are noted
	frames   bool // a frameset was met where one may be
	noFrames bool // it is too late for a frameset

	attrs attributes // of the tag, if they are known; told only while resources or the graph are noted
	media media      // the same
	known bool
}

// newScan returns a scan that notes what a parser is asked for.
func newScan(cfg Config) *scan {
	s := &scan{refs: newRefs(), most: mostToken, markup: new(markup)}
	if cfg.Resources {
		embedded := newRefs()
		s.resources = &embedded
	}
	if cfg.References {
		s.graph = new(references)
	}
	if cfg.Simhash {
		s.simhash = new(simhash)
	}
	return s
}

// wantTree lets the scan estimate, as it reads the next document, how large its
// tree would be.
func (s *scan) wantTree() { s.regrowth = new(formatting) }

// read notes what matters in a document. agent is the robot that it may
// address, in lower case. The error is that of ctx, or of reading what is not in
// memory: no document is wrong.
func (s *scan) read(ctx context.Context, src source, agent string) error {
	s.agent = agent
	if err := s.begin(src); err != nil {
		return err
	}
	s.asked = s.regrowth != nil || s.resources != nil || s.graph != nil || s.simhash != nil
	const often = 1 << 14
	for n := 0; ; n++ {
		if n%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		kind := s.next()
		if s.long != nil && s.long.window.full {
			s.outgrow()
			continue
		}
		raw := s.tokens.Raw()
		if s.regrowth != nil {
			s.weight += weightOf(kind, raw)
		}
		if s.long != nil && s.long.tokens != nil && len(raw) >= s.most {
			if err := s.overlong(kind); err != nil {
				return err
			}
			continue
		}
		switch kind {
		case html.ErrorToken:
			return unlessEOF(s.tokens.Err())
		case html.TextToken:
			s.text(raw)
		default:
			s.tag(kind, raw)
		}
	}
}

// next goes to the next token that may matter.
func (s *scan) next() html.TokenType {
	if s.skims != nil && !s.asked && s.noFrames && !s.inTitle && len(s.nesting.borders) == 0 {
		return s.skims.skim()
	}
	return s.tokens.Next()
}

// begin readies the tokens of a document.
func (s *scan) begin(src source) error {
	if src.rest != nil {
		s.long = newLong(src.reader(), s.most)
		s.tokens, s.skims = s.long.window, s.long.window
		return nil
	}
	body, err := src.text()
	s.markup.reset(body)
	s.tokens, s.skims = s.markup, s.markup
	return err
}

// forget empties s for another document and reports whether that is worth it.
func (s *scan) forget() bool {
	refs, resources, graph, fingerprint := s.refs, s.resources, s.graph, s.simhash
	if !refs.forget() || resources != nil && !resources.forget() || graph != nil && !graph.forget() {
		return false
	}
	if fingerprint != nil {
		*fingerprint = simhash{}
	}
	s.markup.reset(nil)
	*s = scan{refs: refs, most: s.most, markup: s.markup, resources: resources, graph: graph, simhash: fingerprint, nesting: nesting{borders: s.nesting.borders[:0]}}
	return true
}

func (s *scan) text(raw []byte) {
	switch {
	case s.inStyle:
		s.styleSheet(s.tokens.Text())
	case s.inTitle:
		s.title = collapse(s.tokens.Text(), mostTitle)
		s.inTitle = false
	case !s.noFrames && !s.rawText && len(bytes.TrimLeft(raw, spaces)) > 0:
		s.noFrames = true
	}
	if s.asked && !s.rawText && !s.nesting.inert() {
		s.words()
	}
}

// words reads text for readers, for who asks for it.
func (s *scan) words() {
	if s.simhash == nil && (s.graph == nil || !s.graph.open) {
		return
	}
	text := s.tokens.Text() // once: the next call has nothing
	if s.simhash != nil {
		s.simhash.read(text)
	}
	if s.graph != nil {
		s.graph.read(text)
	}
}

// tag notes a tag; what is none is passed over.
func (s *scan) tag(kind html.TokenType, raw []byte) {
	switch kind {
	case html.StartTagToken:
		s.startTag(s.name.of(raw[len("<"):]), false)
	case html.SelfClosingTagToken:
		s.startTag(s.name.of(raw[len("<"):]), true)
	case html.EndTagToken:
		s.endTag(s.name.of(raw[len("</"):]))
	}
}

func (s *scan) endTag(name []byte) {
	s.inTitle, s.rawText, s.inStyle = false, false, false
	s.nesting.close(name)
	if s.long != nil {
		s.long.context = nil
	}
	if s.regrowth != nil {
		s.regrowth.end(name)
	}
	if s.graph != nil && !s.nesting.inert() {
		s.graph.end(name)
	}
	s.tokens.AllowCDATA(s.nesting.foreign())
}

func (s *scan) startTag(name []byte, selfClosing bool) {
	s.inTitle, s.rawText, s.inStyle = false, false, false
	isHTML := s.nesting.open(name, selfClosing)
	if s.asked {
		s.prepare(name, isHTML)
	}
	s.tokens.AllowCDATA(s.nesting.foreign())
	if !isHTML || string(name) == "noscript" { // we run no scripts: noscript holds elements
		s.tokens.NextIsNotRawText()
	}
	if s.long != nil {
		s.long.context = rawContext(name, isHTML)
	}
	if isHTML && !s.nesting.inert() {
		s.element(name)
	}
	if s.resources != nil && !s.nesting.inert() {
		s.resource(name, isHTML)
	}
	if s.graph != nil && s.graph.open && isHTML && string(name) == "img" && !s.nesting.inert() {
		s.attributes()
		s.graph.image(s.media.alt)
	}
}

// prepare readies what the parser is asked for beside the links for a tag.
func (s *scan) prepare(name []byte, isHTML bool) {
	s.known, s.media = false, media{}
	if s.regrowth != nil {
		s.regrowth.start(name)
	}
	if s.graph != nil && !s.nesting.inert() {
		s.graph.start(name, isHTML)
	}
}

// element notes an HTML element of the page.
func (s *scan) element(name []byte) {
	switch string(name) {
	case "a", "area":
		s.anchor(len(name) == len("a"))
	case "link":
		s.link()
	case "meta":
		s.meta()
	case "base":
		if a := s.attributes(); a.href != nil {
			s.base.set(a.href)
		}
	case "title":
		s.inTitle, s.titled = !s.titled, true
		s.rawText = true
	case "script", "style", "noframes":
		s.rawText = true
	case "iframe":
		s.noFrames = true
		s.frame()
	case "frameset":
		s.frames = s.frames || !s.noFrames
	case "frame": // anywhere else than in a frameset, it is no element
		if s.frames {
			s.frame()
		}
	default:
		s.noFrames = s.noFrames || precludesFrames(name)
	}
}

func (s *scan) anchor(text bool) {
	a := s.attributes()
	if a.href == nil {
		return
	}
	s.refs.add(a.href, hasToken(a.rel, "nofollow"))
	switch {
	case s.graph == nil:
	case text:
		s.graph.anchor(a.href, a.rel)
	default:
		s.graph.area(a.href, a.rel, s.media.alt)
	}
}

func (s *scan) frame() {
	if a := s.attributes(); len(a.src) > 0 {
		s.refs.add(a.src, false)
		s.refer(crawler.ReferenceFrame, a.src, nil)
	}
}

// refer notes a reference without text, for who asks for the link graph.
func (s *scan) refer(kind crawler.ReferenceKind, ref, rel []byte) {
	if s.graph != nil {
		s.graph.within(kind, ref, rel)
	}
}

// link notes the pages that a document names as its canonical form and as the
// next of a series, and, for who wants the resources as well, as other forms of
// itself: translations, feeds.
func (s *scan) link() {
	a := s.attributes()
	if len(a.href) == 0 {
		return
	}
	if hasToken(a.rel, "canonical") {
		s.canonical.set(a.href)
	}
	if hasToken(a.rel, "next") || s.resources != nil && isAlternate(a.rel) {
		s.refs.add(a.href, hasToken(a.rel, "nofollow"))
		s.refer(crawler.ReferenceLink, a.href, a.rel)
	}
}

func (s *scan) meta() {
	a := s.attributes()
	if equalFold(a.httpEquiv, "refresh") {
		if target, ok := refreshTarget(a.content); ok {
			s.refs.add(target, false)
			s.refer(crawler.ReferenceRefresh, target, nil)
		}
	}
	if len(a.name) > 0 {
		s.robots.obeyMeta(a.name, a.content, s.agent)
	}
}

// attributes are those that matter of a start tag. One that is absent is nil;
// all are void at the next token.
type attributes struct {
	href, src, rel, name, content, httpEquiv []byte
}

// attributes reads those of the tag, which can be done once. They are kept for
// the resources and the link graph alone, because to write them anywhere but on
// the stack costs a twentieth of the whole scan.
func (s *scan) attributes() (a attributes) {
	if s.known {
		return s.attrs
	}
	kept := s.resources != nil || s.graph != nil
	for more := true; more; {
		var key, value []byte
		if s.skims != nil && !s.asked {
			key, value, more = s.skims.linkAttr()
		} else {
			key, value, more = s.tokens.TagAttr()
		}
		if value == nil {
			value = []byte{}
		}
		switch string(key) {
		case "href":
			a.href = value
		case "src":
			a.src = value
		case "rel":
			a.rel = value
		case "name":
			a.name = value
		case "content":
			a.content = value
		case "http-equiv":
			a.httpEquiv = value
		default:
			if kept {
				s.media.set(key, value)
			}
		}
	}
	if kept {
		s.attrs, s.known = a, true
	}
	return a
}

// tagName is room for the name of a tag. html.Tokenizer.TagName allocates for
// each.
type tagName [16]byte

// of returns the name that a tag begins with, in lower case. A name that is
// longer than all that matter comes back as "".
func (t *tagName) of(tag []byte) []byte {
	for i, c := range tag {
		switch {
		case isSpace(c) || c == '/' || c == '>':
			return t[:i]
		case i == len(t):
			return nil
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		t[i] = c
	}
	return nil
}

// precludesFrames reports the elements after which no frameset may come (HTML,
// where the frameset-ok flag is set to "not ok").
func precludesFrames(name []byte) bool {
	switch string(name) {
	case "body", "pre", "listing", "li", "dd", "dt", "plaintext", "button", "applet", "marquee", "object",
		"table", "br", "embed", "img", "image", "keygen", "wbr", "input", "hr", "textarea", "xmp", "select":
		return true
	}
	return false
}
