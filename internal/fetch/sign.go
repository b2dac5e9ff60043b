package fetch

import (
	"net/http"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/identity"
)

// maxAskers is how many hosts that have asked for signatures are remembered. When there are more,
// all are forgotten; they ask again.
const maxAskers = 100_000

// signing signs requests, all or those to hosts that have asked for it. A nil one signs none. It is
// safe for concurrent use.
type signing struct {
	signer *identity.Signer
	always bool

	mu     sync.Mutex
	askers map[crawler.Host]bool
}

// newSigning returns nil if nothing is to be signed.
func newSigning(cfg Config) *signing {
	if cfg.Signer == nil || cfg.Sign == identity.ModeNever {
		return nil
	}
	return &signing{signer: cfg.Signer, always: cfg.Sign != identity.ModeWhenAsked, askers: make(map[crawler.Host]bool)}
}

// sign adds a signature to a request if its host wants one, and reports whether it did.
func (s *signing) sign(out *http.Request, to crawler.URL) bool {
	if s == nil || !s.always && !s.asked(to.Host()) {
		return false
	}
	s.signer.Sign(out.Header, to.Scheme(), string(to.Host()))
	return true
}

func (s *signing) asked(h crawler.Host) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.askers[h]
}

// demand returns the fault of an unsigned request that was refused by a host that asks for a
// signature, so that the same request is made again, signed; nil for any other answer. A host that
// also says when to come back (Retry-After) is not asked again before: its answer stands, and the
// next request is signed.
func (s *signing) demand(from crawler.URL, resp *http.Response) *fetched.Fault {
	if s == nil || s.always || !asks(resp.StatusCode, resp.Header) {
		return nil
	}
	s.remember(from.Host())
	if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "" {
		return nil
	}
	return &fetched.Fault{Kind: fetched.FaultProtocol, Text: "the server asks for a signed request", Passes: true,
		Again: true}
}

// asks reports whether an answer refuses a request and asks for a signature.
func asks(status int, h http.Header) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return h.Get(identity.AcceptSignature) != ""
	}
	return false
}

// signatureHint says what to do about an answer that asks for a signature; "" if it does not. signed
// says that the request had one.
func signatureHint(p *fetched.Page, signed bool) string {
	switch {
	case !asks(p.Status, p.Header):
		return ""
	case signed:
		return "it does not accept the signature: check what your site publishes (trawl identity verify), or try the other --signature-form"
	}
	return "it asks for signed requests: sign them with --identity"
}

// remember remembers that a host asks for signatures.
func (s *signing) remember(h crawler.Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.askers) >= maxAskers {
		clear(s.askers)
	}
	s.askers[h] = true
}
