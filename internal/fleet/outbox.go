package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/crawler/spool"
)

// outbox is the output of a job that goes to a bucket. It writes one segment after
// another: each has sinks and a tray of its own, is finished as a whole, and counts as
// shipped when all of it has arrived. It implements [crawler.Outbox] and is safe for
// concurrent use.
type outbox struct {
	open  func() (*segment, error)
	every time.Duration // after which a segment is finished that holds something
	named bool          // settled URLs are told which segment they are in
	log   *slog.Logger

	mu        sync.Mutex
	current   *segment // nil until there is something to keep
	bodies    bool
	closed    bool
	failure   error // of finishing segments
	finishing sync.WaitGroup
}

// segment is a part of a job's output on its way to a bucket.
type segment struct {
	tray    *spool.Tray
	sink    spool.Keeper // the output, behind the guard of the tray
	output  sink.Sink
	journal *sink.Journal // nil for none
	timer   *time.Timer

	holds   int  // commits under way that kept something in it
	results int  // kept in it
	used    bool // something was kept or noted in it
	retired bool // nothing more is kept in it
}

// mostResults is after how many results a segment is finished, so that what Redis
// remembers of one has a bound.
const mostResults = 50_000

// newOutbox opens the first segment, so that what is wrong with the spool shows at once.
func newOutbox(o *outbox) (*outbox, error) {
	first, err := o.hold()
	if err != nil {
		return nil, err
	}
	o.bodies = first.sink.Bodies()
	o.letGo(first)
	return o, nil
}

// hold returns the segment that is written. It is not finished before it is let go of.
func (o *outbox) hold() (*segment, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, fmt.Errorf("the output is closed: %w", os.ErrClosed)
	}
	if o.current == nil {
		s, err := o.open()
		if err != nil {
			return nil, err
		}
		s.timer = time.AfterFunc(o.every, func() { o.grown(s) })
		o.current = s
	}
	o.current.holds++
	return o.current, nil
}

// letGo ends a hold, and finishes the segment if it was the last of a retired one.
func (o *outbox) letGo(s *segment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.holds--
	o.finishIdle(s)
}

// grown finishes a segment that is old. One in which nothing is goes on.
func (o *outbox) grown(s *segment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.used {
		o.retire(s)
	} else if !s.retired {
		s.timer.Reset(o.every)
	}
}

// retire lets nothing more be kept in a segment. It is finished when the commits that
// kept something in it are over. The caller has mu.
func (o *outbox) retire(s *segment) {
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
func (o *outbox) finishIdle(s *segment) {
	if !s.retired || s.holds > 0 {
		return
	}
	go func() {
		defer o.finishing.Done()
		if err := s.finish(); err != nil {
			o.log.Error("a segment could not be finished; it is mended and shipped later", "tray", s.tray.Dir, "error", err)
			o.mu.Lock()
			o.failure = errors.Join(o.failure, err)
			o.mu.Unlock()
		}
	}()
}

// finish ends the files of the segment, and lets them be shipped.
func (s *segment) finish() error {
	err := s.sink.Close()
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	s.tray.Close()
	return err
}

// KeepIn keeps results in the segment that is written.
func (o *outbox) KeepIn(ctx context.Context, results []*crawler.Result) (string, func(), error) {
	s, err := o.hold()
	if err != nil {
		return "", nil, err
	}
	if err := s.sink.Keep(ctx, results); err != nil {
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
	if o.named {
		name = s.tray.Writer
	}
	return name, sync.OnceFunc(func() { o.letGo(s) }), nil
}

// Keep keeps results.
func (o *outbox) Keep(ctx context.Context, results []*crawler.Result) error {
	_, release, err := o.KeepIn(ctx, results)
	if err == nil {
		release()
	}
	return err
}

// Note writes requests into the journal of the segment that is written.
func (o *outbox) Note(ctx context.Context, requests []crawler.Exchange) error {
	s, err := o.hold()
	if err != nil {
		return err
	}
	defer o.letGo(s)
	if err := s.journal.Note(ctx, requests); err != nil {
		return err
	}
	o.mu.Lock()
	s.used = true
	o.mu.Unlock()
	return nil
}

// mend lets a segment go that keeps nothing any more, after an error: what comes next is
// kept in another. What the broken one holds is finished when its tray is adopted.
func (o *outbox) mend(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.current
	if s == nil {
		return
	}
	broken := errors.Is(err, fs.ErrNotExist) || sink.Broken(s.output) != nil
	if broken || s.journal != nil && s.journal.Broken() != nil {
		o.retire(s)
	}
}

// Bodies reports whether the sinks read the bodies of pages.
func (o *outbox) Bodies() bool { return o.bodies }

// Ship finishes the segment that is written, if it holds something, so that it is
// brought to the bucket at once.
func (o *outbox) Ship() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current != nil && o.current.used {
		o.retire(o.current)
	}
}

// Close finishes what is open, and waits for it. Nobody holds a segment any more.
func (o *outbox) Close() error {
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
