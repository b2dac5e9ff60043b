package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/trawlcrawler/trawl/crawler/output"
)

// ErrNoOutput is in the errors of outputs that are not there, or hold nothing
// that could be read.
var ErrNoOutput = errors.New("no output of a crawl")

// Crawl is the output of a crawl, which may still be growing: what is read of it
// are whole records.
type Crawl struct {
	at       *output.Location
	segments []segment // those of the first form that there are
	manifest []segment // whose records name the bodies that were kept
	indexes  []segment // of WARC files
	links    []segment // of the link graph, as lines
	held     []io.Closer
	survey   *survey // nil until it is asked for
}

// Open opens the output in a folder, or in a bucket, as [output.Open] names it.
// Earlier results that were set aside in it are no part of it. The error wraps
// [ErrNoOutput] when there is none.
func Open(ctx context.Context, where string) (*Crawl, error) {
	at, err := output.Open(ctx, where)
	if errors.Is(err, output.ErrMissing) {
		return nil, fmt.Errorf("%w (%w)", err, ErrNoOutput)
	}
	if err != nil {
		return nil, err
	}
	c := &Crawl{at: at}
	if err := c.look(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// look finds the segments, finished or not.
func (c *Crawl) look(ctx context.Context) error {
	names, err := c.at.Names(ctx)
	if errors.Is(err, output.ErrMissing) {
		return fmt.Errorf("%q is not there: name the folder that a crawl wrote to (%w)", c.at, ErrNoOutput)
	}
	if err != nil {
		return err
	}
	lines := func(kind string) []segment {
		return c.those(names, readLines, func(name string) bool { return output.Lines(name, kind) })
	}
	c.manifest, c.links = lines("manifest"), lines("links")
	tables, err := c.growing(ctx, names, openTable)
	if err != nil {
		return err
	}
	tables = append(c.those(names, readRows, table.MatchString), tables...)
	indexes, err := c.growing(ctx, names, openIndex)
	if err != nil {
		return err
	}
	c.indexes = append(c.those(names, readCaptures, index.MatchString), indexes...)
	// The best form first: where several hold the same crawl, one is enough.
	for _, found := range [][]segment{lines("pages"), c.manifest, lines("markdown"), tables, c.indexes} {
		if c.segments = found; len(found) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%q holds no records: name the folder that a crawl wrote to (%w)", c.at, ErrNoOutput)
}

// Names of segments that are no lines of JSON.
var (
	table = regexp.MustCompile(`^pages-.*\.parquet$`)
	index = regexp.MustCompile(`\.cdxj$`)
)

func (c *Crawl) those(names []string, read reader, fit func(name string) bool) (found []segment) {
	for _, name := range names {
		if fit(name) {
			found = append(found, segment{at: c.at, name: name, read: read})
		}
	}
	return found
}

// Each calls do with every record of the crawl, of URLs that were fetched again with
// each of theirs, as lines of JSON.
func (c *Crawl) Each(ctx context.Context, do func(line []byte) error) error {
	for _, s := range c.segments {
		if err := s.each(ctx, func(_ place, line []byte) error { return do(line) }); err != nil {
			return err
		}
	}
	return nil
}

// Whole reports whether the output has a record of each URL that the crawl settled. The
// index of WARC files, where there is nothing else, tells only of answers.
func (c *Crawl) Whole() bool {
	for _, s := range c.segments {
		if index.MatchString(strings.TrimSuffix(s.name, output.Growing)) {
			return false
		}
	}
	return true
}

// Count returns how many URLs have a record.
func (c *Crawl) Count(ctx context.Context) (urls int64, err error) {
	s, err := c.surveyed(ctx)
	if err != nil {
		return 0, err
	}
	return int64(s.pages), nil
}

// Settled returns what workers noted in the output about how many records it should have;
// nil for nothing.
func (c *Crawl) Settled(ctx context.Context) (*output.Settled, error) { return c.at.Settled(ctx) }

// Last calls do with the last record of each URL, of those that there were when it was
// first called. Lines that are no records are left out.
func (c *Crawl) Last(ctx context.Context, do func(*Record) error) error {
	s, err := c.surveyed(ctx)
	if err != nil {
		return err
	}
	return s.each(ctx, do)
}

// surveyed is the survey of the output as it was when it was first asked for.
func (c *Crawl) surveyed(ctx context.Context) (s *survey, err error) {
	if c.survey == nil {
		c.survey, err = surveyOf(ctx, c, func(string, error) {})
	}
	return c.survey, err
}

// Links calls do with each line of the link graph, of every writer; with none where the
// crawl wrote no such lines.
func (c *Crawl) Links(ctx context.Context, do func(line []byte) error) error {
	for _, s := range c.links {
		if err := s.each(ctx, func(_ place, line []byte) error { return do(line) }); err != nil {
			return err
		}
	}
	return nil
}

// String is where the output lies.
func (c *Crawl) String() string { return c.at.String() }

// Close lets go of the output.
func (c *Crawl) Close() error {
	var errs []error
	for _, file := range c.held {
		errs = append(errs, file.Close())
	}
	return errors.Join(append(errs, c.at.Close())...)
}

// withBodies is the crawl as its manifest tells of it, if there is one.
func (c *Crawl) withBodies() *Crawl {
	if len(c.manifest) == 0 {
		return c
	}
	other := *c
	other.segments = c.manifest
	return &other
}

// body opens the body that a record names.
func (c *Crawl) body(ctx context.Context, path string) (io.ReadCloser, error) {
	if !local(path) {
		return nil, fmt.Errorf("a record names %q, which does not lie in %q", path, c.at)
	}
	return c.at.Open(ctx, path)
}
