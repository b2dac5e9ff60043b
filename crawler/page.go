package crawler

import (
	"net/http"
	"net/netip"
	"time"
)

// Page is what came back from one request.
type Page struct {
	URL       URL            // what was asked for
	Status    int            // HTTP status; 0 when none came
	Proto     string         // "HTTP/1.1", "HTTP/2.0"
	Header    http.Header    // as the server sent it; nil when none came
	Location  URL            // where a redirect points, resolved; zero when it is none or no URL
	Body      *Body          // nil when no body was read
	Truncated bool           // the body was cut at the limit, or the connection broke inside it
	Address   netip.AddrPort // the peer; zero when none was reached, or only its proxy knows
	Proxy     string         // that it was reached through, without a login; "" for none
	Started   time.Time      // when the request was begun
	Duration  time.Duration  // until the last byte of the body
	Fault     *Fault         // what went wrong; nil when a whole answer came
	Recording *Recording     // the octets, when the request was recorded and an answer began; else nil
}

// FaultKind names what went wrong with a request.
type FaultKind string

// The kinds of faults.
const (
	FaultResolve  FaultKind = "resolve"  // the host name has no address
	FaultConnect  FaultKind = "connect"  // no connection, or refused
	FaultTLS      FaultKind = "tls"      // handshake or certificate
	FaultTimeout  FaultKind = "timeout"  // no answer in time
	FaultReset    FaultKind = "reset"    // the connection broke
	FaultProtocol FaultKind = "protocol" // the answer is not HTTP, or not decodable
	FaultBlocked  FaultKind = "blocked"  // the address may not be connected to
	FaultRedirect FaultKind = "redirect" // a redirect that leads nowhere
)

// Fault is something that the web did to a request. It is no error of ours.
type Fault struct {
	Kind   FaultKind
	Text   string // for a person, with the value
	Passes bool   // worth trying again
}

// Outcome says what the answer means for the URL, before redirects are
// followed and tries are counted.
func (p *Page) Outcome() Outcome {
	switch {
	case p.Fault != nil && p.Fault.Passes, p.Unreachable():
		return OutcomeRetry
	case p.Fault != nil:
		return OutcomeFailed
	case p.Status >= 200 && p.Status < 300:
		return OutcomeFetched
	case p.Status == http.StatusNotModified:
		return OutcomeNotModified
	case p.IsRedirect():
		return OutcomeRedirected
	case p.Status == http.StatusNotFound, p.Status == http.StatusGone:
		return OutcomeGone
	case p.Status == http.StatusTooManyRequests, p.Status == http.StatusRequestTimeout, p.Status >= 500:
		return OutcomeRetry
	}
	return OutcomeFailed
}

// Partial reports whether the answer is good but for its end: a body began, and
// its connection or its time ended before it.
func (p *Page) Partial() bool {
	return p.Fault != nil && p.Fault.Passes && p.Truncated && p.Status >= 200 && p.Status < 300 && p.Body != nil && p.Body.Size > 0
}

// IsRedirect reports whether the status is a redirect (RFC 9110, 15.4).
func (p *Page) IsRedirect() bool {
	switch p.Status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// Release gives the memory of body and exchange back, if there are any.
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
