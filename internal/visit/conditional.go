package visit

import (
	"maps"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/validators"
)

// This file makes requests conditional (RFC 9110, 13), and decides what a 304 response means.

// Validators know the results of earlier fetches. They are safe for concurrent use.
type Validators interface {
	// Find returns what is known of a URL from the last fetch of its content; nil if nothing is
	// known, or if it cannot be read. The caller may change the result.
	Find(u crawler.URL) *fetched.Earlier
}

// condition makes the request for a page conditional, if the job knows its content and the server
// answers such requests as it should.
func (e *urlTask) condition(r *fetched.Request) {
	e.result.Earlier = nil
	if e.visitor.validators == nil || e.check {
		return
	}
	if e.result.Earlier = e.visitor.validators.Find(r.URL); e.result.Earlier == nil || e.visit.host.careless.Load() {
		return
	}
	r.IfNoneMatch = validators.IfNoneMatch(e.result.Earlier.ETag)
	r.IfModifiedSince = e.result.Earlier.LastModified
}

// unasked is the reason of a page that fails because its server insists that it has not changed.
const unasked = "the server answered 304 Not Modified, although the request was not conditional"

// doubt requests a page again, without a condition, if its server says that the page has not
// changed although it was not asked, or speaks of other content. Otherwise the page would be lost.
func (e *urlTask) doubt(r request) error {
	p := e.result.Page
	if p.Status != http.StatusNotModified || e.check {
		return nil
	}
	if r.IfNoneMatch != "" || r.IfModifiedSince != "" {
		if validators.Confirms(p.Header, e.result.Earlier.ETag) {
			return nil
		}
	} else {
		e.visit.host.careless.Store(true)
	}
	e.leave()
	r.IfNoneMatch, r.IfModifiedSince = "", ""
	if r.Header = maps.Clone(r.Header); r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header["Cache-Control"] = []string{"no-cache"} // a cache on the way may have answered (RFC 9111, 5.2.1.4)
	var err error
	if e.result.Page, err = e.ask(r); err != nil {
		return err
	}
	if p := e.result.Page; p.Status == http.StatusNotModified && p.Fault == nil {
		e.visit.host.careless.Store(true)
		p.Fault = &fetched.Fault{Kind: fetched.FaultProtocol, Text: unasked, Passes: true}
	}
	return nil
}

// unchanged ends the URL with what is known of its content. The links that were read from that
// content are followed.
func (e *urlTask) unchanged() {
	e.end(crawler.OutcomeNotModified, "")
	if e.result.Earlier == nil || e.result.Earlier.Document == nil {
		return
	}
	e.result.Document = e.result.Earlier.Document
	e.use(e.result.Document)
}
