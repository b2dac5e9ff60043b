package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// ErrNoOutput is wrapped in errors about outputs that do not exist, or contain nothing
// that can be read.
var ErrNoOutput = errors.New("no output of a crawl")

// Crawl is the output of a crawl. The crawl may still be running; only whole records are
// read.
type Crawl struct {
	at       *output.Location
	segments []segment // of the first format that is present
	manifest []segment // its records name the bodies that were kept
	indexes  []segment // of WARC files
	links    []segment // of the link graph, if it was written as lines
	held     []io.Closer
	survey   *survey // nil until needed
	damage   *damage

	settled *output.Settled // as noted before the segments were listed
	noteErr error           // why the note cannot be read
}

// damage collects what is wrong with the finished segments of an output, in the order in
// which it was found.
type damage struct {
	known map[string]bool
	all   []error
}

// reads calls read, which reads a segment, or all that can be read of a damaged one. It
// records damage and returns other errors.
func (c *Crawl) reads(s segment, read func() error) error {
	err := read()
	if !errors.Is(err, output.ErrDamaged) {
		return err
	}
	if name := s.String(); !c.damage.known[name] {
		c.damage.known[name] = true
		c.damage.all = append(c.damage.all, err)
	}
	return nil
}

// each calls do with each whole record of a segment.
func (c *Crawl) each(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	return c.reads(s, func() error { return s.each(ctx, do) })
}

// Damaged returns an error for each segment read so far that was cut short or changed
// after it was finished. What can still be read of such a segment was read.
func (c *Crawl) Damaged() []error { return c.damage.all }

// Open opens the output in a folder, or in a bucket, named as in [output.Open]. It
// ignores earlier results that were set aside in it. The error wraps [ErrNoOutput] if
// there is no output.
func Open(ctx context.Context, where string) (*Crawl, error) {
	at, err := output.Open(ctx, where)
	if errors.Is(err, output.ErrMissing) {
		return nil, fmt.Errorf("%w (%w)", err, ErrNoOutput)
	}
	if err != nil {
		return nil, err
	}
	c := &Crawl{at: at, damage: &damage{known: make(map[string]bool)}}
	// Before the segments are listed: what workers keep and note after that would seem to be missing.
	c.settled, c.noteErr = at.Settled(ctx)
	if err := c.look(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// look finds the segments, finished or not.
func (c *Crawl) look(ctx context.Context) error {
	names, err := c.at.Names(ctx)
	if errors.Is(err, output.ErrMissing) {
		return fmt.Errorf("%q does not exist: name the folder that a crawl wrote to (%w)", c.at, ErrNoOutput)
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
	// The best format comes first. Where several hold the same crawl, one is enough.
	for _, found := range [][]segment{lines("pages"), c.manifest, lines("markdown"), tables, c.indexes} {
		if c.segments = found; len(found) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%q holds no records: name the folder that a crawl wrote to (%w)", c.at, ErrNoOutput)
}

// Names of segments that are not JSON lines.
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

// Each calls do with every record of the crawl, as a line of JSON. A URL that was fetched
// several times has several records.
func (c *Crawl) Each(ctx context.Context, do func(line []byte) error) error {
	for _, s := range c.segments {
		if err := c.each(ctx, s, func(_ place, line []byte) error { return do(line) }); err != nil {
			return err
		}
	}
	return nil
}

// Fetches calls do with the last URL that each record requested, and when.
func (c *Crawl) Fetches(ctx context.Context, do func(finalURL string, at time.Time) error) error {
	return c.Each(ctx, func(line []byte) error {
		h, at, err := wholeHeader(line)
		if err != nil {
			return nil // it is no record, which an export reports
		}
		return do(h.FinalURL, at)
	})
}

// Captures calls do with each response in the crawl's WARC files: its URL, and when it was
// requested, to the second.
func (c *Crawl) Captures(ctx context.Context, do func(url string, at time.Time) error) error {
	all := captures{ctx: ctx, crawl: c}
	var refused error
	err := all.each(func(c warc.Capture) {
		if refused == nil && !c.Revisit() {
			refused = do(c.URL, c.Date)
		}
	})
	return cmp.Or(refused, err)
}

// Whole reports whether the output has a record of each URL that the crawl settled. An
// output of only WARC files does not: their index lists only responses.
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

// Settled returns the workers' note about how many records the output should have, as it was when
// the output was opened; nil if there wasn't one.
func (c *Crawl) Settled() (*output.Settled, error) { return c.settled, c.noteErr }

// OfAnother returns the earlier job that these records belong to, which had the same name
// as a job that was created later. It returns nil if, as far as the output says, the
// records are the job's own.
func (c *Crawl) OfAnother(ctx context.Context, job string, created time.Time) (*output.Owner, error) {
	return c.at.OfAnother(ctx, job, created)
}

// Last calls do with the last record of each URL, among the records that existed when
// Last was first called. It skips lines that are not records.
func (c *Crawl) Last(ctx context.Context, do func(*Record) error) error {
	s, err := c.surveyed(ctx)
	if err != nil {
		return err
	}
	return s.each(ctx, do)
}

// surveyed returns the survey of the output as it was at the first call.
func (c *Crawl) surveyed(ctx context.Context) (s *survey, err error) {
	if c.survey == nil {
		c.survey, err = surveyOf(ctx, c, func(string, error) {})
	}
	return c.survey, err
}

// Links calls do with each line of the link graph of every writer. If the crawl wrote no
// such lines, it makes no calls.
func (c *Crawl) Links(ctx context.Context, do func(line []byte) error) error {
	for _, s := range c.links {
		if err := c.each(ctx, s, func(_ place, line []byte) error { return do(line) }); err != nil {
			return err
		}
	}
	return nil
}

// String returns where the output is.
func (c *Crawl) String() string { return c.at.String() }

// Close closes the files of the output.
func (c *Crawl) Close() error {
	var errs []error
	for _, file := range c.held {
		errs = append(errs, file.Close())
	}
	return errors.Join(append(errs, c.at.Close())...)
}

// WithBodies returns the crawl as its manifest describes it, if it has one: its records name the
// bodies that were kept. It is closed with c.
func (c *Crawl) WithBodies() *Crawl {
	if len(c.manifest) == 0 {
		return c
	}
	other := *c
	other.segments, other.survey = c.manifest, nil
	return &other
}

// Body opens the body of a page, which its record names as path. The caller closes it.
func (c *Crawl) Body(ctx context.Context, path string) (io.ReadCloser, error) {
	if !local(path) {
		return nil, fmt.Errorf("a record names %q, which is not in %q", path, c.at)
	}
	return c.at.Open(ctx, path)
}
