package main

import (
	"context"
	"strings"

	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// journalsOf finds the segments of the journals in several outputs, each once and
// each writer's in order.
func journalsOf(ctx context.Context, where []string) ([]segment, error) {
	var all []segment
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

// journalFiles finds the segments of the journals in an output, or, if it has none, in
// the outputs of jobs that lie in it.
func journalFiles(ctx context.Context, where string) ([]segment, error) {
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
		return nil, usage("%q holds no journal of requests: the crawl was told --journal=false, or wrote elsewhere", where)
	}
	return files, nil
}

// jobOutputs lists the outputs that lie in another, but for results that were set
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
