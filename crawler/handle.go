package crawler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// How an errand gives its page to the program's own code, which may be slow, fail,
// panic, or not return at all.

// handlerGrace is how long handlers may take to return when their time is over.
const handlerGrace = time.Second

// handling is the work of handlers on one page.
type handling struct {
	done  chan struct{} // closed when they have returned
	yield Yield
	err   error
}

// handle gives the page to the job's handlers, if it has content to handle. It
// decides anew how the errand ends when they fail.
func (e *errand) handle() error {
	doc := e.result.Document
	if e.visit.handlers == nil || e.result.Page.Body == nil || doc != nil && doc.Sitemap {
		return nil
	}
	leave, err := e.visit.enter()
	if err != nil {
		return err
	}
	handed := e.handed()
	if doc != nil { // the tree is theirs alone, and goes with them
		kept := *doc
		kept.Tree = nil
		e.result.Document = &kept
	}
	ctx, cancel := context.WithTimeout(e.visit.doing, e.visit.cfg.HandlerTime)
	defer cancel()
	h := &handling{done: make(chan struct{})}
	go func() {
		defer leave()
		defer close(h.done)
		h.yield, h.err = e.visit.call(ctx, handed)
	}()
	returned := h.wait(ctx)
	if !returned {
		e.abandon(h)
	}
	switch failed := !returned || h.err != nil; {
	case failed && e.visit.doing.Err() != nil:
		return errStopped
	case !returned || ctx.Err() != nil && errors.Is(h.err, ctx.Err()):
		e.unhandled(fmt.Errorf("its handlers took more than %s", e.visit.cfg.HandlerTime))
	case failed:
		e.unhandled(h.err)
	default:
		e.take(h.yield)
	}
	return nil
}

// enter takes a place for handlers. Who waits in vain for as long as they may
// take is not the page's trouble: places are held by some that do not return.
func (v *visit) enter() (leave func(), err error) {
	patience := time.NewTimer(v.cfg.HandlerTime + 2*handlerGrace)
	defer patience.Stop()
	select {
	case v.cfg.HandlerPlaces <- struct{}{}:
		return func() { <-v.cfg.HandlerPlaces }, nil
	case <-v.doing.Done():
		return nil, errStopped
	case <-patience.C:
		return nil, fmt.Errorf("no handler returned within %s, of %d that are at work", v.cfg.HandlerTime, cap(v.cfg.HandlerPlaces))
	}
}

// handed is the page as handlers get it. It shares nothing with the result that
// the visit writes to, since handlers may outlast it.
func (e *errand) handed() Handed {
	depth := e.taken.Entry.Depth + 1
	scope := e.visit.scope
	return Handed{
		Job: e.result.Job, Entry: e.result.Entry, Page: e.result.Page, Document: e.result.Document,
		Refuses: func(u URL) string { return scope.Refuses(u, depth) },
	}
}

// call calls the handlers. One that panics costs the page, and no more.
func (v *visit) call(ctx context.Context, h Handed) (y Yield, err error) {
	defer func() {
		if r := recover(); r != nil {
			v.log.Error("a handler panicked", "url", h.Page.URL.String(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fmt.Errorf("a handler panicked: %v: %w", r, ErrNoRetry)
		}
	}()
	return v.handlers.Handle(ctx, h)
}

// wait waits until the handlers return, or should have.
func (h *handling) wait(ctx context.Context) (returned bool) {
	select {
	case <-h.done:
		return true
	case <-ctx.Done():
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

// abandon lets handlers be that do not return. The body is theirs until they do,
// and so is their place.
func (e *errand) abandon(h *handling) {
	e.visit.log.Error("handlers do not return, though their time is over", "url", e.result.Page.URL.String())
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

// unhandled ends an errand whose page the handlers could not do: as a failure that
// may pass, unless they say otherwise. What else the page led to stays when it has
// failed for good: it is no more than the page that is lost.
func (e *errand) unhandled(err error) {
	entry := e.taken.Entry
	switch {
	case errors.Is(err, ErrNoRetry):
		e.end(OutcomeFailed, err.Error())
	case entry.Tries >= e.visit.settings().Retries:
		e.end(OutcomeFailed, fmt.Sprintf("%s (tried %d times)", err, entry.Tries+entry.Spared+1))
	default:
		e.after = backoff(time.Duration(e.visit.settings().RetryPause), entry.Tries, e.visit.cfg.Jitter)
		e.links, e.nodes = nil, nil
		e.end(OutcomeRetry, err.Error())
	}
	e.visit.log.Warn("a page could not be handled", "url", entry.URL.String(), "outcome", e.result.Outcome, "error", err)
}

// take adds what the handlers made of the page to what came of it.
func (e *errand) take(y Yield) {
	e.result.Items, e.result.Mail = y.Items, y.Mail
	for _, u := range y.Links {
		if e.visit.scope.Refuses(u, e.asked(1)) == "" {
			e.add(Entry{URL: u, Via: e.result.Page.URL, Band: BandNormal}, 1, e.visit.job.Depth)
		}
	}
}
