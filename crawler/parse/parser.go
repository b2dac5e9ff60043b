// Package parse turns the bytes of a page into a document: it decides whether
// they are HTML, in which charset, and reads the title, the links, what the
// page says to robots, and, for the job that asks, the fields that it selects
// and the resources that the page embeds.
//
// A mediaType is what Content-Type declares. A source is a body with the
// charset that was decided for it, to be read as UTF-8. Its tokens are told by
// its markup, which skims what nobody asks for, or, of a long source, one that is
// not in memory, by a tokenizer. A scan is one pass over them; it notes
// references, as they are written, and builds no tree, so that no page is too deep
// or too long for it. A resolver makes URLs of references. A resource is what a
// browser fetches to show the page; a style sheet, of its own or within a page, is
// read for those as well.
//
// A tree is the page as elements, built once for all who want it, and only for
// them. A reading is how the fields of a page are read: a field looks in a place,
// which finds matches, whose text becomes values. A graph is the structured data
// of a page, JSON-LD or microdata. A choice is the links that a follow rule selects.
// A finding tells how a field came by its value, for who writes a job.
//
// The rules are those of the WHATWG standards (HTML, MIME Sniffing, Encoding,
// URL), because pages are written for browsers. Where the package departs from
// them, the place says so.
package parse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Config says what to look for in pages. The zero value finds links and titles.
type Config struct {
	// Select are the fields to extract, as in [crawler.Job]: "name=css" for the
	// text of the first match, "name=css@attribute" for its attribute,
	// "name[]=css" for every match. Default none.
	Select []string
	// Extract are fields by kinds of pages, as in [crawler.Job]. Default none.
	Extract []crawler.Extraction
	// FollowRules are those of the job; links are marked by them. Default none.
	FollowRules []crawler.FollowRule
	// Resources says whether to find what pages, and style sheets, embed. Default
	// false.
	Resources bool
	// References says whether to note each link as it stands in the page, with the
	// words on it, for a link graph. Default false.
	References bool
	// Simhash says whether to make a fingerprint of the text by which near
	// duplicates are told. Default false.
	Simhash bool
	// Tree says whether documents hold the page as a tree, as [Elements]. Default
	// false.
	Tree bool
	// Text, Markdown and Article say whether to make text or Markdown of what the
	// page is about, and, with Article, what a file of that says of it. Default
	// false.
	Text, Markdown, Article bool
	// Room is the memory that trees share with those of other parsers. Default one
	// of the parser's own.
	Room *Room
	// ProductToken is the name that meta elements and X-Robots-Tag may call us
	// by, besides addressing everyone. Letter case does not matter. Default
	// none.
	ProductToken string
	// Deep is how deeply elements may be nested in a page for its fields to be
	// read; those of a deeper page are nil. Links have no such limit. 0 means
	// the default, 512, which is also the most.
	Deep int
}

// JobConfig is what a job asks for.
func JobConfig(j crawler.Job) Config {
	cfg := Config{
		Select: j.Select, Extract: j.Extract, Resources: j.Resources, Simhash: j.Simhash, Tree: len(j.Handlers) > 0, ProductToken: j.ProductToken(),
		Text: j.Text, Markdown: j.Markdown, Article: slices.Contains(j.Format, "markdown"),
		References: slices.Contains(j.Format, "links") || slices.Contains(j.Format, "parquet"),
	}
	if j.Follow {
		cfg.FollowRules = j.FollowRules
	}
	return cfg
}

// Parser makes documents of pages. It is safe for concurrent use.
type Parser struct {
	agent      string
	deep       int
	kinds      []extraction
	choices    []choice
	resources  bool
	references bool
	trees      bool      // documents hold them
	articles   *articles // nil when nobody asks
	room       *Room
	scans      sync.Pool // of *scan
}

// New returns a parser. The error names the setting that can not be understood.
func New(cfg Config) (*Parser, error) {
	if cfg.Deep < 0 || cfg.Deep > mostDeep {
		return nil, fmt.Errorf("deep: %d is out of range: want 1 to %d, or 0 for the default", cfg.Deep, mostDeep)
	}
	kinds, err := compileExtractions(cfg.Select, cfg.Extract)
	if err != nil {
		return nil, err
	}
	choices, err := compileChoices(cfg.FollowRules)
	if err != nil {
		return nil, err
	}
	p := &Parser{
		agent: strings.ToLower(cfg.ProductToken), deep: cfg.Deep, kinds: kinds, choices: choices, resources: cfg.Resources, references: cfg.References, trees: cfg.Tree,
		articles: newArticles(cfg),
	}
	if p.deep == 0 {
		p.deep = mostDeep
	}
	if p.room = cfg.Room; p.room == nil {
		p.room = NewRoom()
	}
	p.scans.New = func() any { return newScan(cfg) }
	return p, nil
}

// Parse reads a page. The document is nil when the page has no body. Of a body
// that is neither HTML nor, where resources are asked for, a style sheet, it is
// what the headers say, or nil when that is nothing. References are resolved against the page's URL, or against
// its first <base href>.
//
// A body that spills into a file is read as a stream; its charset is decided, and
// its fields are read, by the head alone, which is in memory. The error is never
// the page's fault: it is that of ctx, of that file, or of a page without URL.
func (p *Parser) Parse(ctx context.Context, page *crawler.Page) (*crawler.Document, error) {
	return p.parse(ctx, page, nil)
}

// Explain reads a page as Parse does, and tells of each field that the job has for
// it how it came by its value.
func (p *Parser) Explain(ctx context.Context, page *crawler.Page) (*crawler.Document, []Finding, error) {
	notes := newFindings()
	doc, err := p.parse(ctx, page, notes)
	return doc, notes.list(), err
}

func (p *Parser) parse(ctx context.Context, page *crawler.Page, notes *findings) (*crawler.Document, error) {
	if page.Body == nil {
		return nil, nil
	}
	if page.URL.IsZero() {
		return nil, errors.New("parse: the page has no URL to resolve its links against")
	}
	declared := declaredType(page.Header)
	if p.resources && declared.essence == "text/css" {
		return p.styleSheet(page, declared)
	}
	if !isHTML(declared, noSniff(page.Header), page.Body.Head) {
		return p.bare(page), nil
	}
	cut := page.Truncated || page.Body.Spill != nil
	src := newSource(declared, page.Body.Head, cut)
	src.rest = page.Body.Rest()
	s := p.scans.Get().(*scan)
	defer p.release(s)
	kinds, choices := p.selections(page.URL)
	if len(kinds)+len(choices) > 0 || p.trees || p.articles != nil {
		s.wantTree()
	}
	if err := s.read(ctx, src, p.agent); err != nil {
		return nil, fmt.Errorf("parse %s: %w", page.URL, err)
	}
	s.robots.obeyHeader(page.Header, p.agent)
	res := newResolver(page.URL, s.base, src)
	doc := p.document(s, src, res)
	p.readLinkHeaders(doc, page)
	if page.Truncated {
		doc.Trouble = "only its beginning was read"
	}
	if name := declared.charset; name != "" && charsetName(name) == "" {
		doc.Trouble = fmt.Sprintf("no charset is named %q: it was read as %s", clip(clean(name), mostQuoted), src.charset)
	}
	tree := p.newTree(s, src.beginning())
	defer tree.leaveRoom()
	if p.trees {
		doc.Tree = &Elements{tree, res}
	}
	if len(choices) > 0 {
		if trouble := choose(ctx, choices, tree, doc, res); trouble != "" {
			doc.Trouble = trouble
		}
	}
	trouble := p.readTree(ctx, doc, tree, res, kinds, page.Started, notes)
	if trouble == "" && src.rest != nil && (len(kinds) > 0 || p.articles != nil) {
		trouble = "its fields are those of its beginning"
	}
	doc.Trouble = cmp.Or(trouble, doc.Trouble)
	if err := ctx.Err(); err != nil { // a tree may take long
		return nil, fmt.Errorf("parse %s: %w", page.URL, err)
	}
	return doc, nil
}

// selections are what is to be selected from a page of that URL. Pages that nobody
// selects from have no tree.
func (p *Parser) selections(page crawler.URL) (kinds []*extraction, choices []*choice) {
	if len(p.kinds)+len(p.choices) == 0 {
		return nil, nil
	}
	url := page.String()
	for i, x := range p.kinds {
		if x.match == nil || x.match.MatchString(url) {
			kinds = append(kinds, &p.kinds[i])
		}
	}
	for i, c := range p.choices {
		if c.match == nil || c.match.MatchString(url) {
			choices = append(choices, &p.choices[i])
		}
	}
	return kinds, choices
}

// readTree reads what is read from a tree: the fields of those kinds of pages, and
// what the page is about.
func (p *Parser) readTree(ctx context.Context, doc *crawler.Document, t *tree, res resolver, kinds []*extraction, now time.Time, notes *findings) (trouble string) {
	if len(kinds) > 0 {
		r := reading{ctx: ctx, src: t.src, res: res, now: now, notes: notes, room: mostFields, left: mostValues}
		doc.Fields, trouble = r.extract(kinds, t)
		doc.Missing = r.missing
	}
	if p.articles == nil {
		return trouble
	}
	root, none := t.document(ctx)
	if none != "" {
		return cmp.Or(trouble, "its main text was not read: "+none)
	}
	return cmp.Or(p.articles.read(ctx, doc, root, res), trouble)
}

// bare is the document of a page that is not read: what its headers say of it, or
// nil when that is nothing.
func (p *Parser) bare(page *crawler.Page) *crawler.Document {
	var d directives
	d.obeyHeader(page.Header, p.agent)
	if d == (directives{}) && len(page.Header["Link"]) == 0 {
		return nil
	}
	doc := &crawler.Document{
		NoFollow: d.noFollow, NoIndex: d.noIndex, Rights: d.rights(resolver{base: page.URL.Base()}),
	}
	p.readLinkHeaders(doc, page)
	return doc
}

// document writes down what a scan has noted.
func (p *Parser) document(s *scan, src source, res resolver) *crawler.Document {
	doc := &crawler.Document{
		Title:    s.title,
		Charset:  src.charset,
		NoFollow: s.robots.noFollow,
		NoIndex:  s.robots.noIndex,
		Rights:   s.robots.rights(res),
		Links:    s.refs.resolve(res),
	}
	if s.resources != nil {
		doc.Resources = urls(s.resources.resolve(res))
	}
	if s.graph != nil {
		doc.References = s.graph.resolve(res)
	}
	if s.simhash != nil {
		doc.Simhash = s.simhash.String()
	}
	if s.canonical.found {
		doc.Canonical, _ = res.url(s.canonical.value)
	}
	return doc
}

// urls are those of links.
func urls(links []crawler.Link) []crawler.URL {
	all := make([]crawler.URL, len(links))
	for i, l := range links {
		all[i] = l.URL
	}
	return all
}

// release keeps a scan's memory for the next page, unless a page of rare size
// made it large.
func (p *Parser) release(s *scan) {
	if s.forget() {
		p.scans.Put(s)
	}
}
