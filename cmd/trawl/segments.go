package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// segment is a file of lines in the output of a crawl.
type segment struct {
	in   *output.Location
	name string
}

func (s segment) String() string { return output.Join(s.in.String(), s.name) }

// resultsOf names where the output is that an argument JOB|DIR|URL means: of a
// job it lies beneath out.
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

// filesOf returns the segments of lines of a kind in an output, by name. Earlier
// results that were set aside are not among them.
func filesOf(ctx context.Context, where, kind string) ([]segment, error) {
	l, err := output.Open(ctx, where)
	if err != nil {
		return nil, usage("%v", err)
	}
	names, err := l.Segments(ctx, kind)
	if errors.Is(err, output.ErrMissing) {
		return nil, usage("%q is not there: name the folder or bucket that a crawl wrote to", where)
	}
	if err != nil {
		return nil, failed("%v", err)
	}
	var files []segment
	for _, name := range names {
		files = append(files, segment{l, name})
	}
	return files, nil
}

// eachLine calls do with each whole line of a segment, without its end. An error
// of do is told with the place.
func eachLine(ctx context.Context, s segment, do func(offset int64, line []byte) error) error {
	return s.in.EachLine(ctx, s.name, func(offset int64, line []byte) error {
		if err := do(offset, line); err != nil {
			return fmt.Errorf("%s, at byte %d: %w", s, offset, err)
		}
		return nil
	})
}
