package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/tabular"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// segment is a file of records.
type segment struct {
	at   *output.Location
	name string
	read reader
	raw  reader // for an index: reads its lines; nil if they are simply the lines of the file
}

// reader calls do with each whole record of a segment, as a line of JSON, and with its
// place.
type reader func(ctx context.Context, s segment, do func(at place, line []byte) error) error

func (s segment) each(ctx context.Context, do func(at place, line []byte) error) error {
	return s.read(ctx, s, do)
}

// index calls do with each line of an index.
func (s segment) index(ctx context.Context, do func(at place, line []byte) error) error {
	if s.raw != nil {
		return s.raw(ctx, s, do)
	}
	return readLines(ctx, s, do)
}

func (s segment) String() string { return output.Join(s.at.String(), s.name) }

// place is the position of a record.
type place struct {
	in     segment
	unit   string // "at byte", "row"
	number int64
}

func (p place) String() string { return fmt.Sprintf("%v, %s %d", p.in, p.unit, p.number) }

// local reports whether a path stays within the folder that it starts from.
func local(path string) bool { return filepath.IsLocal(filepath.FromSlash(path)) }

// readLines reads a segment of lines.
func readLines(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	var refused error
	err := s.at.EachLine(ctx, s.name, func(offset int64, line []byte) error {
		refused = do(place{s, "at byte", offset}, line)
		return refused
	})
	if refused == nil && errors.Is(err, output.ErrMissing) && strings.HasSuffix(s.name, output.Growing) {
		return nil // its writer wrote nothing, and removed it
	}
	return err
}

// readRows reads a table of pages, one row group after another. From a damaged table it
// reads the groups that can be read; the error then wraps [output.ErrDamaged].
func readRows(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	codec, err := tabular.Linked()
	if err != nil {
		return fmt.Errorf("read %v: %w", s, err)
	}
	file, err := s.at.OpenAt(ctx, s.name)
	if err != nil {
		return err
	}
	t := &rows{segment: s, file: &watchedAt{ReaderAt: file}, do: do}
	var groups []tabular.Group
	if err := unbroken(func() (err error) {
		groups, err = codec.Open(t.file, file.Size())
		return err
	}); err != nil {
		return t.trouble(err)
	}
	for _, group := range groups {
		if err := t.group(ctx, group); err != nil {
			return err
		}
	}
	return t.damage
}

// rows reads the rows of a table.
type rows struct {
	segment
	file   *watchedAt
	do     func(at place, line []byte) error
	number int64 // of the last row
	damage error
}

// group reads a row group.
func (t *rows) group(ctx context.Context, group tabular.Group) error {
	first := t.number
	defer func() { t.number = first + group.NumRows() }()
	var table tabular.PageReader
	err := unbroken(func() error { table = group.Open(); return nil })
	if err != nil {
		return t.passOver(err)
	}
	defer table.Close()
	read := make([]tabular.PageRow, 256)
	for {
		n := 0
		broken := unbroken(func() (err error) { n, err = table.Read(read); return err })
		for i := range read[:n] {
			t.number++
			if err := t.row(&read[i]); err != nil {
				return err
			}
		}
		switch err := ctx.Err(); {
		case err != nil:
			return fmt.Errorf("%v: %w", t.segment, err)
		case broken == io.EOF:
			return nil
		case broken != nil:
			return t.passOver(broken)
		}
		clear(read)
	}
}

func (t *rows) row(row *tabular.PageRow) error {
	var refused error
	err := readRow(row, place{t.segment, "row", t.number}, func(at place, line []byte) error {
		refused = t.do(at, line)
		return refused
	})
	if err != nil && refused == nil {
		return t.passOver(err)
	}
	return err
}

// passOver notes damage and returns nil, so that reading continues. It returns an error
// if the file itself cannot be read.
func (t *rows) passOver(err error) error {
	err = t.trouble(err)
	if !errors.Is(err, output.ErrDamaged) {
		return err
	}
	if t.damage == nil {
		t.damage = err
	}
	return nil
}

// trouble distinguishes a damaged table from a file that cannot be read.
func (t *rows) trouble(err error) error {
	if t.file.failed != nil {
		return fmt.Errorf("%v: %w", t.segment, err)
	}
	return fmt.Errorf("read %v: %w: %w", t.segment, output.ErrDamaged, err)
}

// unbroken turns a panic into an error: the decoders trust some of the values in a damaged
// table.
func unbroken(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be read as Parquet: %v", r)
		}
	}()
	return do()
}

// watchedAt remembers why reading the file failed.
type watchedAt struct {
	io.ReaderAt
	failed error
}

func (w *watchedAt) ReadAt(p []byte, offset int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, offset)
	if err != nil && err != io.EOF {
		w.failed = err
	}
	return n, err
}

func readRow(row *tabular.PageRow, at place, do func(at place, line []byte) error) error {
	rec, err := row.Record()
	if err != nil {
		return fmt.Errorf("%v: %w", at, err)
	}
	line, err := rec.JSON()
	if err != nil {
		return fmt.Errorf("%v: %w", at, err)
	}
	return do(at, line)
}

// readCaptures reads the responses in the index of a WARC file, for a crawl that wrote
// nothing else. Each response counts as a page, and has less information than a record.
func readCaptures(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	return s.index(ctx, func(at place, line []byte) error {
		c, err := warc.ParseCapture(line)
		if err != nil {
			return do(at, line) // do reports it as damaged
		}
		rec := crawler.Record{
			URL: c.URL, FinalURL: c.URL, Redirects: []string{}, Status: c.Status, Outcome: c.Outcome(),
			FetchedAt: fetched.FormatRecordTime(c.Date), ContentType: c.MIME, Digest: c.Digest, Links: 0,
		}
		text, err := rec.JSON()
		if err != nil {
			return err
		}
		return do(at, text)
	})
}
