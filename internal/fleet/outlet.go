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
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/spool"
	"github.com/trawlcrawler/trawl/internal/validators"
)

// OutletConfig configures where the results of a process go.
type OutletConfig struct {
	// Where is a folder, or the URL of a bucket as for [output.Open].
	Where string
	// Spool is the folder in which results wait to be shipped to a bucket. Default
	// [DefaultSpool].
	Spool string
	// SpoolLimit is about how many bytes may wait there. Default 10 GiB.
	SpoolLimit int64
	// ShipEvery is the age at which a segment is finished and shipped to a bucket. Default a
	// minute.
	ShipEvery time.Duration
	// Patience is how long a visit waits for room in the spool before it fails, so that the
	// job is left alone for a while. Default 2s.
	Patience time.Duration
	// Store is told which segments have arrived in a bucket, and which ones live workers still
	// have. Default none; then pages that a lost worker had not shipped are not fetched again.
	Store *frontier.Store
	// Log receives errors. Default none.
	Log *slog.Logger
}

// Outlet is where the results of a process go: to a folder, or through a spool to a bucket.
// It is safe for concurrent use.
type Outlet struct {
	cfg   OutletConfig
	place *output.Location
	spool *spool.Spool // nil for a folder
	sink  sink.Sink    // nil except for OutletTo
}

// OutletTo returns an outlet whose results go to a sink, for all jobs. What was written
// there cannot be rewritten, so visits do not wait for a sink that fails. The outlet takes
// ownership of the sink.
func OutletTo(s sink.Sink) *Outlet { return &Outlet{sink: s} }

// lasting is a sink that only its outlet closes.
type lasting struct{ sink.Sink }

// Close leaves the sink open.
func (lasting) Close() error { return nil }

// DefaultSpool returns the default folder in which results wait for a bucket: in the user's
// cache folder, or in the folder for temporary files if that cannot be written, as in a
// container with a read-only root.
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

// usable reports whether a folder can be created and written.
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

// checkTerm is the timeout for checking that a bucket can be written.
const checkTerm = 30 * time.Second

// OpenOutlet creates the folder, or checks that the bucket can be written and starts to
// ship what an earlier process left.
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
			return nil, fmt.Errorf("the output folder %q cannot be made: %w", cfg.Where, err)
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

// Adopt finishes the files that dead writers left of a job's results.
func (o *Outlet) Adopt(beneath string) {
	if o.spool == nil && o.sink == nil {
		newAdopter(o.cfg.Where, o.cfg.Log).now(beneath)
	}
}

// adopt finishes the files that a dead writer left in the folder itself. It warns if the
// file system has no locks, because then dead writers cannot be recognized.
func (o *Outlet) adopt() {
	if err := sink.CheckLocks(o.cfg.Where); err != nil {
		o.cfg.Log.Warn("this file system has no locks: files that a dead worker left are finished only by a worker of the same name",
			"folder", o.cfg.Where, "error", err)
		return
	}
	newAdopter(o.cfg.Where, o.cfg.Log).now("")
}

// mend finishes the files that a killed writer left in a staging folder, in any format.
func mend(dir, job, writer string) error {
	opts := sink.Options{Worker: writer, Job: crawler.Job{Name: job}, Scattered: true, Validators: true}
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

// OutputConfig says whose output [Outlet.Open] opens.
type OutputConfig struct {
	Job crawler.Job
	// Beneath is the subfolder of the outlet. Default "": the outlet itself.
	Beneath string
	// Worker is the name of the writer. Default "": it has the place to itself.
	Worker string
	// Validators keeps the validators of pages beside their records.
	Validators bool
	// Remember is called with validators whose records are at their destination. Default none.
	Remember func([]validators.Line)
}

// Open opens the output of a job for a worker.
func (o *Outlet) Open(cfg OutputConfig) (*Output, error) {
	if o.sink != nil {
		return &Output{Sink: lasting{o.sink}}, nil
	}
	open := func() (*Output, error) { return o.open(cfg) }
	out, err := open()
	if err != nil {
		return nil, err
	}
	return out.renewable(open, o.cfg.Log), nil
}

func (o *Outlet) open(cfg OutputConfig) (*Output, error) {
	if o.spool == nil {
		return OpenOutput(cfg.Job, filepath.Join(o.cfg.Where, cfg.Beneath), sink.Options{Worker: cfg.Worker,
			Validators: cfg.Validators, Remember: cfg.Remember, Log: o.cfg.Log})
	}
	if err := o.spool.Room(); err != nil {
		return nil, err
	}
	if cfg.Worker == "" {
		cfg.Worker = HostName()
	}
	segments, err := NewSegmentWriter(SegmentWriterConfig{
		Open: func() (Segment, error) { return o.segment(cfg) }, Every: o.cfg.ShipEvery,
		Named: o.cfg.Store != nil, Log: o.cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Output{Sink: segments, segments: segments, notes: cfg.Job.Journal}, nil
}

// segment begins a segment of a job's output. Its files are finished together when it is
// closed, or earlier when they are full.
// What is kept is not at its destination yet, so cfg.Remember is not called.
func (o *Outlet) segment(cfg OutputConfig) (Segment, error) {
	staging, err := o.spool.Staging(cfg.Beneath, cfg.Job.Name, cfg.Worker)
	if err != nil {
		return nil, err
	}
	out, err := OpenOutput(cfg.Job, staging.Dir, sink.Options{Worker: staging.Writer, MaxAge: 2 * o.cfg.ShipEvery,
		Scattered: true, Validators: cfg.Validators, Log: o.cfg.Log})
	if err != nil {
		staging.Close()
		return nil, err
	}
	return &stagedSegment{staging: staging, sink: staging.Guard(out.Sink), output: out.Sink, journal: out.Journal}, nil
}

// Writable checks that there is room for the pages of a visit.
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

// NoRoom reports whether results could not be kept because a disk or the spool is full.
// Such errors go away by themselves.
func NoRoom(err error) bool {
	return errors.Is(err, spool.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Trouble returns why results do not reach their bucket; nil if all is well.
func (o *Outlet) Trouble() error {
	if o.spool == nil {
		return nil
	}
	return o.spool.Trouble()
}

// Place returns where the results are; nil for a sink.
func (o *Outlet) Place() *output.Location { return o.place }

// Where returns where the results of a job are, for display: an absolute path, or the URL
// of a bucket; "" for a sink.
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

// Flush ships what is closed to its bucket, and does not give up before ctx ends.
func (o *Outlet) Flush(ctx context.Context) error {
	if o.spool == nil {
		return nil
	}
	return o.spool.Flush(ctx)
}

// Close closes the outlet. All outputs must be closed. What did not reach its bucket is
// shipped at the next start.
func (o *Outlet) Close() error {
	if o.sink != nil {
		return o.sink.Close()
	}
	if o.spool == nil {
		return o.place.Close()
	}
	return errors.Join(o.spool.Close(), o.place.Close())
}

// writable checks that a folder has room for the pages of a visit.
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
