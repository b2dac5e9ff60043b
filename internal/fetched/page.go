package fetched

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Page is the result of one request.
type Page struct {
	URL       crawler.URL    // the URL that was requested
	Status    int            // HTTP status; 0 if there was no response
	Proto     string         // "HTTP/1.1", "HTTP/2.0"
	Header    http.Header    // as the server sent it, except for the changes in Repaired; nil if there was no response
	Repaired  Repairs        // what was malformed in the response and was read anyway; nil for nothing
	Hint      string         // what an error response says about how to ask; "" for nothing
	Location  crawler.URL    // target of a redirect, resolved; zero if there isn't one or it is not a URL
	Body      *Body          // nil if no body was read
	Truncated bool           // the body was cut off at the limit, or the connection broke within it
	Address   netip.AddrPort // the peer; zero if none was reached, or if only the proxy knows it
	Proxy     string         // the proxy that was used, without a login; "" for none
	Started   time.Time      // when the request was started
	Duration  time.Duration  // until the last byte of the body
	Fault     *Fault         // what went wrong; nil if a complete response arrived
	BlockPage string         // the mark of a block page, see package blockpage; "" if it is treated as a page
	Recording *Recording     // the octets, if recording was requested and a response started; otherwise nil
}

// FaultKind is the kind of a [Fault], as records have it.
type FaultKind string

// The kinds of faults.
const (
	FaultResolve  FaultKind = "resolve"  // the host name has no address
	FaultConnect  FaultKind = "connect"  // no connection, or it was refused
	FaultTLS      FaultKind = "tls"      // handshake or certificate failed
	FaultTimeout  FaultKind = "timeout"  // no response in time
	FaultReset    FaultKind = "reset"    // the connection broke
	FaultProtocol FaultKind = "protocol" // the response is not HTTP, or cannot be decoded
	FaultBlocked  FaultKind = "blocked"  // connections to the address are not allowed
	FaultRedirect FaultKind = "redirect" // a redirect that leads nowhere
)

// Fault is a problem on the web's side of a request, as opposed to an internal error.
type Fault struct {
	Kind   FaultKind
	Text   string // for people to read, with the value
	Passes bool   // a retry may succeed
	Again  bool   // send the same request once more at once; the fetcher then sends it in a different way
}

// Outcome says what the response means for the URL, before redirects are followed and tries
// are counted.
func (p *Page) Outcome() crawler.Outcome {
	switch {
	case p.Fault != nil && p.Fault.Passes, p.Unreachable():
		return crawler.OutcomeRetry
	case p.Fault != nil:
		return crawler.OutcomeFailed
	case p.BlockPage != "":
		return crawler.OutcomeRetry
	case p.Status >= 200 && p.Status < 300:
		return crawler.OutcomeFetched
	case p.Status == http.StatusNotModified:
		return crawler.OutcomeNotModified
	case p.IsRedirect():
		return crawler.OutcomeRedirected
	case p.Status == http.StatusPaymentRequired:
		return crawler.OutcomePaymentRequired
	case p.Status == http.StatusNotFound, p.Status == http.StatusGone:
		return crawler.OutcomeGone
	case p.Status == http.StatusTooManyRequests, p.Status == http.StatusRequestTimeout, p.Status >= 500:
		return crawler.OutcomeRetry
	}
	return crawler.OutcomeFailed
}

// Partial reports whether the response is good except for its end: the body started, and
// then the connection broke or time ran out.
func (p *Page) Partial() bool {
	return p.Fault != nil && p.Fault.Passes && p.Truncated && p.Status >= 200 && p.Status < 300 && p.Body != nil &&
		p.Body.Size > 0
}

// IsRedirect reports whether the status is a redirect (RFC 9110, 15.4).
func (p *Page) IsRedirect() bool {
	switch p.Status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// Release frees the memory of the body and the recording, if there are any.
func (p *Page) Release() {
	if p.Recording != nil {
		p.Recording.release()
		p.Recording = nil
	}
	if p.Body != nil {
		p.Body.Release()
		p.Body = nil
	}
}

// Price returns what the server asks to be paid for the page (the header crawler-price of
// Cloudflare's Pay Per Crawl), such as "USD 0.01"; "" if it asks for nothing.
func (p *Page) Price() string {
	if p.Status != http.StatusPaymentRequired {
		return ""
	}
	return strings.TrimSpace(p.Header.Get("Crawler-Price"))
}

// Charged returns what the server says that the page has cost, such as "USD 0.01"; "" if it says
// nothing.
func (p *Page) Charged() string { return strings.TrimSpace(p.Header.Get("Crawler-Charged")) }

// Refused reports whether the host, rather than the URL, refused the request: 429 (RFC
// 6585, 4), 503 (RFC 9110, 15.6.4) and block pages. A host that only wants the request in a different way has
// not refused it.
func (p *Page) Refused() bool {
	if p.Fault != nil && p.Fault.Again {
		return false
	}
	return p.Waits() || p.BlockPage != ""
}

// Waits reports whether the status asks to wait, rather than to stay away: 429 or 503.
func (p *Page) Waits() bool {
	return p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
}

// Unreachable reports whether the request did not reach the host at all: its name has no
// address, or no connection could be made.
func (p *Page) Unreachable() bool {
	if p.Fault == nil {
		return false
	}
	switch p.Fault.Kind {
	case FaultResolve, FaultConnect, FaultTLS:
		return true
	}
	return false
}

// ErrSpill says that a body could not be held while it arrived: the disk that takes what
// does not fit in memory is full, or cannot be written.
var ErrSpill = errors.New("the body of a page could not be held")

// Body is what a server sent, with its content coding removed. The first bytes are in
// memory. What exceeds the fetcher's memory limit is in a temporary file, so that a
// worker's memory does not depend on what servers send. The owner calls Release once. After
// that Head and Spill are gone; Size and Digest remain.
type Body struct {
	Head    []byte   // the first bytes; all of them if Spill is nil
	Spill   *os.File // the bytes after Head, from offset 0; nil if all are in Head
	Size    int64    // length of the whole body in bytes
	Digest  [32]byte // SHA-256 of the whole body
	Release func()   // frees the memory and the file; never nil
}

// Reader reads the whole body. Any number of readers may be used at the same time.
func (b *Body) Reader() io.Reader {
	head := bytes.NewReader(b.Head)
	if b.Spill == nil {
		return head
	}
	return io.MultiReader(head, b.Rest())
}

// Rest reads what follows Head. It returns nil if nothing does. Any number of readers may
// be used at the same time.
func (b *Body) Rest() io.Reader {
	if b.Spill == nil {
		return nil
	}
	return io.NewSectionReader(b.Spill, 0, b.Size-int64(len(b.Head)))
}

// Lend returns a body whose Release does nothing. It is valid as long as b is. For nil,
// Lend returns nil.
func (b *Body) Lend() *Body {
	if b == nil {
		return nil
	}
	return &Body{Head: b.Head, Spill: b.Spill, Size: b.Size, Digest: b.Digest, Release: func() {}}
}

// Exchange is one request to a host and its result: for a page, a redirect, or a
// robots.txt.
type Exchange struct {
	Job        string
	Worker     string
	URL        crawler.URL
	Head       bool               // it was a HEAD request
	Start      time.Time          // when it was sent
	Gap        time.Duration      // the time that had to pass since the previous request
	Duration   time.Duration      // until the response was complete
	Status     int                // HTTP status; 0 if there was no response
	Address    netip.AddrPort     // the peer; zero if none was reached, or if only the proxy knows it
	Proxy      string             // the proxy that was used, without a login; "" for none
	Fault      string             // what went wrong; "" if a complete response arrived
	RetryAfter time.Duration      // how long the host asked not to be sent requests
	Politeness crawler.Politeness // PolitenessJob, or "" for politeness across the fleet
	// Rules is the robots.txt that allowed the request. It is nil for a request for a
	// robots.txt, and if the job ignores robots.txt.
	Rules *RobotsText
	// Robots says that the request was for a robots.txt.
	Robots bool
	// Guest says that a page that was rendered made the request, to a host that its visit does
	// not hold. Such requests take turns over the fleet, apart from those of visits.
	Guest bool
}

// RobotsText is the robots.txt of an origin, as it was fetched.
type RobotsText struct {
	Origin string
	Text   string    // the lines that matter to a crawler
	At     time.Time // when it was fetched
}

// Recording is a request and its response, octet by octet, as they were sent over an
// HTTP/1.1 connection, for an archive.
type Recording struct {
	Request []byte // head of the request, which is all of a GET; secrets in it are masked
	// Head of the response: status line, header lines and the empty line; without any 1xx responses
	// before it.
	Head []byte
	// What followed Head uses the chunked transfer coding (RFC 9112, 7.1), including framing and
	// trailers.
	Chunked bool
	Tail    *Body // what followed Head, with all its codings; its Digest is not set. Nil: the page's Body, or nothing
	Cut     Cut   // why the response was not read to its end; "" if it was
}

// Cut is the reason why the octets of a response stop before its end, in the terms of WARC
// 1.1, 5.13 (WARC-Truncated).
type Cut string

// The reasons for a cut.
const (
	CutLength      Cut = "length"      // the response was longer than the limit
	CutTime        Cut = "time"        // it took too long
	CutDisconnect  Cut = "disconnect"  // the connection broke
	CutUnspecified Cut = "unspecified" // anything else
)

// release frees the memory of the tail.
func (r *Recording) release() {
	if r.Tail != nil {
		r.Tail.Release()
		r.Tail = nil
	}
}

// Request is one GET or HEAD request. It gets one response: the caller follows redirects.
type Request struct {
	URL       crawler.URL
	Head      bool // it is a HEAD request: the page has no body
	UserAgent string
	Header    http.Header   // added to the header, where the fetcher sets nothing itself; nil for nothing
	From      string        // how to reach the operator of the crawl; "" to send nothing
	BodyLimit int64         // largest number of bytes of the decoded body to keep; the rest is cut off
	Timeout   time.Duration // from the start to the last byte
	// Transfer rate of the body, in bytes per second over 20s, below which it is cut off; 0: no
	// limit.
	MinRate int64
	// PortOpen allows connections to the port, because an operator named a seed of the job
	// that has it.
	PortOpen bool
	// Identity asks for the bytes as the server has them and removes no content coding, for
	// downloads.
	Identity bool
	// Markdown asks for Markdown rather than HTML.
	Markdown bool
	// Record asks for the page's Recording, over HTTP/1.1.
	Record bool
	// Waits says that the body will wait for others before it is released, so that it is
	// worth copying it out of a much larger buffer.
	Waits bool
	// TLS says which https servers are accepted. Default TLSModern.
	TLS crawler.TLSKind
	// IfNoneMatch and IfModifiedSince make the request conditional (RFC 9110, 13.1.2 and
	// 13.1.3): an entity tag, and an HTTP date. Default "": it is not.
	IfNoneMatch, IfModifiedSince string
	// Jar has the cookies to send, and stores those of the response; nil for none.
	Jar Jar
}

// Jar keeps the cookies of a job. It is safe for concurrent use.
type Jar interface {
	http.CookieJar
	// Preset adds cookies that an operator configured for the host of u, each name once.
	Preset(u *url.URL, cookies []*http.Cookie)
}

// maxRepairs is the largest number of repairs that are reported for one response.
const maxRepairs = 8

// Repairs describes what in a response violated RFC 9112 and was read anyway, in the order
// in which it occurred: each kind once, and at most [maxRepairs].
type Repairs []string

// Add records a repair.
func (r *Repairs) Add(note string) {
	switch {
	case slices.Contains(*r, note), len(*r) > maxRepairs:
	case len(*r) == maxRepairs:
		*r = append(*r, "and more")
	default:
		*r = append(*r, note)
	}
}
