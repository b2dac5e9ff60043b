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

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/spool"
)

// Segment is a part of a job's output on its way to a bucket. It is finished as a whole,
// and counts as shipped once all of it has arrived. It is safe for concurrent use.
type Segment interface {
	// Name is unique among the segments of the job.
	Name() string
	// Keep and Note write into it.
	Keep(ctx context.Context, results []*fetched.Result) error
	Note(ctx context.Context, requests []fetched.Exchange) error
	// Needs returns what Keep requires of pages.
	Needs() fetched.Needs
	// Broken reports whether the segment can keep nothing more, after an error of Keep or
	// Note.
	Broken(err error) bool
	// Finish finishes its files, so that they can be shipped. Nothing may be written
	// afterwards.
	Finish() error
}

// SegmentWriterConfig sets up a [SegmentWriter].
type SegmentWriterConfig struct {
	// Open begins a segment. It must not block.
	Open func() (Segment, error)
	// Every is the age at which a segment that holds something is finished. It must be above
	// 0.
	Every time.Duration
	// Named says that the settlements of URLs name the segment that they are in.
	Named bool
	// Log receives errors.
	Log *slog.Logger
}

// SegmentWriter is the output of a job that goes to a bucket. It writes one segment after another.
// It implements [visit.SegmentSink] and is safe for concurrent use.
type SegmentWriter struct {
	cfg SegmentWriterConfig

	mu        sync.Mutex
	current   *slot         // nil until there is something to keep
	needs     fetched.Needs // of the first segment, and so of all
	closed    bool
	failure   error // of finishing segments
	finishing sync.WaitGroup
}

// slot is a segment and its state of use.
type slot struct {
	Segment
	timer   *time.Timer
	holds   int  // commits under way that have kept something in it
	results int  // results kept in it
	used    bool // something was kept or noted in it
	retired bool // nothing more may be kept in it
}

// maxResults is the number of results after which a segment is finished. It bounds what
// Redis stores of a segment.
const maxResults = 50_000

// NewSegmentWriter opens the first segment, so that problems with the spool show at once.
func NewSegmentWriter(cfg SegmentWriterConfig) (*SegmentWriter, error) {
	o := &SegmentWriter{cfg: cfg}
	first, err := o.hold()
	if err != nil {
		return nil, err
	}
	o.needs = first.Needs()
	o.letGo(first)
	return o, nil
}

// hold returns the current segment, which is not finished before letGo is called.
func (o *SegmentWriter) hold() (*slot, error) {
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

// letGo ends a hold. It finishes a retired segment that no one else holds.
func (o *SegmentWriter) letGo(s *slot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.holds--
	o.finishIdle(s)
}

// grown finishes a segment that has reached its age, unless it is empty.
func (o *SegmentWriter) grown(s *slot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.used {
		o.retire(s)
	} else if !s.retired {
		s.timer.Reset(o.cfg.Every)
	}
}

// retire stops anything more from being kept in a segment. The segment is finished when the
// commits that kept something in it are over. o.mu is held.
func (o *SegmentWriter) retire(s *slot) {
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

// finishIdle finishes a retired segment that no one holds. o.mu is held.
func (o *SegmentWriter) finishIdle(s *slot) {
	if !s.retired || s.holds > 0 {
		return
	}
	go func() {
		defer o.finishing.Done()
		if err := s.Finish(); err != nil {
			o.cfg.Log.Error("a segment could not be finished; it will be repaired and shipped later",
				"segment", s.Name(), "error", err)
			o.mu.Lock()
			o.failure = errors.Join(o.failure, err)
			o.mu.Unlock()
		}
	}()
}

// KeepIn keeps results in the current segment.
func (o *SegmentWriter) KeepIn(ctx context.Context, results []*fetched.Result) (string, func(), error) {
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
	if s.results += len(results); s.results >= maxResults {
		o.retire(s)
	}
	name := ""
	if o.cfg.Named {
		name = s.Name()
	}
	return name, sync.OnceFunc(func() { o.letGo(s) }), nil
}

// Keep keeps results.
func (o *SegmentWriter) Keep(ctx context.Context, results []*fetched.Result) error {
	_, release, err := o.KeepIn(ctx, results)
	if err == nil {
		release()
	}
	return err
}

// Note writes requests into the journal of the current segment.
func (o *SegmentWriter) Note(ctx context.Context, requests []fetched.Exchange) error {
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

// mend retires the current segment if it can keep nothing more after an error. Later
// results go to another segment. The broken one is finished when its staging folder is
// adopted.
func (o *SegmentWriter) mend(err error) {
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

// Needs returns what the sinks of a segment require of pages.
func (o *SegmentWriter) Needs() fetched.Needs { return o.needs }

// Ship finishes the current segment if it holds something, so that it is shipped at once.
func (o *SegmentWriter) Ship() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current != nil && o.current.used {
		o.retire(o.current)
	}
}

// Close finishes what is open and waits for it. No segment may be held any more.
func (o *SegmentWriter) Close() error {
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

// stagedSegment is a segment whose files are in a staging folder of the spool, with its own
// sinks. It implements [Segment].
type stagedSegment struct {
	staging *spool.Staging
	sink    spool.Keeper // the output, protected by the staging folder's guard
	output  sink.Sink
	journal *sink.Journal // nil if there isn't one
}

// Name returns the name of the staging folder's writer.
func (s *stagedSegment) Name() string { return s.staging.Writer }

// Keep keeps results.
func (s *stagedSegment) Keep(ctx context.Context, results []*fetched.Result) error {
	return s.sink.Keep(ctx, results)
}

// Note writes requests into the journal.
func (s *stagedSegment) Note(ctx context.Context, requests []fetched.Exchange) error {
	return s.journal.Note(ctx, requests)
}

// Needs returns what the sinks require of pages.
func (s *stagedSegment) Needs() fetched.Needs { return s.sink.Needs() }

// Broken reports whether the folder is gone, or a sink or the journal has failed for good.
func (s *stagedSegment) Broken(err error) bool {
	broken := errors.Is(err, fs.ErrNotExist) || sink.Broken(s.output) != nil
	return broken || s.journal != nil && s.journal.Broken() != nil
}

// Finish finishes the files, so that they can be shipped.
func (s *stagedSegment) Finish() error {
	err := s.sink.Close()
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	s.staging.Close()
	return err
}
