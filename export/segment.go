package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// segment is a file of records.
type segment struct {
	at   *output.Location
	name string
	read reader
	raw  reader // of an index: its lines; nil where the file has them as they are
}

// reader calls do with each whole record of a segment, as a line of JSON, and
// with the place where it stands.
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

// place is where a record stands.
type place struct {
	in     segment
	unit   string // "at byte", "row"
	number int64
}

func (p place) String() string { return fmt.Sprintf("%v, %s %d", p.in, p.unit, p.number) }

// local reports whether a path leads to something beneath where it begins.
func local(path string) bool { return filepath.IsLocal(filepath.FromSlash(path)) }

// readLines reads a segment of lines.
func readLines(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	var refused error
	err := s.at.EachLine(ctx, s.name, func(offset int64, line []byte) error {
		refused = do(place{s, "at byte", offset}, line)
		return refused
	})
	if refused == nil && errors.Is(err, output.ErrMissing) && strings.HasSuffix(s.name, output.Growing) {
		return nil // its writer had nothing to keep, and removed it
	}
	return err
}

// readRows reads a table of pages.
func readRows(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	file, err := s.at.OpenAt(ctx, s.name)
	if err != nil {
		return err
	}
	opened, err := parquet.OpenFile(file, file.Size())
	if err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	table := parquet.NewGenericReader[sink.PageRow](opened)
	defer table.Close()
	rows := make([]sink.PageRow, 256)
	for number := int64(0); ; {
		n, err := table.Read(rows)
		for i := range rows[:n] {
			number++
			if err := readRow(&rows[i], place{s, "row", number}, do); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		clear(rows)
	}
}

func readRow(row *sink.PageRow, at place, do func(at place, line []byte) error) error {
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

// readCaptures reads the answers that an index of WARC names, of a crawl that
// wrote nothing else. An answer is a page of its own, and tells
// less than a record.
func readCaptures(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	return s.index(ctx, func(at place, line []byte) error {
		c, err := sink.ParseCapture(line)
		if err != nil {
			return do(at, line) // which is told of as damaged
		}
		rec := crawler.Record{
			URL: c.URL, FinalURL: c.URL, Redirects: []string{}, Status: c.Status, Outcome: c.Outcome(),
			FetchedAt: crawler.FormatRecordTime(c.Date), ContentType: c.MIME, Digest: c.Digest, Links: 0,
		}
		text, err := rec.JSON()
		if err != nil {
			return err
		}
		return do(at, text)
	})
}
