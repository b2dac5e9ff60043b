package crawler

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
)

// Record is the JSON form of a Result: one line of JSONL.
type Record struct {
	URL       string   `json:"url"`
	FinalURL  string   `json:"final_url"`
	Redirects []string `json:"redirects"`
	// The host that was added to the seeds' hosts because this seed redirects there.
	SeedHost   string     `json:"seed_host,omitempty"`
	Status     int        `json:"status"`
	Outcome    Outcome    `json:"outcome"`
	Error      string     `json:"error"`
	ErrorClass ErrorClass `json:"error_class,omitempty"` // why it failed, in one word
	// Kind of problem with the request, even if the page was kept as far as it arrived.
	Fault       string   `json:"fault,omitempty"`
	Repaired    []string `json:"repaired,omitempty"` // what was malformed in the response and was read anyway
	FetchedAt   string   `json:"fetched_at"`         // RFC 3339, milliseconds, UTC
	DurationMS  int64    `json:"duration_ms"`
	ContentType string   `json:"content_type"`
	Charset     string   `json:"charset"`
	Bytes       int64    `json:"bytes"`
	Truncated   bool     `json:"truncated,omitempty"`
	Digest      string   `json:"digest"` // "sha256:" and hexadecimal digits; "" without a body
	Title       string   `json:"title"`
	Checked     bool     `json:"checked,omitempty"` // it was only checked: requested, but not read
	// Where permanent redirects lead, in a job that checks links.
	MovedTo     string `json:"moved_to,omitempty"`
	Canonical   string `json:"canonical,omitempty"`    // the canonical form that the page names
	DuplicateOf string `json:"duplicate_of,omitempty"` // the URL whose record has the same content
	Simhash     string `json:"simhash,omitempty"`      // fingerprint of the text, 16 hexadecimal digits
	NoIndex     bool   `json:"noindex,omitempty"`      // the page asks not to be indexed
	Rights      Rights `json:"rights,omitempty"`       // what the site says about the use of the page
	Usage       *Usage `json:"usage,omitempty"`        // the summary of Rights; nil without any
	Depth       int    `json:"depth"`
	Referrer    string `json:"via"`
	Links       any    `json:"links"`               // their number, or their list
	Resources   any    `json:"resources,omitempty"` // like Links, if the job asks for them
	// Level of a sitemap: 1 if robots.txt named it, one more for each index.
	Sitemap int `json:"sitemap,omitempty"`
	// Resources in a row that led here from a page; 0 for a page.
	Embeds   int            `json:"embeds,omitempty"`
	Job      string         `json:"job"`
	Worker   string         `json:"worker"`
	Path     string         `json:"path,omitempty"` // where the body was kept, relative to the output
	Fields   map[string]any `json:"fields,omitempty"`
	Missing  []string       `json:"missing,omitempty"`  // required fields that the page lacks
	Text     string         `json:"text,omitempty"`     // the main text, if the job asks for it
	Markdown string         `json:"markdown,omitempty"` // the main content as Markdown, if the job asks for it
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
	// MinHash is a sketch of the main text: the values of each band as hexadecimal digits;
	// nil if the job does not ask for it.
	MinHash []string `json:"minhash,omitempty"`
	// NearDuplicateOf is the URL of an earlier page of the job with nearly the same main
	// text; "" if none is known.
	NearDuplicateOf string `json:"near_duplicate_of,omitempty"`
	// BlockPage is the mark of the block page that the host sent instead of the page, such as
	// "cloudflare-challenge"; "" for none.
	BlockPage string `json:"block_page,omitempty"`
	// Price is what the server asks to be paid for the page, as it says so: "USD 0.01"; "" if it
	// does not.
	Price string `json:"price,omitempty"`
	// Charged is what the server says that the page has cost; "" if it says nothing.
	Charged string `json:"charged,omitempty"`
	// SameAs refers to an earlier record of the page, with the same content; nil if the content is
	// new, or if the job does not compare it.
	SameAs *SameAs `json:"same_as,omitempty"`
	// Fetch is which fetch of the page this is, in a job that fetches pages again: 2 for the
	// first time that it was fetched again; 0 for the first fetch.
	Fetch int `json:"fetch,omitempty"`
	// Change is what became of the page since the fetch before, in such a job; "" if the fetch
	// did not tell, because it failed.
	Change PageChange `json:"change,omitempty"`
	// Rendered says how the page was rendered in a browser; nil if it was not.
	Rendered *RenderedBy `json:"rendered,omitempty"`
	// Items are what handlers emitted, each as JSON.
	Items []json.RawMessage `json:"items,omitempty"`
}

// SameAs refers to the record that has the content of a page: of an earlier run, or of an earlier
// fetch in the same job. That record was in an output when the reference was made.
type SameAs struct {
	// URL and FetchedAt are those of the record. Together they identify it.
	URL       string `json:"url"`
	FetchedAt string `json:"fetched_at"`
	// Job is the record's job, such as the name of an earlier run.
	Job string `json:"job"`
	// Output is the folder of the record beside, or within, the output of this record: the name
	// of an earlier run, or of a folder with results that were set aside. "": the same output.
	Output string `json:"output,omitempty"`
	// Digest is that of the content, as in the record.
	Digest string `json:"digest"`
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
	if !slices.ContainsFunc(items, func(item json.RawMessage) bool {
		return bytes.IndexByte(item, '\n') >= 0 || !json.Valid(item)
	}) {
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

// Outcome is the fate of one URL. The set is closed: every URL that was ever seen is
// waiting, in flight, or has exactly one final outcome.
type Outcome string

// The outcomes. All except OutcomeRetry are final.
const (
	OutcomeFetched         Outcome = "fetched"          // a body arrived with a status of 2xx
	OutcomeNotModified     Outcome = "not_modified"     // 304
	OutcomeRedirected      Outcome = "redirected"       // redirects to a URL that has its own fate
	OutcomeFollowed        Outcome = "followed"         // a redirect led here; part of the record of the URL before
	OutcomeDisallowed      Outcome = "disallowed"       // robots.txt forbids it, or could not be fetched
	OutcomeBlocked         Outcome = "blocked"          // the host sends block pages, such as a challenge
	OutcomePaymentRequired Outcome = "payment_required" // the server asks to be paid: 402
	OutcomeGone            Outcome = "gone"             // 404 or 410
	OutcomeRetry           Outcome = "retry"            // failed in a way that may pass; waits for a retry
	OutcomeFailed          Outcome = "failed"           // failed permanently, or too often
	OutcomeSkipped         Outcome = "skipped"          // not fetched, because of a rule or a budget of the job
)

// Final reports whether the outcome is final.
func (o Outcome) Final() bool { return o != OutcomeRetry }

// Failure reports whether the outcome is a failure: for good, or for now.
func (o Outcome) Failure() bool {
	switch o {
	case OutcomeFailed, OutcomeGone, OutcomeBlocked, OutcomePaymentRequired, OutcomeRetry:
		return true
	}
	return false
}

// ErrorClass says in one word why a URL failed, is gone or is blocked, for filters and counts.
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
	// ErrorBlockPage is for a block page, or a host that was given up because it sent them.
	ErrorBlockPage ErrorClass = "block_page"
	ErrorWorker    ErrorClass = "worker" // workers were lost while they had the URL
)
