package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// JSONLConfig configures a [JSONL]. The zero value writes to the current folder.
type JSONLConfig struct {
	// Dir is the folder of the segments. It is created if missing. Default ".".
	Dir string
	// Prefix begins the names of the segments. Default "pages".
	Prefix string
	// Worker is part of the names, so that many workers can write to one folder:
	// PREFIX-WORKER-00001.jsonl. Default none: PREFIX-00001.jsonl.
	Worker string
	// Compression of the lines. Default none. It ends the names: PREFIX-00001.jsonl.gz.
	Compression Compression
	// Fast compresses with the fastest level of Zstandard.
	Fast bool
	// SegmentSize is the size in bytes at which a segment is full: the next batch begins
	// a new one. Default 256 MiB.
	SegmentSize int64
	// MaxAge is how long a segment is written, at most, before the next one begins, give
	// or take a second. Default 0: until it is full.
	MaxAge time.Duration
	// Links lists the links of a page in its record instead of counting them.
	Links bool
	// Log receives warnings about what earlier writers left behind. Default none.
	Log *slog.Logger
}

// WithDefaults returns c with the defaults in place of zero values.
func (c JSONLConfig) WithDefaults() JSONLConfig {
	if c.Dir == "" {
		c.Dir = "."
	}
	if c.Prefix == "" {
		c.Prefix = "pages"
	}
	if c.SegmentSize == 0 {
		c.SegmentSize = 256 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// JSONL writes records, one per line, to numbered segments in a folder. The name of a
// segment ends in ".open" while it is being written. When the segment is full or old, or
// the sink is closed, it loses that ending and is never written again. A segment that a
// killed process left open is cut back to its last whole batch at the next start and gets
// its final name. Once a second, new data is synced to disk.
type JSONL struct {
	in     *folder
	links  bool
	limit  int64
	maxAge time.Duration
	log    *slog.Logger
	stem   string
	end    string // of the names of segments
	coding coding

	syncing sync.Mutex // held to sync or finish; acquired before mu

	mu      sync.Mutex
	number  int      // of the last segment begun
	segment *segment // being written; nil until there is something to write
	began   time.Time
	lost    error // a sync failed: what is on disk is unknown
	closed  bool

	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewJSONL finishes what this writer left behind. One process at a time may write under a
// prefix and worker name in a folder; if another does, the error names it.
func NewJSONL(cfg JSONLConfig) (*JSONL, error) {
	cfg = cfg.WithDefaults()
	if cfg.SegmentSize < 0 {
		return nil, fmt.Errorf("segment size: %d is out of range: want 1 or more bytes, or 0 for the default",
			cfg.SegmentSize)
	}
	return newJSONL(cfg, time.NewTicker(time.Second))
}

// newJSONL opens a sink that syncs at each tick. It owns the ticker.
func newJSONL(cfg JSONLConfig, ticker *time.Ticker) (*JSONL, error) {
	j := &JSONL{
		links: cfg.Links, limit: cfg.SegmentSize, maxAge: cfg.MaxAge, log: cfg.Log,
		stem: stem(cfg.Prefix, cfg.Worker), end: ".jsonl" + string(cfg.Compression), stop: make(chan struct{}),
	}
	var err error
	if j.coding, err = cfg.Compression.coding(cfg.Fast); err == nil {
		j.in, err = openFolder(cfg.Dir, j.stem+string(cfg.Compression))
	}
	if err == nil {
		if err = j.resume(); err != nil {
			j.in.Close()
		}
	}
	if err != nil {
		ticker.Stop()
		return nil, err
	}
	j.stopped.Go(func() { j.tick(ticker) })
	return j, nil
}

// stem returns the common prefix of a writer's file names.
func stem(prefix, worker string) string {
	if worker == "" {
		return finish(escape(prefix))
	}
	return finish(escape(prefix)) + "-" + finish(escape(worker))
}

// resume finishes the segments that are open and continues after the highest number.
func (j *JSONL) resume() error {
	names, err := j.in.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		final, left := strings.CutSuffix(name, opened)
		number := j.numberOf(final)
		j.number = max(j.number, number)
		if left && number > 0 {
			if err := j.finishLeft(final); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishLeft finishes a segment that a kill left open. If a file with its final name
// exists, which only a person can have created, the segment gets the next number.
func (j *JSONL) finishLeft(final string) error {
	s, err := openCoded(j.in, final+opened, j.coding.whole, j.log)
	if err != nil {
		return err
	}
	if _, err := j.in.Lstat(final); err == nil {
		j.number++
		final = j.nameOf(j.number)
	}
	return j.place(s, final)
}

// numberOf returns the number of a segment of this writer, and 0 for any other name.
func (j *JSONL) numberOf(name string) int {
	digits, ours := strings.CutPrefix(name, j.stem+"-")
	digits, jsonl := strings.CutSuffix(digits, j.end)
	n, err := strconv.Atoi(digits)
	if !ours || !jsonl || err != nil || name != j.nameOf(n) {
		return 0
	}
	return n
}

func (j *JSONL) nameOf(number int) string { return fmt.Sprintf("%s-%05d%s", j.stem, number, j.end) }

// Keep writes the records of results as one batch. When it returns nil, the operating
// system has them; when it fails, nothing of the batch remains.
func (j *JSONL) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := batchOf(results, j.links)
	if err != nil {
		return err
	}
	defer b.free()
	return j.write(b)
}

// Needs returns the zero value: records are enough.
func (*JSONL) Needs() fetched.Needs { return fetched.Needs{} }

func (j *JSONL) write(b *batch) error {
	lines := b.lines
	if j.coding.pack != nil && len(lines) > 0 {
		packed := newBatch()
		defer packed.free()
		var err error
		if packed.lines, err = j.coding.pack(packed.lines, lines); err != nil {
			return fmt.Errorf("compressing records: %w", err)
		}
		lines = packed.lines
	}
	full, err := j.append(lines)
	if full != nil {
		_ = j.finish(full) // the next Keep returns its error: this batch is in the next segment
	}
	return err
}

// append adds a batch to the current segment, or to a new one if that is full. In the
// latter case it returns the full segment.
func (j *JSONL) append(lines []byte) (full *segment, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return nil, trouble("writing", j.in.dir, j.nameOf(j.number), os.ErrClosed)
	case j.lost != nil:
		return nil, j.lost
	case len(lines) == 0:
		return nil, nil
	}
	if j.segment == nil || j.segment.size >= j.limit {
		was := j.segment
		if err := j.begin(); err != nil {
			return nil, err
		}
		full = was
	}
	return full, j.segment.append(lines)
}

// begin begins the next segment.
func (j *JSONL) begin() error {
	next, err := openCoded(j.in, j.nameOf(j.number+1)+opened, j.coding.whole, j.log)
	if err != nil {
		return err
	}
	j.number++
	j.segment, j.began = next, time.Now()
	return nil
}

// finish puts a segment that is no longer written on disk and gives it its final name. A
// failure is final, as that of Sync is.
func (j *JSONL) finish(s *segment) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	return j.failure(j.place(s, strings.TrimSuffix(s.name, opened)))
}

// place gives a segment its final name, or removes it if it is empty.
func (j *JSONL) place(s *segment, final string) error {
	if err := s.vanished(); err != nil {
		return errors.Join(err, s.rescue(), s.Close())
	}
	if s.torn {
		if err := s.cut(); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if s.size == 0 {
		if err := j.in.Remove(s.name); err != nil {
			return trouble("removing the empty", s.dir, s.name, err)
		}
		return nil
	}
	if err := j.in.Rename(s.name, final); err != nil {
		return trouble("finishing", s.dir, final, err)
	}
	return nil
}

// Sync puts everything that was kept so far on disk. If it fails, what is on disk is
// unknown, so the failure is final: every later Keep fails.
func (j *JSONL) Sync() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	s, due := j.segment, j.segment != nil && j.segment.unsynced && !j.closed && j.lost == nil
	if due {
		s.unsynced = false
	}
	j.mu.Unlock()
	if !due {
		return j.failure(nil)
	}
	err := s.Sync() // without mu, so that others can go on writing
	if err != nil {
		err = trouble("putting on disk", s.dir, s.name, err)
	}
	return j.failure(errors.Join(err, s.vanished()))
}

// failure records the first failure and returns it.
func (j *JSONL) failure(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lost == nil {
		j.lost = err
	}
	return j.lost
}

// turn finishes the current segment if it is old.
func (j *JSONL) turn() {
	if j.maxAge == 0 {
		return
	}
	j.mu.Lock()
	s := j.segment
	old := s != nil && j.lost == nil && s.size > 0 && time.Since(j.began) >= j.maxAge
	if old {
		j.segment = nil
	}
	j.mu.Unlock()
	if old {
		_ = j.finish(s)
	}
}

// tick is the sink's only goroutine. The next Keep returns the errors that it meets.
func (j *JSONL) tick(ticker *time.Ticker) {
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = j.Sync()
			j.turn()
		case <-j.stop:
			return
		}
	}
}

// Broken returns the error after which the sink cannot continue, or nil.
func (j *JSONL) Broken() error { return j.failure(nil) }

// Close finishes the segment and releases the folder to other writers. It may be called
// more than once.
func (j *JSONL) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	close(j.stop)
	j.stopped.Wait()
	err := j.failure(nil)
	switch {
	case j.segment == nil:
	case err != nil: // the next start finds out what is on disk
		err = errors.Join(err, j.segment.rescue(), j.segment.Close())
	default:
		err = j.finish(j.segment)
	}
	return errors.Join(err, j.in.Close())
}
