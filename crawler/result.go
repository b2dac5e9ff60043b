package crawler

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Result is everything that is known about one URL, as sinks keep it.
type Result struct {
	Job       string
	Worker    string
	Entry     Entry
	Outcome   Outcome
	Reason    string     // why, if it was not fetched or not read properly; otherwise ""
	Class     ErrorClass // why it failed, if its page does not say; see [Result.ErrorClass]
	Redirects []URL      // where redirects led, in order
	Page      *Page      // the last page; nil if nothing was requested
	Trail     []*Page    // earlier pages that were recorded: robots.txt, and the sources of redirects
	Document  *Document  // nil if the page was not parsed
	At        time.Time  // when the outcome was decided
	// Signals are the Content-Signals of the robots.txt that allowed the page. The map is
	// shared and must not be changed.
	Signals map[string]string
	// SeedHost is the host that was added to the seeds' hosts because this seed redirects
	// there; "" for none.
	SeedHost Host
	// DuplicateOf is the URL that the page is a copy of; zero if none is known, or if the
	// job does not ask for it.
	DuplicateOf URL
	// Items are what the job's handlers emitted for the page, in order.
	Items []Item
	// Skipped lists URLs that the page led to, or its own, that a rule skips. URLs that
	// were skipped before are missing.
	Skipped []Skipped
	// Unrecorded says that the URL has no record: only Skipped is kept.
	Unrecorded bool
	// Outbox is what else the handlers want done when the page is kept: messages that are
	// delivered after the record is safe and before the URL is settled. Only the handlers
	// know its type.
	Outbox any
}

// Record is the JSON form of a Result: one line of JSONL.
type Record struct {
	URL         string         `json:"url"`
	FinalURL    string         `json:"final_url"`
	Redirects   []string       `json:"redirects"`
	SeedHost    string         `json:"seed_host,omitempty"` // the host that was added to the seeds' hosts because this seed redirects there
	Status      int            `json:"status"`
	Outcome     Outcome        `json:"outcome"`
	Error       string         `json:"error"`
	ErrorClass  ErrorClass     `json:"error_class,omitempty"` // why it failed, in one word
	Fault       FaultKind      `json:"fault,omitempty"`       // kind of problem with the request, even if the page was kept as far as it arrived
	Repaired    []string       `json:"repaired,omitempty"`    // what was malformed in the response and was read anyway
	FetchedAt   string         `json:"fetched_at"`            // RFC 3339, milliseconds, UTC
	DurationMS  int64          `json:"duration_ms"`
	ContentType string         `json:"content_type"`
	Charset     string         `json:"charset"`
	Bytes       int64          `json:"bytes"`
	Truncated   bool           `json:"truncated,omitempty"`
	Digest      string         `json:"digest"` // "sha256:" and hexadecimal digits; "" without a body
	Title       string         `json:"title"`
	Canonical   string         `json:"canonical,omitempty"`    // the canonical form that the page names
	DuplicateOf string         `json:"duplicate_of,omitempty"` // the URL whose record has the same content
	Simhash     string         `json:"simhash,omitempty"`      // fingerprint of the text, 16 hexadecimal digits
	NoIndex     bool           `json:"noindex,omitempty"`      // the page asks not to be indexed
	Rights      *Rights        `json:"rights,omitempty"`       // what the site says about the use of the page
	Depth       int            `json:"depth"`
	Referrer    string         `json:"via"`
	Links       any            `json:"links"`               // their number, or their list
	Resources   any            `json:"resources,omitempty"` // like Links, if the job asks for them
	Sitemap     int            `json:"sitemap,omitempty"`   // level of a sitemap: 1 if robots.txt named it, one more for each index
	Embeds      int            `json:"embeds,omitempty"`    // resources in a row that led here from a page; 0 for a page
	Job         string         `json:"job"`
	Worker      string         `json:"worker"`
	Path        string         `json:"path,omitempty"` // where the body was kept, relative to the output
	Fields      map[string]any `json:"fields,omitempty"`
	Missing     []string       `json:"missing,omitempty"`  // required fields that the page lacks
	Text        string         `json:"text,omitempty"`     // the main text, if the job asks for it
	Markdown    string         `json:"markdown,omitempty"` // the main content as Markdown, if the job asks for it
	// Extractor is what found the main text, such as "auto/main"; "" if the job does not ask
	// for the text.
	Extractor string `json:"extractor,omitempty"`
	// TextShare is which share of the page's words the main text has, from 0 to 1; nil as
	// for Extractor.
	TextShare *float64 `json:"text_share,omitempty"`
	// Hard says why the main text is uncertain; "" if it is not.
	Hard string `json:"hard,omitempty"`
	// Language is the language of the main text as its words tell it (ISO 639-3), and
	// DeclaredLanguage as the page declares it; "" if there isn't one.
	Language         string `json:"language,omitempty"`
	DeclaredLanguage string `json:"declared_language,omitempty"`
	// Quality has counters of the main text; nil as for Extractor.
	Quality *Quality `json:"quality,omitempty"`
	// CharsetGuessed says that the page does not declare Charset: it follows from its bytes.
	CharsetGuessed bool `json:"charset_guessed,omitempty"`
	// Texts are what the job's other extractors found, by their names.
	Texts map[string]OtherText `json:"texts,omitempty"`
	// Items are what handlers emitted, each as JSON.
	Items []json.RawMessage `json:"items,omitempty"`
}

const recordTime = "2006-01-02T15:04:05.000Z07:00"

// Record returns the record of r. withLinks lists the links instead of counting them.
func (r *Result) Record(withLinks bool) Record {
	rec := Record{
		URL: r.Entry.URL.String(), FinalURL: r.Entry.URL.String(), Redirects: []string{},
		Outcome: r.Outcome, Error: r.Reason, ErrorClass: r.ErrorClass(), FetchedAt: r.FetchedAt(),
		Depth: r.Entry.Depth, Referrer: r.Entry.Referrer.String(), Links: 0, Job: r.Job, Worker: r.Worker,
		Sitemap: r.Entry.Sitemap, Embeds: r.Entry.Embeds, DuplicateOf: r.DuplicateOf.String(), SeedHost: string(r.SeedHost),
	}
	for _, u := range r.Redirects {
		rec.Redirects = append(rec.Redirects, u.String())
		rec.FinalURL = u.String()
	}
	if p := r.Page; p != nil {
		rec.Status = p.Status
		rec.DurationMS = p.Duration.Milliseconds()
		rec.ContentType = p.Header.Get("Content-Type")
		rec.Truncated, rec.Repaired = p.Truncated, p.Repaired
		if p.Fault != nil {
			rec.Fault = p.Fault.Kind
		}
		if p.Body != nil {
			rec.Bytes = p.Body.Size
			rec.Digest = "sha256:" + hex.EncodeToString(p.Body.Digest[:])
		}
	}
	if d := r.Document; d != nil {
		rec.Charset, rec.Title, rec.Fields = d.Charset, d.Title, d.Fields
		rec.Text, rec.Markdown = d.Text, d.Markdown
		if c := d.MainText; c != nil {
			rec.Extractor, rec.TextShare, rec.Hard, rec.Texts = c.Extractor, &c.TextShare, c.Hard, c.Texts
			rec.Language, rec.DeclaredLanguage, rec.Quality = c.Language, c.DeclaredLanguage, &c.Quality
		}
		rec.CharsetGuessed = d.Guessed
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
	if rights := r.rights(); !rights.empty() {
		rec.Rights = &rights
	}
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

// rights returns what the page and its robots.txt say together.
func (r *Result) rights() (rights Rights) {
	if r.Document != nil {
		rights = r.Document.Rights
	}
	rights.ContentSignal = r.Signals
	return rights
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

// JSON encodes the record as one line, without a newline. It is valid UTF-8 whatever the
// web sent. The characters &, < and > are not escaped, so that URLs can be read and
// searched for.
func (rec Record) JSON() ([]byte, error) {
	w := recordWriters.Get().(*recordWriter)
	defer recordWriters.Put(w)
	w.line.Reset()
	if err := w.encoder.Encode(&rec); err != nil {
		return nil, err
	}
	return bytes.Clone(bytes.TrimSuffix(w.line.Bytes(), []byte("\n"))), nil
}

// AppendJSON appends the record to lines, encoded as by JSON, with a newline. A page may
// have tens of megabytes of items; they are already JSON, and are copied only once.
func (rec Record) AppendJSON(lines []byte) ([]byte, error) {
	items := rec.Items
	if !slices.ContainsFunc(items, func(item json.RawMessage) bool { return bytes.IndexByte(item, '\n') >= 0 || !json.Valid(item) }) {
		rec.Items = nil // otherwise the encoder compacts or rejects them
	}
	line, err := rec.JSON()
	if err != nil {
		return lines, err
	}
	if len(items) == 0 || rec.Items != nil {
		return append(append(lines, line...), '\n'), nil
	}
	const field = `,"items":[`
	size := len(line) + len(field) + len("]}\n")
	for _, item := range items {
		size += len(item) + len(",")
	}
	lines = append(append(slices.Grow(lines, size), line[:len(line)-len("}")]...), field...)
	for i, item := range items {
		if i > 0 {
			lines = append(lines, ',')
		}
		lines = append(lines, item...)
	}
	return append(lines, "]}\n"...), nil
}

// recordWriter is an encoder with its output buffer.
type recordWriter struct {
	line    bytes.Buffer
	encoder *json.Encoder
}

var recordWriters = sync.Pool{New: func() any {
	w := new(recordWriter)
	w.encoder = json.NewEncoder(&w.line)
	w.encoder.SetEscapeHTML(false)
	return w
}}

// Release frees what the pages hold.
func (r *Result) Release() {
	for _, p := range r.Trail {
		p.Release()
	}
	if r.Page != nil {
		r.Page.Release()
	}
}

// Outcome is the fate of one URL. The set is closed: every URL that was ever seen is
// waiting, in flight, or has exactly one final outcome.
type Outcome string

// The outcomes. All except OutcomeRetry are final.
const (
	OutcomeFetched     Outcome = "fetched"      // a body arrived with a status of 2xx
	OutcomeNotModified Outcome = "not_modified" // 304
	OutcomeRedirected  Outcome = "redirected"   // redirects to a URL that has its own fate
	OutcomeFollowed    Outcome = "followed"     // reached by a redirect; part of the record of the URL that led here
	OutcomeDisallowed  Outcome = "disallowed"   // robots.txt forbids it, or could not be fetched
	OutcomeGone        Outcome = "gone"         // 404 or 410
	OutcomeRetry       Outcome = "retry"        // failed in a way that may pass; waits for a retry
	OutcomeFailed      Outcome = "failed"       // failed permanently, or too often
	OutcomeSkipped     Outcome = "skipped"      // not fetched, because of a rule or a budget of the job
)

// Outcomes lists all outcomes, in the order in which they are shown.
var Outcomes = []Outcome{
	OutcomeFetched, OutcomeNotModified, OutcomeRedirected, OutcomeFollowed, OutcomeDisallowed,
	OutcomeGone, OutcomeFailed, OutcomeSkipped, OutcomeRetry,
}

// Final reports whether the outcome is final.
func (o Outcome) Final() bool { return o != OutcomeRetry }

// ErrorClass says in one word why a URL ended as failed or gone, for filters and counts.
// The error in its record has the details.
type ErrorClass string

// The classes. The first six are for a host that could not be reached or did not answer.
const (
	ErrorDNS      ErrorClass = "dns"      // the host name has no address
	ErrorConnect  ErrorClass = "connect"  // no connection, or it was refused
	ErrorTLS      ErrorClass = "tls"      // handshake or certificate failed, or the scheme is wrong for the port
	ErrorTimeout  ErrorClass = "timeout"  // no response in time
	ErrorReset    ErrorClass = "reset"    // the connection broke
	ErrorBlocked  ErrorClass = "blocked"  // connections to the address or the port are not allowed
	ErrorProtocol ErrorClass = "protocol" // the response is not HTTP, or cannot be decoded
	ErrorHTTP     ErrorClass = "http"     // the server responded with an error status
	ErrorRedirect ErrorClass = "redirect" // a redirect that leads nowhere
	ErrorHandler  ErrorClass = "handler"  // a handler of the job failed
	ErrorWorker   ErrorClass = "worker"   // workers were lost while they had the URL
)

// Class returns the class of a URL that fails for this reason.
func (k FaultKind) Class() ErrorClass {
	if k == FaultResolve {
		return ErrorDNS
	}
	return ErrorClass(k)
}

// ErrorClass returns the class of a URL that fails because of the page; "" if nothing is
// wrong with the page.
func (p *Page) ErrorClass() ErrorClass {
	switch {
	case p == nil:
		return ""
	case p.Fault != nil:
		return p.Fault.Kind.Class()
	case p.IsRedirect():
		return ErrorRedirect
	case p.Status >= 300:
		return ErrorHTTP
	}
	return ""
}

// ErrorClass says why the URL failed; "" if it did not.
func (r *Result) ErrorClass() ErrorClass {
	switch {
	case r.Outcome != OutcomeFailed && r.Outcome != OutcomeGone:
		return ""
	case r.Class != "":
		return r.Class
	}
	return r.Page.ErrorClass()
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
