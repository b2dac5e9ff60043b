package visit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Handlers are a program's own code for the pages of a job. They must be safe for
// concurrent use.
type Handlers interface {
	// Handle passes a fetched and parsed page to the functions registered for it, and
	// returns what they made of it. If it returns an error, the yield is discarded and the
	// page is tried again, unless the error is [ErrNoRetry].
	Handle(ctx context.Context, h HandlerPage) (Yield, error)
	// Deliver receives results after they are kept and before their URLs are settled. Their
	// Outbox is what Handle returned. It may receive a result more than once, if a worker was
	// lost or Deliver failed. An error that is ErrUnavailable is retried, and so is a
	// [SinkError], within bounds; after any other, the visit ends and the pages are fetched
	// again.
	Deliver(ctx context.Context, results []*fetched.Result) error
}

// ErrorHandlers are [Handlers] that are also called for URLs that fail.
type ErrorHandlers interface {
	Handlers
	// HandlesErrors reports whether HandleError does anything.
	HandlesErrors() bool
	// HandleError is called when a URL has failed: for now, with OutcomeRetry, or for good. It may
	// be called again if the worker is lost before the URL is settled. An error is logged. After an
	// error that is [ErrNoRetry], a URL that would be tried again fails for good.
	HandleError(ctx context.Context, r *fetched.Result) error
}

// HandlerPage is a page as handlers see it. They must not change it, nor keep a reference to any
// part of it after they return.
type HandlerPage struct {
	Job      string
	Entry    queue.Entry
	Page     *fetched.Page     // always has a body
	Document *fetched.Document // nil if the page was not parsed
	// Refuses says why a link of the page does not belong to the job; "" if it does.
	Refuses func(crawler.URL) string
	// Render renders the page in a browser, unless it was rendered already, and returns it as the
	// browser shows it. The error says why it cannot be rendered. It may be called until the
	// handlers return, by one goroutine at a time.
	Render func(context.Context) (*fetched.Page, *fetched.Document, error)
}

// Yield is what handlers made of a page. It takes effect as a whole or not at all.
type Yield struct {
	Items    []queue.Item
	Links    []crawler.URL // to be admitted, except those that the job refuses
	Followed []Followed    // likewise, with what is passed to their pages
	Outbox   any           // passed to Deliver; nil if there is nothing to deliver
	// Stop ends the job with this page: its batch is committed, and this worker settles
	// nothing of the job after it. Deliver lets the fleet know.
	Stop bool
}

// Followed is a link that handlers add to the job.
type Followed struct {
	URL    crawler.URL
	First  bool   // before the host's other URLs, except urgent ones
	Passed string // as [queue.Entry.Passed]
}

// Passing are [Handlers] that change requests.
type Passing interface {
	// Prepare adds to a request for an entry. An error refuses the request.
	Prepare(ctx context.Context, e queue.Entry, r *fetched.Request) error
	// PassedOn returns what is passed to the target of a redirect at another host.
	PassedOn(passed string) string
}

// passedOn returns what is passed on to the target of a redirect.
func (w *Visitor) passedOn(passed string, sameHost bool) string {
	if passed == "" || sameHost || w.passing == nil {
		return passed
	}
	return w.passing.PassedOn(passed)
}

// prepare lets the job's handlers add to a request, or refuse it. refused is the reason; "" if they
// do not.
func (e *urlTask) prepare(r *fetched.Request) (refused string) {
	if e.visitor.passing == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(e.visit.life.doing, e.visitor.cfg.HandlerTime)
	defer cancel()
	err := func() (err error) {
		defer recovered(e.visit.log, r.URL.String(), &err)
		return e.visitor.passing.Prepare(ctx, e.taken.Entry, r)
	}()
	if err != nil {
		return err.Error()
	}
	return ""
}

// The rest of this file passes a page to the program's own handlers, which may be slow,
// fail, panic, or never return.

// handlerGrace is how long handlers may take to return after their deadline.
const handlerGrace = time.Second

// handling is one call of the handlers, for one page.
type handling struct {
	done  chan struct{} // closed when the handlers have returned
	asks  <-chan ask    // for the page to be rendered; nil if they cannot
	yield Yield
	err   error
}

// errExited is the error of a page whose handler called [runtime.Goexit], as
// testing.T.FailNow does: the goroutine ends without a value and without a panic.
var errExited = fmt.Errorf("a handler ended its goroutine (runtime.Goexit): %w", queue.ErrNoRetry)

// handle passes the page to the job's handlers, if it has content to handle. If they fail,
// it decides how the URL task ends.
func (e *urlTask) handle() error {
	doc := e.result.Document
	if e.visitor.handlers == nil || e.result.Page.Body == nil || doc != nil && doc.Sitemap {
		return nil
	}
	e.visit.life.timer.Enter(activity.Handlers)
	defer e.visit.life.timer.Leave(activity.Handlers)
	leave, err := e.visitor.enter(e.visit.life.doing)
	if err != nil {
		return err
	}
	handed, asks := e.handed()
	if doc != nil { // only the handlers use the tree, and it is released with them
		kept := *doc
		kept.Tree = nil
		e.result.Document = &kept
	}
	w, log := e.visitor, e.visit.log // the handlers may outlast the visit
	ctx, cancel := context.WithTimeout(e.visit.life.doing, w.cfg.HandlerTime)
	defer cancel()
	h := begin(leave, func() (Yield, error) { return w.call(ctx, log, handed) })
	h.asks = asks
	returned := h.wait(ctx, e.renderFor)
	if !returned {
		e.abandon(h)
	}
	switch failed := !returned || h.err != nil; {
	case failed && e.visit.life.doing.Err() != nil:
		return errStopped
	case !returned || ctx.Err() != nil && errors.Is(h.err, ctx.Err()):
		e.unhandled(fmt.Errorf("its handlers took longer than %s", e.visitor.cfg.HandlerTime))
	case failed:
		if h.err == errExited {
			e.visit.log.Error("a handler ended its goroutine", "url", e.result.Page.URL.String())
		}
		e.unhandled(h.err)
	default:
		e.take(h.yield)
	}
	return nil
}

// begin calls handlers in a goroutine of their own, and leaves their place when they have
// returned.
func begin(leave func(), call func() (Yield, error)) *handling {
	h := &handling{done: make(chan struct{})}
	go func() {
		defer leave()
		defer close(h.done)
		h.err = errExited // replaced when call returns
		h.yield, h.err = call()
	}()
	return h
}

// handleError tells the job's handlers that the URL has failed. It returns errStopped if the
// visit ends meanwhile.
func (e *urlTask) handleError() error {
	if !e.result.Outcome.Failure() {
		return nil
	}
	shared := e.result // the handlers may outlast the visit
	h, err := e.visitor.tellError(e.visit.life.doing, e.visit.log, &shared)
	switch {
	case err != nil || h == nil:
		return err
	case !h.returned() && e.result.Page != nil && e.result.Page.Body != nil:
		e.abandon(h)
	}
	switch {
	case e.visit.life.doing.Err() != nil && h.failed():
		return errStopped
	case h.returned() && errors.Is(h.err, queue.ErrNoRetry) && e.result.Outcome == crawler.OutcomeRetry:
		e.after, e.spared = 0, false
		e.result.Class = e.result.ErrorClass()
		e.end(crawler.OutcomeFailed, e.result.Reason+": "+h.err.Error())
	}
	return nil
}

// tellError passes a failure to the job's handlers and waits for them, and logs their error.
// The handling is nil if the job has none for failures.
func (w *Visitor) tellError(ctx context.Context, log *slog.Logger, r *fetched.Result) (*handling, error) {
	if w.errors == nil {
		return nil, nil
	}
	leave, err := w.enter(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.HandlerTime)
	defer cancel()
	url := r.Entry.URL.String()
	h := begin(leave, func() (_ Yield, err error) {
		defer recovered(log, url, &err)
		return Yield{}, w.errors.HandleError(ctx, r)
	})
	if !h.wait(ctx, nil) {
		log.Error("handlers have not returned after their deadline", "url", url)
	} else if h.err != nil && !errors.Is(h.err, queue.ErrNoRetry) {
		log.Warn("a failure could not be handled", "url", url, "error", h.err)
	}
	return h, nil
}

// returned reports whether the handlers have returned.
func (h *handling) returned() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// failed reports whether the handlers have failed, or not returned.
func (h *handling) failed() bool { return !h.returned() || h.err != nil }

// recovered turns a panic of a handler into an error that is not retried. Call it with defer.
func recovered(log *slog.Logger, url string, err *error) {
	if r := recover(); r != nil {
		log.Error("a handler panicked", "url", url, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		*err = fmt.Errorf("a handler panicked: %v: %w", r, queue.ErrNoRetry)
	}
}

// enter takes a place for handlers. It gives up after the longest time that a handler may
// take. That is not the page's fault: handlers that do not return hold all places.
func (w *Visitor) enter(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(w.cfg.HandlerTime + 2*handlerGrace)
	defer patience.Stop()
	select {
	case w.cfg.HandlerPlaces <- struct{}{}:
		return func() { <-w.cfg.HandlerPlaces }, nil
	case <-ctx.Done():
		return nil, errStopped
	case <-patience.C:
		return nil, fmt.Errorf("none of %d running handlers returned within %s", cap(w.cfg.HandlerPlaces),
			w.cfg.HandlerTime)
	}
}

// handed returns the page as handlers get it. It shares nothing with the result that the
// visit writes to, because handlers may outlast the visit.
func (e *urlTask) handed() (HandlerPage, <-chan ask) {
	asks := make(chan ask)
	depth := e.taken.Entry.Depth + 1
	scope := e.visitor.scope
	page := e.result.Page
	if e.shown != nil {
		page = e.shown
	}
	return HandlerPage{
		Job: e.result.Job, Entry: e.result.Entry, Page: page, Document: e.result.Document,
		Refuses: func(u crawler.URL) string { return scope.Refuses(u, depth) },
		Render:  func(ctx context.Context) (*fetched.Page, *fetched.Document, error) { return askFor(ctx, asks) },
	}, asks
}

// call calls the handlers. If one panics, only this page fails.
func (w *Visitor) call(ctx context.Context, log *slog.Logger, h HandlerPage) (y Yield, err error) {
	defer recovered(log, h.Page.URL.String(), &err)
	return w.handlers.Handle(ctx, h)
}

// wait waits until the handlers return, or until their time and the grace are over. Meanwhile it
// lets render answer what they ask for.
func (h *handling) wait(ctx context.Context, render func(ask)) (returned bool) {
	for waits := true; waits; {
		select {
		case <-h.done:
			return true
		case a := <-h.asks:
			render(a)
		case <-ctx.Done():
			waits = false
		}
	}
	grace := time.NewTimer(handlerGrace)
	defer grace.Stop()
	select {
	case <-h.done:
		return true
	case <-grace.C:
		return false
	}
}

// abandon gives up on handlers that do not return. They keep the body and their place until
// they do.
func (e *urlTask) abandon(h *handling) {
	e.visit.log.Error("handlers have not returned after their deadline", "url", e.result.Page.URL.String())
	theirs := e.result.Page.Body
	e.withheld = theirs.Size
	ours := *e.result.Page
	ours.Body = nil
	e.result.Page = &ours
	go func() {
		<-h.done
		theirs.Release()
	}()
}

// unhandled ends a URL task whose handlers failed. The failure is retried unless the error
// says otherwise or there were too many tries. After the last try the page's links are
// still admitted, because only the page itself is lost.
func (e *urlTask) unhandled(err error) {
	entry := e.taken.Entry
	e.result.Class = crawler.ErrorHandler
	switch {
	case errors.Is(err, queue.ErrNoRetry):
		e.end(crawler.OutcomeFailed, err.Error())
	case entry.Tries >= e.visitor.settings().Retries:
		e.end(crawler.OutcomeFailed, err.Error()+tried(entry))
	default:
		e.after = backoff(e.visitor.settings().RetryPause, entry.Tries, e.visitor.cfg.Jitter)
		e.links, e.nodes = nil, nil
		e.unskip()
		e.end(crawler.OutcomeRetry, err.Error())
	}
	e.visit.log.Warn("a page could not be handled", "url", entry.URL.String(), "outcome", e.result.Outcome,
		"error", err)
}

// take adds what the handlers made of the page to the URL task's result.
func (e *urlTask) take(y Yield) {
	e.result.Items, e.result.Outbox = y.Items, y.Outbox
	if y.Stop && e.visitor.stopper.CompareAndSwap(nil, e) {
		e.visitor.cfg.Stops()
	}
	for _, u := range y.Links {
		y.Followed = append(y.Followed, Followed{URL: u})
	}
	// The page's own links come after these, which may pass something to the same URL.
	own, nodes := e.links, e.nodes
	e.links, e.nodes = nil, nil
	defer func() { e.links, e.nodes = append(e.links, own...), joined(e.nodes, nodes) }()
	for _, l := range y.Followed {
		u, band := l.URL, queue.BandNormal
		if l.First {
			band = queue.BandFirst
		}
		if refused := e.visitor.scope.LinkRefusal(u, e.asked(1)); refused.Rule != "" {
			e.skip(u, 1, refused)
			continue
		}
		e.add(queue.Entry{URL: u, Referrer: e.result.Page.URL, Band: band, Passed: l.Passed}, 1, e.visitor.job.Reach())
	}
}

// joined returns outlinks in front of those of the same pages.
func joined(front, nodes []fetched.Outlinks) []fetched.Outlinks {
	for _, f := range front {
		at := slices.IndexFunc(nodes, func(n fetched.Outlinks) bool { return n.Page == f.Page })
		if at < 0 {
			nodes = append(nodes, f)
			continue
		}
		nodes[at].Links = append(f.Links, nodes[at].Links...)
	}
	return nodes
}
