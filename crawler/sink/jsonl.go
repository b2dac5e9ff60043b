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
	// Compression of the lines. Default none. It ends the names:
	// PREFIX-00001.jsonl.gz.
	Compression Compression
	// SegmentSize is the size in bytes from which on no batch is added to a
	// segment and the next one begins. Default 256 MiB.
	SegmentSize int64
	// MaxAge is how long a segment is written, at most, before the next one
	// begins, give or take a second. Default 0: for as long as it is not full.
	MaxAge time.Duration
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

// JSONL keeps records, one line each, in numbered segments in a folder. While a
// segment is written its name ends in ".open"; when it is full, old, or the sink is
// closed, it loses that, and is never written again. What a process left that was
// killed is cut back to its last whole batch at the next start, and gets its name.
// Once a second what was written is put on disk.
type JSONL struct {
	in     *folder
	links  bool
	limit  int64
	maxAge time.Duration
	log    *slog.Logger
	stem   string
	end    string // of the names of segments
	coding coding

	syncing sync.Mutex // held by the one who syncs or finishes, before mu

	mu      sync.Mutex
	number  int      // of the last segment that was begun
	segment *segment // that is written; nil until there is something to write
	began   time.Time
	lost    error // a sync failed: what the disk holds is unknown
	closed  bool

	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewJSONL finishes what this writer left. One process at a time may write under a
// prefix and worker name in a folder: the error says which process has it.
func NewJSONL(cfg JSONLConfig) (*JSONL, error) {
	cfg = cfg.WithDefaults()
	if cfg.SegmentSize < 0 {
		return nil, fmt.Errorf("segment size: %d is out of range: want 1 or more bytes, or 0 for the default", cfg.SegmentSize)
	}
	return newJSONL(cfg, time.NewTicker(time.Second))
}

// newJSONL opens a sink that syncs when the ticker says so. It owns the ticker.
func newJSONL(cfg JSONLConfig, ticker *time.Ticker) (*JSONL, error) {
	j := &JSONL{
		links: cfg.Links, limit: cfg.SegmentSize, maxAge: cfg.MaxAge, log: cfg.Log,
		stem: stem(cfg.Prefix, cfg.Worker), end: ".jsonl" + string(cfg.Compression), stop: make(chan struct{}),
	}
	var err error
	if j.coding, err = cfg.Compression.coding(); err == nil {
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

// stem begins the names of a writer's files.
func stem(prefix, worker string) string {
	if worker == "" {
		return finish(escape(prefix))
	}
	return finish(escape(prefix)) + "-" + finish(escape(worker))
}

// resume finishes the segments that are open, and goes on behind the highest
// number.
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

// finishLeft finishes a segment that a kill left open. Where another has its name
// already, which nobody but a person can have given it, it gets the next number.
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

// numberOf returns the number of a segment of this writer, and 0 for every
// other name.
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

// Bodies reports that records are all that is kept.
func (*JSONL) Bodies() bool { return false }

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
	if full == nil {
		return err
	}
	return errors.Join(err, j.finish(full))
}

// append adds a batch to the segment that has room for it, and returns the one
// before when that is full.
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

// finish puts a segment on disk that nobody writes to any more, and gives it its
// name. A failure is final, as that of Sync.
func (j *JSONL) finish(s *segment) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	return j.failure(j.place(s, strings.TrimSuffix(s.name, opened)))
}

// place gives a segment its name, or removes it when nothing is in it.
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

// Sync puts everything on disk that was kept before. Its failure is final,
// because nobody knows what the disk holds then: every later Keep fails.
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
	err := s.Sync() // without mu: others go on writing
	if err != nil {
		err = trouble("putting on disk", s.dir, s.name, err)
	}
	return j.failure(errors.Join(err, s.vanished()))
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

// turn finishes the segment that is written if it is old.
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

// tick is the sink's one goroutine. What it meets, the next Keep returns.
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

// Broken returns the failure that is final; nil when the sink can go on.
func (j *JSONL) Broken() error { return j.failure(nil) }

// Close finishes the segment and lets others write to the folder. It may be called
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
	case err != nil: // left to the next start, which sees what is on disk
		err = errors.Join(err, j.segment.rescue(), j.segment.Close())
	default:
		err = j.finish(j.segment)
	}
	return errors.Join(err, j.in.Close())
}
