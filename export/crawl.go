package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

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
	held     []io.Closer
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
	c.manifest = lines("manifest")
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
