package trawl

import (
	"context"
	"iter"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Event is something that happened to a job; see [Run.Events].
type Event struct {
	Kind EventKind
	Time time.Time
	Job  string
	// Record is the record of the URL, for EventPage, EventError and EventOther. Its Outcome
	// is OutcomeRetry if the URL will be tried again.
	Record *Record
	// Stats are the job's, for EventState and EventProgress.
	Stats *Stats
	// Missed is how many events about URLs were dropped before this one, because they were
	// not read in time; for EventProgress.
	Missed int
}

// EventKind says what an Event is about.
type EventKind string

// The kinds of events.
const (
	EventPage     EventKind = "page"     // a page was fetched and is on record
	EventError    EventKind = "error"    // a URL failed, finally or for now
	EventOther    EventKind = "other"    // a URL was redirected, disallowed or skipped
	EventState    EventKind = "state"    // the state of the job, first as it is and then each change
	EventProgress EventKind = "progress" // the job's numbers, once a second and at the end
)

// kindOf returns the kind of event for the outcome of a URL.
func kindOf(o Outcome) EventKind {
	switch {
	case o == crawler.OutcomeFetched, o == crawler.OutcomeNotModified:
		return EventPage
	case o.Failure():
		return EventError
	}
	return EventOther
}

// progressEvery is the time between two events of EventProgress.
const progressEvery = time.Second

// Events returns what happens to the job, until it has ended, ctx ends or the fleet is shut
// down: its state and numbers, and each URL that this process settles, from now on. The last
// two events are progress and the state in which the job ended. If the loop is slow, up to
// 1024 events about URLs wait; later ones are dropped and counted. Events may be called more
// than once, and at any time.
func (r *Run) Events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		board := r.fleet.board
		reader, stop := board.read(r.name)
		defer stop()
		w := eventLoop{ctx: ctx, run: r, reader: reader, yield: yield, shut: r.fleet.stopped,
			tick: time.NewTicker(progressEvery)}
		defer w.tick.Stop()
		for w.step() {
		}
	}
}

// eventLoop is one loop over the events of a job.
type eventLoop struct {
	ctx    context.Context
	run    *Run
	reader *reader
	yield  func(Event) bool
	tick   *time.Ticker
	shut   <-chan struct{} // closed when the fleet is shut down

	told   bool // the state was told
	state  State
	reason string
}

// step tells what has happened, and waits for more. It returns false at the end.
func (w *eventLoop) step() bool {
	status, quiet, gone, changed := w.run.fleet.board.look(w.run.name)
	if gone && w.run.removed(w.ctx) {
		return false
	}
	if status.State.Ended() && quiet {
		w.finish()
		return false
	}
	if (!w.told || status.State != w.state || status.Reason != w.reason) && !status.State.Ended() {
		w.told, w.state, w.reason = true, status.State, status.Reason
		if !w.numbers(EventState) {
			return false
		}
	}
	select {
	case e := <-w.reader.events:
		return w.yield(e)
	case <-changed:
	case <-w.tick.C:
		return w.numbers(EventProgress)
	case <-w.shut:
		return false
	case <-w.ctx.Done():
		return false
	}
	return true
}

// finish tells the events that are left when the job has ended.
func (w *eventLoop) finish() {
	for {
		select {
		case e := <-w.reader.events:
			if !w.yield(e) {
				return
			}
		default:
			if w.numbers(EventProgress) {
				w.numbers(EventState)
			}
			return
		}
	}
}

// numbers tells the job's numbers. It tells nothing while they cannot be read.
func (w *eventLoop) numbers(kind EventKind) bool {
	stats, err := w.run.Stats(w.ctx)
	if err != nil {
		return true
	}
	e := Event{Kind: kind, Time: time.Now(), Job: w.run.name, Stats: &stats}
	if kind == EventProgress {
		e.Missed = w.run.fleet.board.missed(w.reader)
	}
	return w.yield(e)
}
