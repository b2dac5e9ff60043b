package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// place is where a record stands.
type place struct {
	path   string
	unit   string // "at byte", "row"
	number int64
}

func (p place) String() string { return fmt.Sprintf("%s, %s %d", p.path, p.unit, p.number) }

// readLines calls do with each whole line of a file, without its end, and with
// the place where it stands. A last line without an end, and the end of a
// compressed file that is missing, are still being written.
func readLines(ctx context.Context, path string, do func(at place, line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := decompressed(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer text.Close()
	lines := bufio.NewReaderSize(text, 1<<20)
	for offset := int64(0); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(place{path, "at byte", offset}, line[:len(line)-1]); err != nil {
			return err
		}
		offset += int64(len(line))
	}
}

// decompressed reads a file as its name says that it is compressed.
func decompressed(file *os.File) (io.ReadCloser, error) {
	switch filepath.Ext(file.Name()) {
	case ".gz":
		zip, err := gzip.NewReader(bufio.NewReaderSize(file, 256<<10))
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) { // it has just been begun
			return io.NopCloser(strings.NewReader("")), nil
		}
		return zip, err
	case ".zst":
		frames, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return frames.IOReadCloser(), nil
	}
	return file, nil
}

// readRows calls do with each row of a table of pages, as a line.
func readRows(ctx context.Context, path string, do func(at place, line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	table := parquet.NewGenericReader[sink.PageRow](file)
	defer table.Close()
	rows := make([]sink.PageRow, 256)
	for number := int64(0); ; {
		n, err := table.Read(rows)
		for i := range rows[:n] {
			number++
			if err := readRow(&rows[i], place{path, "row", number}, do); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
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

// readCaptures calls do with each answer that an index of WARC names, as a line:
// of a crawl that wrote nothing else. An answer is a page of its own, and tells
// less than a record.
func readCaptures(ctx context.Context, path string, do func(at place, line []byte) error) error {
	return readLines(ctx, path, func(at place, line []byte) error {
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
