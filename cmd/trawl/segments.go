package main

import (
	"context"
	"errors"
	"strings"

	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// resultsOf returns where the output is that an argument JOB|DIR|URL means. The output of a job is
// inside the folder or bucket out.
func resultsOf(out, named string) string {
	where := named
	if out != "" && !output.IsBucket(named) {
		where = output.Join(out, named)
	}
	crawl, err := localcrawl.ReadNote(where)
	if err != nil || crawl == nil {
		return where
	}
	sayElsewhere(stderr, crawl.Job, crawl.Elsewhere)
	if crawl.Out != "" {
		return crawl.Out // the folder has only the state of the crawl
	}
	return where
}

// filesOf returns the segments of lines of a kind in an output, sorted by name. Earlier
// results that were set aside are not included.
func filesOf(ctx context.Context, where, kind string) ([]output.Segment, error) {
	l, err := output.Open(ctx, where)
	if err != nil {
		return nil, usage("%v", err)
	}
	names, err := l.Segments(ctx, kind)
	if errors.Is(err, output.ErrMissing) {
		return nil, usage("%q does not exist: name the folder or bucket that a crawl wrote to", where)
	}
	if err != nil {
		return nil, failed("%v", err)
	}
	var files []output.Segment
	for _, name := range names {
		files = append(files, output.Segment{In: l, Name: name})
	}
	return files, nil
}

// journalsOf returns the segments of the journals in several outputs: each segment once,
// and those of each writer in order.
func journalsOf(ctx context.Context, where []string) ([]output.Segment, error) {
	var all []output.Segment
	known := make(map[string]bool)
	for _, w := range where {
		files, err := journalFiles(ctx, w)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if !known[f.String()] {
				known[f.String()] = true
				all = append(all, f)
			}
		}
	}
	return all, nil
}

// journalFiles returns the segments of the journals in an output or, if it has none, in the
// outputs of jobs inside it.
func journalFiles(ctx context.Context, where string) ([]output.Segment, error) {
	files, err := filesOf(ctx, where, sink.JournalPrefix)
	if err != nil || len(files) > 0 {
		return files, err
	}
	jobs, err := jobOutputs(ctx, where)
	if err != nil {
		return nil, err
	}
	for _, job := range jobs {
		more, err := filesOf(ctx, output.Join(where, job), sink.JournalPrefix)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	if len(files) == 0 {
		return nil, usage("%q contains no request journal: the crawl ran with --journal=false, or wrote to another place", where)
	}
	return files, nil
}

// jobOutputs lists the outputs inside another one, except earlier results that were set
// aside.
func jobOutputs(ctx context.Context, where string) ([]string, error) {
	l, err := output.Open(ctx, where)
	if err != nil {
		return nil, usage("%v", err)
	}
	defer l.Close()
	names, err := l.Folders(ctx)
	if err != nil {
		return nil, failed("%v", err)
	}
	var jobs []string
	for _, name := range names {
		if !strings.HasPrefix(name, "earlier-") {
			jobs = append(jobs, name)
		}
	}
	return jobs, nil
}
