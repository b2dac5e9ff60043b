package simulate

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// How records come to a bucket. The outbox of a job, which writes one segment after
// another, and the manifest, which tells Redis what becomes of them, are those of the
// product. The spool between them and the bucket is an imitation of crawler/spool.

// tray is a segment on a disk.
type tray struct {
	job     string
	writer  string // its name
	records []record
	closed  bool // nothing more is written in it
}

// segment is a tray that a process writes. It implements [fleet.Segment].
type segment struct {
	keeper
	tray *tray
}

// newOutbox returns the output of a job in a worker.
func (w *worker) newOutbox(job crawler.Job) (*fleet.Outbox, error) {
	return fleet.NewOutbox(fleet.OutboxConfig{
		Open:  func() (fleet.Segment, error) { return w.newSegment(job.Name), nil },
		Every: w.sim.world.shipsIn, Named: true, Log: slog.New(slog.DiscardHandler),
	})
}

// newSegment begins a tray. What a process has open is on its disk at once.
func (w *worker) newSegment(job string) *segment {
	w.trayMu.Lock()
	defer w.trayMu.Unlock()
	w.segments++
	t := &tray{job: job, writer: fmt.Sprintf("%s-%s-%d", w.process.name, job, w.segments)}
	w.disk.add(t)
	return &segment{keeper{w.process, w.disk, job, &t.records}, t}
}

// Name is that of the tray.
func (s *segment) Name() string { return s.tray.writer }

// Note is not called: the jobs have no journal.
func (s *segment) Note(context.Context, []crawler.Exchange) error { return nil }

// Broken reports whether nothing is kept any more: room comes back.
func (s *segment) Broken(error) bool { return false }

// Finish closes the tray.
func (s *segment) Finish() error {
	end := func() { s.tray.closed = true }
	return s.process.interact(s.process.ctx, toDisk, "finishes "+s.tray.writer, func() error {
		end()
		return nil
	}, end)
}

// spoolRound is how often a worker looks for trays that are finished.
const spoolRound = time.Second

// manifestTerm is in which time the manifest must be told something.
const manifestTerm = 5 * time.Second

// spool brings the trays of the worker's disk to the bucket. Those that an earlier
// process left open are finished first.
func (w *worker) spool() {
	for _, t := range w.disk.waiting() {
		t.closed = true
	}
	manifest := fleet.NewManifest(w.process.store)
	w.process.wg.Go(func() { w.report(manifest) })
	for sleep(w.process.ctx, spoolRound) == nil {
		for _, t := range w.disk.waiting() {
			if t.closed && w.ship(t, manifest) != nil {
				break
			}
		}
	}
}

// ship brings a tray to the bucket, and removes it once the manifest has been told so.
func (w *worker) ship(t *tray, manifest *fleet.Manifest) error {
	put := func() { w.sim.output.put(t) }
	err := w.process.interact(w.process.ctx, toDisk, "ships "+t.writer, func() error {
		w.sim.trace.add("%s ships %s, %d records", w.process.name, t.writer, len(t.records))
		w.sim.arbiter.counts["segment shipped"]++
		put()
		return nil
	}, put)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(w.process.ctx, manifestTerm)
	defer cancel()
	if err := manifest.Shipped(ctx, t.job, t.writer); err != nil {
		return err
	}
	remove := func() { w.disk.remove(t) }
	return w.process.interact(w.process.ctx, toDisk, "removes "+t.writer, func() error {
		remove()
		return nil
	}, remove)
}

// report tells the manifest what waits, also while something is on its way.
func (w *worker) report(manifest *fleet.Manifest) {
	for sleep(w.process.ctx, spoolRound) == nil {
		waiting := make(map[string][]string)
		for _, t := range w.disk.waiting() {
			waiting[t.job] = append(waiting[t.job], t.writer)
		}
		ctx, cancel := context.WithTimeout(w.process.ctx, manifestTerm)
		_ = manifest.Waiting(ctx, waiting)
		cancel()
	}
}

// put brings a tray to the bucket, where it replaces what has its name.
func (o *output) put(t *tray) {
	arrived := tray{job: t.job, writer: t.writer, records: slices.Clone(t.records)}
	at := slices.IndexFunc(o.bucket, func(b tray) bool { return b.writer == t.writer })
	if at < 0 {
		o.bucket = append(o.bucket, arrived)
		return
	}
	o.bucket[at] = arrived
}
