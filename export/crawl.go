package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// ErrNoOutput is in the errors of outputs that are not there, or hold nothing
// that could be read.
var ErrNoOutput = errors.New("no output of a crawl")

// Crawl is the output of a crawl, which may still be growing: what is read of it
// are whole records.
type Crawl struct {
	// Dir is its folder.
	Dir string

	segments []segment // those of the first form that there are
	manifest []segment // whose records name the bodies that were kept
}

// Open opens the output in a folder. Earlier results that were set aside in it
// are no part of it. The error wraps [ErrNoOutput] when there is none.
func Open(dir string) (*Crawl, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%q is not there: name the folder that a crawl wrote to (%w)", dir, ErrNoOutput)
	}
	if err != nil {
		return nil, err
	}
	c := &Crawl{Dir: dir}
	for _, form := range forms {
		found := form.of(dir, entries)
		if form.manifest {
			c.manifest = found
		}
		if len(c.segments) == 0 {
			c.segments = found
		}
	}
	if len(c.segments) == 0 {
		return nil, fmt.Errorf("%q holds no records: name the folder that a crawl wrote to (%w)", dir, ErrNoOutput)
	}
	return c, nil
}

// withBodies is the crawl as its manifest tells of it, if there is one.
func (c *Crawl) withBodies() *Crawl {
	if len(c.manifest) == 0 {
		return c
	}
	return &Crawl{Dir: c.Dir, segments: c.manifest, manifest: c.manifest}
}

// segment is a file of records.
type segment struct {
	path string
	read reader
}

// reader calls do with each whole record of a file.
type reader func(ctx context.Context, path string, do func(at place, line []byte) error) error

// segments is a form of segments.
type segments struct {
	name     *regexp.Regexp
	read     reader
	manifest bool
}

// The forms of segments, the best first: where several hold the same crawl, one
// of them is enough.
var forms = []segments{
	{name: regexp.MustCompile(`^pages.*\.jsonl(\.gz|\.zst)?$`), read: readLines},
	{name: regexp.MustCompile(`^manifest.*\.jsonl(\.gz|\.zst)?$`), read: readLines, manifest: true},
	{name: regexp.MustCompile(`^pages-.*\.parquet$`), read: readRows},
	{name: index, read: readCaptures},
}

// of finds the segments of the form among the files of a folder, by name.
func (s segments) of(dir string, entries []fs.DirEntry) (found []segment) {
	for _, e := range entries {
		if s.name.MatchString(e.Name()) {
			found = append(found, segment{filepath.Join(dir, e.Name()), s.read})
		}
	}
	return found
}
