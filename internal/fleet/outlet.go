package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/crawler/spool"
)

// OutletConfig says where the results of a process go.
type OutletConfig struct {
	// Where is a folder, or the URL of a bucket, as [output.Open] takes it.
	Where string
	// Spool is the folder in which results wait for a bucket. Default
	// [DefaultSpool].
	Spool string
	// SpoolLimit is about how many bytes may wait there. Default 10 GiB.
	SpoolLimit int64
	// ShipEvery is how old a segment is, at most, when it is finished and brought to a
	// bucket. Default a minute.
	ShipEvery time.Duration
	// Patience is for how long a visit waits for room in the spool before it fails.
	// Default 2s: then the job is left alone for a while.
	Patience time.Duration
	// Store is told what has come to a bucket, and which workers live that still have
	// something for it. Default none: nobody finds out what a lost worker had.
	Store *frontier.Store
	// Log takes what goes wrong. Default none.
	Log *slog.Logger
}

// Outlet is where the results of a process go: to a folder, where they are
// written, or to a bucket, through a spool. It is safe for concurrent use.
type Outlet struct {
	cfg   OutletConfig
	place *output.Location
	spool *spool.Spool // nil for a folder
	sink  sink.Sink    // nil but for that of OutletTo
}

// OutletTo is an outlet whose results go to a sink, one job's after another's. What was
// written there cannot be taken back, so that nothing waits for a sink that fails. It owns
// the sink from now on.
func OutletTo(s sink.Sink) *Outlet { return &Outlet{sink: s} }

// lasting is a sink that its outlet closes.
type lasting struct{ sink.Sink }

// Close leaves the sink open.
func (lasting) Close() error { return nil }

// DefaultSpool is where results wait for a bucket unless it is said: in the user's cache
// folder or, where that cannot be written, as in a container whose root is read-only, in
// the folder for temporary files.
func DefaultSpool() string {
	temporary := filepath.Join(os.TempDir(), "trawl", "spool")
	cache, err := os.UserCacheDir()
	if err != nil {
		return temporary
	}
	dir := filepath.Join(cache, "trawl", "spool")
	if !usable(dir) && usable(temporary) {
		return temporary
	}
	return dir
}

// usable reports whether a folder can be made and written.
func usable(dir string) bool {
	if os.MkdirAll(dir, 0o755) != nil {
		return false
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return false
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name())) == nil
}

// checkTerm is how long a bucket may take to say whether it can be written.
const checkTerm = 30 * time.Second

// OpenOutlet makes the folder, or makes sure that the bucket can be written, and
// begins to bring there what an earlier process left.
func OpenOutlet(ctx context.Context, cfg OutletConfig) (*Outlet, error) {
	if cfg.Spool == "" {
		cfg.Spool = DefaultSpool()
	}
	if cfg.ShipEvery == 0 {
		cfg.ShipEvery = time.Minute
	}
	if cfg.Patience == 0 {
		cfg.Patience = 2 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	place, err := output.Open(ctx, cfg.Where)
	if err != nil {
		return nil, err
	}
	o := &Outlet{cfg: cfg, place: place}
	if !output.IsBucket(cfg.Where) {
		if err := os.MkdirAll(cfg.Where, 0o755); err != nil {
			return nil, fmt.Errorf("the output folder %q can not be made: %w", cfg.Where, err)
		}
		o.adopt()
		return o, nil
	}
	checking, cancel := context.WithTimeout(ctx, checkTerm)
	defer cancel()
	if err := place.Check(checking); err != nil {
		return nil, errors.Join(err, place.Close())
	}
	spooling := spool.Config{Dir: cfg.Spool, Limit: cfg.SpoolLimit, Patience: cfg.Patience, Mend: mend, Log: cfg.Log}
	if cfg.Store != nil {
		spooling.Manifest = NewManifest(cfg.Store)
	}
	o.spool, err = spool.Open(place, spooling)
	if err != nil {
		return nil, errors.Join(err, place.Close())
	}
	return o, nil
}

// Adopt finishes what dead writers left of a job's results.
func (o *Outlet) Adopt(beneath string) {
	if o.spool == nil && o.sink == nil {
		newAdopter(o.cfg.Where, o.cfg.Log).now(beneath)
	}
}

// adopt finishes what a dead writer left in the folder itself, and says so where that
// cannot be known.
func (o *Outlet) adopt() {
	if err := sink.CheckLocks(o.cfg.Where); err != nil {
		o.cfg.Log.Warn("this file system has no locks: files that a dead worker left are finished only by a worker of the same name",
			"folder", o.cfg.Where, "error", err)
		return
	}
	newAdopter(o.cfg.Where, o.cfg.Log).now("")
}

// mend finishes what a killed writer left in a tray: whatever its job wrote.
func mend(dir, job, writer string) error {
	opts := sink.Options{Worker: writer, Job: crawler.Job{Name: job}, Scattered: true}
	sinks, err := sink.Open(sink.Names, dir, opts)
	if err != nil {
		return err
	}
	journal, err := sink.OpenJournal(dir, "", opts)
	if err == nil {
		err = journal.Close()
	}
	return errors.Join(err, sinks.Close())
}

// Open opens the output of a job that a worker writes, in the place beneath the
// outlet that has the name; "" is the outlet itself.
func (o *Outlet) Open(job crawler.Job, beneath, worker string) (*Output, error) {
	if o.sink != nil {
		return &Output{Sink: lasting{o.sink}}, nil
	}
	open := func() (*Output, error) { return o.open(job, beneath, worker) }
	out, err := open()
	if err != nil {
		return nil, err
	}
	return out.renewable(open, o.cfg.Log), nil
}

func (o *Outlet) open(job crawler.Job, beneath, worker string) (*Output, error) {
	if o.spool == nil {
		return OpenOutput(job, filepath.Join(o.cfg.Where, beneath), sink.Options{Worker: worker, Log: o.cfg.Log})
	}
	if err := o.spool.Room(); err != nil {
		return nil, err
	}
	if worker == "" {
		worker = HostName()
	}
	box, err := NewOutbox(OutboxConfig{
		Open: func() (Segment, error) { return o.segment(job, beneath, worker) }, Every: o.cfg.ShipEvery, Named: o.cfg.Store != nil, Log: o.cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Output{Sink: box, outbox: box, notes: job.Journal}, nil
}

// segment begins a segment of a job's output. Its files are finished together, when it
// is closed, or before that when they are full.
func (o *Outlet) segment(job crawler.Job, beneath, worker string) (Segment, error) {
	tray, err := o.spool.Tray(beneath, job.Name, worker)
	if err != nil {
		return nil, err
	}
	out, err := OpenOutput(job, tray.Dir, sink.Options{Worker: tray.Writer, MaxAge: 2 * o.cfg.ShipEvery, Scattered: true, Log: o.cfg.Log})
	if err != nil {
		tray.Close()
		return nil, err
	}
	return &traySegment{tray: tray, sink: tray.Guard(out.Sink), output: out.Sink, journal: out.Journal}, nil
}

// Writable finds out whether there is room for the pages of a visit.
func (o *Outlet) Writable(beneath string) error {
	if o.sink != nil {
		return nil
	}
	if o.spool == nil {
		return writable(filepath.Join(o.cfg.Where, beneath))
	}
	if err := o.spool.Room(); err != nil {
		return err
	}
	return writable(o.cfg.Spool)
}

// NoRoom reports whether results could not be kept for want of room: on a disk, or
// in the spool. It passes.
func NoRoom(err error) bool {
	return errors.Is(err, spool.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Trouble returns why results do not come to their bucket; nil when all is well.
func (o *Outlet) Trouble() error {
	if o.spool == nil {
		return nil
	}
	return o.spool.Trouble()
}

// Place is where the results are; nil for a sink.
func (o *Outlet) Place() *output.Location { return o.place }

// Where is where the results of a job are, for a person: an absolute path, or the URL of
// a bucket; "" for a sink.
func (o *Outlet) Where(beneath string) string {
	if o.sink != nil {
		return ""
	}
	if o.spool != nil {
		return output.Join(o.cfg.Where, beneath)
	}
	where := filepath.Join(o.cfg.Where, beneath)
	if whole, err := filepath.Abs(where); err == nil {
		return whole
	}
	return where
}

// Flush brings what is closed to its bucket, and does not give up before ctx ends.
func (o *Outlet) Flush(ctx context.Context) error {
	if o.spool == nil {
		return nil
	}
	return o.spool.Flush(ctx)
}

// Close ends the outlet, in which nothing is open any more. What did not come to
// its bucket is brought there at the next start.
func (o *Outlet) Close() error {
	if o.sink != nil {
		return o.sink.Close()
	}
	if o.spool == nil {
		return o.place.Close()
	}
	return errors.Join(o.spool.Close(), o.place.Close())
}

// writable finds out whether there is room in a folder for the pages of a visit.
func writable(dir string) (err error) {
	const room = 1 << 20
	defer func() {
		if err != nil {
			err = fmt.Errorf("there is no room for pages in %q: %w (free some space there, or choose a folder on another disk)", dir, err)
		}
	}()
	file, err := os.CreateTemp(dir, ".room-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	_, err = file.Write(make([]byte, room))
	return err
}
