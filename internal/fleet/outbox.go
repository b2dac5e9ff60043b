package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Segment is a part of a job's output on its way to a bucket. It is finished as a whole,
// and counts as shipped when all of it has arrived. It is safe for concurrent use.
type Segment interface {
	// Name tells it from all other segments of the job.
	Name() string
	// Keep and Note write into it.
	Keep(ctx context.Context, results []*crawler.Result) error
	Note(ctx context.Context, requests []crawler.Exchange) error
	// Bodies reports whether Keep reads the bodies of pages.
	Bodies() bool
	// Broken reports whether it keeps nothing any more, after an error of Keep or Note.
	Broken(err error) bool
	// Finish ends its files, and lets them be shipped. Nothing is written after.
	Finish() error
}

// OutboxConfig sets up an [Outbox].
type OutboxConfig struct {
	// Open begins a segment. It must not wait for anything.
	Open func() (Segment, error)
	// Every is after which time a segment is finished that holds something. Above 0.
	Every time.Duration
	// Named says that settled URLs are told which segment they are in.
	Named bool
	// Log takes what goes wrong.
	Log *slog.Logger
}

// Outbox is the output of a job that goes to a bucket: it writes one segment after
// another. It implements [crawler.Outbox] and is safe for concurrent use.
type Outbox struct {
	cfg OutboxConfig

	mu        sync.Mutex
	current   *slot // nil until there is something to keep
	bodies    bool
	closed    bool
	failure   error // of finishing segments
	finishing sync.WaitGroup
}

// slot is a segment and its use.
type slot struct {
	Segment
	timer   *time.Timer
	holds   int  // commits under way that kept something in it
	results int  // kept in it
	used    bool // something was kept or noted in it
	retired bool // nothing more is kept in it
}

// mostResults is after how many results a segment is finished, so that what Redis
// remembers of one has a bound.
const mostResults = 50_000

// NewOutbox opens the first segment, so that what is wrong with the spool shows at once.
func NewOutbox(cfg OutboxConfig) (*Outbox, error) {
	o := &Outbox{cfg: cfg}
	first, err := o.hold()
	if err != nil {
		return nil, err
	}
	o.bodies = first.Bodies()
	o.letGo(first)
	return o, nil
}

// hold returns the segment that is written. It is not finished before it is let go of.
func (o *Outbox) hold() (*slot, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, fmt.Errorf("the output is closed: %w", os.ErrClosed)
	}
	if o.current == nil {
		opened, err := o.cfg.Open()
		if err != nil {
			return nil, err
		}
		s := &slot{Segment: opened}
		s.timer = time.AfterFunc(o.cfg.Every, func() { o.grown(s) })
		o.current = s
	}
	o.current.holds++
	return o.current, nil
}

// letGo ends a hold, and finishes the segment if it was the last of a retired one.
func (o *Outbox) letGo(s *slot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.holds--
	o.finishIdle(s)
}

// grown finishes a segment that is old. One in which nothing is goes on.
func (o *Outbox) grown(s *slot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.used {
		o.retire(s)
	} else if !s.retired {
		s.timer.Reset(o.cfg.Every)
	}
}

// retire lets nothing more be kept in a segment. It is finished when the commits that
// kept something in it are over. The caller has mu.
func (o *Outbox) retire(s *slot) {
	if s.retired {
		return
	}
	s.retired = true
	s.timer.Stop()
	if o.current == s {
		o.current = nil
	}
	o.finishing.Add(1)
	o.finishIdle(s)
}

// finishIdle finishes a retired segment that nobody holds. The caller has mu.
func (o *Outbox) finishIdle(s *slot) {
	if !s.retired || s.holds > 0 {
		return
	}
	go func() {
		defer o.finishing.Done()
		if err := s.Finish(); err != nil {
			o.cfg.Log.Error("a segment could not be finished; it is mended and shipped later", "segment", s.Name(), "error", err)
			o.mu.Lock()
			o.failure = errors.Join(o.failure, err)
			o.mu.Unlock()
		}
	}()
}

// KeepIn keeps results in the segment that is written.
func (o *Outbox) KeepIn(ctx context.Context, results []*crawler.Result) (string, func(), error) {
	s, err := o.hold()
	if err != nil {
		return "", nil, err
	}
	if err := s.Keep(ctx, results); err != nil {
		o.letGo(s)
		return "", nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s.used = true
	if s.results += len(results); s.results >= mostResults {
		o.retire(s)
	}
	name := ""
	if o.cfg.Named {
		name = s.Name()
	}
	return name, sync.OnceFunc(func() { o.letGo(s) }), nil
}

// Keep keeps results.
func (o *Outbox) Keep(ctx context.Context, results []*crawler.Result) error {
	_, release, err := o.KeepIn(ctx, results)
	if err == nil {
		release()
	}
	return err
}

// Note writes requests into the journal of the segment that is written.
func (o *Outbox) Note(ctx context.Context, requests []crawler.Exchange) error {
	s, err := o.hold()
	if err != nil {
		return err
	}
	defer o.letGo(s)
	if err := s.Note(ctx, requests); err != nil {
		return err
	}
	o.mu.Lock()
	s.used = true
	o.mu.Unlock()
	return nil
}

// mend lets a segment go that keeps nothing any more, after an error: what comes next is
// kept in another. What the broken one holds is finished when its tray is adopted.
func (o *Outbox) mend(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.current
	if s == nil {
		return
	}
	if s.Broken(err) {
		o.retire(s)
	}
}

// Bodies reports whether the sinks read the bodies of pages.
func (o *Outbox) Bodies() bool { return o.bodies }

// Ship finishes the segment that is written, if it holds something, so that it is
// brought to the bucket at once.
func (o *Outbox) Ship() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current != nil && o.current.used {
		o.retire(o.current)
	}
}

// Close finishes what is open, and waits for it. Nobody holds a segment any more.
func (o *Outbox) Close() error {
	o.mu.Lock()
	o.closed = true
	if o.current != nil {
		o.retire(o.current)
	}
	o.mu.Unlock()
	o.finishing.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failure
}
