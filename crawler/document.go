package crawler

import (
	"encoding/json"
	"strings"
	"time"
)

// Document is the result of parsing a page.
type Document struct {
	Title      string         // text of the first <title>, white space collapsed, valid UTF-8
	Charset    string         // WHATWG name of the encoding that the body was read in, lower case
	Guessed    bool           // Charset is not declared: it follows from the bytes
	Canonical  URL            // rel=canonical; zero if there isn't one
	Trouble    string         // what could not be read properly, and why; "" if nothing
	NoFollow   bool           // meta robots or X-Robots-Tag forbid following links
	NoIndex    bool           // meta robots or X-Robots-Tag forbid indexing the page
	Rights     Rights         // what the page says about its use, without what robots.txt says
	Links      []Link         // each URL once, in the order of the document
	References []Reference    // the links as written in the page; nil unless requested
	Simhash    string         // fingerprint of the text, 16 hexadecimal digits; "" unless requested, or if there is no text
	Resources  []URL          // what the page embeds, each once; nil unless requested
	Fields     map[string]any // what the job extracts, by name; nil for nothing; see below
	Missing    []Missing      // required fields that the page lacks
	Text       string         // the main text, without what surrounds it; "" unless requested, or if there isn't one
	Markdown   string         // the main content as Markdown, with absolute links; "" as for Text
	MainText   *MainText      // how the main text was found; nil unless it was requested
	Tree       any            // the page as the parser's tree, for the job's handlers; nil unless requested
	Article    *Article       // the main content, for a file of its own; nil unless requested, or if there isn't one
	Sitemap    bool           // the page is a sitemap: its links are the site's list of its pages
	Fault      string         // why a sitemap could not be read completely; Links has what came before
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

// Link is a URL that a document points to.
type Link struct {
	URL      URL
	NoFollow bool    // rel=nofollow on every reference to it
	Sitemap  bool    // an index of sitemaps lists it, or a page names it as its feed
	Early    bool    // a sitemap says that it matters more than others, or changed recently
	Rules    RuleSet // the job's follow rules whose selector matched it
}

// Rights are what a site says about the use of a page, apart from crawling it. They are
// recorded, not enforced: what they mean for a use is for its user to decide. The zero
// Rights mean that the site says nothing.
type Rights struct {
	// NoAI and NoImageAI are the values noai and noimageai of meta robots or X-Robots-Tag:
	// the page, or its images, may not be used for training.
	NoAI      bool `json:"noai,omitempty"`
	NoImageAI bool `json:"noimageai,omitempty"`
	// TDMReservation is "1" if the rights to text and data mining are reserved, "0" if the
	// site says that they are not (TDM Reservation Protocol, in a header or a meta
	// element); "1" if it says both.
	TDMReservation json.Number `json:"tdm_reservation,omitempty"`
	// TDMPolicy is an absolute URL at which the licence can be read.
	TDMPolicy string `json:"tdm_policy,omitempty"`
	// ContentSignal is what the Content-Signal lines of robots.txt say to our product
	// token, such as "ai-train": "no" (contentsignals.org).
	ContentSignal map[string]string `json:"content_signal,omitempty"`
}

// empty reports whether the site says nothing.
func (r Rights) empty() bool {
	return !r.NoAI && !r.NoImageAI && r.TDMReservation == "" && r.TDMPolicy == "" && len(r.ContentSignal) == 0
}

// RobotsPolicy is what the robots.txt of one authority means for one job (RFC 9309).
type RobotsPolicy struct {
	// Allowed reports whether a URL of the authority may be fetched. It is nil if
	// robots.txt could not be fetched: then nothing may be.
	Allowed func(URL) bool
	// Text is the robots.txt that applies. It is nil if the job ignores it, or if it could
	// not be fetched.
	Text *RobotsText
	// Delay is the Crawl-delay; 0 if there isn't one.
	Delay time.Duration
	// Sitemaps are the sitemaps that it names, for a job that reads them.
	Sitemaps []URL
	// Signals is what the Content-Signal lines say, by purpose: "yes" or "no". It is nil if
	// there are none, and must not be changed.
	Signals map[string]string
	// Unavailable says why robots.txt could not be fetched; "" if it could.
	Unavailable string
	// Class says why the host could not be reached or sent no complete response, if Allowed
	// is nil: then its URLs fail. It is "" if the host responded that robots.txt is
	// unavailable: then they are disallowed.
	Class ErrorClass
	// Again is the time until an unavailable robots.txt may be requested again; 0 if it is
	// given up.
	Again time.Duration
}

// These types describe how a visit stores where pages lead, in a job in which depth decides
// what is admitted ([Job.DepthLimit]). A page may turn out to be nearer to a seed after its
// links were admitted or rejected as too deep. Then they are admitted again, at the smaller
// depth, without fetching the page again.

// Outlinks is what a page leads to, whether or not it is close enough now.
type Outlinks struct {
	Page  URL // as it was admitted
	Depth int // depth of the page when it was taken
	Links []Outlink
}

// Outlink is a URL that a page leads to.
type Outlink struct {
	Entry Entry // its Depth is relative to the page: 0 or 1
	Most  int   // the largest depth at which it is admitted; -1 for any
}

// At returns the entries to admit if the page has the given depth.
func (o Outlinks) At(depth int) []Entry {
	entries := make([]Entry, 0, len(o.Links))
	for _, l := range o.Links {
		if l.Entry.Depth += depth; l.Most < 0 || l.Entry.Depth <= l.Most {
			entries = append(entries, l.Entry)
		}
	}
	return entries
}

// What a record says about other URLs, so that URLs whose own records were lost can be
// found again.

// Leads returns the URLs that a record names, as the entries that the crawl would make of
// them. Some may be out of scope, because the record also has links that were not followed.
// It does not matter whether the record was read from JSON or just created. Lists that the
// record has only as numbers are missing; see [Record.Unlisted].
func (rec Record) Leads() []Entry {
	at, err := ParseURL(rec.FinalURL)
	if err != nil {
		return nil
	}
	var all []Entry
	add := func(text string, e Entry) {
		if e.URL, err = ParseURL(text); err == nil {
			all = append(all, e)
		}
	}
	listed, _ := listOf(rec.Links)
	resources, _ := listOf(rec.Resources)
	for _, text := range listed {
		add(text, Entry{Referrer: at, Depth: rec.Depth + 1})
	}
	for _, text := range resources {
		add(text, Entry{Referrer: at, Depth: rec.Depth + 1, Embeds: rec.Embeds + 1})
	}
	for _, text := range append([]string{rec.Canonical, rec.DuplicateOf}, rec.Redirects...) {
		add(text, Entry{Referrer: at, Depth: rec.Depth, Sitemap: rec.Sitemap, Embeds: rec.Embeds})
	}
	return all
}

// Parent returns the page that led to the record's URL, as an entry. It returns false if no
// page is known to: a seed has none, and what a sitemap or robots.txt lists was not found
// on a page.
func (rec Record) Parent() (Entry, bool) {
	u, err := ParseURL(rec.Referrer)
	if err != nil || rec.Sitemap > 0 {
		return Entry{}, false
	}
	return Entry{URL: u, Depth: max(0, rec.Depth-1), Embeds: max(0, rec.Embeds-1)}, true
}

// Unlisted reports whether the page led to URLs that the record does not list.
func (rec Record) Unlisted() bool {
	_, links := listOf(rec.Links)
	_, resources := listOf(rec.Resources)
	return rec.Sitemap > 0 || links > 0 || resources > 0
}

// Own returns the entry of the record itself.
func (rec Record) Own() (Entry, error) {
	u, err := ParseURL(rec.URL)
	e := Entry{URL: u, Depth: rec.Depth, Sitemap: rec.Sitemap, Embeds: rec.Embeds}
	if via, failed := ParseURL(rec.Referrer); failed == nil {
		e.Referrer = via
	}
	return e, err
}

// Followed returns the URLs that have no record of their own because they are part of this
// one: those that redirects within the host led to.
func (rec Record) Followed() []URL {
	led := rec.Redirects
	if rec.Outcome == OutcomeRedirected && len(led) > 0 {
		led = led[:len(led)-1] // the last URL has, or had, its own turn
	}
	var all []URL
	for _, text := range led {
		if u, err := ParseURL(text); err == nil {
			all = append(all, u)
		}
	}
	return all
}

// listOf returns a list of URLs, or the number of URLs that are not listed.
func listOf(links any) (listed []string, unlisted int) {
	switch v := links.(type) {
	case []string:
		return v, 0
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				listed = append(listed, text)
			}
		}
	case int:
		return nil, v
	case float64:
		return nil, int(v)
	}
	return listed, 0
}
