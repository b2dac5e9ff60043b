package render

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// pausedRequest is the event Fetch.requestPaused: a request that waits for our decision.
type pausedRequest struct {
	ID      string `json:"requestId"`
	Request struct {
		URL     string            `json:"url"`
		Method  string            `json:"method"`
		Headers map[string]string `json:"headers"`
		Body    []struct {
			Bytes []byte `json:"bytes"`
		} `json:"postDataEntries"`
	} `json:"request"`
	Frame      string `json:"frameId"`
	Type       string `json:"resourceType"`
	Redirected string `json:"redirectedRequestId"`
}

// kind returns what the request is for.
func (r pausedRequest) kind() Kind {
	for name, value := range r.Request.Headers {
		switch {
		case strings.EqualFold(name, "Service-Worker") && value == "script":
			return KindWorker
		case strings.EqualFold(name, "Accept") && value == "text/event-stream":
			return KindEventSource
		case r.Type == "Other" && strings.EqualFold(name, "Accept") && strings.HasPrefix(value, "image/"):
			return KindImage // the page's icon
		}
	}
	return Kind(strings.ToLower(r.Type))
}

// subrequest returns the request as a Transport gets it.
func (r pausedRequest) subrequest(u *url.URL) Subrequest {
	s := Subrequest{Method: r.Request.Method, Header: http.Header{}, Kind: r.kind(), Redirected: r.Redirected != ""}
	plain := *u
	plain.Fragment, plain.RawFragment = "", ""
	s.URL = plain.String()
	for name, value := range r.Request.Headers {
		s.Header.Set(name, value)
	}
	for _, part := range r.Request.Body {
		s.Body = append(s.Body, part.Bytes...)
	}
	return s
}

// paused decides about a request. The caller holds the lock.
func (p *page) paused(session string, r pausedRequest) {
	p.last = time.Now()
	if p.windows[session] {
		p.refuse(session, r, "window")
		return
	}
	u, err := url.Parse(r.Request.URL)
	if err != nil {
		p.refuse(session, r, "scheme")
		return
	}
	switch u.Scheme {
	case "data", "blob", "about": // they are within the page
		p.b.conn.post(session, "Fetch.continueRequest", object{"requestId": r.ID})
		return
	case "http", "https":
	default:
		p.refuse(session, r, "scheme")
		return
	}
	move := session == p.session && r.Frame == p.target && r.Type == "Document"
	switch {
	case move && !p.served:
		p.served, p.loaded = true, false
		p.fulfil(session, r.ID, p.req.First)
	case move && p.stay:
		p.leads(r)
		p.refuse(session, r, "navigation")
	default:
		p.admit(session, r, u, move)
	}
}

// admit passes a request to the Transport, unless it is blocked or a limit is reached. The caller
// holds the lock.
func (p *page) admit(session string, r pausedRequest, u *url.URL, move bool) {
	if why := p.block.why(u, r.kind()); why != "" && !move {
		p.refuse(session, r, why)
		return
	}
	if r.kind() == KindWorker {
		p.refuse(session, r, string(KindWorker))
		return
	}
	if move && r.Redirected == "" {
		p.leads(r)
	}
	switch {
	case move && p.moves >= p.req.Limits.Redirects:
		p.over(session, r, "redirects")
		return
	case p.asked >= p.req.Limits.Requests:
		p.over(session, r, "requests")
		return
	case p.result.Bytes >= p.req.Limits.Bytes:
		p.over(session, r, "bytes")
		return
	}
	if move {
		p.moves++
	}
	p.asked++
	p.flying++
	sub := r.subrequest(u)
	sub.Navigation = move
	p.tasks.Go(func() { p.fetch(session, r, sub) })
}

// leads notes where a navigation would go. A form that is posted leads nowhere, because its URL
// means something else with GET. The caller holds the lock.
func (p *page) leads(r pausedRequest) {
	if r.Request.Method == http.MethodGet {
		p.link(r.Request.URL, ByNavigation)
	}
}

// over refuses a request because of a limit. The caller holds the lock.
func (p *page) over(session string, r pausedRequest, limit string) {
	p.hit(limit)
	p.refuse(session, r, limit)
}

// maxBlocked bounds how many refused requests are kept, and how often a page may repeat refused
// requests before its scripts are stopped.
const maxBlocked = 1000

// refuse makes a request fail without making it. A navigation that is refused leaves the page where
// it is. The caller holds the lock.
func (p *page) refuse(session string, r pausedRequest, why string) {
	reason := "BlockedByClient"
	if r.Type == "Document" {
		reason = "Aborted"
	}
	p.b.conn.post(session, "Fetch.failRequest", object{"requestId": r.ID, "errorReason": reason})
	p.result.Blocked = append(p.result.Blocked, Blocked{URL: r.Request.URL, Kind: r.kind(), Why: why})
	if len(p.result.Blocked) == maxBlocked {
		p.halt()
	}
}

// fetch passes a request to the Transport, and its answer to the browser.
func (p *page) fetch(session string, r pausedRequest, sub Subrequest) {
	select {
	case p.lanes <- struct{}{}:
		defer func() { <-p.lanes }()
	case <-p.ctx.Done():
		return
	}
	began := time.Now()
	answer, err := p.req.Transport(p.ctx, sub)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
	p.last = time.Now()
	defer p.change()
	var refusal *Refusal
	if errors.As(err, &refusal) {
		if refusal.Why == "" {
			refusal.Why = "refused"
		}
		p.refuse(session, r, refusal.Why)
		return
	}
	made := Made{URL: sub.URL, Method: sub.Method, Kind: sub.Kind, Took: time.Since(began)}
	switch {
	case err != nil:
		made.Err = err.Error()
		reason := "Failed"
		if sub.Navigation {
			reason = "Aborted" // this reason leaves the page where it is
		}
		p.b.conn.post(session, "Fetch.failRequest", object{"requestId": r.ID, "errorReason": reason})
	case p.result.Bytes+int64(len(answer.Body)) > p.req.Limits.Bytes:
		made.Status, made.Err = answer.Status, "the limit of bytes"
		p.hit("bytes")
		p.result.Bytes = p.req.Limits.Bytes
		p.b.conn.post(session, "Fetch.failRequest", object{"requestId": r.ID, "errorReason": "Failed"})
	case sub.Navigation && download(answer):
		made.Status, made.Bytes = answer.Status, int64(len(answer.Body))
		p.result.Bytes += made.Bytes
		p.link(sub.URL, ByDownload)
		p.b.conn.post(session, "Fetch.failRequest", object{"requestId": r.ID, "errorReason": "Aborted"})
	default:
		made.Status, made.Bytes = answer.Status, int64(len(answer.Body))
		p.result.Bytes += made.Bytes
		if sub.Navigation {
			p.loaded = false // until the browser has left the page, or stays
		}
		p.fulfil(session, r.ID, answer)
	}
	p.result.Requests = append(p.result.Requests, made)
}

// download reports whether a browser would save the answer to a navigation rather than show it.
func download(a Answer) bool {
	if disposition, _, _ := mime.ParseMediaType(a.Header.Get("Content-Disposition")); disposition == "attachment" {
		return true
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	major, minor, _ := strings.Cut(kind, "/")
	return err == nil && major == "application" && !strings.Contains(minor, "xml") && minor != "json"
}

// notPassed are the fields of responses that are not passed to the browser: those that say how the
// body was transferred, because it is passed decoded, and those that would make the browser act by
// itself.
var notPassed = []string{
	"Content-Encoding", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Trailer", "Upgrade",
	"Alt-Svc", "Nel", "Report-To", "Reporting-Endpoints", "Strict-Transport-Security", "Clear-Site-Data",
}

// fulfil answers a request. The caller holds the lock.
func (p *page) fulfil(session, id string, a Answer) {
	type field struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	fields := []field{} // not nil: the browser wants a list
	for name, values := range a.Header {
		if slices.Contains(notPassed, http.CanonicalHeaderKey(name)) {
			continue
		}
		for _, value := range values {
			fields = append(fields, field{name, value})
		}
	}
	params := object{"requestId": id, "responseCode": a.Status, "responseHeaders": fields}
	if len(a.Body) > 0 {
		params["body"] = a.Body
	}
	p.tasks.Go(func() {
		var refused *protocolError // as for a field or a status that is not valid
		if err := p.b.conn.call(p.ctx, session, "Fetch.fulfillRequest", params, nil); errors.As(err, &refused) {
			p.b.conn.post(session, "Fetch.failRequest", object{"requestId": id, "errorReason": "Failed"})
		}
	})
}
