package linkcheck

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Kind is what is said about a URL.
type Kind string

// The kinds of findings, in the order in which they are listed.
const (
	Broken    Kind = "broken"      // it does not work
	Unchecked Kind = "not_checked" // whether it works is not known: robots.txt forbids it, for example
	Moved     Kind = "moved"       // it works, but redirects permanently
)

// Kinds lists the kinds of findings.
var Kinds = []Kind{Broken, Unchecked, Moved}

// MaxPages is how many pages a finding lists.
const MaxPages = 100

// maxHops is how many redirects from host to host are followed in the records. A crawl follows
// no more.
const maxHops = 10

// Finding is a URL and the pages that link to it. It is a line of trawl check --json.
type Finding struct {
	Kind   Kind               `json:"kind"`
	URL    string             `json:"url"`                   // as the pages have it, in canonical form
	Status int                `json:"status"`                // HTTP status; 0 without a response
	Class  crawler.ErrorClass `json:"error_class,omitempty"` // why it is broken, in one word
	Reason string             `json:"error,omitempty"`       // the same for people; why it was not checked
	To     string             `json:"to,omitempty"`          // where redirects lead, if they lead elsewhere
	Pages  []Page             `json:"pages"`                 // at most MaxPages, by URL
	More   int                `json:"more_pages,omitempty"`  // how many pages are not listed
}

// Page is a page that has a link.
type Page struct {
	URL  string                `json:"url"`
	Text string                `json:"text"` // of its first link to the URL that has any; "" for none
	Kind fetched.ReferenceKind `json:"kind"` // kind of element: "a", "resource"
}

// Config says what to report.
type Config struct {
	// Ignore lists patterns of URLs that are not reported.
	Ignore []*regexp.Regexp
	// Same are the job's rules by which URLs are the same page.
	Same []string
	// Moved reports permanent redirects as well.
	Moved bool
	// Fragments also reports links to places that the pages lack. It reads the bodies of pages,
	// which the crawl must have kept (the format files).
	Fragments bool
}

// Report is what was found.
type Report struct {
	Findings []Finding // by kind, then by URL
	URLs     int       // URLs with a record
	Bodies   int       // pages whose body was read for fragments
	Graph    bool      // there is a link graph, so that findings have their pages
}

// Count returns the number of findings of a kind.
func (r *Report) Count(k Kind) (n int) {
	for _, f := range r.Findings {
		if f.Kind == k {
			n++
		}
	}
	return n
}

// Find reads the results of a crawl and returns its findings. A crawl without a link graph (the
// format links) has only the page that was found first. The error says what could not be read.
func Find(ctx context.Context, crawl *export.Crawl, cfg Config) (*Report, error) {
	b := &book{
		cfg: cfg, identity: rules.NewIdentity(crawler.ScopeSettings{Same: cfg.Same}), seed: maphash.MakeSeed(),
		fates: make(map[string]fate), leads: make(map[string]string),
		parts: make(map[string]string), moves: make(map[string]string),
		found: make(map[string]*entry), known: make(map[string]bool),
	}
	if err := crawl.Last(ctx, b.record); err != nil {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	if err := crawl.Links(ctx, b.link); err != nil {
		return nil, fmt.Errorf("read the links: %w", err)
	}
	if err := b.addFragments(ctx, crawl); err != nil {
		return nil, fmt.Errorf("check fragments: %w", err)
	}
	b.addUnlinked()
	return b.report(), nil
}

// fate is what is known about a URL that does not simply work.
type fate struct {
	kind   Kind
	url    string // as it is recorded
	to     string // its final URL
	status int
	class  crawler.ErrorClass
	reason string
	via    string
}

// book collects what the records say about URLs, and then which pages link to them. Its size
// depends on what does not work or redirects, not on the size of the crawl.
type book struct {
	cfg      Config
	identity rules.Identity
	seed     maphash.Seed
	urls     int
	bodies   int
	graph    bool

	fates map[string]fate   // by key, of URLs with a record of their own
	leads map[string]string // where URLs redirect to that have another record
	parts map[string]string // which record has what happened to a URL on the way of its redirects
	moves map[string]string // where permanent redirects lead
	found map[string]*entry // by kind and URL
	known map[string]bool   // keys of fates that a link leads to
}

// entry is a finding with the pages that were counted.
type entry struct {
	Finding
	seen map[uint64]bool
}

// key returns what URLs of the same page have in common.
func (b *book) key(url string) string {
	if len(b.cfg.Same) == 0 {
		return url
	}
	u, err := crawler.ParseURL(url)
	if err != nil {
		return url
	}
	return b.identity.Key(u)
}

// record learns from the last record of a URL.
func (b *book) record(line *export.Record) error {
	var rec struct { // only these fields, because records may be large
		URL       string             `json:"url"`
		FinalURL  string             `json:"final_url"`
		Redirects []string           `json:"redirects"`
		Status    int                `json:"status"`
		Outcome   crawler.Outcome    `json:"outcome"`
		Error     string             `json:"error"`
		Class     crawler.ErrorClass `json:"error_class"`
		MovedTo   string             `json:"moved_to"`
		Via       string             `json:"via"`
	}
	if err := json.Unmarshal(line.Line, &rec); err != nil {
		return nil // the survey of the crawl counts lines that are no records
	}
	b.urls++
	key := b.key(rec.URL)
	if rec.MovedTo != "" {
		b.moves[key] = rec.MovedTo
	}
	f := fate{
		url: rec.URL, to: rec.FinalURL, status: rec.Status, class: rec.Class, reason: rec.Error, via: rec.Via,
	}
	switch rec.Outcome {
	case crawler.OutcomeRedirected, crawler.OutcomeFollowed:
		if rec.Error == "" {
			b.leads[key] = rec.FinalURL
			return nil
		}
		f.kind = Unchecked // the target is excluded
	case crawler.OutcomeDisallowed, crawler.OutcomeSkipped, crawler.OutcomeBlocked,
		crawler.OutcomePaymentRequired:
		f.kind = Unchecked
	case crawler.OutcomeGone, crawler.OutcomeFailed:
		f.kind = Broken
		if rec.Class == crawler.ErrorBlocked || rec.Class == crawler.ErrorWorker || rec.Status == tooManyRequests {
			f.kind = Unchecked
		}
	default:
		return nil
	}
	b.fates[key] = f
	for _, u := range rec.Redirects {
		b.parts[b.key(u)] = key
	}
	return nil
}

// tooManyRequests is the status of a host that refuses to answer so many requests (RFC 6585, 4).
const tooManyRequests = 429

// fateOf returns what happened to a URL, after redirects, and the key of the URL to which it
// happened. ok is false if the URL works, or if the crawl knows nothing about it.
func (b *book) fateOf(url string) (f fate, key string, ok bool) {
	key = b.key(url)
	for range maxHops + 1 {
		if f, ok = b.fates[key]; ok {
			return f, key, true
		}
		to, leads := b.leads[key]
		if !leads {
			break
		}
		key = b.key(to)
	}
	key = b.parts[key]
	f, ok = b.fates[key]
	return f, key, ok
}

// link adds a link of the link graph to the findings about its URL.
func (b *book) link(line []byte) error {
	var l fetched.LinkRecord
	if err := json.Unmarshal(line, &l); err != nil {
		return nil // a line that is no link; the crawl reports damaged segments
	}
	b.graph = true
	page := Page{l.From, l.Text, l.Kind}
	if f, key, ok := b.fateOf(l.To); ok {
		b.known[key] = true
		b.add(f, l.To, page)
		return nil
	}
	if to, ok := b.moves[b.key(l.To)]; ok && b.cfg.Moved {
		b.add(fate{kind: Moved, to: to}, l.To, page)
	}
	return nil
}

// addUnlinked adds what no link leads to: a seed, or what a sitemap lists. Without a link graph,
// that is every URL, and the record names the first page that led to it.
func (b *book) addUnlinked() {
	for key, f := range b.fates {
		if !b.known[key] {
			b.add(f, f.url, Page{URL: f.via})
		}
	}
}

// add adds a page to the finding about a URL. A page without a URL only makes the finding.
func (b *book) add(f fate, url string, page Page) {
	if slices.ContainsFunc(b.cfg.Ignore, func(re *regexp.Regexp) bool { return re.MatchString(url) }) {
		return
	}
	at := string(f.kind) + url
	e := b.found[at]
	if e == nil {
		e = &entry{seen: make(map[uint64]bool), Finding: Finding{
			Kind: f.kind, URL: url, Status: f.status, Class: f.class, Reason: f.reason, To: f.to, Pages: []Page{},
		}}
		if e.To == url {
			e.To = ""
		}
		b.found[at] = e
	}
	if page.URL != "" {
		e.addPage(page, maphash.String(b.seed, page.URL))
	}
}

// addPage adds a page once, however many links it has. Of many pages, the first by URL are
// listed, so that the report does not depend on the order of the crawl.
func (e *entry) addPage(page Page, hash uint64) {
	i, listed := slices.BinarySearchFunc(e.Pages, page, func(a, b Page) int { return cmp.Compare(a.URL, b.URL) })
	if listed {
		e.Pages[i].Text = cmp.Or(e.Pages[i].Text, page.Text)
		return
	}
	if e.seen[hash] {
		return
	}
	e.seen[hash] = true
	if e.Pages = slices.Insert(e.Pages, i, page); len(e.Pages) > MaxPages {
		e.Pages = e.Pages[:MaxPages]
		e.More++
	}
}

func (b *book) report() *Report {
	r := &Report{URLs: b.urls, Graph: b.graph, Bodies: b.bodies}
	for _, e := range b.found {
		r.Findings = append(r.Findings, e.Finding)
	}
	slices.SortFunc(r.Findings, func(x, y Finding) int {
		byKind := cmp.Compare(slices.Index(Kinds, x.Kind), slices.Index(Kinds, y.Kind))
		return cmp.Or(byKind, cmp.Compare(x.URL, y.URL))
	})
	return r
}
