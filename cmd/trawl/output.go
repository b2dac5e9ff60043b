package main

import (
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// output is where the results of a job go, and the journal of its requests.
type output struct {
	sink.Sink
	journal *sink.Journal // nil for none
}

// openOutput opens the sinks of a job in a folder.
func openOutput(job crawler.Job, dir string, opts sink.Options) (*output, error) {
	opts.Job, opts.Links = job, job.Links
	sinks, err := sink.Open(job.Format, dir, opts)
	if err != nil {
		return nil, err
	}
	out := &output{Sink: sinks}
	if !job.Journal {
		return out, nil
	}
	if out.journal, err = sink.OpenJournal(dir, job.ProductToken(), opts); err != nil {
		return nil, errors.Join(err, sinks.Close())
	}
	return out, nil
}

// tools completes what a visitor works with.
func (o *output) tools(t crawler.Tools) crawler.Tools {
	t.Sink = o.Sink
	if o.journal != nil {
		t.Journal = o.journal
	}
	return t
}

func (o *output) Close() error {
	err := o.Sink.Close()
	if o.journal != nil {
		err = errors.Join(err, o.journal.Close())
	}
	return err
}
