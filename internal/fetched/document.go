package fetched

import (
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/minhash"
	"github.com/trawlcrawler/trawl/internal/need"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Document is the result of parsing a page.
type Document struct {
	Title      string              // text of the first <title>, white space collapsed, valid UTF-8
	Charset    string              // WHATWG name of the encoding that the body was read in, lower case
	Guessed    bool                // Charset is not declared: it follows from the bytes
	Canonical  crawler.URL         // rel=canonical; zero if there isn't one
	Trouble    string              // what could not be read properly, and why; "" if nothing
	NoFollow   bool                // meta robots or X-Robots-Tag forbid following links
	NoIndex    bool                // meta robots or X-Robots-Tag forbid indexing the page
	Rights     []crawler.Statement // what the page says about its use, without what robots.txt says
	Links      []rules.Link        // each URL once, in the order of the document
	References []Reference         // the links as written in the page; nil unless requested
	// Fingerprint of the text, 16 hexadecimal digits; "" unless requested, or if there is no text.
	Simhash string
	// Bands of a sketch of the main text, see [minhash.Sketch.Bands]; nil unless requested, or if
	// there is no text.
	MinHash []string
	// A sketch of the main text, to compare pages; nil unless the job compares them, or if there is
	// no text.
	Sketch    *minhash.Sketch
	Resources []crawler.URL  // what the page embeds, each once; nil unless requested
	Fields    map[string]any // what the job extracts, by name; nil for nothing; see below
	Missing   []Missing      // required fields that the page lacks
	Text      string         // the main text, without what surrounds it; "" unless requested, or if there isn't one
	Markdown  string         // the main content as Markdown, with absolute links; "" as for Text
	// Fingerprint is a fingerprint of the main text, which differs in few bits from those of
	// similar texts; nil unless requested, or if there is no main text.
	Fingerprint *uint32
	MainText    *MainText   // how the main text was found; nil unless it was requested
	Tree        any         // the page as the parser's tree, for the job's handlers; nil unless requested
	Article     *Article    // the main content, for a file of its own; nil unless requested, or if there isn't one
	Signs       *need.Signs // what its markup says about whether its scripts make the page; nil unless requested
	Sitemap     bool        // the page is a sitemap: its links are the site's list of its pages
	// Dates are the pages of a sitemap with when it says that they were modified; nil unless
	// requested.
	Dates []announce.Entry
	// Keeps is for how long a feed stays as it is, as it says itself; 0 if it does not.
	Keeps time.Duration
	Fault string // why a sitemap could not be read completely; Links has what came before
}

// The value of a field is a string (text, html, url, and dates in ISO 8601), a json.Number,
// or a map[string]any of fields. JSON-LD that is taken unchanged may have any JSON value. A
// list is a []any of these, empty for nothing.

// Missing is a required field that a page lacks.
type Missing struct {
	Field string // "price", or nested: "reviews.author"
	Why   string // the reason, for people to read
}

// MissingText says which required fields the page lacks; "" if none.
func (d *Document) MissingText() string {
	if len(d.Missing) == 0 {
		return ""
	}
	words := make([]string, len(d.Missing))
	for i, m := range d.Missing {
		words[i] = m.Field + ": " + m.Why
	}
	return "required fields are missing: " + strings.Join(words, "; ")
}

// Unread reports whether only the headers of the page were read.
func (d *Document) Unread() bool { return d == nil || d.Charset == "" && !d.Sitemap }

// Article is the main content of a page, without what surrounds it, for a file of its own.
type Article struct {
	Markdown  string
	Author    string    // "" if the page names none
	Site      string    // the name of the site; "" if the page does not name it
	Language  string    // of the page, as the page declares it: a BCP 47 tag; "" if it declares none
	Published time.Time // zero if the page does not say
}

// RobotsPolicy is what the robots.txt of one authority means for one job (RFC 9309).
type RobotsPolicy struct {
	// Allowed reports whether a URL of the authority may be fetched. It is nil if
	// robots.txt could not be fetched: then nothing may be.
	Allowed func(crawler.URL) bool
	// Text is the robots.txt that applies. It is nil if the job ignores it, or if it could
	// not be fetched.
	Text *RobotsText
	// Delay is the Crawl-delay; 0 if there isn't one.
	Delay time.Duration
	// Sitemaps are the sitemaps that it names, for a job that reads them.
	Sitemaps []crawler.URL
	// Rights returns what the authority says about the use of a URL, besides what its page
	// says. It is nil if that is nothing.
	Rights func(crawler.URL) []crawler.Statement
	// Unavailable says why robots.txt could not be fetched; "" if it could.
	Unavailable string
	// Class says why the host could not be reached or sent no complete response, if Allowed
	// is nil: then its URLs fail. It is "" if the host responded that robots.txt is
	// unavailable: then they are disallowed.
	Class crawler.ErrorClass
	// Again is the time until an unavailable robots.txt may be requested again; 0 if it is
	// given up.
	Again time.Duration
}

// These types describe how a visit stores where pages lead, in a job in which depth decides
// what is admitted ([crawler.Job.DepthLimit]). A page may turn out to be nearer to a seed after its
// links were admitted or rejected as too deep. Then they are admitted again, at the smaller
// depth, without fetching the page again.

// Outlinks is what a page leads to, whether or not it is close enough now.
type Outlinks struct {
	Page  crawler.URL // as it was admitted
	Depth int         // depth of the page when it was taken
	Links []Outlink
}

// Outlink is a URL that a page leads to.
type Outlink struct {
	Entry queue.Entry // its Depth is relative to the page: 0 or 1
	Most  int         // the largest depth at which it is admitted; -1 for any
}

// At returns the entries to admit if the page has the given depth.
func (o Outlinks) At(depth int) []queue.Entry {
	entries := make([]queue.Entry, 0, len(o.Links))
	for _, l := range o.Links {
		if l.Entry.Depth += depth; l.Most < 0 || l.Entry.Depth <= l.Most {
			entries = append(entries, l.Entry)
		}
	}
	return entries
}
