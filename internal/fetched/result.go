package fetched

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Result is everything that is known about one URL, as sinks keep it.
type Result struct {
	Job       string
	Worker    string
	Entry     queue.Entry
	Outcome   crawler.Outcome
	Reason    string             // why, if it was not fetched or not read properly; otherwise ""
	Class     crawler.ErrorClass // why it failed, if its page does not say; see [Result.ErrorClass]
	Redirects []crawler.URL      // where redirects led, in order
	Page      *Page              // the last page; nil if nothing was requested
	Trail     []*Page            // earlier pages that were recorded: robots.txt, and the sources of redirects
	Document  *Document          // nil if the page was not parsed
	At        time.Time          // when the outcome was decided
	// Rights are what the authority says about the use of the page, besides what the page
	// itself says.
	Rights []crawler.Statement
	// Purpose is what the job's pages are for; "" if it does not say.
	Purpose crawler.Purpose
	// SeedHost is the host that was added to the seeds' hosts because this seed redirects
	// there; "" for none.
	SeedHost crawler.Host
	// Checked says that the URL was only checked: its page was not read.
	Checked bool
	// MovedTo is where the permanent redirects from the URL lead; zero for none, or if the
	// job does not check links.
	MovedTo crawler.URL
	// DuplicateOf is the URL that the page is a copy of; zero if none is known, or if the
	// job does not ask for it.
	DuplicateOf crawler.URL
	// NearDuplicateOf is the URL of an earlier page of the job with nearly the same main
	// text; zero if none is known, or if the job does not ask for it.
	NearDuplicateOf crawler.URL
	// Rendered is how the page was rendered in a browser; nil if it was not.
	Rendered *Rendered
	// Items are what the job's handlers emitted for the page, in order.
	Items []queue.Item
	// Skipped lists URLs that the page led to, or its own, that a rule skips. URLs that
	// were skipped before are missing.
	Skipped []queue.Skipped
	// Change is what became of the page since it was last fetched; "" if that is unknown, or if
	// the job is not continuous.
	Change crawler.PageChange
	// Unrecorded says that the URL has no record: only Skipped is kept.
	Unrecorded bool
	// Earlier is what was known of the page before it was requested; nil if that was nothing.
	Earlier *Earlier
	// Capture is set by the sink that archives the page: the response with its content. It is nil
	// if the page was not archived, or not whole.
	Capture *Capture
	// Outbox is what else the handlers want done when the page is kept: messages that are
	// delivered after the record is safe and before the URL is settled. Only the handlers
	// know its type.
	Outbox any
}

const recordTime = "2006-01-02T15:04:05.000Z07:00"

// Record returns the record of r. withLinks lists the links instead of counting them.
func (r *Result) Record(withLinks bool) crawler.Record {
	rec := crawler.Record{
		URL: r.Entry.URL.String(), FinalURL: r.Entry.URL.String(), Redirects: []string{},
		Outcome: r.Outcome, Error: r.Reason, ErrorClass: r.ErrorClass(), FetchedAt: r.FetchedAt(),
		Depth: r.Entry.Depth, Referrer: r.Entry.Referrer.String(), Links: 0, Job: r.Job, Worker: r.Worker,
		Sitemap: r.Entry.Sitemap, Embeds: r.Entry.Embeds, DuplicateOf: r.DuplicateOf.String(),
		SeedHost:        string(r.SeedHost),
		NearDuplicateOf: r.NearDuplicateOf.String(),
		Checked:         r.Checked, MovedTo: r.MovedTo.String(), Change: r.Change, Rendered: r.Rendered.record(),
	}
	if page := r.Entry.Page; page.Known() {
		rec.Fetch = page.Fetches + 1
	}
	for _, u := range r.Redirects {
		rec.Redirects = append(rec.Redirects, u.String())
		rec.FinalURL = u.String()
	}
	if p := r.Page; p != nil {
		rec.Status = p.Status
		rec.DurationMS = p.Duration.Milliseconds()
		rec.ContentType = p.Header.Get("Content-Type")
		rec.Truncated, rec.Repaired, rec.BlockPage = p.Truncated, p.Repaired, p.BlockPage
		rec.Price, rec.Charged = plain.Printable(urltext.Clip(p.Price())), plain.Printable(urltext.Clip(p.Charged()))
		if p.Fault != nil {
			rec.Fault = string(p.Fault.Kind)
		}
		if p.Body != nil {
			rec.Bytes = p.Body.Size
			rec.Digest = p.Body.digest()
		}
	}
	if d := r.Document; d != nil {
		rec.Charset, rec.Title, rec.Fields = d.Charset, d.Title, d.Fields
		rec.Text, rec.Markdown = d.Text, d.Markdown
		if c := d.MainText; c != nil {
			rec.Extractor, rec.TextShare, rec.Hard, rec.Texts = c.Extractor, &c.TextShare, c.Hard, c.Texts
			rec.Language, rec.DeclaredLanguage, rec.Quality = c.Language, c.DeclaredLanguage, &c.Quality
		}
		rec.CharsetGuessed, rec.MinHash = d.Guessed, d.MinHash
		rec.Canonical, rec.NoIndex, rec.Simhash = d.Canonical.String(), d.NoIndex, d.Simhash
		for _, m := range d.Missing {
			rec.Missing = append(rec.Missing, m.Field)
		}
		rec.Links = linksOf(d, withLinks)
		if d.Resources != nil {
			rec.Resources = resourcesOf(d, withLinks)
		}
	} else if withLinks {
		rec.Links = []string{}
	}
	for _, item := range r.Items {
		rec.Items = append(rec.Items, item.JSON)
	}
	rec.Rights, rec.Usage = r.AllRights()
	rec.SameAs = r.SameAs()
	return rec
}

// FetchedAt returns, in the format of records, when the request for the last page was
// started or, if there was none, when the outcome was decided.
func (r *Result) FetchedAt() string {
	at := r.At
	if r.Page != nil {
		at = r.Page.Started
	}
	return at.UTC().Format(recordTime)
}

// AllRights returns what the page and its authority say together, and its summary; nil if
// that is nothing.
func (r *Result) AllRights() (crawler.Rights, *crawler.Usage) {
	stated := r.stated()
	if len(stated) == 0 {
		return nil, nil
	}
	usage := rights.Of(stated)
	if _, reserved := rights.Reserved(r.Purpose, r.mediaType(), stated); reserved {
		usage.ReservedFor = r.Purpose
	}
	return stated, &usage
}

func (r *Result) stated() []crawler.Statement {
	if r.Document == nil || len(r.Document.Rights) == 0 {
		return r.Rights
	}
	return slices.Concat(r.Rights, r.Document.Rights)
}

// Reserved returns the statement that reserves the page for the job's purpose, and whether
// there is one.
func (r *Result) Reserved() (crawler.Statement, bool) {
	return rights.Reserved(r.Purpose, r.mediaType(), r.stated())
}

func (r *Result) mediaType() string {
	if r.Page == nil {
		return ""
	}
	return r.Page.Header.Get("Content-Type")
}

func linksOf(d *Document, list bool) any {
	if !list {
		return len(d.Links)
	}
	urls := make([]string, len(d.Links))
	for i, l := range d.Links {
		urls[i] = l.URL.String()
	}
	return urls
}

func resourcesOf(d *Document, list bool) any {
	if !list {
		return len(d.Resources)
	}
	urls := make([]string, len(d.Resources))
	for i, u := range d.Resources {
		urls[i] = u.String()
	}
	return urls
}

// Release frees what the pages hold.
func (r *Result) Release() {
	for _, p := range r.Trail {
		p.Release()
	}
	if r.Page != nil {
		r.Page.Release()
	}
}

// ClassOf returns the class of a URL that fails because of a fault of this kind.
func ClassOf(k FaultKind) crawler.ErrorClass {
	if k == FaultResolve {
		return crawler.ErrorDNS
	}
	return crawler.ErrorClass(k)
}

// ErrorClass returns the class of a URL that fails because of the page; "" if nothing is
// wrong with the page.
func (p *Page) ErrorClass() crawler.ErrorClass {
	switch {
	case p == nil:
		return ""
	case p.Fault != nil:
		return ClassOf(p.Fault.Kind)
	case p.BlockPage != "":
		return crawler.ErrorBlockPage
	case p.IsRedirect():
		return crawler.ErrorRedirect
	case p.Status >= 300:
		return crawler.ErrorHTTP
	}
	return ""
}

// ErrorClass says why the URL failed, for good or for now; "" if it did not. It is never ""
// for a URL that failed.
func (r *Result) ErrorClass() crawler.ErrorClass {
	switch {
	case !r.Outcome.Failure():
		return ""
	case r.Class != "":
		return r.Class
	}
	return cmp.Or(r.Page.ErrorClass(), crawler.ErrorConnect) // a host that was given up long ago
}

// Cause returns why a URL failed for good or is gone, as [crawler.Counters.Causes] has it: the HTTP
// status, or the class of the error if there was no response; "" if it did not fail.
func (r *Result) Cause() string {
	switch {
	case !r.Outcome.Final() || !r.Outcome.Failure():
		return ""
	case r.Page != nil && r.Page.Status >= 400 && r.Page.BlockPage == "":
		return strconv.Itoa(r.Page.Status)
	}
	return string(r.ErrorClass())
}

// Needs is what sinks require of the pages that they keep. A crawl reads, records and holds
// only what one of its sinks needs. The zero value means the records alone.
type Needs struct {
	// Bodies says that the sink reads the bodies of pages. Otherwise they are released as
	// soon as they are parsed and handled.
	Bodies bool
	// Verbatim says that bodies should be the server's bytes, without content coding, if
	// nothing else has to read the pages. See [Request.Identity].
	Verbatim bool
	// Exchanges says that the sink keeps whole HTTP exchanges, byte for byte: the
	// Recording of pages.
	Exchanges bool
	// References says that the sink keeps each reference of a page, with its text:
	// [Document.References].
	References bool
	// Article says that the sink keeps the main content of a page with its metadata:
	// [Document.Article].
	Article bool
	// Skipped says that the sink keeps URLs that were skipped without being fetched, when
	// the budget of their host was used up.
	Skipped bool
}

// Or returns what either needs.
func (n Needs) Or(other Needs) Needs {
	return Needs{
		Bodies:     n.Bodies || other.Bodies,
		Verbatim:   n.Verbatim || other.Verbatim,
		Exchanges:  n.Exchanges || other.Exchanges,
		References: n.References || other.References,
		Article:    n.Article || other.Article,
		Skipped:    n.Skipped || other.Skipped,
	}
}

// Download reports whether a job only downloads what it fetches: nothing has to read its pages.
func (n Needs) Download(j crawler.Job) bool {
	return n.Verbatim && !j.Follow && !j.Resources && !j.Renders() && len(j.Select)+len(j.Extract) == 0
}

// ItemBytes returns the total size of the items, in bytes.
func (r *Result) ItemBytes() int64 {
	n := 0
	for _, item := range r.Items {
		n += len(item.JSON)
	}
	return int64(n)
}
