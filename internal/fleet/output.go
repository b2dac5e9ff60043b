package fleet

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// Output is where the results of a job go, and the journal of its requests.
type Output struct {
	sink.Sink
	Journal *sink.Journal // nil for none, and for a bucket, whose segments have their own
	outbox  *Outbox       // nil when it is written where it stays
	notes   bool          // requests are noted in the outbox
	renewal *renewal      // nil when it cannot be opened again
}

// Ship brings what is kept to its bucket at once. In a folder it is where it belongs.
func (o *Output) Ship() {
	if o.outbox != nil {
		o.outbox.Ship()
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

// note writes requests into the journal, or into that of the segment that is written.
func (o *Output) note(ctx context.Context, requests []crawler.Exchange) error {
	if o.outbox != nil {
		return o.outbox.Note(ctx, requests)
	}
	return o.Journal.Note(ctx, requests)
}

// keepIn keeps results, in a segment where the output has some.
func (o *Output) keepIn(ctx context.Context, results []*crawler.Result) (segment string, release func(), err error) {
	if o.outbox != nil {
		return o.outbox.KeepIn(ctx, results)
	}
	return "", func() {}, o.Sink.Keep(ctx, results)
}

// tools completes what a visitor works with.
func (o *Output) tools(t crawler.Tools) crawler.Tools {
	t.Sink = o.Sink
	switch {
	case o.Journal != nil:
		t.Journal = o.Journal
	case o.notes:
		t.Journal = o.outbox
	}
	if o.renewal == nil {
		return t
	}
	t.Sink, t.Gate = o.renewal, crawler.NewGate(MayPass)
	if t.Journal != nil {
		t.Journal = o.renewal
	}
	return t
}

// renewable lets the output be opened again, by means of open, when it fails for good.
func (o *Output) renewable(open func() (*Output, error), log *slog.Logger) *Output {
	o.renewal = &renewal{out: o, open: open, log: log}
	return o
}

// broken reports whether the output keeps nothing any more, after an error of it. An
// outbox mends itself: it is never closed while commits hold its segments.
func (o *Output) broken(err error) bool {
	if o.outbox != nil {
		o.outbox.mend(err)
		return false
	}
	if errors.Is(err, fs.ErrNotExist) || sink.Broken(o.Sink) != nil {
		return true
	}
	return o.Journal != nil && o.Journal.Broken() != nil
}

// Close ends the sinks and the journal, and waits until all is on disk. What goes
// to a bucket is on its way there then.
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
