// Package parse turns the bytes of a page into a document. It determines whether they are
// HTML and in which charset, and extracts the title, the links, the directives for robots
// and, if the job asks for them, fields and embedded resources.
//
// A scan is one pass over the tokens of a source. It records references as they are written
// and builds no tree, so no page is too deep or too long for it. A long source, which is not
// in memory, is read through a window and, where a token is longer than that, by an
// html.Tokenizer. A resource is what a browser fetches to show the page; style sheets, whether
// separate or within a page, are searched for resources as well. A tree is built once, and
// only if something needs it: fields, the rules that select links, handlers, the main text.
//
// The rules are those of the WHATWG standards (HTML, MIME Sniffing, Encoding, URL),
// because pages are written for browsers. Comments point out where the package departs
// from them.
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
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/condition"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/fields"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Config says what to look for in pages. With the zero value it is links and titles.
type Config struct {
	// Select lists the fields to extract, as in [crawler.Job]: "name=css" for the text of
	// the first match, "name=css@attribute" for its attribute, "name[]=css" for every
	// match. Default none.
	Select []string
	// Extract lists fields by kind of page, as in [crawler.Job]. Default none.
	Extract []crawler.Extraction
	// FollowRules are the rules of the job, which mark links. Default none.
	FollowRules []crawler.FollowRule
	// Resources says whether to find what pages and style sheets embed. Default false.
	Resources bool
	// References says whether to record each link with its text, for a link graph.
	// Default false.
	References bool
	// Feeds says whether to find the feeds that pages name (rel=alternate with the type
	// of RSS or Atom). They become links with Sitemap set. Default false.
	Feeds bool
	// Simhash says whether to compute a fingerprint of the text, for finding near
	// duplicates. Default false.
	Simhash bool
	// Tree says whether documents contain the page as a tree, as [Elements]. Default
	// false.
	Tree bool
	// Text, Markdown and Article say whether to extract the main content as text, as
	// Markdown, and as an article with metadata for a Markdown file. Default false.
	Text, Markdown, Article bool
	// AcceptMarkdown says whether pages that are Markdown are read: as their own main content.
	// It requires Markdown or Article. Default false.
	AcceptMarkdown bool
	// Head says that only the head of a page is wanted: reading ends where it does, and no links
	// are found. What is wanted besides takes precedence. Default false.
	Head bool
	// Signs says whether to count the signs by which pages that need a browser are told.
	// Default false.
	Signs bool
	// MinHash says whether to record a sketch of the main text, and Sketch whether to make
	// one for comparing pages. Default false.
	MinHash, Sketch bool
	// Fingerprint says whether documents contain a fingerprint of the main text. Default false.
	Fingerprint bool
	// Extractor lists what finds the main content, as in [crawler.Job]. Default auto.
	Extractor []string
	// Room is the memory that trees share with those of other parsers. Default one of the
	// parser's own.
	Room *htmltree.Room
	// ProductToken is the name by which meta elements and X-Robots-Tag may address this
	// crawler, in addition to directives for all robots. Letter case does not matter.
	// Default none.
	ProductToken string
	// Deep is how deeply elements may be nested in a page for its fields to be extracted;
	// those of a deeper page are nil. Links have no such limit. 0 means the default, 512,
	// which is also the maximum.
	Deep int
}

// JobConfig returns the configuration for a job whose sinks need needs.
func JobConfig(j crawler.Job, needs fetched.Needs) Config {
	cfg := Config{
		Select: j.Select, Extract: j.Extract, Resources: j.Resources, Simhash: j.Simhash, Tree: len(j.Handlers) > 0,
		ProductToken: j.ProductToken(),
		Text:         j.Text, Markdown: j.Markdown, Article: needs.Article, Extractor: j.Extractor,
		MinHash: j.MinHash, Sketch: j.NearDuplicates != "", Fingerprint: j.Recrawl.On(),
		References: needs.References, AcceptMarkdown: j.AcceptMarkdown,
		Feeds: j.Sitemaps && j.Follow, Signs: j.Renders(),
		Head: needs.Download(j) && !j.Links && !slices.ContainsFunc(j.Format, func(f string) bool { return f != "files" }),
	}
	if j.Follow {
		cfg.FollowRules = j.FollowRules
	}
	return cfg
}

// headOnly reports whether a scan may end with the head of a page.
func (c Config) headOnly() bool {
	return c.Head && len(c.Select)+len(c.Extract)+len(c.FollowRules) == 0 && !c.Resources && !c.References &&
		!c.Feeds && !c.Simhash && !c.Tree && !c.Text && !c.Markdown && !c.Article && !c.Signs && !c.MinHash &&
		!c.Sketch && !c.Fingerprint
}

// Parser turns pages into documents. It is safe for concurrent use.
type Parser struct {
	agent      string
	deep       int
	kinds      []fields.Kind
	choices    []fields.Choice
	resources  bool
	references bool
	feeds      bool
	headOnly   bool      // pages have no links
	trees      bool      // documents contain them
	articles   *articles // nil if not wanted
	// prefersMarkdown says that pages may be Markdown; then articles has what is wanted of it.
	prefersMarkdown bool
	room            *htmltree.Room
	scans           sync.Pool // of *scan
}

// New returns a parser. The error names the setting that is not valid.
func New(cfg Config) (*Parser, error) {
	if cfg.Deep < 0 || cfg.Deep > htmltree.MaxDeep {
		return nil, fmt.Errorf("deep: %d is out of range: want 1 to %d, or 0 for the default", cfg.Deep,
			htmltree.MaxDeep)
	}
	kinds, err := fields.CompileKinds(cfg.Select, cfg.Extract)
	if err != nil {
		return nil, err
	}
	choices, err := fields.CompileChoices(cfg.FollowRules)
	if err != nil {
		return nil, err
	}
	articles, err := newArticles(cfg)
	if err != nil {
		return nil, err
	}
	p := &Parser{
		agent: strings.ToLower(cfg.ProductToken), deep: cfg.Deep, kinds: kinds, choices: choices,
		resources: cfg.Resources, references: cfg.References, feeds: cfg.Feeds, trees: cfg.Tree,
		headOnly: cfg.headOnly(),
		articles: articles, prefersMarkdown: cfg.AcceptMarkdown && articles != nil,
	}
	if p.deep == 0 {
		p.deep = htmltree.MaxDeep
	}
	if p.room = cfg.Room; p.room == nil {
		p.room = htmltree.NewRoom()
	}
	p.scans.New = func() any { return newScan(cfg) }
	return p, nil
}

// Check returns an error if a job's extraction or follow rules are not valid. It checks
// what [crawler.Job.Validate] does not: CSS selectors and conditions. The error is a
// [crawler.SettingError].
func Check(j crawler.Job) error {
	if _, err := condition.NewFollowConditions(j, time.Now()); err != nil {
		return err
	}
	if j.OnDone.Seeds != "" {
		if _, err := condition.Parse(j.OnDone.Seeds, time.Now()); err != nil {
			return &crawler.SettingError{Path: "on_done.seeds", Reason: err.Error()}
		}
	}
	_, err := New(Config{Select: j.Select, Extract: j.Extract, FollowRules: j.FollowRules})
	return err
}

// Parse parses a page. The document is nil if the page has no body. For a body that is
// neither HTML nor, if resources are wanted, a style sheet, the document contains what
// the headers say, or is nil if that is nothing. References are resolved against the
// first <base href> or, without one, against the page's URL.
//
// A body that spills into a file is read as a stream. Its charset is determined, and its
// fields are extracted, from the head alone, which is in memory. The error never concerns
// the content of the page: it is that of ctx, of the file, or of a page without URL.
func (p *Parser) Parse(ctx context.Context, page *fetched.Page) (*fetched.Document, error) {
	return p.parse(ctx, page, nil)
}

// Finding explains how a field of a page got its value.
type Finding = fields.Finding

// Explain parses a page as Parse does, and explains for each field of the job how it got
// its value.
func (p *Parser) Explain(ctx context.Context, page *fetched.Page) (*fetched.Document, []Finding, error) {
	notes := fields.NewFindings()
	doc, err := p.parse(ctx, page, notes)
	return doc, notes.List(), err
}

func (p *Parser) parse(ctx context.Context, page *fetched.Page, notes *fields.Findings) (*fetched.Document, error) {
	if page.Body == nil {
		return nil, nil
	}
	if page.URL.IsZero() {
		return nil, errors.New("parse: the page has no URL to resolve its links against")
	}
	declared := charset.DeclaredType(page.Header)
	if p.resources && declared.Essence == "text/css" {
		return p.styleSheet(page, declared)
	}
	if p.prefersMarkdown && isMarkdown(declared) {
		return p.markdown(ctx, page, declared)
	}
	if !charset.IsHTML(declared, charset.NoSniff(page.Header), page.Body.Head) {
		return p.bare(page), nil
	}
	cut := page.Truncated || page.Body.Spill != nil
	src := charset.NewSource(declared, page.Body.Head, cut)
	src.Rest = page.Body.Rest()
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
	s.robots.licenses(page)
	res := reference.NewResolver(page.URL, s.base, src)
	doc := p.document(s, page, src, res)
	p.readHeaders(doc, page, res)
	if p.headOnly {
		doc.Links = nil // those of its head would be a few of many
	}
	if page.Truncated {
		doc.Trouble = "only its beginning was read"
	}
	if name := declared.Charset; name != "" && charset.Name(name) == "" {
		doc.Trouble = fmt.Sprintf("no charset is named %q: it was read as %s",
			htmltok.Clip(htmltok.Clean(name), htmltok.MaxQuoted), src.Charset)
	}
	tree := htmltree.New(src.Beginning(), s.regrowth, s.weight, p.deep, p.room)
	defer tree.LeaveRoom()
	if p.trees {
		doc.Tree = &Elements{tree, res}
	}
	if len(choices) > 0 {
		if trouble := fields.Choose(ctx, choices, tree, doc, res); trouble != "" {
			doc.Trouble = trouble
		}
	}
	trouble := p.readTree(ctx, doc, tree, res, kinds, page.Started, notes)
	if trouble == "" && src.Rest != nil && (len(kinds) > 0 || p.articles != nil) {
		trouble = "its fields are those of its beginning"
	}
	doc.Trouble = cmp.Or(trouble, doc.Trouble)
	if err := ctx.Err(); err != nil { // building a tree may take long
		return nil, fmt.Errorf("parse %s: %w", page.URL, err)
	}
	return doc, nil
}

// selections returns what to select from a page with that URL. If nothing is selected,
// the page gets no tree.
func (p *Parser) selections(page crawler.URL) (kinds []*fields.Kind, choices []*fields.Choice) {
	if len(p.kinds)+len(p.choices) == 0 {
		return nil, nil
	}
	url := page.String()
	for i, x := range p.kinds {
		if x.Matches(url) {
			kinds = append(kinds, &p.kinds[i])
		}
	}
	for i, c := range p.choices {
		if c.Matches(url) {
			choices = append(choices, &p.choices[i])
		}
	}
	return kinds, choices
}

// readTree extracts what requires a tree: the fields for these kinds of pages, and the
// main content.
func (p *Parser) readTree(ctx context.Context, doc *fetched.Document, t *htmltree.Tree, res reference.Resolver,
	kinds []*fields.Kind, now time.Time, notes *fields.Findings) (trouble string) {
	if len(kinds) > 0 {
		doc.Fields, doc.Missing, trouble = fields.NewReading(ctx, t.Source(), res, now, notes).Extract(kinds, t)
	}
	if p.articles == nil {
		return trouble
	}
	root, none := t.Document(ctx)
	if none != "" {
		return cmp.Or(trouble, "its main text was not read: "+none)
	}
	return cmp.Or(p.articles.read(ctx, doc, root, res), trouble)
}

// bare returns the document of a page that is not parsed: what its headers say, or nil if
// that is nothing.
func (p *Parser) bare(page *fetched.Page) *fetched.Document {
	var d directives
	d.obeyHeader(page.Header, p.agent)
	if !d.noIndex && !d.noFollow && d.said == nil && len(page.Header["Link"])+len(page.Header["Refresh"]) == 0 {
		return nil
	}
	d.licenses(page)
	res := reference.ResolverAt(page.URL)
	doc := &fetched.Document{NoFollow: d.noFollow, NoIndex: d.noIndex, Rights: d.rights(page, res)}
	p.readHeaders(doc, page, res)
	return doc
}

// document converts what a scan has recorded.
func (p *Parser) document(s *scan, page *fetched.Page, src charset.Source, res reference.Resolver) *fetched.Document {
	doc := &fetched.Document{
		Title:    s.title,
		Charset:  src.Charset,
		Guessed:  src.Guessed,
		NoFollow: s.robots.noFollow,
		NoIndex:  s.robots.noIndex,
		Rights:   s.robots.rights(page, res),
		Links:    s.refs.resolve(res),
	}
	if s.resources != nil {
		doc.Resources = urls(s.resources.resolve(res))
	}
	if s.feeds != nil {
		for _, l := range s.feeds.resolve(res) {
			addFeed(doc, l)
		}
	}
	if s.graph != nil {
		doc.References = s.graph.resolve(res)
	}
	if s.simhash != nil {
		doc.Simhash = s.simhash.String()
	}
	if s.signs != nil {
		doc.Signs = s.signs.found()
	}
	if s.canonical.Found {
		doc.Canonical, _ = res.URL(s.canonical.Value)
	}
	return doc
}

// urls returns the URLs of links.
func urls(links []rules.Link) []crawler.URL {
	all := make([]crawler.URL, len(links))
	for i, l := range links {
		all[i] = l.URL
	}
	return all
}

// release keeps a scan's memory for the next page, unless an unusually large page made it
// large.
func (p *Parser) release(s *scan) {
	if s.forget() {
		p.scans.Put(s)
	}
}
