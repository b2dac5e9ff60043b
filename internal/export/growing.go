package export

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

// This file reads unfinished segments that become something else when they are finished:
// a table, or a sorted index. A live writer may finish them while they are read, so their
// files are opened at the beginning and kept open.

// opener opens the segment that a file is a part of. It returns nil if the file is of
// another kind. If the file was finished in the meantime, it returns nil and the name of
// the finished file.
type opener func(ctx context.Context, c *Crawl, name string) (s *segment, became string, err error)

// growing opens the unfinished segments of a kind.
func (c *Crawl) growing(ctx context.Context, names []string, open opener) (found []segment, err error) {
	for _, name := range names {
		s, became, err := open(ctx, c, name)
		if err != nil {
			return nil, err
		}
		switch {
		case s != nil:
			found = append(found, *s)
		case became != "" && !slices.Contains(names, became):
			found = append(found, segment{at: c.at, name: became, read: finishedReader(became)})
		}
	}
	return found, nil
}

func finishedReader(name string) reader {
	if index.MatchString(name) {
		return readCaptures
	}
	return readRows
}

// hold opens a file until the crawl is closed. It returns nil if the file no longer
// exists.
func (c *Crawl) hold(ctx context.Context, name string) (*io.SectionReader, error) {
	file, err := c.at.Hold(ctx, name)
	if errors.Is(err, output.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.held = append(c.held, file)
	return io.NewSectionReader(file, 0, file.Size()), nil
}

// openTable opens an intake, from which a table of pages will be made.
func openTable(ctx context.Context, c *Crawl, name string) (*segment, string, error) {
	final, grows := strings.CutSuffix(name, output.Growing)
	if !grows || !table.MatchString(final) {
		return nil, "", nil
	}
	file, err := c.hold(ctx, name)
	if file == nil || err != nil {
		return nil, final, err
	}
	// The table exists, and its intake is about to be removed.
	if there, err := c.there(ctx, final); there || err != nil {
		return nil, final, err
	}
	return &segment{at: c.at, name: name, read: entries{file}.read}, "", nil
}

// there reports whether a file exists.
func (c *Crawl) there(ctx context.Context, name string) (bool, error) {
	_, err := c.at.OpenAt(ctx, name)
	if errors.Is(err, output.ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// entries is an intake, from which a table of pages will be made.
type entries struct{ file *io.SectionReader }

func (e entries) read(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	lines := bufio.NewReaderSize(io.NewSectionReader(e.file, 0, e.file.Size()), 1<<20)
	for offset := int64(0); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF { // the writer never acknowledged a line without a newline
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		at := place{s, "at byte", offset}
		row, damaged := tabular.EntryRow(line)
		if damaged != nil {
			err = do(at, line)
		} else {
			err = readRow(&row, at, do)
		}
		if err != nil {
			return err
		}
		offset += int64(len(line))
	}
}

// openIndex opens the index of an unfinished WARC file. The index may lack its last
// lines.
func openIndex(ctx context.Context, c *Crawl, name string) (*segment, string, error) {
	final, grows := strings.CutSuffix(name, ".warc.gz"+output.Growing)
	if !grows {
		return nil, "", nil
	}
	lines, err := c.hold(ctx, final+".cdxj"+output.Growing)
	if err != nil {
		return nil, "", err
	}
	warc, err := c.hold(ctx, name)
	if warc == nil || err != nil {
		return nil, final + ".cdxj", err
	}
	// Only the WARC file's own name is not final yet.
	if there, err := c.there(ctx, final+".cdxj"); there || err != nil {
		return nil, final + ".cdxj", err
	}
	if lines == nil { // the writer was killed before it created the index
		lines = io.NewSectionReader(strings.NewReader(""), 0, 0)
	}
	unfinished := unindexed{final + ".warc.gz", lines, warc}
	return &segment{at: c.at, name: final + ".cdxj" + output.Growing, raw: unfinished.read, read: readCaptures}, "", nil
}

// unindexed is a WARC file whose index lacks its last lines.
type unindexed struct {
	name        string
	index, warc *io.SectionReader
}

func (u unindexed) read(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	lines, err := sink.OpenIndex(u.index, u.warc, u.name)
	if err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	offset := int64(0)
	for line := range bytes.Lines(lines) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(place{s, "at byte", offset}, bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return err
		}
		offset += int64(len(line))
	}
	return nil
}
