package fetched

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Earlier is what is known of a URL since its content was last fetched whole. Its record is on
// record for good, so other records may refer to it.
type Earlier struct {
	// ETag and LastModified are the validators of the content (RFC 9110, 8.8), as they are sent
	// back; "" for those that the server did not send, or that cannot be trusted. Both are "" if
	// the page has to be fetched whole, for example because the job's settings were others then.
	ETag, LastModified string
	// Record refers to the record that has the content.
	Record crawler.SameAs
	// Unchanged counts how often in a row the server has said since that nothing has changed.
	Unchanged int
	// Document is what was read in the page, as far as its links are concerned; nil if the page
	// was not parsed. It belongs to the caller.
	Document *Document
	// Capture is the response in an archive; nil if there isn't one.
	Capture *Capture
}

// Conditional reports whether a request for the URL may be conditional.
func (e *Earlier) Conditional() bool { return e != nil && (e.ETag != "" || e.LastModified != "") }

// Capture is a response in a WARC file that later records can refer to.
type Capture struct {
	ID      [16]byte // WARC-Record-ID, a UUID
	URL     string   // WARC-Target-URI
	Date    time.Time
	Payload [20]byte // SHA-1 of the payload
}

// SameAs returns the reference to the earlier record that has the content of the page; nil if
// it has no such record, or if the content has changed.
func (r *Result) SameAs() *crawler.SameAs {
	if r.Earlier == nil || r.Page == nil {
		return nil
	}
	switch {
	case r.Outcome == crawler.OutcomeNotModified:
	case r.Outcome == crawler.OutcomeFetched && r.Page.Body != nil && !r.Page.Truncated && r.Page.Fault == nil &&
		r.Page.Body.digest() == r.Earlier.Record.Digest:
	default:
		return nil
	}
	return &r.Earlier.Record
}

// digestKind begins the digests in records.
const digestKind = "sha256:"

// digest returns the digest of the body, as records have it.
func (b *Body) digest() string { return digestKind + hex.EncodeToString(b.Digest[:]) }

// Content returns the SHA-256 digest of the content of the page; false if there is no content, or
// not all of it. The content of a rendered page is what the browser shows, and that of a page that
// has not changed is that of the earlier record.
func (r *Result) Content() (digest [32]byte, known bool) {
	switch {
	case r.Outcome == crawler.OutcomeNotModified && r.Earlier != nil:
		text := strings.TrimPrefix(r.Earlier.Record.Digest, digestKind)
		n, err := hex.Decode(digest[:], []byte(text[:min(len(text), 2*len(digest))]))
		return digest, err == nil && n == len(digest)
	case r.Outcome == crawler.OutcomeFetched && r.Page.Body != nil && r.Page.Body.Size > 0 && !r.Page.Truncated:
		if r.Rendered != nil && r.Rendered.Error == "" { // pages of an application may have the same markup
			return r.Rendered.Digest, true
		}
		return r.Page.Body.Digest, true
	}
	return digest, false
}
