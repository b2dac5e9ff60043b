package testsite

import (
	"net/http"
	"slices"
	"sync"

	"github.com/trawlcrawler/trawl/internal/verify"
)

// Gate is a handler that lets only signed requests in. It verifies them as a site would (Web Bot
// Auth), and refuses a nonce that it has seen. Set its fields before it serves.
type Gate struct {
	Verifier *verify.Verifier
	Next     http.Handler              // serves those that are let in
	Refuse   func(http.ResponseWriter) // answers the others

	mu      sync.Mutex
	nonces  map[string]bool
	signed  []string // URLs of the requests that were let in
	refused []string // those of the others, each with the reason
}

// ServeHTTP serves a request.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	signed, err := g.Verifier.Request(scheme, r.Host, r.Header)
	if reason := g.judge(signed, err); reason != "" {
		g.note(&g.refused, r.Method+" "+r.URL.Path+": "+reason)
		g.Refuse(w)
		return
	}
	g.note(&g.signed, r.Method+" "+r.URL.Path)
	g.Next.ServeHTTP(w, r)
}

// judge returns why a request is refused, or "".
func (g *Gate) judge(signed verify.Signed, err error) string {
	if err != nil {
		return err.Error()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.nonces[signed.Nonce] {
		return "its nonce is used again"
	}
	if g.nonces == nil {
		g.nonces = make(map[string]bool)
	}
	g.nonces[signed.Nonce] = true
	return ""
}

func (g *Gate) note(list *[]string, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	*list = append(*list, text)
}

// Requests returns the methods and paths of the requests that were let in, and those of the others
// with the reason, in the order in which they came.
func (g *Gate) Requests() (signed, refused []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.signed), slices.Clone(g.refused)
}

// RefuseWith returns a function that refuses requests with a status and headers.
func RefuseWith(status int, header http.Header) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
	}
}
