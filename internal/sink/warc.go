package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/version"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// software names the program that wrote a file (WARC 1.1, 6.2).
var software = "Trawl/" + version.String() + " (https://github.com/trawlcrawler/trawl)"

// encodedAtOnce is up to how many bytes of exchanges are encoded in memory and written
// with one call. Larger batches are written piece by piece.
const encodedAtOnce = 8 << 20

// WARCConfig configures a [WARC]. The zero value writes to the current folder.
type WARCConfig struct {
	// Dir is the folder of the files. It is created if missing. Default ".".
	Dir string
	// Job is the job of the crawl. Its name begins the names of the files, and its
	// settings are in the warcinfo at their beginning. Default a job called "trawl".
	Job crawler.Job
	// Worker ends the names of the files, so that many workers can write to one folder.
	// Default the name of this machine; then the writer has the folder to itself, and
	// finishes files left under any name.
	Worker string
	// SegmentSize is the largest size of a file in bytes; only a single batch may exceed
	// it. Default 1 GiB.
	SegmentSize int64
	// MaxAge is how long a file is written, at most, before the next one begins, give or
	// take a second. Default 0: until it is full.
	MaxAge time.Duration
	// Log receives warnings about what earlier writers left behind. Default none.
	Log *slog.Logger
}

// WithDefaults returns c with the defaults in place of zero values, except for Worker.
func (c WARCConfig) WithDefaults() WARCConfig {
	if c.Dir == "" {
		c.Dir = "."
	}
	if c.Job.Name == "" {
		c.Job.Name = "trawl"
	}
	if c.SegmentSize == 0 {
		c.SegmentSize = 1 << 30
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// WARC writes exchanges as they went over the wire, to files of WARC 1.1 (ISO
// 28500:2017), with a CDXJ index beside each:
//
//	JOB-TIMESTAMP-SERIAL-WORKER.warc.gz
//	JOB-TIMESTAMP-SERIAL-WORKER.cdxj
//
// The name of a file ends in ".open" while it is being written. Once it has lost that
// ending, the file and its index are complete. Pages that were not recorded are not
// written.
type WARC struct {
	cfg      WARCConfig
	in       *folder
	host     string // name of this machine
	known    *warc.Originals
	encoders chan *warc.Encoder

	syncing sync.Mutex // held to sync or finish; acquired before mu

	mu     sync.Mutex
	serial int      // of the current file
	file   *archive // nil until there is something to write
	began  time.Time
	lost   error // a sync failed: what is on disk is unknown
	closed bool

	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewWARC finishes what a killed process left behind. One process at a time may write
// under a worker name in a folder; if another does, the error names it.
func NewWARC(cfg WARCConfig) (*WARC, error) {
	cfg = cfg.WithDefaults()
	if cfg.SegmentSize < 0 {
		return nil, fmt.Errorf("segment size: %d is out of range: want 1 or more bytes, or 0 for the default",
			cfg.SegmentSize)
	}
	w := &WARC{cfg: cfg, known: warc.NewOriginals(), encoders: make(chan *warc.Encoder, runtime.GOMAXPROCS(0)),
		stop: make(chan struct{})}
	for range cap(w.encoders) {
		w.encoders <- warc.NewEncoder(w.known)
	}
	if w.host, _ = os.Hostname(); w.host == "" {
		w.host = "localhost"
	}
	var err error
	if w.in, err = openFolder(cfg.Dir, stem("warc", cfg.Worker)); err != nil {
		return nil, err
	}
	if err := w.resume(); err != nil {
		return nil, errors.Join(err, w.in.Close())
	}
	w.stopped.Go(w.tick)
	return w, nil
}

// resume repairs and finishes the files that are open and continues after the highest
// number.
func (w *WARC) resume() error {
	names, err := w.in.list()
	if err != nil {
		return err
	}
	ours := w.ours()
	for _, name := range names {
		file, left := strings.CutSuffix(name, opened)
		parts := ours.FindStringSubmatch(file)
		if parts == nil {
			continue
		}
		serial, _ := strconv.Atoi(parts[1])
		w.serial = max(w.serial, serial)
		if left {
			if err := w.finishLeft(strings.TrimSuffix(strings.TrimSuffix(file, indexed), zipped) + zipped); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishLeft finishes a file if a kill left it or its index open.
func (w *WARC) finishLeft(final string) error {
	if _, err := w.in.Stat(final + opened); err != nil { // only the journal was left to remove, or all is done
		if err := w.in.Remove(indexOf(final) + opened); err != nil && !errors.Is(err, os.ErrNotExist) {
			return trouble("removing", w.in.dir, indexOf(final)+opened, err)
		}
		return nil
	}
	a, err := openArchive(w.in, final)
	if err != nil {
		return err
	}
	worthy, err := a.mend(w.cfg.Log)
	switch {
	case err != nil:
		return errors.Join(err, a.abandon())
	case !worthy:
		return a.drop()
	}
	return a.finish()
}

// ours matches the names of this writer's files and indexes, and captures their numbers.
func (w *WARC) ours() *regexp.Regexp {
	worker := ".+"
	if w.cfg.Worker != "" {
		worker = regexp.QuoteMeta(safe(w.cfg.Worker))
	}
	return regexp.MustCompile(`^` + regexp.QuoteMeta(safe(w.cfg.Job.Name)) + `-\d{17}-(\d{5,})-` + worker +
		`\.(?:warc\.gz|cdxj)$`)
}

// nameOf names a file as the IIPC recommends (Annex C): job, time when it was begun,
// number and writer.
func (w *WARC) nameOf(serial int, began time.Time) string {
	worker := w.cfg.Worker
	if worker == "" {
		worker = w.host
	}
	at := strings.Replace(began.UTC().Format("20060102150405.000"), ".", "", 1)
	return fmt.Sprintf("%s-%s-%05d-%s%s", safe(w.cfg.Job.Name), at, serial, safe(worker), zipped)
}

// safe returns s as part of a file name.
func safe(s string) string { return finish(escape(s)) }

// Keep writes the exchanges of results as one batch. When it returns nil, the operating
// system has them; when it fails, nothing of the batch remains.
func (w *WARC) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	exchanges := warc.ExchangesOf(results)
	var p *warc.Encoder
	select {
	case p = <-w.encoders:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { w.encoders <- p }()
	bytes := warc.Weight(exchanges)
	if bytes > encodedAtOnce {
		return w.write(bytes, p, func(a *archive) error {
			return a.stream(func(out io.Writer) error {
				p.Start(out)
				return p.All(exchanges)
			})
		})
	}
	p.Start(nil)
	if err := p.All(exchanges); err != nil {
		return err
	}
	return w.write(int64(p.Batch.Len()), p, func(a *archive) error { return a.append(p.Batch.Bytes()) })
}

// Needs says that whole exchanges are kept.
func (*WARC) Needs() fetched.Needs { return fetched.Needs{Bodies: true, Exchanges: true} }

// write has put add a batch of about this many bytes to the current file, or to the next
// one if that is full. The encoder p has made the batch, or makes it in put.
func (w *WARC) write(bytes int64, p *warc.Encoder, put func(*archive) error) error {
	full, err := w.writeLocked(bytes, p, put)
	if full == nil {
		return err
	}
	w.syncing.Lock()
	defer w.syncing.Unlock()
	_ = w.failure(full.finish()) // the next Keep returns it: this batch is in the next file
	return err
}

// writeLocked writes, and returns the previous file if that is full.
func (w *WARC) writeLocked(bytes int64, p *warc.Encoder, put func(*archive) error) (full *archive, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return nil, trouble("writing", w.in.dir, "", os.ErrClosed)
	case w.lost != nil:
		return nil, w.lost
	case bytes == 0:
		return nil, nil
	}
	if w.file == nil || w.file.full(bytes, w.cfg.SegmentSize) {
		next, err := w.next(time.Now())
		if err != nil {
			return nil, err
		}
		full, w.file, w.began = w.file, next, time.Now()
	}
	base := w.file.size
	if err := put(w.file); err != nil {
		return full, err
	}
	w.file.note(p.Captures, base)
	w.known.Remember(p.Fresh)
	return full, nil
}

// next begins the next file.
func (w *WARC) next(now time.Time) (*archive, error) {
	final := w.nameOf(w.serial+1, now)
	a, err := openArchive(w.in, final)
	if err != nil {
		return nil, err
	}
	p := warc.NewEncoder(w.known)
	p.Start(nil)
	if err = p.Info(final, now, w.info()); err == nil {
		err = a.append(p.Batch.Bytes())
	}
	if err != nil {
		return nil, errors.Join(err, a.drop())
	}
	a.begin = a.size
	w.serial++
	return a, nil
}

// info returns the block of a warcinfo (6.2).
func (w *WARC) info() warc.Fields {
	var f warc.Fields
	f.Add("software", software)
	f.Add("format", "WARC File Format 1.1")
	f.Add("conformsTo", warc.ConformsTo)
	f.Add("hostname", w.host)
	f.Add("isPartOf", w.cfg.Job.Name)
	if agent := w.cfg.Job.UserAgent; agent != "" {
		f.Add("http-header-user-agent", agent)
	}
	if contact := w.cfg.Job.Contact; contact != "" {
		f.Add("http-header-from", contact)
	}
	if w.cfg.Job.IgnoreRobots {
		f.Add("robots", "ignore")
	} else {
		f.Add("robots", "obey")
	}
	return f
}

// Sync puts everything that was kept so far on disk. If it fails, what is on disk is
// unknown, so the failure is final: every later Keep fails. Only a full disk that has no
// space for the index is not final: the next Sync writes its lines.
func (w *WARC) Sync() error {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	w.mu.Lock()
	a, due := w.file, w.file != nil && w.file.unsynced && !w.closed && w.lost == nil
	var lines []byte
	if due {
		lines, a.fresh, a.unsynced = a.fresh, nil, false
	}
	w.mu.Unlock()
	if !due {
		return w.failure(nil)
	}
	if err := a.Sync(); err != nil { // without mu, so that others can go on writing
		return w.failure(trouble("putting on disk", a.dir, a.name, err))
	}
	if err := a.journal.append(lines); diskFull(err) {
		w.mu.Lock()
		a.fresh, a.unsynced = append(lines, a.fresh...), true
		w.mu.Unlock()
		return err
	} else if err != nil {
		return w.failure(err)
	}
	return w.failure(a.vanished())
}

// failure records the first failure and returns it.
func (w *WARC) failure(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost == nil {
		w.lost = err
	}
	return w.lost
}

// turn finishes the current file if it is old.
func (w *WARC) turn() {
	if w.cfg.MaxAge == 0 {
		return
	}
	w.mu.Lock()
	a := w.file
	old := a != nil && w.lost == nil && a.size > a.begin && time.Since(w.began) >= w.cfg.MaxAge
	if old {
		w.file = nil
	}
	w.mu.Unlock()
	if old {
		w.syncing.Lock()
		defer w.syncing.Unlock()
		_ = w.failure(a.finish())
	}
}

// tick is the sink's only goroutine. The next Keep returns the errors that it meets.
func (w *WARC) tick() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = w.Sync()
			w.turn()
		case <-w.stop:
			return
		}
	}
}

// Broken returns the error after which the sink cannot continue, or nil.
func (w *WARC) Broken() error { return w.failure(nil) }

// Close finishes the file and releases the folder to other writers. It may be called more
// than once.
func (w *WARC) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	w.stopped.Wait()
	w.syncing.Lock()
	defer w.syncing.Unlock()
	err := w.failure(nil)
	switch {
	case w.file == nil:
	case err != nil:
		err = errors.Join(err, w.file.abandon())
	default:
		err = w.file.finish()
	}
	return errors.Join(err, w.in.Close())
}
