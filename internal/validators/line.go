package validators

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Name is the beginning of the names of files with lines.
const Name = "validators"

// Line is what is remembered of a page whose content is on record, as JSON.
type Line struct {
	URL          string         `json:"url"` // of the last request, after redirects within the host
	ETag         string         `json:"etag,omitempty"`
	LastModified string         `json:"last_modified,omitempty"`
	Record       crawler.SameAs `json:"record"` // the record that has the content
	// Unchanged counts the responses since then that said that nothing has changed. If it is 0, the
	// record is in the same output as the line.
	Unchanged int      `json:"unchanged,omitempty"`
	Reading   string   `json:"reading,omitempty"` // see [Reading]
	Capture   *capture `json:"capture,omitempty"`
	Page      *page    `json:"page,omitempty"` // what was read in the page; nil if it was not parsed
}

// capture is a [fetched.Capture].
type capture struct {
	ID      string    `json:"id"`
	URL     string    `json:"url"`
	Date    time.Time `json:"date"`
	Payload string    `json:"payload"`
}

// page is the part of a document that decides about links.
type page struct {
	Title     string              `json:"title,omitempty"`
	Charset   string              `json:"charset,omitempty"`
	Canonical string              `json:"canonical,omitempty"`
	Simhash   string              `json:"simhash,omitempty"`
	NoFollow  bool                `json:"nofollow,omitempty"`
	NoIndex   bool                `json:"noindex,omitempty"`
	Rights    []crawler.Statement `json:"rights,omitempty"`
	// Links has each link as text: its marks and a space, if it has any, and then its URL. A URL of
	// the page's own origin is only a path.
	Links     links    `json:"links,omitempty"`
	Resources []string `json:"resources,omitempty"` // as Links
	// References has the references of a page, for jobs that keep the link graph.
	References []reference `json:"references,omitempty"`
}

// reference is a [fetched.Reference]. Its URL is written as in Links.
type reference struct {
	URL      string                `json:"u"`
	Text     string                `json:"t,omitempty"`
	Rel      string                `json:"r,omitempty"`
	NoFollow bool                  `json:"n,omitempty"`
	Kind     fetched.ReferenceKind `json:"k"`
}

// Reading identifies the settings by which pages of a job are read. A page that was read with
// other settings is fetched whole, because its record lacks what the job now wants.
func Reading(j crawler.Job, needs fetched.Needs) string {
	sum := fnv.New64a()
	// Encoding cannot fail: these are strings, numbers and lists of them.
	_ = json.NewEncoder(sum).Encode([]any{
		"1", j.Select, j.Extract, j.FollowRules, j.Follow, j.Resources, j.Simhash, j.Text, j.Markdown, j.MinHash,
		j.Extractor, j.NearDuplicates, j.AcceptMarkdown, j.Sitemaps, j.ProductToken(), j.BodyLimit, j.Cookies,
		needs.Article, needs.References, needs.Exchanges,
	})
	return hex.EncodeToString(sum.Sum(nil))
}

// LineOf returns what should be remembered of a result. It returns false if nothing should be,
// because the content is not on record, or not whole.
func LineOf(r *fetched.Result, reading string) (Line, bool) {
	p := r.Page
	switch {
	case p == nil || r.Checked || r.Unrecorded || r.Reason != "" || p.Fault != nil || p.BlockPage != "":
		return Line{}, false
	case r.Outcome == crawler.OutcomeNotModified && r.Earlier != nil:
		return renewed(r, reading), true
	case r.Outcome != crawler.OutcomeFetched || p.Status != http.StatusOK || p.Body == nil || p.Truncated:
		return Line{}, false
	case r.Document != nil && r.Document.Sitemap: // its links carry more than the links of pages
		return Line{}, false
	}
	rec := r.Entry.URL.String()
	l := Line{
		URL: p.URL.String(), Reading: reading, Capture: captureOf(r.Capture),
		Record: crawler.SameAs{URL: rec, FetchedAt: r.FetchedAt(), Job: r.Job,
			Digest: "sha256:" + hex.EncodeToString(p.Body.Digest[:])},
	}
	if was := r.SameAs(); was != nil { // that record stays the one that others refer to, as its response does
		l.Record, l.Unchanged = *was, 1
	}
	if l.ETag, l.LastModified = Usable(p.Header, p.Started.Add(p.Duration)); l.ETag == "" && l.LastModified == "" {
		return l, true // the digest tells whether the content changes
	}
	l.Page = pageOf(r.Document, p.URL)
	return l, true
}

// renewed returns the line of a page that has not changed. RFC 9111, 4.3.4: the validators of the
// response replace those that were sent.
func renewed(r *fetched.Result, reading string) Line {
	e := r.Earlier
	l := Line{
		URL: r.Page.URL.String(), ETag: e.ETag, LastModified: e.LastModified, Record: e.Record,
		Unchanged: e.Unchanged + 1, Reading: reading, Capture: captureOf(e.Capture),
		Page: pageOf(e.Document, r.Page.URL),
	}
	etag, date := Usable(r.Page.Header, r.Page.Started.Add(r.Page.Duration))
	if etag != "" {
		l.ETag = etag
	}
	if date != "" {
		l.LastModified = date
	}
	return l
}

// Earlier returns what a line says. The document has the links of the page.
func (l Line) Earlier() (*fetched.Earlier, error) {
	e := &fetched.Earlier{ETag: l.ETag, LastModified: l.LastModified, Record: l.Record, Unchanged: l.Unchanged}
	u, err := crawler.ParseURL(l.URL)
	if err != nil {
		return nil, err
	}
	if e.Capture, err = l.Capture.capture(); err != nil {
		return nil, err
	}
	if l.Page != nil {
		e.Document, err = l.Page.document(u)
	}
	return e, err
}

func captureOf(c *fetched.Capture) *capture {
	if c == nil {
		return nil
	}
	return &capture{hex.EncodeToString(c.ID[:]), c.URL, c.Date.UTC(), hex.EncodeToString(c.Payload[:])}
}

func (c *capture) capture() (*fetched.Capture, error) {
	if c == nil {
		return nil, nil
	}
	out := &fetched.Capture{URL: c.URL, Date: c.Date}
	for _, part := range []struct {
		into []byte
		text string
	}{{out.ID[:], c.ID}, {out.Payload[:], c.Payload}} {
		if b, err := hex.DecodeString(part.text); err != nil || copy(part.into, b) != len(b) || len(b) != len(part.into) {
			return nil, fmt.Errorf("%q is not the digest or ID of an archived response", part.text)
		}
	}
	return out, nil
}

func pageOf(d *fetched.Document, at crawler.URL) *page {
	if d == nil {
		return nil
	}
	p := &page{Title: d.Title, Charset: d.Charset, Canonical: d.Canonical.String(), Simhash: d.Simhash,
		NoFollow: d.NoFollow, NoIndex: d.NoIndex, Rights: d.Rights}
	origin := at.Origin()
	if n := len(d.Links); n > 0 {
		p.Links = make(links, n)
	}
	for i, l := range d.Links {
		p.Links[i] = marksOf(l) + shorter(l.URL, origin)
	}
	for _, u := range d.Resources {
		p.Resources = append(p.Resources, shorter(u, origin))
	}
	for _, r := range d.References {
		p.References = append(p.References, reference{shorter(r.URL, origin), r.Text, r.Rel, r.NoFollow, r.Kind})
	}
	return p
}

func (p *page) document(at crawler.URL) (*fetched.Document, error) {
	d := &fetched.Document{Title: p.Title, Charset: p.Charset, Simhash: p.Simhash, NoFollow: p.NoFollow,
		NoIndex: p.NoIndex, Rights: p.Rights}
	var err error
	if p.Canonical != "" {
		if d.Canonical, err = crawler.ParseURL(p.Canonical); err != nil {
			return nil, err
		}
	}
	origin := at.Origin()
	if n := len(p.Links); n > 0 {
		d.Links = make([]rules.Link, n)
	}
	for i, text := range p.Links {
		if d.Links[i], err = linkOf(text, origin); err != nil {
			return nil, err
		}
	}
	for _, text := range p.Resources {
		u, err := longer(text, origin)
		if err != nil {
			return nil, err
		}
		d.Resources = append(d.Resources, u)
	}
	for _, r := range p.References {
		u, err := longer(r.URL, origin)
		if err != nil {
			return nil, err
		}
		d.References = append(d.References,
			fetched.Reference{URL: u, Text: r.Text, Rel: r.Rel, NoFollow: r.NoFollow, Kind: r.Kind})
	}
	return d, nil
}

// Marks before the URL of a link.
const (
	markNoFollow = 'n'
	markSitemap  = 's'
	markEarly    = 'e'
	markRules    = 'r' // the rules follow, in hexadecimal
)

// marksOf returns the marks of a link, and a space; "" if it has none.
func marksOf(l rules.Link) string {
	if l == (rules.Link{URL: l.URL}) {
		return ""
	}
	var marks []byte
	for _, m := range []struct {
		set  bool
		mark byte
	}{{l.NoFollow, markNoFollow}, {l.Sitemap, markSitemap}, {l.Early, markEarly}} {
		if m.set {
			marks = append(marks, m.mark)
		}
	}
	if l.Rules != 0 {
		marks = fmt.Appendf(append(marks, markRules), "%x", uint64(l.Rules))
	}
	return string(append(marks, ' '))
}

func linkOf(text, origin string) (l rules.Link, err error) {
	marks, url, marked := strings.Cut(text, " ")
	if !marked {
		marks, url = "", text
	}
	if marks, set, ok := strings.Cut(marks, string(markRules)); ok || marked {
		l.NoFollow = strings.ContainsRune(marks, markNoFollow)
		l.Sitemap = strings.ContainsRune(marks, markSitemap)
		l.Early = strings.ContainsRune(marks, markEarly)
		if ok {
			if _, err := fmt.Sscanf(set, "%x", (*uint64)(&l.Rules)); err != nil {
				return l, fmt.Errorf("%q has no follow rules: %w", text, err)
			}
		}
	}
	l.URL, err = longer(url, origin)
	return l, err
}

// shorter returns a URL without its origin, if that is the one of the page.
func shorter(u crawler.URL, origin string) string {
	text := u.String()
	if rest, ok := strings.CutPrefix(text, origin); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return text
}

func longer(text, origin string) (crawler.URL, error) {
	if strings.HasPrefix(text, "/") {
		text = origin + text
	}
	return crawler.ParseURL(text)
}
