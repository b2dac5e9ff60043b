package trawl

import (
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// board holds what the parts of a process have said about its jobs, for those that wait for
// a change. It is safe for concurrent use.
type board struct {
	mu   sync.Mutex
	jobs map[string]*posted
}

// posted is what is known about one job.
type posted struct {
	status   crawler.Status // the last one seen
	unlisted bool           // the last list of jobs did not name it: it may have been removed
	serving  bool           // visits may be under way, or results are open
	handling int            // calls of handlers that have not returned
	changed  chan struct{}  // closed and replaced at each change
	readers  map[*reader]struct{}
}

// reader receives what happens to the URLs of a job.
type reader struct {
	events chan Event
	missed int // guarded by the board's mu
}

// eventsAhead is how many events wait for a reader. Later ones are dropped.
const eventsAhead = 1024

func newBoard() *board { return &board{jobs: make(map[string]*posted)} }

// of returns what is posted about a job. The caller holds mu.
func (b *board) of(job string) *posted {
	p := b.jobs[job]
	if p == nil {
		p = &posted{changed: make(chan struct{}), readers: make(map[*reader]struct{})}
		b.jobs[job] = p
	}
	return p
}

// change wakes those that wait for the job. The caller holds the board's mu.
func (p *posted) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// list posts the jobs of the fleet.
func (b *board) list(all []crawler.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	listed := make(map[string]bool, len(all))
	for _, s := range all {
		listed[s.Job.Name] = true
		b.set(s)
	}
	for name, p := range b.jobs {
		if !listed[name] && !p.unlisted {
			p.unlisted = true
			p.change()
		}
	}
}

// post posts the status of a job.
func (b *board) post(s crawler.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(s)
}

// set is post for a caller that holds mu.
func (b *board) set(s crawler.Status) {
	p := b.of(s.Job.Name)
	was := p.status
	if s.Created.Before(was.Created) { // an old list, read before the job was created again
		return
	}
	p.status, p.unlisted = s, false
	if was.State != s.State || was.Reason != s.Reason || !was.Created.Equal(s.Created) {
		p.change()
	}
}

// serve records whether the worker serves the job.
func (b *board) serve(job string, serves bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.of(job)
	p.serving = serves
	p.change()
}

// handle counts a call of the job's handlers, until the returned function is called.
func (b *board) handle(job string) (returned func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(job).handling++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		p := b.of(job)
		if p.handling--; p.handling == 0 {
			p.change()
		}
	}
}

// look returns the status of a job, whether nothing runs for it in this process, and a
// channel that is closed at the next change.
func (b *board) look(job string) (status crawler.Status, quiet, unlisted bool, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.of(job)
	return p.status, !p.serving && p.handling == 0, p.unlisted, p.changed
}

// names lists the jobs that something was posted about.
func (b *board) names() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range b.jobs {
		all = append(all, name)
	}
	return all
}

// settled passes a settled URL to the readers of its job.
func (b *board) settled(job string, r *fetched.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.jobs[job]
	if p == nil || len(p.readers) == 0 {
		return
	}
	record := r.Record(false)
	e := Event{Kind: kindOf(record.Outcome), Time: r.At, Job: job, Record: &record}
	for reader := range p.readers {
		select {
		case reader.events <- e:
		default:
			reader.missed++
		}
	}
}

// read registers a reader of a job, until stop is called.
func (b *board) read(job string) (r *reader, stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r = &reader{events: make(chan Event, eventsAhead)}
	b.of(job).readers[r] = struct{}{}
	return r, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.of(job).readers, r)
	}
}

// missed returns how many events a reader has missed since it was last asked.
func (b *board) missed(r *reader) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := r.missed
	r.missed = 0
	return n
}
