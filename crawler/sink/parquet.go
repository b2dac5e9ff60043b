package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// ParquetConfig says where tables go. The zero value writes to the current
// folder.
type ParquetConfig struct {
	// Dir is the folder of the files. It is made when it is missing. Default ".".
	Dir string
	// Worker is a part of the names, so that many workers can write into one
	// folder: pages-WORKER-00001.parquet. Default none: pages-00001.parquet.
	Worker string
	// SegmentSize is how many bytes of lines are gathered, at most, unless by a
	// single batch, before tables are made of them: five to ten times as much as
	// the tables then have. Default 128 MiB.
	SegmentSize int64
	// MaxAge is how long a result waits, at most, until it is in a table. The first
	// tables of a process are made after ten seconds, and each time the wait
	// doubles up to here, so that a crawl that has begun can be looked at, and one
	// that goes on for weeks does not leave thousands of small files. Default 15
	// minutes.
	MaxAge time.Duration
	// Log takes warnings about what earlier writers left. Default none.
	Log *slog.Logger
}

// WithDefaults returns c with the defaults in place of zero values.
func (c ParquetConfig) WithDefaults() ParquetConfig {
	if c.Dir == "" {
		c.Dir = "."
	}
	if c.SegmentSize == 0 {
		c.SegmentSize = 128 << 20
	}
	if c.MaxAge == 0 {
		c.MaxAge = 15 * time.Minute
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// firstAge is how old the first results are of which tables are made.
const firstAge = 10 * time.Second

// Parquet keeps results as rows of three tables, which are numbered together:
//
//	pages-WORKER-NUMBER.parquet    every result
//	errors-WORKER-NUMBER.parquet   those that failed, or were not read as they should be
//	links-WORKER-NUMBER.parquet    what the pages refer to
//
// A Parquet file can not grow: its index is at its end. So results come first
// into an intake, a file of lines on which every promise of [JSONL] holds; when
// it is full or old, when the sink is closed, and when it is opened after a kill,
// tables are made of it in the background, which have their names when they are
// whole and on disk. Only then the intake goes. So nothing that was kept is ever
// missing from tables and intake together.
type Parquet struct {
	cfg    ParquetConfig
	in     *folder
	behind string // table names in file names: "-WORKER", or "" of none

	syncing sync.Mutex // held by the one who syncs, before mu

	mu       sync.Mutex
	serial   int           // of the intake that is written
	intake   *intake       // nil until there is something to write
	began    time.Time     // when the intake was
	patience time.Duration // after which tables are made of it
	closed   bool

	fault sync.Mutex
	lost  error // lines could not be put on disk, or tables not be made

	full    chan *intake // of which tables are to be made
	stop    chan struct{}
	ticking sync.WaitGroup
	making  sync.WaitGroup
}

// NewParquet makes tables of what a process left that was killed. One process
// at a time may write under a worker name in a folder: the error says which
// process has it.
func NewParquet(cfg ParquetConfig) (*Parquet, error) {
	p, err := newParquet(cfg)
	if err == nil {
		p.start()
	}
	return p, err
}

// newParquet opens a sink that does nothing by itself yet.
func newParquet(cfg ParquetConfig) (*Parquet, error) {
	cfg = cfg.WithDefaults()
	if cfg.SegmentSize < 0 {
		return nil, fmt.Errorf("segment size: %d is out of range: want 1 or more bytes, or 0 for the default", cfg.SegmentSize)
	}
	p := &Parquet{cfg: cfg, patience: min(firstAge, cfg.MaxAge), full: make(chan *intake, 1), stop: make(chan struct{})}
	p.behind = strings.TrimPrefix(stem("parquet", cfg.Worker), "parquet")
	var err error
	if p.in, err = openFolder(cfg.Dir, "parquet"+p.behind); err != nil {
		return nil, err
	}
	if err := p.resume(); err != nil {
		return nil, errors.Join(err, p.in.Close())
	}
	return p, nil
}

// start lets the sink sync and make tables.
func (p *Parquet) start() {
	p.ticking.Go(p.tick)
	p.making.Go(p.makeTables)
}

// resume makes tables of the intakes that are there, and goes on behind the
// highest number.
func (p *Parquet) resume() error {
	names, err := p.in.list()
	if err != nil {
		return err
	}
	ours := p.ours()
	for _, name := range names {
		parts := ours.FindStringSubmatch(name)
		if parts == nil {
			continue
		}
		number, _ := strconv.Atoi(parts[1])
		p.serial = max(p.serial, number)
		switch parts[2] {
		case unplaced:
			if err = p.in.Remove(name); errors.Is(err, os.ErrNotExist) {
				err = nil // the tables were made again meanwhile
			}
		case opened:
			var left *intake
			if left, err = openIntake(p.in, number, p.nameOf, p.cfg.Log); err == nil {
				err = left.finish()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ours matches the names of this writer's files, finished or not, and their
// numbers.
func (p *Parquet) ours() *regexp.Regexp {
	any := strings.Replace(regexp.QuoteMeta(p.nameOf("TABLE", 0)), "TABLE", `(?:pages|errors|links)`, 1)
	return regexp.MustCompile(`^` + strings.Replace(any, "00000", `(\d{5,})`, 1) + `(|\.open|\.part)$`)
}

// nameOf names the file of a table.
func (p *Parquet) nameOf(table string, number int) string {
	return fmt.Sprintf("%s%s-%05d.parquet", table, p.behind, number)
}

// Keep writes the results into the intake as one batch. When it returns nil they
// are with the operating system; when it fails nothing of them stays. When two
// intakes are full, it waits until tables are made of the first.
func (p *Parquet) Keep(ctx context.Context, results []*crawler.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := newBatch()
	defer b.free()
	for _, r := range results {
		if err := b.addEntry(r); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch err := p.failure(nil); {
	case p.closed:
		return trouble("writing", p.in.dir, "", os.ErrClosed)
	case err != nil:
		return err
	case len(b.lines) == 0:
		return nil
	}
	if p.intake != nil && p.intake.size >= p.cfg.SegmentSize {
		select {
		case p.full <- p.intake: // who makes tables never waits for mu
			p.intake = nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if p.intake == nil {
		if err := p.begin(time.Now()); err != nil {
			return err
		}
	}
	return p.intake.append(b.lines)
}

// Bodies reports that records are all that is kept.
func (*Parquet) Bodies() bool { return false }

// begin begins the next intake.
func (p *Parquet) begin(now time.Time) error {
	next, err := openIntake(p.in, p.serial+1, p.nameOf, p.cfg.Log)
	if err != nil {
		return err
	}
	p.serial++
	p.intake, p.began = next, now
	return nil
}

// tick puts lines on disk, and has tables made of those that are old. What it
// meets, the next Keep returns.
func (p *Parquet) tick() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			_ = p.Sync()
			p.turn(now)
		case <-p.stop:
			return
		}
	}
}

// turn has tables made of an intake that is old by now, unless another is
// waiting for that.
func (p *Parquet) turn(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.intake == nil || p.intake.size == 0 || now.Sub(p.began) < p.patience {
		return
	}
	select {
	case p.full <- p.intake:
		p.intake, p.patience = nil, min(2*p.patience, p.cfg.MaxAge)
	default:
	}
}

// Sync puts everything on disk that was kept before. Its failure is final,
// because nobody knows what the disk holds then: every later Keep fails.
func (p *Parquet) Sync() error {
	p.syncing.Lock()
	defer p.syncing.Unlock()
	p.mu.Lock()
	s, due := p.intake, p.intake != nil && p.intake.unsynced && !p.closed
	if due {
		s.unsynced = false
	}
	p.mu.Unlock()
	if !due {
		return p.failure(nil)
	}
	err := s.Sync()                   // without mu: others go on writing
	if errors.Is(err, os.ErrClosed) { // it is on disk, in tables
		err = nil
	}
	if err != nil {
		err = trouble("putting on disk", s.dir, s.name, err)
	} else if gone := s.vanished(); gone != nil && p.written(s) { // not in tables, and removed therefore
		err = gone
	}
	return p.failure(err)
}

// written reports whether an intake is still written.
func (p *Parquet) written(i *intake) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.intake == i
}

// Broken returns the failure that is final; nil when the sink can go on.
func (p *Parquet) Broken() error { return p.failure(nil) }

// failure remembers the first failure and returns it.
func (p *Parquet) failure(err error) error {
	p.fault.Lock()
	defer p.fault.Unlock()
	if p.lost == nil {
		p.lost = err
	}
	return p.lost
}

// makeTables makes tables of what is full. When it fails, it leaves what it was
// given, and all that follows, to the next start.
func (p *Parquet) makeTables() {
	for i := range p.full {
		if p.failure(nil) == nil {
			_ = p.failure(i.finish())
		} else {
			_ = p.failure(errors.Join(i.rescue(), i.Close()))
		}
	}
}

// Close makes tables of what is left and lets others write to the folder. It may
// be called more than once.
func (p *Parquet) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.mu.Unlock()
	close(p.stop)
	p.ticking.Wait()
	if p.intake != nil {
		p.full <- p.intake
	}
	close(p.full)
	p.making.Wait()
	return errors.Join(p.failure(nil), p.in.Close())
}
