package visit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/need"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/signature"
)

// This file decides whether a page is rendered in a browser, and takes over the page as the browser
// shows it.

// Browser renders pages. It is safe for concurrent use. Its errors are those of [render.Pool].
type Browser interface {
	Render(ctx context.Context, r render.Request) (*render.Result, error)
}

// renderTries is how often a page is rendered if its browser is lost each time.
const renderTries = 3

// renders reports whether the page that was fetched may be rendered: it is a whole HTML page of the
// job that is not only checked, and small enough to be held in memory.
func (e *urlTask) renders(doc *fetched.Document) bool {
	entry, p := e.taken.Entry, e.result.Page
	return e.visitor.browser != nil && doc != nil && doc.Signs != nil && !e.check && entry.Sitemap == 0 &&
		entry.Embeds == 0 && p.BlockPage == "" && p.Body != nil && p.Body.Spill == nil && !p.Truncated
}

// render renders the page if that is worth it, and returns its document.
func (e *urlTask) render(doc *fetched.Document) (*fetched.Document, error) {
	if !e.renders(doc) {
		return doc, nil
	}
	switch {
	case e.visitor.job.Render == crawler.RenderAlways:
		return e.rendered(doc, need.WhyAlways, nil)
	case doc.Signs.Scripts == 0:
		return doc, nil // a browser would show the same
	}
	needed := doc.Signs.Need(len(e.inScope(doc)))
	pattern := renderPattern(e.result.Page.URL)
	lessons := &e.visit.host.lessons
	e.recallLessons()
	why, err := lessons.Decide(e.visit.life.starting, pattern, needed, fingerprintOf(e.result.Page.URL))
	switch {
	case err != nil:
		return nil, errStopped
	case why == "":
		return doc, nil
	}
	defer lessons.Done(pattern, needed)
	return e.rendered(doc, why, func(gained bool) { e.teach(pattern, needed, gained) })
}

// recallLessons reads what the fleet has learned about the host, once in a visit. If that fails,
// the visit learns by itself.
func (e *urlTask) recallLessons() {
	h := e.visit.host
	h.recall.Do(func() {
		known, err := e.visitor.frontier.Learn(e.visit.life.doing, h.name, nil)
		if err != nil {
			e.visit.log.Debug("what was learned about rendering cannot be read", "error", err)
			return
		}
		h.lessons.Know(known)
	})
}

// teach remembers whether a page has gained, for this visit and for the fleet.
func (e *urlTask) teach(pattern string, needed float64, gained bool) {
	h := e.visit.host
	h.lessons.Learn(pattern, needed, gained)
	known, err := e.visitor.frontier.Learn(e.visit.life.doing, h.name, need.TaughtBy(pattern, needed, gained))
	if err != nil {
		e.visit.log.Debug("what was learned about rendering cannot be stored", "error", err)
		return
	}
	h.lessons.Know(known)
}

// rendered renders the page and returns its new document. If the page cannot be rendered, rendered
// returns the old document, and the record says why. teach is called with whether the page has
// gained; it may be nil.
func (e *urlTask) rendered(doc *fetched.Document, why need.Why, teach func(gained bool)) (*fetched.Document, error) {
	if teach == nil {
		teach = func(bool) {}
	}
	r := &renderedPage{task: e, log: &fetched.Rendered{Why: string(why)}}
	e.result.Rendered = r.log
	result, err := r.inBrowser()
	switch {
	case err != nil && (errors.Is(err, errStopped) || e.visit.life.doing.Err() != nil):
		return nil, errStopped
	case err != nil && r.internal() != nil:
		return nil, r.internal()
	case err != nil:
		r.log.Error = err.Error()
		e.visit.log.Warn("a page could not be rendered", "url", e.result.Page.URL.String(), "error", err)
		if !errors.Is(err, render.ErrBrowserLost) && !errors.Is(err, render.ErrClosed) {
			teach(false) // it would probably fail again
		}
		return doc, nil
	}
	shown := r.page(e.result.Page, result)
	after, trouble, err := e.visitor.parse(e.visit.life.doing, e.visit.log, shown, false)
	switch {
	case err != nil:
		return nil, err
	case after == nil || after.Signs == nil:
		r.log.Error = "what the browser made of it was not parsed: " + trouble
		teach(false)
		return doc, nil
	}
	after.Charset, after.Guessed = doc.Charset, doc.Guessed
	addLinks(after, result)
	before := e.inScope(doc)
	fresh := 0
	for u := range e.inScope(after) {
		if !before[u] {
			fresh++
		}
	}
	teach(need.Gained(*doc.Signs, *after.Signs, fresh))
	e.shown = shown
	return after, nil
}

// inScope returns the links of a document that belong to the job, at any depth.
func (e *urlTask) inScope(doc *fetched.Document) map[crawler.URL]bool {
	all := make(map[crawler.URL]bool, len(doc.Links))
	for _, l := range doc.Links {
		if e.visitor.scope.LinkRefusal(l.URL, 0).Rule == "" {
			all[l.URL] = true
		}
	}
	return all
}

// renderPattern returns the pattern of a URL for lessons about rendering. At the root of a site it
// is coarser than the pattern for traps, by which each page there would be a pattern of its own.
func renderPattern(u crawler.URL) string {
	pattern := string(signature.PatternOf(u))
	path, query, _ := strings.Cut(pattern, "?")
	if strings.Count(path, "/") == 1 && path != "/" && !strings.ContainsAny(path[1:], "NXM") {
		path = "/w"
	}
	return path + "?" + query
}

// fingerprintOf returns a number that depends on a URL alone.
func fingerprintOf(u crawler.URL) uint64 {
	h := fnv.New64a()
	io.WriteString(h, u.String())
	sum := h.Sum64()
	return sum ^ sum>>32
}

// addLinks adds to a document the URLs that its page leads to without links: routes of the History
// API, windows, redirects by scripts, and downloads.
func addLinks(doc *fetched.Document, result *render.Result) {
	there := make(map[crawler.URL]bool, len(doc.Links))
	for _, l := range doc.Links {
		there[l.URL] = true
	}
	for _, l := range result.Links {
		u, err := crawler.ParseURL(l.URL)
		if err != nil || there[u] {
			continue
		}
		there[u] = true
		doc.Links = append(doc.Links, rules.Link{URL: u})
	}
}

// renderedPage is one page while it is rendered.
type renderedPage struct {
	task *urlTask
	log  *fetched.Rendered

	mu      sync.Mutex // guards what follows, and the trail of the task's result
	stopped bool       // a request was not made because the visit ends
	framed  bool       // the page shows a frame of another host
	err     error      // the first internal error
}

// internal returns the first internal error; nil if there was none.
func (r *renderedPage) internal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// inBrowser renders the page, again if the browser is lost. The error is errStopped if the visit
// ends.
func (r *renderedPage) inBrowser() (result *render.Result, err error) {
	e := r.task
	request, err := r.request()
	if err != nil {
		return nil, err
	}
	e.visit.log.Debug("a page is rendered", "url", request.URL, "why", r.log.Why)
	for try := 1; ; try++ {
		began := time.Now()
		result, err = e.visitor.browser.Render(e.visit.life.fetching, request)
		r.log.Took = time.Since(began)
		r.mu.Lock()
		stopped := r.stopped || e.visit.life.fetching.Err() != nil
		r.mu.Unlock()
		switch {
		case stopped || err == nil && r.internal() != nil:
			return nil, errors.Join(errIf(stopped), r.internal())
		case err == nil:
			r.note(result)
			r.keepCookies(request.Cookies, result)
			return result, nil
		case !errors.Is(err, render.ErrBrowserLost) || try == renderTries:
			return nil, err
		}
		e.visit.log.Warn("the browser was lost; the page is rendered again", "url", request.URL, "error", err)
	}
}

// errIf returns errStopped if the visit ends.
func errIf(stopped bool) error {
	if stopped {
		return errStopped
	}
	return nil
}

// request returns what the browser is asked for.
func (r *renderedPage) request() (render.Request, error) {
	e := r.task
	p := e.result.Page
	body, err := io.ReadAll(p.Body.Reader())
	if err != nil {
		return render.Request{}, fmt.Errorf("read the body of %s: %w", p.URL, err)
	}
	request := rules.RenderRequest(*e.visitor.settings())
	request.URL = p.URL.String()
	request.First = render.Answer{Status: p.Status, Header: p.Header.Clone(), Body: body}
	request.Transport = r.transport
	if e.visitor.jar != nil {
		request.Cookies = e.visitor.jar.Cookies(netURL(p.URL))
	}
	return request, nil
}

// note adds to the record what the page did in the browser.
func (r *renderedPage) note(result *render.Result) {
	r.log.Took, r.log.Requests, r.log.Bytes = result.Took, len(result.Requests), result.Bytes
	r.log.Limits = result.Hit
	r.log.Screenshot, r.log.PDF = result.Screenshot, result.PDF
	r.log.KeepOriginal = r.task.visitor.job.Rendering.Original
	seen := make(map[string]bool, len(result.Blocked))
	for _, b := range result.Blocked {
		if len(r.log.Blocked) < maxBlocked && !seen[b.URL] {
			seen[b.URL] = true
			r.log.Blocked = append(r.log.Blocked, crawler.RenderBlocked{URL: clipURL(b.URL), Why: b.Why})
		}
	}
}

// maxBlocked is the most requests that were not made which a record lists.
const maxBlocked = 32

// page returns the page as the browser shows it: the server's page with another body.
func (r *renderedPage) page(p *fetched.Page, result *render.Result) *fetched.Page {
	shown := *p
	shown.Recording = nil
	shown.Header = p.Header.Clone()
	if shown.Header == nil {
		shown.Header = make(http.Header)
	}
	shown.Header.Set("Content-Type", "text/html; charset=utf-8")
	shown.Body = &fetched.Body{
		Head: result.HTML, Size: int64(len(result.HTML)), Digest: sha256.Sum256(result.HTML), Release: func() {},
	}
	r.log.Body, r.log.Digest = shown.Body, shown.Body.Digest
	return &shown
}

// ask is a handler's wish to have its page rendered. The lane of the page grants it, because handlers
// may outlast the visit and must not touch its results.
type ask chan asked

// asked is the page as the browser shows it, or why it cannot be rendered.
type asked struct {
	page *fetched.Page
	doc  *fetched.Document
	err  error
}

// askFor asks for the page to be rendered, and waits for it.
func askFor(ctx context.Context, asks chan<- ask) (*fetched.Page, *fetched.Document, error) {
	a := make(ask, 1)
	select {
	case asks <- a:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	got := <-a
	return got.page, got.doc, got.err
}

// renderFor renders the page because a handler asks for it, and follows the links of the rendered
// page.
func (e *urlTask) renderFor(a ask) {
	doc := e.result.Document
	switch {
	case e.visitor.browser == nil:
		a <- asked{err: errors.New("the job renders no pages: set render to auto or always")}
		return
	case e.shown != nil:
		a <- asked{page: e.shown, doc: doc}
		return
	case !e.renders(doc):
		a <- asked{err: errors.New("it is no whole HTML page of at most 2 MiB")}
		return
	}
	after, err := e.rendered(doc, need.WhyHandler, nil)
	switch {
	case err != nil:
		a <- asked{err: err}
		return
	case e.shown == nil:
		a <- asked{err: errors.New(e.result.Rendered.Error)}
		return
	}
	kept := *after
	kept.Tree = nil
	e.result.Document = &kept
	if e.visitor.job.Follow && !after.NoFollow && e.leads() {
		e.follow(after.Links)
	}
	a <- asked{page: e.shown, doc: after}
}
