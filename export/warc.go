package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// warcWriter copies the last exchange of each URL that a wanted record is about:
// of its own, and of those that it was redirected to. What a record refers to,
// because it had the same payload, comes with it. It takes about 120 bytes of
// memory for each exchange.
type warcWriter struct {
	ctx    context.Context
	dir    string
	wanted map[uint64]bool // URLs
	out    *Draft
	index  *Draft // nil for a stream
	to     *sink.Excerpt
}

func newWARC(out *Draft, o Order) (Writer, error) {
	indexes, err := indexesOf(o.crawl.Dir)
	if err != nil {
		return nil, err
	}
	if len(indexes) == 0 {
		return nil, fmt.Errorf("%q holds no WARC files: the crawl was not told to keep any (--format warc)", o.crawl.Dir)
	}
	w := &warcWriter{ctx: o.ctx, dir: o.crawl.Dir, wanted: make(map[uint64]bool), out: out}
	name := "export.warc.gz"
	if out.Name() != "" {
		name = filepath.Base(out.Name())
		stem, ok := strings.CutSuffix(out.Name(), ".warc.gz")
		if !ok {
			return nil, fmt.Errorf("%q: WARC is written compressed, to a file whose name ends in .warc.gz", out.Name())
		}
		if w.index, err = out.Beside(stem+".cdxj", o.Replace); err != nil {
			return nil, err
		}
	}
	w.to, err = sink.NewExcerpt(out, name, "the last exchange of each page, copied from the files of a crawl by trawl export", time.Now())
	return w, err
}

func (w *warcWriter) Write(r *Record) error {
	rec, err := r.Read()
	if err != nil {
		return err
	}
	w.wanted[hashOf(rec.URL)] = true
	if n := len(rec.Redirects); n > 0 && rec.Outcome == crawler.OutcomeRedirected {
		rec.Redirects = rec.Redirects[:n-1] // the last one has a record of its own
	}
	for _, url := range rec.Redirects {
		w.wanted[hashOf(url)] = true
	}
	return nil
}

// Close copies the exchanges, in the order in which they lie there.
func (w *warcWriter) Close() error {
	last, err := w.lastCaptures()
	if err != nil {
		return err
	}
	if err := w.copy(last); err != nil {
		return err
	}
	if w.index == nil {
		return nil
	}
	_, err = w.index.Write(w.to.Index())
	return err
}

// lastCaptures finds the last capture of each URL that is wanted.
func (w *warcWriter) lastCaptures() ([]sink.Capture, error) {
	last := make(map[uint64]sink.Capture)
	err := eachCapture(w.ctx, w.dir, func(c sink.Capture) {
		url := hashOf(c.URL)
		if was, ok := last[url]; w.wanted[url] && (!ok || !c.Date.Before(was.Date)) {
			last[url] = c
		}
	})
	var all []sink.Capture
	for _, c := range last {
		all = append(all, c)
	}
	slices.SortFunc(all, byPlace)
	return all, err
}

func byPlace(a, b sink.Capture) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
}

// copy copies captures, and then the originals that some refer to and that are
// not among them.
func (w *warcWriter) copy(captures []sink.Capture) error {
	files := archives{dir: w.dir}
	defer files.close()
	copied := make(map[string]bool)          // by the names of records
	refers := make(map[string]sink.Original) // the same
	for _, c := range captures {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		in, err := files.open(c.File)
		if err != nil {
			return err
		}
		id, original, err := w.to.Add(in, c)
		if err != nil {
			return err
		}
		if copied[id] = true; original.ID != "" {
			refers[original.ID] = original
		}
	}
	for id := range refers {
		if copied[id] {
			delete(refers, id)
		}
	}
	return w.originals(&files, refers)
}

// originals copies the responses that records refer to. One that lies in the
// files of another crawl stays there.
func (w *warcWriter) originals(files *archives, refers map[string]sink.Original) error {
	if len(refers) == 0 {
		return nil
	}
	byURL := make(map[string]bool)
	for _, original := range refers {
		byURL[original.URL] = true
	}
	var candidates []sink.Capture
	err := eachCapture(w.ctx, w.dir, func(c sink.Capture) {
		if byURL[c.URL] && !c.Revisit() {
			candidates = append(candidates, c)
		}
	})
	slices.SortFunc(candidates, byPlace)
	for _, c := range candidates {
		in, failed := files.open(c.File)
		if failed != nil {
			return errors.Join(err, failed)
		}
		id, failed := sink.RecordID(in, c.Offset)
		if _, asked := refers[id]; failed == nil && asked {
			_, _, failed = w.to.Add(in, c)
		}
		if failed != nil {
			return errors.Join(err, failed)
		}
	}
	return err
}

var index = regexp.MustCompile(`\.cdxj(\.open)?$`)

// indexesOf finds the indexes of WARC files in a folder. Those that are still
// being written name what is on disk.
func indexesOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var paths []string
	for _, e := range entries {
		if index.MatchString(e.Name()) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, err
}

func eachCapture(ctx context.Context, dir string, do func(sink.Capture)) error {
	paths, err := indexesOf(dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		err := readLines(ctx, path, func(at place, line []byte) error {
			c, err := sink.ParseCapture(line)
			if err != nil {
				return fmt.Errorf("%v: %w", at, err)
			}
			do(c)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// archives opens WARC files, one at a time.
type archives struct {
	dir  string
	name string
	file *os.File
}

// open opens a file of a folder, finished or not.
func (a *archives) open(name string) (*os.File, error) {
	if a.file != nil && a.name == name {
		return a.file, nil
	}
	a.close()
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("an index names %q, which is no file beside it", name)
	}
	var err error
	a.file, err = os.Open(filepath.Join(a.dir, name))
	if errors.Is(err, os.ErrNotExist) {
		a.file, err = os.Open(filepath.Join(a.dir, name+".open"))
	}
	a.name = name
	return a.file, err
}

func (a *archives) close() {
	if a.file != nil {
		a.file.Close()
		a.file = nil
	}
}
