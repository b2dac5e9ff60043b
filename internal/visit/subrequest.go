package visit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// This file makes the requests of a page that is rendered. The same rules apply to them as to all
// other requests: robots.txt, the pace of the host, guards of addresses, credentials, recordings,
// the journal.

// Why a request of a page is not made.
const (
	refusedURL     = "url"     // it is not an http or https URL
	refusedMethod  = "method"  // Trawl makes only requests that change nothing: GET and HEAD
	refusedScope   = "scope"   // its host is not one that the page may request from
	refusedRobots  = "robots"  // robots.txt forbids it, or is unavailable
	refusedAddress = "address" // connections to its address or port are not allowed
)

// transport makes one request of the page, for the browser.
func (r *renderedPage) transport(ctx context.Context, s render.Subrequest) (render.Answer, error) {
	e := r.task
	u, err := crawler.ParseURL(s.URL)
	switch {
	case err != nil:
		return render.Answer{}, &render.Refusal{Why: refusedURL}
	case s.Method != http.MethodGet && s.Method != http.MethodHead:
		return render.Answer{}, &render.Refusal{Why: refusedMethod}
	case s.Navigation:
		// Its URL becomes a link of the page, with a depth, a visit and a record of its own.
		return render.Answer{}, &render.Refusal{Why: refusedScope}
	case !mayRequest(e.result.Page.URL.Host(), u.Host(), e.visitor.job.RenderScope):
		return render.Answer{}, &render.Refusal{Why: refusedScope}
	}
	key := s.Method + " " + u.String()
	if answer, ok := e.visit.subresources.get(key); ok {
		return answer, nil
	}
	page, err := r.fetch(ctx, u, s)
	if err != nil {
		return render.Answer{}, r.failure(err)
	}
	answer, err := r.answer(page)
	if err != nil {
		return render.Answer{}, r.failure(err)
	}
	if s.Kind == render.KindDocument && u.Host() != e.result.Page.URL.Host() {
		r.mu.Lock()
		r.framed = true
		r.mu.Unlock()
	}
	if shareable(s, answer) {
		e.visit.subresources.put(key, answer)
	}
	return answer, nil
}

// failure notes an internal error or the end of the visit, and returns the error for the browser.
func (r *renderedPage) failure(err error) error {
	var refused *render.Refusal
	var fault *faultError
	if errors.As(err, &refused) || errors.As(err, &fault) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, errStopped):
		r.stopped = true
	case r.task.visit.life.doing.Err() == nil && !errors.Is(err, context.Canceled) &&
		!errors.Is(err, context.DeadlineExceeded) && r.err == nil:
		r.err = err
	}
	return err
}

// faultError is a fault of the remote side.
type faultError struct{ text string }

func (f *faultError) Error() string { return f.text }

// mayRequest reports whether a page on one host may request from another.
func mayRequest(page, other crawler.Host, scope crawler.ScopeKind) bool {
	switch {
	case page == other || scope == crawler.ScopeAny:
		return true
	case scope == crawler.ScopeHost:
		return page.Name() == other.Name() && page.Port() == other.Port()
	}
	return siteOf(page) == siteOf(other)
}

// siteOf returns the registrable domain of a host, or its name if it has none.
func siteOf(h crawler.Host) string {
	site, err := publicsuffix.EffectiveTLDPlusOne(h.Name())
	if err != nil {
		return h.Name()
	}
	return site
}

// fetch makes a request, if robots.txt allows it, when its turn comes.
func (r *renderedPage) fetch(ctx context.Context, u crawler.URL, s render.Subrequest) (*fetched.Page, error) {
	e := r.task
	q := e.visit.requests
	if u.Host() != e.visit.host.name {
		q = e.visit.stranger(u.Host())
	}
	policy, _, err := q.policy(u, r.getRobots(ctx, q))
	switch {
	case err != nil:
		return nil, err
	case policy.Allowed == nil || !policy.Allowed(u):
		return nil, &render.Refusal{Why: refusedRobots}
	}
	wanted := e.visitor.requestFor(u)
	wanted.Head, wanted.Markdown, wanted.Identity, wanted.Waits = s.Method == http.MethodHead, false, false, false
	wanted.Header = forwarded(s.Header)
	whole := hold{busy: &q.busy}
	defer whole.release()
	along := e.visitor.job.RenderRequests == crawler.RenderPacePage && q == e.visit.requests
	page, err := q.fetch(request{Request: wanted, rules: policy.Text, hold: &whole, along: along, ctx: ctx,
		jar: r.jarFor(u, s)})
	switch {
	case err != nil:
		return nil, err
	case page.Fault != nil && page.Fault.Kind == fetched.FaultBlocked:
		page.Release()
		return nil, &render.Refusal{Why: refusedAddress}
	case page.Fault != nil && page.Body == nil:
		text := page.Fault.Text
		page.Release()
		return nil, &faultError{text}
	}
	return page, nil
}

// getRobots returns the function that requests files about a host for the page, until ctx ends.
func (r *renderedPage) getRobots(ctx context.Context, q *requester) func(crawler.URL, request) (*fetched.Page, error) {
	e := r.task
	return func(u crawler.URL, wanted request) (*fetched.Page, error) {
		wanted.Request, wanted.ctx = e.visitor.robotsRequest(u), ctx
		p, err := q.fetch(wanted)
		if err != nil || p.Recording == nil {
			return p, err
		}
		return r.trail(p), nil
	}
}

// trail keeps a recorded page for the archive, and returns one that only borrows its body.
func (r *renderedPage) trail(p *fetched.Page) *fetched.Page {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.task.result.Trail = append(r.task.result.Trail, p)
	lent := *p
	lent.Recording, lent.Body = nil, p.Body.Lend()
	return &lent
}

// answer returns a page as the browser gets it. The page is released, unless an archive keeps it.
func (r *renderedPage) answer(p *fetched.Page) (render.Answer, error) {
	if p.Recording != nil {
		p = r.trail(p)
	}
	defer p.Release()
	answer := render.Answer{Status: p.Status, Header: p.Header.Clone()}
	if p.URL.Host() != r.task.result.Page.URL.Host() {
		answer.Header.Del("Set-Cookie") // the worker keeps it, apart from those of the page's host
	}
	if p.Body != nil {
		body, err := io.ReadAll(p.Body.Reader())
		if err != nil {
			return render.Answer{}, fmt.Errorf("read the body of %s: %w", p.URL, err)
		}
		answer.Body = body
	}
	if p.IsRedirect() && !p.Location.IsZero() {
		answer.Header.Set("Location", p.Location.String())
	}
	return answer, nil
}

// forwarded returns the headers of a page's request that are sent: those that a script needs to use
// an API. Cookies are the job's ([crawler.RequestSettings.Cookies]).
func forwarded(from http.Header) http.Header {
	to := make(http.Header)
	for name, values := range from {
		switch name = http.CanonicalHeaderKey(name); {
		case name == "Accept", name == "Authorization", name == "Referer", strings.HasPrefix(name, "X-"):
			to[name] = values
		}
	}
	return to
}

// netURL returns a URL for a jar of cookies.
func netURL(u crawler.URL) *url.URL {
	parsed, err := url.Parse(u.String())
	if err != nil {
		return &url.URL{Scheme: u.Scheme(), Host: string(u.Host()), Path: "/"}
	}
	return parsed
}

// clipURL returns a URL for a record, clipped to a length that people read.
func clipURL(s string) string { return urltext.Clip(s) }

// Bounds of what the pages of one visit share.
const (
	maxShared    = 8 << 20  // bytes of the bodies of a visit
	maxSharedOne = 2 << 20  // bytes of one body
	maxSharedAll = 64 << 20 // bytes of the bodies of all visits of the job in this worker
)

// subresources are the answers that pages of a visit share, such as scripts and style sheets. They
// are safe for concurrent use.
type subresources struct {
	held *atomic.Int64 // bytes, over all visits of the job

	mu    sync.Mutex
	all   map[string]render.Answer
	bytes int64
}

func (c *subresources) get(key string) (render.Answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, ok := c.all[key]
	return answer, ok
}

// put keeps an answer, if there is room.
func (c *subresources) put(key string, a render.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := int64(len(a.Body))
	if _, there := c.all[key]; there || size > maxSharedOne || c.bytes+size > maxShared {
		return
	}
	if c.held.Add(size) > maxSharedAll {
		c.held.Add(-size)
		return
	}
	if c.all == nil {
		c.all = make(map[string]render.Answer)
	}
	c.all[key] = a
	c.bytes += size
}

// release forgets all answers, when the visit ends.
func (c *subresources) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held.Add(-c.bytes)
	c.all, c.bytes = nil, 0
}

// shareable reports whether further pages of the visit may get the same answer: it is a part of
// pages rather than data, and its server does not object (RFC 9111, 5.2.2).
func shareable(s render.Subrequest, a render.Answer) bool {
	switch s.Kind {
	case render.KindScript, render.KindStylesheet, render.KindImage, render.KindFont:
	default:
		return false
	}
	control := strings.ToLower(strings.Join(a.Header.Values("Cache-Control"), ","))
	return s.Method == http.MethodGet && a.Status == http.StatusOK && s.Header.Get("Authorization") == "" &&
		!strings.Contains(control, "no-store") && !strings.Contains(control, "no-cache") &&
		!strings.Contains(control, "private")
}

// maxStrangers is the number of strangers of a job that a worker keeps a pace for.
const maxStrangers = 1000

// strangers are the other hosts that rendered pages of a job request from. The visits of the pages
// do not hold these hosts: requests take turns over the fleet (guest.go). They are safe for
// concurrent use.
type strangers struct {
	guests guests

	mu  sync.Mutex
	all map[crawler.Host]*hostState
}

// state returns what is known of a host.
func (s *strangers) state(h crawler.Host, delay time.Duration) *hostState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state := s.all[h]; state != nil {
		state.pace.keep(delay)
		return state
	}
	if s.all == nil || len(s.all) >= maxStrangers {
		s.all = make(map[crawler.Host]*hostState)
	}
	state := &hostState{
		name: h, pace: newPace(time.Now()), policies: make(map[string]fetched.RobotsPolicy, 1),
	}
	state.pace.keep(delay)
	s.all[h] = state
	return state
}

// stranger returns a requester for a host that is not the visit's.
func (v *visit) stranger(h crawler.Host) *requester {
	q := v.requests
	return &requester{
		visitor: q.visitor, life: q.life, lease: q.lease, journal: q.journal, connections: q.connections, log: q.log,
		span: q.span,
		host: v.visitor.strangers.state(h, v.visitor.settings().Delay), guest: true,
	}
}
