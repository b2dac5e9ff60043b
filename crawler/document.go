package crawler

import (
	"strings"
	"time"
)

// Document is what parsing made of a page.
type Document struct {
	Title      string         // text of the first <title>, white space collapsed, valid UTF-8
	Charset    string         // WHATWG name of the encoding that the body was read in, lower case
	Canonical  URL            // rel=canonical; zero when there is none
	Trouble    string         // what could not be read as it should, and why; "" when all was
	NoFollow   bool           // meta robots or X-Robots-Tag forbid to follow links
	NoIndex    bool           // meta robots or X-Robots-Tag forbid to index the page
	Rights     Rights         // what the page says about its use; without what robots.txt says
	Links      []Link         // each URL once, in the order of the document
	References []Reference    // the links as they stand in the page; nil where nobody asks for them
	Simhash    string         // of the text, 16 hexadecimal digits; "" where nobody asks for it, or there is no text
	Resources  []URL          // what the page embeds, each once; nil where nobody asks for it
	Fields     map[string]any // what the job extracts, by name: nil for nothing; see below
	Missing    []Missing      // required fields that the page lacks
	Text       string         // the main text, without what surrounds it; "" where nobody asks for it, or there is none
	Markdown   string         // the main content as Markdown, with absolute links; "" as Text
	Tree       any            // the page as a tree, for the job's handlers, as the parser has it; nil where nobody asks for it
	Article    *Article       // what the page is about, for a file of its own; nil where nobody asks for it, or it is about nothing
	Sitemap    bool           // it is a sitemap: its links are a site's list of its pages
	Fault      string         // why not all of a sitemap could be read; what came before it is in Links
}

// The value of a field is a string (text, html, url, and dates as ISO 8601 has
// them), a json.Number, a map[string]any of fields, or, of JSON-LD that is taken as
// it is, whatever JSON has; of a list a []any of these, empty for nothing.

// Missing is a required field that a page lacks.
type Missing struct {
	Field string // "price"; in others "reviews.author"
	Why   string // for a person
}

// missing words what the page lacks; "" when that is nothing.
func (d *Document) missing() string {
	if len(d.Missing) == 0 {
		return ""
	}
	words := make([]string, len(d.Missing))
	for i, m := range d.Missing {
		words[i] = m.Field + ": " + m.Why
	}
	return "required fields are missing: " + strings.Join(words, "; ")
}

// unread reports whether nothing but the page's headers was read.
func (d *Document) unread() bool { return d == nil || d.Charset == "" && !d.Sitemap }

// Article is what a page is about, without what surrounds it, as a file of its own
// has it.
type Article struct {
	Markdown  string
	Author    string    // "" where the page names none
	Site      string    // the name of the site; "" where the page names none
	Language  string    // of the page, as it says: a BCP 47 tag; "" where it says none
	Published time.Time // zero where the page does not say
}

// Link is a URL that a document points to.
type Link struct {
	URL      URL
	NoFollow bool    // rel=nofollow on every reference to it
	Sitemap  bool    // an index of sitemaps lists it as one
	Early    bool    // a sitemap says that it matters more than others, or has changed of late
	Rules    RuleSet // the job's follow rules whose selector it is found with
}
