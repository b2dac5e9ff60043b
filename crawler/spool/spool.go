package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull is in the error of a Keep that found no room.
var ErrFull = errors.New("the spool is full")

// Depot is where files are brought. It is safe for concurrent use.
type Depot interface {
	// Put brings a file in under a name, whole or not at all, and returns when it is
	// certainly there. What had the name before is replaced.
	Put(ctx context.Context, name string, content io.ReadSeeker, size int64) error
	// String names the depot.
	String() string
}

// Config says how a spool works.
type Config struct {
	// Dir is the folder of the trays: those of each depot in one of its own. It may
	// be shared by the processes of a machine.
	Dir string
	// Limit is about how many bytes may wait here for the depot. Default 10 GiB.
	Limit int64
	// Patience is for how long a Keep waits for room before it fails. Default 0: it
	// does not wait. It may be for ever: then it waits until its context ends.
	Patience time.Duration
	// Mend finishes what a killed writer left in the folder of a tray: dir. Job and
	// writer are as they were told to the sinks. Default: nothing is adopted.
	Mend func(dir, job, writer string) error
	// Manifest is told what becomes of trays. Default: nobody is.
	Manifest Manifest
	// Log takes what goes wrong, and that it goes on. Default none.
	Log *slog.Logger
}

// Manifest is where it is written down what waits in spools. It is safe for concurrent
// use.
type Manifest interface {
	// Shipped is told that everything a writer kept for a job has arrived. When it fails
	// it is told again, also by the next process.
	Shipped(ctx context.Context, job, writer string) error
	// Waiting is told every second which writers' trays wait here, by job.
	Waiting(ctx context.Context, writers map[string][]string) error
}

// Times of a spool.
const (
	lookEvery  = time.Second      // for files that are finished
	restTerm   = 3 * time.Second  // after the depot failed
	adoptEvery = time.Minute      // trays of processes that died
	putTerm    = 15 * time.Minute // in which a file must arrive

	manifestTerm = 5 * time.Second // in which the manifest must be told something
)

// Spool brings files to one depot. It is safe for concurrent use.
type Spool struct {
	depot Depot
	cfg   Config
	dir   string // of the depot's trays

	used atomic.Int64 // bytes that wait, about

	mu      sync.Mutex
	trays   map[string]*Tray // by folder
	trouble error            // the depot's; nil when the last round brought everything
	failing time.Time        // since when
	looked  chan struct{}    // closed at the end of each round, and made anew

	wake    chan struct{}
	ctx     context.Context // of what is under way
	cancel  context.CancelFunc
	stop    chan struct{}
	running sync.WaitGroup
}

// Open opens the spool of a depot, adopts what killed processes left, and begins
// to bring it there.
func Open(depot Depot, cfg Config) (*Spool, error) {
	if cfg.Limit == 0 {
		cfg.Limit = 10 << 30
	}
	if cfg.Limit < 0 {
		return nil, fmt.Errorf("spool limit: %d is out of range: want 1 or more bytes, or 0 for the default", cfg.Limit)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Spool{
		depot: depot, cfg: cfg, dir: filepath.Join(cfg.Dir, folderOf(depot.String())), trays: make(map[string]*Tray),
		looked: make(chan struct{}), wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("the spool %q can not be made: %w (let this user write there, or choose another folder with --spool)", s.dir, err)
	}
	if err := s.adopt(); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(s.run)
	if cfg.Manifest != nil {
		s.running.Go(s.report)
	}
	return s, nil
}

// run is the spool's one goroutine.
func (s *Spool) run() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var resting, adopted time.Time
	adopted = time.Now()
	for {
		select {
		case <-tick.C:
		case <-s.wake:
		case <-s.stop:
			return
		}
		if time.Since(adopted) > adoptEvery {
			adopted = time.Now()
			if err := s.adopt(); err != nil {
				s.cfg.Log.Error("what a killed process left can not be adopted", "spool", s.dir, "error", err)
			}
		}
		if time.Now().Before(resting) {
			continue
		}
		if err := s.round(s.ctx); err != nil {
			resting = time.Now().Add(restTerm)
		}
	}
}

// report tells the manifest what waits, also while a large file is on its way.
func (s *Spool) report() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-tick.C:
		case <-s.stop:
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, manifestTerm)
		err := s.cfg.Manifest.Waiting(ctx, s.waiting())
		cancel()
		if err != nil && !failing && s.ctx.Err() == nil {
			s.cfg.Log.Warn("what waits in the spool cannot be reported", "spool", s.dir, "error", err)
		}
		failing = err != nil
	}
}

// waiting lists the writers of the trays that are here, by job.
func (s *Spool) waiting() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]string)
	for _, t := range s.trays {
		all[t.job] = append(all[t.job], t.Writer)
	}
	return all
}

// round brings everything that is finished to the depot.
func (s *Spool) round(ctx context.Context) error {
	s.mu.Lock()
	trays := make([]*Tray, 0, len(s.trays))
	for _, t := range s.trays {
		trays = append(trays, t)
	}
	s.mu.Unlock()
	var err, untold error
	left := int64(0)
	for _, t := range trays {
		empty := false
		if err == nil {
			empty, err = t.carry(ctx)
		}
		if empty && untold == nil {
			untold = t.remove(ctx)
		}
		size, walk := t.size()
		left += size
		err = errors.Join(err, walk)
	}
	s.used.Store(left)
	if ctx.Err() == nil {
		s.note(err)
	}
	return errors.Join(err, untold)
}

// note remembers how the last round went, and tells when that changes.
func (s *Spool) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.looked)
	s.looked = make(chan struct{})
	switch {
	case err != nil && s.trouble == nil:
		s.failing = time.Now()
		s.cfg.Log.Warn("the bucket can not be written; what is kept waits in the spool", "spool", s.dir, "error", err)
	case err == nil && s.trouble != nil:
		s.cfg.Log.Info("the bucket can be written again", "away", time.Since(s.failing).Round(time.Second))
	}
	s.trouble = err
}

// Trouble returns why files are not brought to the depot, and how much waits; nil
// when all is well.
func (s *Spool) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil {
		return nil
	}
	return fmt.Errorf("since %s the bucket can not be written, and %d MB of at most %d MB wait in %q: %w",
		s.failing.UTC().Format(time.TimeOnly), s.used.Load()>>20, s.cfg.Limit>>20, s.dir, s.trouble)
}

// Room returns why nothing more can be taken in; nil when there is room.
func (s *Spool) Room() error {
	used := s.used.Load()
	if used < s.cfg.Limit {
		return nil
	}
	if err := s.Trouble(); err != nil {
		return fmt.Errorf("%w: %w (it goes on by itself when the bucket is back; or raise --spool-limit)", ErrFull, err)
	}
	return fmt.Errorf("%w: %d MB wait in %q for the bucket, which is slower than the crawl (it goes on by itself when there is room; or raise --spool-limit)",
		ErrFull, used>>20, s.dir)
}

// wait waits for room.
func (s *Spool) wait(ctx context.Context) error {
	if s.Room() == nil {
		return nil
	}
	patience := time.NewTimer(s.cfg.Patience)
	defer patience.Stop()
	for {
		s.mu.Lock()
		looked := s.looked
		s.mu.Unlock()
		err := s.Room()
		if err == nil {
			return nil
		}
		select {
		case <-looked:
		case <-patience.C:
			return err
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// Flush brings everything that is finished to the depot, and does not give up
// before ctx ends. It returns why something is left.
func (s *Spool) Flush(ctx context.Context) error {
	for {
		err := s.round(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; what is left is in %q, and is brought there at the next start", err, s.dir)
		case <-time.After(restTerm):
		}
	}
}

// Close ends what is under way. What was not brought to the depot stays for the
// next start.
func (s *Spool) Close() error {
	close(s.stop)
	s.cancel()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.trays {
		errs = append(errs, t.lock.Close())
	}
	clear(s.trays)
	return errors.Join(errs...)
}
