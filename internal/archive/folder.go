package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// Endings of file names.
const (
	zipped  = ".warc.gz"
	indexed = ".cdxj"
)

// folder is an archive in a folder or a bucket, whose writer may still be running.
type folder struct{ at *output.Location }

func openFolder(ctx context.Context, where string) (source, error) {
	at, err := output.Open(ctx, where)
	if errors.Is(err, output.ErrMissing) {
		return nil, fmt.Errorf("%w (%w)", err, ErrEmpty)
	}
	if err != nil {
		return nil, err
	}
	return folder{at}, nil
}

// indexes reads the indexes. For a WARC file without one, it reads the file.
func (f folder) indexes(ctx context.Context, do func(name string, lines io.Reader) error) error {
	names, err := f.at.Names(ctx)
	if errors.Is(err, output.ErrMissing) {
		return fmt.Errorf("%q does not exist: name a folder with WARC files or a .wacz file (%w)", f.at, ErrEmpty)
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		final := strings.TrimSuffix(name, output.Growing)
		stem, isArchive := strings.CutSuffix(final, zipped)
		switch {
		case strings.HasSuffix(name, indexed):
			err = f.index(ctx, name, do)
		case isArchive && !slices.Contains(names, stem+indexed):
			err = f.scan(ctx, name, final, do)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f folder) index(ctx context.Context, name string, do func(string, io.Reader) error) error {
	r, err := f.at.Open(ctx, name)
	if err != nil {
		return err
	}
	return errors.Join(do(name, r), r.Close())
}

// scan makes the index of a WARC file.
func (f folder) scan(ctx context.Context, name, final string, do func(string, io.Reader) error) error {
	file, err := f.at.Hold(ctx, name)
	if errors.Is(err, output.ErrMissing) { // it was finished in the meantime
		return f.index(ctx, strings.TrimSuffix(final, zipped)+indexed, do)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines, err := sink.OpenIndex(io.NewSectionReader(strings.NewReader(""), 0, 0),
		io.NewSectionReader(file, 0, file.Size()), final)
	if err != nil {
		return err
	}
	return do(name, bytes.NewReader(lines))
}

// open opens a WARC file, finished or not.
func (f folder) open(ctx context.Context, name string) (io.ReaderAt, error) {
	file, err := f.at.OpenAt(ctx, name)
	if errors.Is(err, output.ErrMissing) {
		file, err = f.at.OpenAt(ctx, name+output.Growing)
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (f folder) close() error { return f.at.Close() }
