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

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

// ParquetConfig configures a [Parquet]. The zero value writes to the current folder.
type ParquetConfig struct {
	// Dir is the folder of the files. It is created if missing. Default ".".
	Dir string
	// Worker is part of the names, so that many workers can write to one folder:
	// pages-WORKER-00001.parquet. Default none: pages-00001.parquet.
	Worker string
	// SegmentSize is how many bytes of lines are collected before tables are made of
	// them; only a single batch may exceed it. The lines are five to ten times as large
	// as the tables. Default 128 MiB.
	SegmentSize int64
	// MaxAge is how long a result waits, at most, until it is in a table. The first
	// tables of a process are made after ten seconds, and the wait doubles each time
	// until it reaches MaxAge. So a crawl can be inspected soon after it begins, and one
	// that runs for weeks does not leave thousands of small files. Default 15 minutes.
	MaxAge time.Duration
	// Log receives warnings about what earlier writers left behind. Default none.
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

// firstAge is the age of the first results at which tables are made.
const firstAge = 10 * time.Second

// Parquet writes results as rows of three tables, which are numbered together:
//
//	pages-WORKER-NUMBER.parquet    every result
//	errors-WORKER-NUMBER.parquet   results that failed or could not be read properly
//	links-WORKER-NUMBER.parquet    the references of the pages
//
// A Parquet file cannot grow, because its index is at its end. So results go first to an
// intake, a file of lines with the same guarantees as [JSONL]. Tables are made of the
// intake in the background: when it is full or old, when the sink is closed, and when the
// sink is opened after a kill. Tables get their names when they are whole and on disk,
// and only then is the intake removed. So everything that was kept is always in the
// tables or in the intake.
type Parquet struct {
	cfg    ParquetConfig
	in     *folder
	behind string // follows the table's name in file names: "-WORKER", or ""

	syncing sync.Mutex // held to sync; acquired before mu

	mu       sync.Mutex
	serial   int           // of the current intake
	intake   *intake       // nil until there is something to write
	began    time.Time     // when the intake was begun
	patience time.Duration // age at which tables are made of the intake
	closed   bool

	fault sync.Mutex
	lost  error // lines could not be synced, or tables could not be made

	full    chan *intake // waiting for tables to be made of them
	stop    chan struct{}
	ticking sync.WaitGroup
	making  sync.WaitGroup
}

// NewParquet makes tables of what a killed process left behind. One process at a time may
// write under a worker name in a folder; if another does, the error names it.
func NewParquet(cfg ParquetConfig) (*Parquet, error) {
	p, err := newParquet(cfg)
	if err == nil {
		p.start()
	}
	return p, err
}

// newParquet opens a sink without starting its goroutines.
func newParquet(cfg ParquetConfig) (*Parquet, error) {
	if _, err := tabular.Linked(); err != nil {
		return nil, err
	}
	cfg = cfg.WithDefaults()
	if cfg.SegmentSize < 0 {
		return nil, fmt.Errorf("segment size: %d is out of range: want 1 or more bytes, or 0 for the default",
			cfg.SegmentSize)
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

// start starts the goroutines that sync and make tables.
func (p *Parquet) start() {
	p.ticking.Go(p.tick)
	p.making.Go(p.makeTables)
}

// resume makes tables of existing intakes and continues after the highest number.
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

// ours matches the names of this writer's files, finished or not, and captures their
// numbers.
func (p *Parquet) ours() *regexp.Regexp {
	any := strings.Replace(regexp.QuoteMeta(p.nameOf("TABLE", 0)), "TABLE", `(?:pages|errors|links)`, 1)
	return regexp.MustCompile(`^` + strings.Replace(any, "00000", `(\d{5,})`, 1) + `(|\.open|\.part)$`)
}

// nameOf returns the file name of a table.
func (p *Parquet) nameOf(table string, number int) string {
	return fmt.Sprintf("%s%s-%05d.parquet", table, p.behind, number)
}

// Keep writes the results to the intake as one batch. When it returns nil, the operating
// system has them; when it fails, nothing of the batch remains. When two intakes are
// full, it waits until tables are made of the first.
func (p *Parquet) Keep(ctx context.Context, results []*fetched.Result) error {
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
		case p.full <- p.intake: // cannot deadlock: makeTables never waits for mu
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

// Needs says that the references of pages are kept.
func (*Parquet) Needs() fetched.Needs { return fetched.Needs{References: true} }

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

// tick syncs lines to disk and triggers tables when the intake is old. The next Keep
// returns the errors that it meets.
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

// turn hands over an intake that is old at now to have tables made of it, unless another
// is already waiting.
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

// Sync puts everything that was kept so far on disk. If it fails, what is on disk is
// unknown, so the failure is final: every later Keep fails.
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
	err := s.Sync()                   // without mu, so that others can go on writing
	if errors.Is(err, os.ErrClosed) { // already on disk, in tables
		err = nil
	}
	if err != nil {
		err = trouble("putting on disk", s.dir, s.name, err)
	} else if gone := s.vanished(); gone != nil && p.written(s) { // not removed because its tables were made
		err = gone
	}
	return p.failure(err)
}

// written reports whether an intake is still the current one.
func (p *Parquet) written(i *intake) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.intake == i
}

// Broken returns the error after which the sink cannot continue, or nil.
func (p *Parquet) Broken() error { return p.failure(nil) }

// failure records the first failure and returns it.
func (p *Parquet) failure(err error) error {
	p.fault.Lock()
	defer p.fault.Unlock()
	if p.lost == nil {
		p.lost = err
	}
	return p.lost
}

// makeTables makes tables of full intakes. After a failure, it leaves that intake and all
// that follow to the next start.
func (p *Parquet) makeTables() {
	for i := range p.full {
		if p.failure(nil) == nil {
			_ = p.failure(i.finish())
		} else {
			_ = p.failure(errors.Join(i.rescue(), i.Close()))
		}
	}
}

// Close makes tables of what is left and releases the folder to other writers. It may be
// called more than once.
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
