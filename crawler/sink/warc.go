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
)

// software names what wrote a file.
const software = "Trawl (https://github.com/trawlcrawler/trawl)"

// pressedAtOnce is how many bytes of exchanges are made records in memory, to be
// written with one call; more are written piece by piece.
const pressedAtOnce = 8 << 20

// WARCConfig says where exchanges go. The zero value writes to the current
// folder.
type WARCConfig struct {
	// Dir is the folder of the files. It is made when it is missing. Default ".".
	Dir string
	// Job is whose crawl it is. Its name begins the names of the files, and the
	// warcinfo at their beginning says under which settings it was made. Default
	// a job that is called "trawl".
	Job crawler.Job
	// Worker ends the names of the files, so that many workers can write into one
	// folder. Default the name of this machine; then the writer has the folder to
	// itself, and finishes files that were left under any name.
	Worker string
	// SegmentSize is the size in bytes that a file does not exceed, unless by a
	// single batch. Default 1 GiB.
	SegmentSize int64
	// MaxAge is how long a file is written, at most, before the next one begins,
	// give or take a second. Default 0: for as long as it is not full.
	MaxAge time.Duration
	// Log takes warnings about what earlier writers left. Default none.
	Log *slog.Logger
}

// WithDefaults returns c with the defaults in place of zero values, but for
// Worker.
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

// WARC keeps exchanges as they went over the wire, in files of WARC 1.1
// (ISO 28500:2017), with a CDXJ index beside each:
//
//	JOB-TIMESTAMP-SERIAL-WORKER.warc.gz
//	JOB-TIMESTAMP-SERIAL-WORKER.cdxj
//
// While a file is written its name ends in ".open"; it is whole, and so is its
// index, when it has lost that. Of pages that were not recorded nothing is kept.
type WARC struct {
	cfg     WARCConfig
	in      *folder
	host    string // name of this machine
	known   *originals
	presses chan *press

	syncing sync.Mutex // held by the one who syncs or finishes, before mu

	mu     sync.Mutex
	serial int      // of the file that is written
	file   *archive // nil until there is something to write
	began  time.Time
	lost   error // a sync failed: what the disk holds is unknown
	closed bool

	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewWARC finishes what a process left that was killed. One process at a time
// may write under a worker name in a folder: the error says which process has
// it.
func NewWARC(cfg WARCConfig) (*WARC, error) {
	cfg = cfg.WithDefaults()
	if cfg.SegmentSize < 0 {
		return nil, fmt.Errorf("segment size: %d is out of range: want 1 or more bytes, or 0 for the default", cfg.SegmentSize)
	}
	w := &WARC{cfg: cfg, known: newOriginals(), presses: make(chan *press, runtime.GOMAXPROCS(0)), stop: make(chan struct{})}
	for range cap(w.presses) {
		w.presses <- newPress(w.known)
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

// resume mends and finishes the files that are open, and goes on behind the
// highest number.
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

// finishLeft finishes a file that a kill left open, or open in part.
func (w *WARC) finishLeft(final string) error {
	if _, err := w.in.Stat(final + opened); err != nil { // it was all but finished, or seen to before
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

// ours matches the names of this writer's files and indexes, and their numbers.
func (w *WARC) ours() *regexp.Regexp {
	worker := ".+"
	if w.cfg.Worker != "" {
		worker = regexp.QuoteMeta(safe(w.cfg.Worker))
	}
	return regexp.MustCompile(`^` + regexp.QuoteMeta(safe(w.cfg.Job.Name)) + `-\d{17}-(\d{5,})-` + worker + `\.(?:warc\.gz|cdxj)$`)
}

// nameOf names a file as the IIPC advises (Annex C): what it is of, when it was
// begun, its number and who wrote it.
func (w *WARC) nameOf(serial int, began time.Time) string {
	worker := w.cfg.Worker
	if worker == "" {
		worker = w.host
	}
	at := strings.Replace(began.UTC().Format("20060102150405.000"), ".", "", 1)
	return fmt.Sprintf("%s-%s-%05d-%s%s", safe(w.cfg.Job.Name), at, serial, safe(worker), zipped)
}

// safe makes a part of a file name.
func safe(s string) string { return finish(escape(s)) }

// Keep writes the exchanges of results as one batch. When it returns nil they
// are with the operating system; when it fails nothing of them stays.
func (w *WARC) Keep(ctx context.Context, results []*crawler.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	exchanges := exchangesOf(results)
	var p *press
	select {
	case p = <-w.presses:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { w.presses <- p }()
	bytes := weight(exchanges)
	if bytes > pressedAtOnce {
		return w.write(bytes, p, func(a *archive) error {
			return a.stream(func(out io.Writer) error {
				p.start(out)
				return p.all(exchanges)
			})
		})
	}
	p.start(nil)
	if err := p.all(exchanges); err != nil {
		return err
	}
	return w.write(int64(p.batch.Len()), p, func(a *archive) error { return a.append(p.batch.Bytes()) })
}

// Bodies reports that bodies are kept.
func (*WARC) Bodies() bool { return true }

// write lets put add a batch of about so many bytes, which the press made or is
// yet to make, to the file that has room for it.
func (w *WARC) write(bytes int64, p *press, put func(*archive) error) error {
	full, err := w.writeLocked(bytes, p, put)
	if full == nil {
		return err
	}
	w.syncing.Lock()
	defer w.syncing.Unlock()
	return errors.Join(err, w.failure(full.finish()))
}

// writeLocked writes, and returns the file before when that is full.
func (w *WARC) writeLocked(bytes int64, p *press, put func(*archive) error) (full *archive, err error) {
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
	w.file.note(p.captures, base)
	w.known.remember(p.fresh)
	return full, nil
}

// next begins the next file.
func (w *WARC) next(now time.Time) (*archive, error) {
	final := w.nameOf(w.serial+1, now)
	a, err := openArchive(w.in, final)
	if err != nil {
		return nil, err
	}
	p := newPress(w.known)
	p.start(nil)
	if err = p.info(final, now, w.info()); err == nil {
		err = a.append(p.batch.Bytes())
	}
	if err != nil {
		return nil, errors.Join(err, a.drop())
	}
	a.begin = a.size
	w.serial++
	return a, nil
}

// info is the block of a warcinfo (6.2).
func (w *WARC) info() fields {
	var f fields
	f.add("software", software)
	f.add("format", "WARC File Format 1.1")
	f.add("conformsTo", warcConformsTo)
	f.add("hostname", w.host)
	f.add("isPartOf", w.cfg.Job.Name)
	if agent := w.cfg.Job.UserAgent; agent != "" {
		f.add("http-header-user-agent", agent)
	}
	if contact := w.cfg.Job.Contact; contact != "" {
		f.add("http-header-from", contact)
	}
	if w.cfg.Job.IgnoreRobots {
		f.add("robots", "ignore")
	} else {
		f.add("robots", "obey")
	}
	return f
}

// Sync puts everything on disk that was kept before. Its failure is final,
// because nobody knows what the disk holds then: every later Keep fails.
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
	if err := a.Sync(); err != nil { // without mu: others go on writing
		return w.failure(trouble("putting on disk", a.dir, a.name, err))
	}
	return w.failure(errors.Join(a.journal.append(lines), a.vanished()))
}

// failure remembers the first failure to sync and returns it.
func (w *WARC) failure(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost == nil {
		w.lost = err
	}
	return w.lost
}

// turn finishes the file that is written if it is old.
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

// tick is the sink's one goroutine. What it meets, the next Keep returns.
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

// Broken returns the failure that is final; nil when the sink can go on.
func (w *WARC) Broken() error { return w.failure(nil) }

// Close finishes the file and lets others write to the folder. It may be called
// more than once.
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
