package crawler

import (
	"context"
	"time"
)

// How what was recorded stays with an errand until the sinks had it.

// leave goes on from a page, which stays on the trail if it was recorded.
func (e *errand) leave() {
	switch p := e.result.Page; {
	case p == nil:
	case p.Recording != nil:
		e.result.Trail = append(e.result.Trail, p)
	default:
		p.Release()
	}
	e.result.Page = nil
}

// getRobots makes one request for a robots.txt. Where it is recorded, the page
// stays on the trail, and what is returned only borrows its body.
func (e *errand) getRobots(_ context.Context, u URL) (*Page, error) {
	job := e.visit.job
	p, err := e.visit.fetch(request{robots: true, Request: Request{
		URL: u, UserAgent: job.UserAgent, From: job.Contact, BodyLimit: robotsLimit, Timeout: time.Duration(job.Timeout),
		Record: e.visit.record,
	}})
	if err != nil || p.Recording == nil {
		return p, err
	}
	e.result.Trail = append(e.result.Trail, p)
	lent := *p
	lent.Recording, lent.Body = nil, p.Body.lend()
	return &lent, nil
}

// lend returns a body whose Release does nothing; it is good for as long as b
// is. Nil is lent as nil.
func (b *Body) lend() *Body {
	if b == nil {
		return nil
	}
	return &Body{Head: b.Head, Spill: b.Spill, Size: b.Size, Digest: b.Digest, Release: func() {}}
}

// release gives back what the pages hold.
func (r *Result) release() {
	for _, p := range r.Trail {
		p.Release()
	}
	if r.Page != nil {
		r.Page.Release()
	}
}
