package visit

import (
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file requests URLs that a job only checks, to find out whether they work.

// checkBody is how much of a body is read when a URL is checked by GET. A server sends about that
// much at once anyway (RFC 6928: ten segments). The connection is closed after that.
const checkBody = 16 << 10

// checks reports whether an entry is only checked. Seeds and sitemaps are always read.
func (w *Visitor) checks(entry queue.Entry) bool {
	if entry.IsSeed() || entry.Sitemap > 0 {
		return false
	}
	return w.scope.Checks(entry.URL, entry.Embeds > 0)
}

// ask makes the request for a URL. A URL that is only checked is requested by HEAD first. Some
// servers refuse HEAD, or answer it with an error although GET works, or not at all; so an error
// counts only if GET has it too. A URL that is tried again is requested by GET at once.
func (e *urlTask) ask(r request) (*fetched.Page, error) {
	if !e.check {
		return e.visit.requests.fetch(r)
	}
	r.BodyLimit, r.Waits = min(r.BodyLimit, checkBody), false
	r.Record = false // archives keep whole exchanges only
	if e.taken.Entry.Tries+e.taken.Entry.Spared == 0 {
		r.Head = true
		page, err := e.visit.requests.fetch(r)
		if err != nil || !e.doubtful(page) {
			return page, err
		}
		page.Release()
		r.Head = false
	}
	page, err := e.visit.requests.fetch(r)
	if err == nil && page.Body != nil {
		page.Body.Release()
		page.Body, page.Truncated = nil, false // its beginning is not the page's content
	}
	return page, err
}

// doubtful reports whether GET may work although HEAD failed. It may not after a failure of the
// host rather than the method, such as a refused connection or a request to wait. Nor after a
// timeout, unless the job tries nothing again, because another request may cost another timeout.
func (e *urlTask) doubtful(head *fetched.Page) bool {
	switch {
	case head.Refused():
		return false
	case head.Fault == nil:
		return head.Status >= http.StatusBadRequest
	case head.Fault.Kind == fetched.FaultTimeout:
		return e.visitor.settings().Retries == 0
	}
	return head.Fault.Kind == fetched.FaultReset || head.Fault.Kind == fetched.FaultProtocol
}

// noteMove records where permanent redirects lead (RFC 9110, 15.4.2 and 15.4.9), up to the first
// one that is not permanent, in a job that checks links.
func (e *urlTask) noteMove(to crawler.URL) {
	status := e.result.Page.Status
	permanent := status == http.StatusMovedPermanently || status == http.StatusPermanentRedirect
	if !e.visitor.job.Checks() || e.temporary || !permanent {
		e.temporary = true
		return
	}
	e.result.MovedTo = to
}
