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

	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// How segments are read that are not finished and that become something else when they
// are: a table, or a sorted index. A live writer may do so while they are read, so
// their files are held from the beginning on.

// opener opens the segment that a file is a part of. It returns nil when the file is
// none of its kind, or was finished meanwhile: then the name of what it became.
type opener func(ctx context.Context, c *Crawl, name string) (s *segment, became string, err error)

// growing opens the segments of a kind that are not finished.
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

// hold opens a file until the crawl is closed; nil when it is not there any more.
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

// openTable opens what a table of pages is yet to be made of.
func openTable(ctx context.Context, c *Crawl, name string) (*segment, string, error) {
	final, grows := strings.CutSuffix(name, output.Growing)
	if !grows || !table.MatchString(final) {
		return nil, "", nil
	}
	file, err := c.hold(ctx, name)
	if file == nil || err != nil {
		return nil, final, err
	}
	if there, err := c.there(ctx, final); there || err != nil { // it was made, and what it was made of is about to go
		return nil, final, err
	}
	return &segment{at: c.at, name: name, read: entries{file}.read}, "", nil
}

// there reports whether a file is there.
func (c *Crawl) there(ctx context.Context, name string) (bool, error) {
	_, err := c.at.OpenAt(ctx, name)
	if errors.Is(err, output.ErrMissing) {
		return false, nil
	}
	return err == nil, err
}

// entries are what a table of pages is yet to be made of.
type entries struct{ file *io.SectionReader }

func (e entries) read(ctx context.Context, s segment, do func(at place, line []byte) error) error {
	lines := bufio.NewReaderSize(io.NewSectionReader(e.file, 0, e.file.Size()), 1<<20)
	for offset := int64(0); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF { // a line without an end was never acknowledged
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		at := place{s, "at byte", offset}
		row, damaged := sink.EntryRow(line)
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

// openIndex opens the index of a WARC file that is not finished, which may lack the
// last lines.
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
	if there, err := c.there(ctx, final+".cdxj"); there || err != nil { // it is finished but for its name
		return nil, final + ".cdxj", err
	}
	if lines == nil { // a kill came before it
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
