package fleet

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// Output receives the results of a job, and the journal of its requests.
type Output struct {
	sink.Sink
	Journal  *sink.Journal  // nil if there isn't one, and for a bucket, whose segments have their own
	segments *SegmentWriter // nil if results are written to their final place
	notes    bool           // requests are noted in the segments
	renewal  *renewal       // nil if the output cannot be reopened
}

// Ship starts to ship what was kept to its bucket at once. It does nothing for a folder.
func (o *Output) Ship() {
	if o.segments != nil {
		o.segments.Ship()
	}
}

// OpenOutput opens the sinks of a job in a folder.
func OpenOutput(job crawler.Job, dir string, opts sink.Options) (*Output, error) {
	opts.Job, opts.Links = job, job.Links
	sinks, err := sink.Open(job.Format, dir, opts)
	if err != nil {
		return nil, err
	}
	out := &Output{Sink: sinks}
	if !job.Journal {
		return out, nil
	}
	if out.Journal, err = sink.OpenJournal(dir, job.ProductToken(), opts); err != nil {
		return nil, errors.Join(err, sinks.Close())
	}
	return out, nil
}

// note writes requests into the journal, or into that of the current segment.
func (o *Output) note(ctx context.Context, requests []fetched.Exchange) error {
	if o.segments != nil {
		return o.segments.Note(ctx, requests)
	}
	return o.Journal.Note(ctx, requests)
}

// keepIn keeps results, in a segment if the output has segments.
func (o *Output) keepIn(ctx context.Context, results []*fetched.Result) (segment string, release func(), err error) {
	if o.segments != nil {
		return o.segments.KeepIn(ctx, results)
	}
	return "", func() {}, o.Sink.Keep(ctx, results)
}

// tools adds the output to what a visitor works with.
func (o *Output) tools(t visit.Tools) visit.Tools {
	t.Sink = o.Sink
	switch {
	case o.Journal != nil:
		t.Journal = o.Journal
	case o.notes:
		t.Journal = o.segments
	}
	if o.renewal == nil {
		return t
	}
	t.Sink, t.Gate = o.renewal, visit.NewGate(MayPass)
	if t.Journal != nil {
		t.Journal = o.renewal
	}
	return t
}

// renewable makes the output reopen itself with open if it fails for good.
func (o *Output) renewable(open func() (*Output, error), log *slog.Logger) *Output {
	o.renewal = &renewal{needs: o.Needs(), out: o, open: open, log: log}
	return o
}

// broken reports whether the output can keep nothing more after an error. A segment writer
// recovers by itself: it must not be closed while commits hold its segments.
func (o *Output) broken(err error) bool {
	if o.segments != nil {
		o.segments.mend(err)
		return false
	}
	if errors.Is(err, fs.ErrNotExist) || sink.Broken(o.Sink) != nil {
		return true
	}
	return o.Journal != nil && o.Journal.Broken() != nil
}

// Close closes the sinks and the journal, and waits until everything is on disk. Results
// for a bucket may still be on their way.
func (o *Output) Close() error {
	if o.renewal != nil {
		return o.renewal.close()
	}
	return o.closeParts()
}

func (o *Output) closeParts() error {
	err := o.Sink.Close()
	if o.Journal != nil {
		err = errors.Join(err, o.Journal.Close())
	}
	return err
}
