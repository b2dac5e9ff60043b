package crawler

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"
)

// Result is the whole story of one URL, as the sinks keep it.
type Result struct {
	Job       string
	Worker    string
	Entry     Entry
	Outcome   Outcome
	Reason    string    // why, when it was not fetched or not read as it should; "" otherwise
	Redirects []URL     // where redirects led, in order
	Page      *Page     // the last page; nil when nothing was asked for
	Trail     []*Page   // pages before it that were recorded: of robots.txt, and where redirects came from
	Document  *Document // nil when the page was not parsed
	At        time.Time // when it was decided
	// Signals are the Content-Signals of the robots.txt that allowed the page. They
	// are shared and must not be changed.
	Signals map[string]string
	// DuplicateOf is the URL that the page is another copy of; zero when none is
	// known, or the job does not ask.
	DuplicateOf URL
	// Items are what the job's handlers made of the page, in their order.
	Items []Item
	// Mail is what else they want done when the page is kept; see [Yield].
	Mail any
}

// Record is the JSON form of a Result: one line of JSONL.
type Record struct {
	URL         string         `json:"url"`
	FinalURL    string         `json:"final_url"`
	Redirects   []string       `json:"redirects"`
	Status      int            `json:"status"`
	Outcome     Outcome        `json:"outcome"`
	Error       string         `json:"error"`
	Fault       FaultKind      `json:"fault,omitempty"` // what kind of thing went wrong with the request
	FetchedAt   string         `json:"fetched_at"`      // RFC 3339, milliseconds, UTC
	DurationMS  int64          `json:"duration_ms"`
	ContentType string         `json:"content_type"`
	Charset     string         `json:"charset"`
	Bytes       int64          `json:"bytes"`
	Truncated   bool           `json:"truncated,omitempty"`
	Digest      string         `json:"digest"` // "sha256:" and hexadecimal digits; "" without a body
	Title       string         `json:"title"`
	Canonical   string         `json:"canonical,omitempty"`    // what the page names as its canonical form
	DuplicateOf string         `json:"duplicate_of,omitempty"` // the URL whose record has the same
	Simhash     string         `json:"simhash,omitempty"`      // of the text, 16 hexadecimal digits
	NoIndex     bool           `json:"noindex,omitempty"`      // the page asks to be kept out of an index
	Rights      *Rights        `json:"rights,omitempty"`       // what the site says about the page's use
	Depth       int            `json:"depth"`
	Via         string         `json:"via"`
	Links       any            `json:"links"`               // how many, or their list
	Resources   any            `json:"resources,omitempty"` // as Links, where the job asks for them
	Sitemap     int            `json:"sitemap,omitempty"`   // somebody called it a sitemap: 1 where robots.txt named it, one more for each index
	Embeds      int            `json:"embeds,omitempty"`    // resources in a row that led here from a page; 0 is a page
	Job         string         `json:"job"`
	Worker      string         `json:"worker"`
	Path        string         `json:"path,omitempty"` // where the body was kept, relative to the output
	Fields      map[string]any `json:"fields,omitempty"`
	Missing     []string       `json:"missing,omitempty"`  // required fields that the page lacks
	Text        string         `json:"text,omitempty"`     // the main text, where the job asks for it
	Markdown    string         `json:"markdown,omitempty"` // the main content as Markdown, where the job asks for it
	// Items are what handlers emitted, each as JSON.
	Items []json.RawMessage `json:"items,omitempty"`
}

const recordTime = "2006-01-02T15:04:05.000Z07:00"

// Record writes r down. withLinks lists the links instead of counting them.
func (r *Result) Record(withLinks bool) Record {
	rec := Record{
		URL: r.Entry.URL.String(), FinalURL: r.Entry.URL.String(), Redirects: []string{},
		Outcome: r.Outcome, Error: r.Reason, FetchedAt: r.FetchedAt(),
		Depth: r.Entry.Depth, Via: r.Entry.Via.String(), Links: 0, Job: r.Job, Worker: r.Worker,
		Sitemap: r.Entry.Sitemap, Embeds: r.Entry.Embeds, DuplicateOf: r.DuplicateOf.String(),
	}
	for _, u := range r.Redirects {
		rec.Redirects = append(rec.Redirects, u.String())
		rec.FinalURL = u.String()
	}
	if p := r.Page; p != nil {
		rec.Status = p.Status
		rec.DurationMS = p.Duration.Milliseconds()
		rec.ContentType = p.Header.Get("Content-Type")
		rec.Truncated = p.Truncated
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

// FetchedAt is when the request for the last page was begun, or else when the URL's
// fate was decided, as records have it.
func (r *Result) FetchedAt() string {
	at := r.At
	if r.Page != nil {
		at = r.Page.Started
	}
	return at.UTC().Format(recordTime)
}

// rights are what the page and its robots.txt say together.
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

// JSON writes the record as one line without its end. It is valid UTF-8
// whatever the web sent, and &, < and > stand as they are, so that URLs can be
// read and searched for.
func (rec Record) JSON() ([]byte, error) {
	w := recordWriters.Get().(*recordWriter)
	defer recordWriters.Put(w)
	w.line.Reset()
	if err := w.encoder.Encode(&rec); err != nil {
		return nil, err
	}
	return bytes.Clone(bytes.TrimSuffix(w.line.Bytes(), []byte("\n"))), nil
}

// recordWriter is an encoder with the line that it writes to.
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
