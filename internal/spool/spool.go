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

// ErrFull is wrapped in the error of a Keep for which there was no room.
var ErrFull = errors.New("the spool is full")

// BlobStore is where files are uploaded to. It is safe for concurrent use.
type BlobStore interface {
	// Put stores a file under a name, whole or not at all, and returns once it is
	// certainly stored. It replaces a file with the same name.
	Put(ctx context.Context, name string, content io.ReadSeeker, size int64) error
	// String returns the name of the blob store.
	String() string
}

// Config configures a spool.
type Config struct {
	// Dir is the folder of the staging folders. Those of each blob store have a subfolder
	// of their own. The processes of a machine may share it.
	Dir string
	// Limit is roughly how many bytes may wait here for the blob store. Default 10 GiB.
	Limit int64
	// Patience is how long a Keep waits for room before it fails. Default 0: it does not
	// wait. With a very long Patience it waits until its context ends.
	Patience time.Duration
	// Mend finishes the files that a killed writer left in the staging folder dir. job
	// and writer are the names that its sinks were opened with. Default: nothing is
	// adopted.
	Mend func(dir, job, writer string) error
	// Manifest is told what happens to staging folders. Default none.
	Manifest Manifest
	// Log receives failures, and the recoveries from them. Default none.
	Log *slog.Logger
}

// Manifest records what is waiting in spools. It is safe for concurrent use.
type Manifest interface {
	// Shipped is called when everything that a writer kept for a job has been uploaded.
	// If it fails, it is called again, if necessary by the next process.
	Shipped(ctx context.Context, job, writer string) error
	// Waiting is called every second with the writers whose staging folders wait here, by
	// job.
	Waiting(ctx context.Context, writers map[string][]string) error
}

// Intervals and timeouts of a spool.
const (
	lookEvery  = time.Second      // how often to look for finished files
	restTerm   = 3 * time.Second  // pause after the blob store failed
	adoptEvery = time.Minute      // how often to adopt the staging folders of dead processes
	putTerm    = 15 * time.Minute // timeout for uploading a file

	manifestTerm = 5 * time.Second // timeout for a call of the manifest
)

// Spool uploads files to one blob store. It is safe for concurrent use.
type Spool struct {
	blobStore BlobStore
	cfg       Config
	dir       string // of the blob store's staging folders

	used atomic.Int64 // bytes that are waiting, roughly

	mu       sync.Mutex
	stagings map[string]*Staging // by folder
	trouble  error               // of the blob store; nil if the last round uploaded everything
	failing  time.Time           // since when
	looked   chan struct{}       // closed and replaced at the end of each round

	wake    chan struct{}
	ctx     context.Context // of uploads under way
	cancel  context.CancelFunc
	stop    chan struct{}
	running sync.WaitGroup
}

// Open opens the spool of a blob store, adopts what killed processes left behind, and
// begins to upload it.
func Open(blobStore BlobStore, cfg Config) (*Spool, error) {
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
		blobStore: blobStore, cfg: cfg, dir: filepath.Join(cfg.Dir, folderOf(blobStore.String())),
		stagings: make(map[string]*Staging),
		looked:   make(chan struct{}), wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the spool %q: %w (let this user write there, or choose another folder with the setting spool)", s.dir, err)
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

// run uploads files and adopts staging folders until the spool is closed.
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
				s.cfg.Log.Error("cannot adopt what a killed process left", "spool", s.dir, "error", err)
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

// report tells the manifest what is waiting. It is separate from run so that a long
// upload does not delay it.
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
			s.cfg.Log.Warn("cannot report what is waiting in the spool", "spool", s.dir, "error", err)
		}
		failing = err != nil
	}
}

// waiting lists the writers of the staging folders in the spool, by job.
func (s *Spool) waiting() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]string)
	for _, t := range s.stagings {
		all[t.job] = append(all[t.job], t.Writer)
	}
	return all
}

// round uploads everything that is finished.
func (s *Spool) round(ctx context.Context) error {
	s.mu.Lock()
	stagings := make([]*Staging, 0, len(s.stagings))
	for _, t := range s.stagings {
		stagings = append(stagings, t)
	}
	s.mu.Unlock()
	var err, untold error
	left := int64(0)
	for _, t := range stagings {
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

// note records the result of the last round, and logs when it changes.
func (s *Spool) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.looked)
	s.looked = make(chan struct{})
	switch {
	case err != nil && s.trouble == nil:
		s.failing = time.Now()
		s.cfg.Log.Warn("the bucket cannot be written; output waits in the spool", "spool", s.dir, "error", err)
	case err == nil && s.trouble != nil:
		s.cfg.Log.Info("the bucket can be written again", "away", time.Since(s.failing).Round(time.Second))
	}
	s.trouble = err
}

// Trouble returns why files are not being uploaded, and how much is waiting. It returns
// nil when all is well.
func (s *Spool) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil {
		return nil
	}
	return fmt.Errorf("since %s the bucket cannot be written, and %d MB of at most %d MB wait in %q: %w",
		s.failing.UTC().Format(time.TimeOnly), s.used.Load()>>20, s.cfg.Limit>>20, s.dir, s.trouble)
}

// Room returns why the spool accepts no more results, or nil if there is room.
func (s *Spool) Room() error {
	used := s.used.Load()
	if used < s.cfg.Limit {
		return nil
	}
	if err := s.Trouble(); err != nil {
		return fmt.Errorf("%w: %w (it continues by itself when the bucket is back; or raise the setting spool_limit)", ErrFull,
			err)
	}
	return fmt.Errorf("%w: %d MB wait in %q for the bucket, which is slower than the crawl (it continues by itself when there is room; or raise the setting spool_limit)",
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

// Flush uploads everything that is finished, and retries until ctx ends. Then it returns
// why something is left.
func (s *Spool) Flush(ctx context.Context) error {
	for {
		err := s.round(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the rest is in %q and is uploaded at the next start", err, s.dir)
		case <-time.After(restTerm):
		}
	}
}

// Close stops uploads that are under way. The next start uploads what is left.
func (s *Spool) Close() error {
	close(s.stop)
	s.cancel()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.stagings {
		errs = append(errs, t.lock.Close())
	}
	clear(s.stagings)
	return errors.Join(errs...)
}
