package simulate

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// This file moves records to a bucket. The segment writer of a job, which writes one segment
// after another, and the manifest, which tells Redis what happens to them, are the real
// ones. The spool between them and the bucket imitates internal/spool.

// staging is a segment on a disk.
type staging struct {
	job     string
	writer  string // its name
	records []record
	closed  bool // nothing more will be written to it
}

// segment is a staging folder that a process writes. It implements [fleet.Segment].
type segment struct {
	keeper
	staging *staging
}

// newSegmentWriter returns the output of a job in a worker.
func (w *worker) newSegmentWriter(job crawler.Job) (*fleet.SegmentWriter, error) {
	return fleet.NewSegmentWriter(fleet.SegmentWriterConfig{
		Open:  func() (fleet.Segment, error) { return w.newSegment(job.Name), nil },
		Every: w.sim.world.shipsIn, Named: true, Log: slog.New(slog.DiscardHandler),
	})
}

// newSegment begins a staging folder. What a process has open is on its disk at once.
func (w *worker) newSegment(job string) *segment {
	w.stagingMu.Lock()
	defer w.stagingMu.Unlock()
	w.segments++
	t := &staging{job: job, writer: fmt.Sprintf("%s-%s-%d", w.process.name, job, w.segments)}
	w.disk.add(t)
	return &segment{keeper{w.process, w.disk, job, &t.records}, t}
}

// Name returns the name of the staging folder.
func (s *segment) Name() string { return s.staging.writer }

// Note is never called, because the jobs have no journal.
func (s *segment) Note(context.Context, []fetched.Exchange) error { return nil }

// Broken returns false: a full disk will have room again.
func (s *segment) Broken(error) bool { return false }

// Finish closes the staging folder.
func (s *segment) Finish() error {
	end := func() { s.staging.closed = true }
	return s.process.interact(s.process.ctx, toDisk, "finishes "+s.staging.writer, func() error {
		end()
		return nil
	}, end)
}

// spoolRound is how often a worker looks for finished staging folders.
const spoolRound = time.Second

// manifestTerm is the timeout for a call of the manifest.
const manifestTerm = 5 * time.Second

// spool moves the staging folders on the worker's disk to the bucket. It first finishes
// those that an earlier process left open.
func (w *worker) spool() {
	for _, t := range w.disk.waiting() {
		t.closed = true
	}
	manifest := fleet.NewManifest(w.process.store)
	w.process.wg.Go(func() { w.report(manifest) })
	for sleep(w.process.ctx, max(spoolRound, w.sim.world.tick)) == nil {
		for _, t := range w.disk.waiting() {
			if t.closed && w.ship(t, manifest) != nil {
				break
			}
		}
	}
}

// ship moves a staging folder to the bucket, and removes it once the manifest was told.
func (w *worker) ship(t *staging, manifest *fleet.Manifest) error {
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

// report tells the manifest what is waiting. It is separate from spool so that shipping
// does not delay it.
func (w *worker) report(manifest *fleet.Manifest) {
	for sleep(w.process.ctx, max(spoolRound, w.sim.world.tick)) == nil {
		waiting := make(map[string][]string)
		for _, t := range w.disk.waiting() {
			waiting[t.job] = append(waiting[t.job], t.writer)
		}
		ctx, cancel := context.WithTimeout(w.process.ctx, manifestTerm)
		_ = manifest.Waiting(ctx, waiting)
		cancel()
	}
}

// put adds a staging folder to the bucket, where it replaces one with the same name.
func (o *output) put(t *staging) {
	arrived := staging{job: t.job, writer: t.writer, records: slices.Clone(t.records)}
	at := slices.IndexFunc(o.bucket, func(b staging) bool { return b.writer == t.writer })
	if at < 0 {
		o.bucket = append(o.bucket, arrived)
		return
	}
	o.bucket[at] = arrived
}
