package parse

import (
	"bytes"
	"context"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/simhash"
)

// maxTitle is how many bytes of a title are kept.
const maxTitle = 4 << 10

// headPiece is how many bytes of a long source are read at a time if only its head is wanted. Most
// heads are shorter.
const headPiece = 16 << 10

// scan is one pass over a document and its results. It is used by one goroutine at a
// time, and can be reused for another document after forget.
type scan struct {
	refs      refs
	most      int                  // maximum bytes held of a token of a long source
	headOnly  bool                 // reading ends with the head
	asked     bool                 // any of the following is wanted
	resources *refs                // what the page embeds; nil if not wanted
	graph     *references          // references with their texts; nil if not wanted
	simhash   *simhash.Hash        // of the visible text; nil if not wanted
	signs     *signs               // of a page that needs a browser; nil if not wanted
	regrowth  *htmltree.Formatting // estimate for the document's tree; nil if no tree is wanted
	weight    int64                // of the tree without regrowth, in bytes of memory; 0 if no tree is wanted
	title     string
	base      reference.First // the first <base href>
	canonical reference.First // the first <link rel=canonical>
	robots    directives
	feeds     *refs // feeds that the page names as its alternates; nil if not wanted

	tokens   htmltok.Tokens
	skims    htmltok.Skimmer    // the same as tokens, if they can be skimmed; otherwise nil
	markup   *htmltok.Tokenizer // the same as tokens, if the document is in memory
	long     *long              // the source of tokens, if it is not in memory
	agent    string
	nesting  htmltok.Nesting
	name     htmltok.TagName
	titled   bool // the first <title> was found
	inTitle  bool // the next text is that of the title
	rawText  bool // the next text is not visible: a script, a style, a title
	inStyle  bool // the next text is a style sheet; set only if resources are wanted
	frames   bool // a frameset was found where one is allowed
	noFrames bool // it is too late for a frameset
	headless bool // the head is over, as far as the page says so

	attrs attributes // of the tag, if known; set only if resources or the graph are wanted
	media media      // likewise
	known bool
}

// newScan returns a scan that records what a parser wants.
func newScan(cfg Config) *scan {
	s := &scan{refs: newRefs(), most: maxToken, markup: new(htmltok.Tokenizer), headOnly: cfg.headOnly()}
	if cfg.Resources {
		embedded := newRefs()
		s.resources = &embedded
	}
	if cfg.References {
		s.graph = new(references)
	}
	if cfg.Feeds {
		named := newRefs()
		s.feeds = &named
	}
	if cfg.Simhash {
		s.simhash = new(simhash.Hash)
	}
	if cfg.Signs {
		s.signs = new(signs)
	}
	return s
}

// BaseOf returns the <base href> of a page. The error is that of ctx, or of reading src.
func BaseOf(ctx context.Context, src charset.Source) (reference.First, error) {
	s := newScan(Config{})
	err := s.read(ctx, src, "")
	return s.base, err
}

// wantTree makes the scan estimate how large a tree of the next document would be.
func (s *scan) wantTree() { s.regrowth = new(htmltree.Formatting) }

// read scans a document. agent is the product token that the document may address, in
// lower case. The error is that of ctx, or of reading a source that is not in memory: no
// document is invalid.
func (s *scan) read(ctx context.Context, src charset.Source, agent string) error {
	s.agent = agent
	if err := s.begin(src); err != nil {
		return err
	}
	s.asked = s.regrowth != nil || s.resources != nil || s.graph != nil || s.simhash != nil || s.signs != nil
	const often = 1 << 14
	for n := 0; ; n++ {
		if n%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		kind := s.next()
		if s.long != nil && s.long.window.Overflowed() {
			s.outgrow()
			continue
		}
		raw := s.tokens.Raw()
		if s.regrowth != nil {
			s.weight += htmltree.WeightOf(kind, raw)
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
			if s.tag(kind, raw); s.headOnly && s.headless {
				return nil
			}
		}
	}
}

// next advances to the next token that may matter.
func (s *scan) next() html.TokenType {
	if s.skims != nil && !s.asked && s.noFrames && !s.inTitle && s.nesting.Plain() {
		return s.skims.Skim()
	}
	return s.tokens.Next()
}

// begin prepares the tokens of a document.
func (s *scan) begin(src charset.Source) error {
	if src.Rest != nil {
		first := s.most / 8
		if s.headOnly {
			first = min(first, headPiece)
		}
		s.long = newLong(src.Reader(), first, s.most)
		s.tokens, s.skims = s.long.window, s.long.window
		return nil
	}
	body, err := src.Text()
	s.markup.Reset(body)
	s.tokens, s.skims = s.markup, s.markup
	return err
}

// forget empties s for another document and reports whether it is worth reusing.
func (s *scan) forget() bool {
	refs, resources, graph, fingerprint, feeds := s.refs, s.resources, s.graph, s.simhash, s.feeds
	if !refs.forget() || resources != nil && !resources.forget() || graph != nil && !graph.forget() || feeds != nil &&
		!feeds.forget() {
		return false
	}
	if fingerprint != nil {
		*fingerprint = simhash.Hash{}
	}
	counted := s.signs
	if counted != nil {
		*counted = signs{}
	}
	s.markup.Reset(nil)
	s.nesting.Reset()
	*s = scan{refs: refs, most: s.most, markup: s.markup, headOnly: s.headOnly, resources: resources, graph: graph,
		simhash: fingerprint, signs: counted, feeds: feeds, nesting: s.nesting}
	return true
}

func (s *scan) text(raw []byte) {
	switch {
	case s.inStyle:
		s.styleSheet(s.tokens.Text())
	case s.inTitle:
		s.title = htmltok.Collapse(s.tokens.Text(), maxTitle)
		s.inTitle = false
	case !s.noFrames && !s.rawText && len(bytes.TrimLeft(raw, htmltok.Spaces)) > 0:
		s.noFrames = true
	}
	if s.signs != nil && !s.nesting.Inert() {
		s.signs.text(raw, s.rawText)
	}
	if s.asked && !s.rawText && !s.nesting.Inert() {
		s.words()
	}
}

// words processes visible text.
func (s *scan) words() {
	if s.simhash == nil && (s.graph == nil || !s.graph.open) {
		return
	}
	text := s.tokens.Text() // only once: a second call returns nothing
	if s.simhash != nil {
		s.simhash.Add(text)
	}
	if s.graph != nil {
		s.graph.read(text)
	}
}

// tag processes a tag, and ignores other tokens.
func (s *scan) tag(kind html.TokenType, raw []byte) {
	switch kind {
	case html.StartTagToken:
		s.startTag(s.name.Of(raw[len("<"):]), false)
	case html.SelfClosingTagToken:
		s.startTag(s.name.Of(raw[len("<"):]), true)
	case html.EndTagToken:
		s.endTag(s.name.Of(raw[len("</"):]))
	}
}

func (s *scan) endTag(name []byte) {
	s.inTitle, s.rawText, s.inStyle = false, false, false
	s.headless = s.headless || string(name) == "head"
	s.nesting.Close(name)
	if s.signs != nil {
		s.signs.end(name)
	}
	if s.long != nil {
		s.long.context = nil
	}
	if s.regrowth != nil {
		s.regrowth.End(name)
	}
	if s.graph != nil && !s.nesting.Inert() {
		s.graph.end(name)
	}
	s.tokens.AllowCDATA(s.nesting.Foreign())
}

func (s *scan) startTag(name []byte, selfClosing bool) {
	s.inTitle, s.rawText, s.inStyle = false, false, false
	isHTML := s.nesting.Open(name, selfClosing)
	if s.asked {
		s.prepare(name, isHTML)
	}
	s.tokens.AllowCDATA(s.nesting.Foreign())
	if !isHTML || string(name) == "noscript" { // scripts are not run, so noscript contains elements
		s.tokens.NextIsNotRawText()
	}
	if s.long != nil {
		s.long.context = rawContext(name, isHTML)
	}
	switch {
	case s.nesting.Inert():
	case isHTML:
		s.element(name)
	case string(name) == "a" && s.nesting.Drawn():
		s.drawnAnchor()
	}
	if s.resources != nil && !s.nesting.Inert() {
		s.resource(name, isHTML)
	}
	if s.signs != nil && isHTML && !s.nesting.Inert() {
		s.sign(name)
	}
	if s.graph != nil && s.graph.open && isHTML && string(name) == "img" && !s.nesting.Inert() {
		s.attributes()
		s.graph.image(s.media.alt)
	}
}

// prepare processes a tag for everything that is wanted besides links.
func (s *scan) prepare(name []byte, isHTML bool) {
	s.known, s.media = false, media{}
	if s.regrowth != nil {
		s.regrowth.Start(name)
	}
	if s.graph != nil && !s.nesting.Inert() {
		s.graph.start(name, isHTML)
	}
}

// element processes an HTML element of the page.
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
			s.base.Set(a.href)
		}
	case "title":
		s.inTitle, s.titled = !s.titled, true
		s.rawText = true
	case "script", "style", "noframes":
		s.rawText = true
	case "body":
		s.noFrames, s.headless = true, true
	case "iframe":
		s.noFrames = true
		s.frame()
	case "frameset":
		s.frames = s.frames || !s.noFrames
	case "frame": // outside of a frameset, it is not an element
		if s.frames {
			s.frame()
		}
	default:
		s.noFrames = s.noFrames || precludesFrames(name)
	}
}

// precludesFrames reports whether no frameset may follow an element (HTML, where the
// frameset-ok flag is set to "not ok").
func precludesFrames(name []byte) bool {
	switch string(name) {
	case "pre", "listing", "li", "dd", "dt", "plaintext", "button", "applet", "marquee", "object",
		"table", "br", "embed", "img", "image", "keygen", "wbr", "input", "hr", "textarea", "xmp", "select":
		return true
	}
	return false
}
