package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// JSONLConfig says where records go. The zero value writes to the current
// folder.
type JSONLConfig struct {
	// Dir is the folder of the segments. It is made when it is missing.
	// Default ".".
	Dir string
	// Prefix begins the names of the segments. Default "pages".
	Prefix string
	// Worker is a part of the names, so that many workers can write into one
	// folder: PREFIX-WORKER-00001.jsonl. Default none: PREFIX-00001.jsonl.
	Worker string
	// SegmentSize is the size in bytes from which on no batch is added to a
	// segment and the next one begins. Default 256 MiB.
	SegmentSize int64
	// Links lists the links of a page in its record, instead of counting them.
	Links bool
	// Log takes warnings about what earlier writers left. Default none.
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

// JSONL keeps records, one line each, in numbered segments in a folder. A
// segment holds whole batches and is never rewritten, so that it can be read
// while it grows. Once a second it is put on disk if anything was written.
type JSONL struct {
	in       *folder
	links    bool
	limit    int64
	log      *slog.Logger
	stem     string
	numbered bool // the names have numbers; else there is one segment, STEM.jsonl

	syncing sync.Mutex // held by the one who syncs, before mu

	mu      sync.Mutex
	number  int // of the segment that is written
	segment *segment
	lost    error // a sync failed: what the disk holds is unknown
	closed  bool

	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewJSONL opens the last segment of this writer, or begins the first. One
// process at a time may write under a prefix and worker name in a folder: the
// error says which process has it.
func NewJSONL(cfg JSONLConfig) (*JSONL, error) {
	cfg = cfg.WithDefaults()
	if cfg.SegmentSize < 0 {
		return nil, fmt.Errorf("segment size: %d is out of range: want 1 or more bytes, or 0 for the default", cfg.SegmentSize)
	}
	return newJSONL(cfg, true, time.NewTicker(time.Second))
}

// newManifest opens a single segment without a number that grows for ever.
func newManifest(cfg JSONLConfig) (*JSONL, error) {
	cfg.SegmentSize = math.MaxInt64
	return newJSONL(cfg.WithDefaults(), false, time.NewTicker(time.Second))
}

// newJSONL opens a sink that syncs when the ticker says so. It owns the ticker.
func newJSONL(cfg JSONLConfig, numbered bool, ticker *time.Ticker) (*JSONL, error) {
	j := &JSONL{
		links: cfg.Links, limit: cfg.SegmentSize, log: cfg.Log, numbered: numbered,
		stem: stem(cfg.Prefix, cfg.Worker), stop: make(chan struct{}),
	}
	var err error
	if j.in, err = openFolder(cfg.Dir, j.stem); err == nil {
		if err = j.resume(); err != nil {
			j.in.Close()
		}
	}
	if err != nil {
		ticker.Stop()
		return nil, err
	}
	j.stopped.Go(func() { j.syncEvery(ticker) })
	return j, nil
}

// stem begins the names of a writer's files.
func stem(prefix, worker string) string {
	if worker == "" {
		return finish(escape(prefix))
	}
	return finish(escape(prefix)) + "-" + finish(escape(worker))
}

// resume opens the last segment that is there, or the first.
func (j *JSONL) resume() error {
	names, err := j.in.list()
	if err != nil {
		return err
	}
	number := 1
	for _, name := range names {
		number = max(number, j.numberOf(name))
	}
	return j.turnTo(number)
}

// numberOf returns the number of a segment of this writer, and 0 for every
// other name.
func (j *JSONL) numberOf(name string) int {
	digits, ours := strings.CutPrefix(name, j.stem+"-")
	digits, jsonl := strings.CutSuffix(digits, ".jsonl")
	n, err := strconv.Atoi(digits)
	if !ours || !jsonl || err != nil || name != j.nameOf(n) {
		return 0
	}
	return n
}

func (j *JSONL) nameOf(number int) string {
	if !j.numbered {
		return j.stem + ".jsonl"
	}
	return fmt.Sprintf("%s-%05d.jsonl", j.stem, number)
}

// turnTo makes the segment of that number the one that is written.
func (j *JSONL) turnTo(number int) error {
	next, err := openSegment(j.in, j.nameOf(number), j.log)
	if err == nil {
		j.segment, j.number = next, number
	}
	return err
}

// Keep writes the records of results as one batch. When it returns nil they
// are with the operating system; when it fails nothing of them stays.
func (j *JSONL) Keep(ctx context.Context, results []*crawler.Result) error {
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

func (j *JSONL) write(b *batch) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return trouble("writing", j.in.dir, j.segment.name, os.ErrClosed)
	case j.lost != nil:
		return j.lost
	case len(b.lines) == 0:
		return nil
	}
	if j.segment.size >= j.limit {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	return j.segment.append(b.lines)
}

// rotate begins the next segment, and only then ends the full one.
func (j *JSONL) rotate() error {
	full := j.segment
	if err := j.turnTo(j.number + 1); err != nil {
		return err
	}
	j.lost = full.end()
	return j.lost
}

// Sync puts everything on disk that was kept before. Its failure is final,
// because nobody knows what the disk holds then: every later Keep fails.
func (j *JSONL) Sync() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	s, due := j.segment, j.segment.unsynced && !j.closed && j.lost == nil
	j.segment.unsynced = false
	j.mu.Unlock()
	if !due {
		return j.failure(nil)
	}
	err := s.Sync() // without mu: others go on writing
	if errors.Is(err, os.ErrClosed) {
		err = nil // the segment was full, and on disk before it was closed
	}
	if err != nil {
		err = trouble("putting on disk", s.dir, s.name, err)
	}
	return j.failure(err)
}

// failure remembers the first failure to sync and returns it.
func (j *JSONL) failure(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lost == nil {
		j.lost = err
	}
	return j.lost
}

// syncEvery is the sink's one goroutine. What it meets, the next Keep returns.
func (j *JSONL) syncEvery(ticker *time.Ticker) {
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = j.Sync()
		case <-j.stop:
			return
		}
	}
}

// Close puts everything on disk and lets others write to the folder. It may be
// called more than once.
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
	return errors.Join(j.failure(nil), j.segment.end(), j.in.Close())
}
