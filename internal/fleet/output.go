package fleet

import (
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// Output is where the results of a job go, and the journal of its requests.
type Output struct {
	sink.Sink
	Journal *sink.Journal // nil for none, and for a bucket, whose segments have their own
	outbox  *outbox       // nil when it is written where it stays
	notes   bool          // requests are noted in the outbox
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

// tools completes what a visitor works with.
func (o *Output) tools(t crawler.Tools) crawler.Tools {
	t.Sink = o.Sink
	switch {
	case o.Journal != nil:
		t.Journal = o.Journal
	case o.notes:
		t.Journal = o.outbox
	}
	return t
}

// Close ends the sinks and the journal, and waits until all is on disk. What goes
// to a bucket is on its way there then.
func (o *Output) Close() error {
	err := o.Sink.Close()
	if o.Journal != nil {
		err = errors.Join(err, o.Journal.Close())
	}
	return err
}
