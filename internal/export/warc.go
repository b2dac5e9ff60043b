package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/surt"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// warcWriter copies the last exchange of each URL of the selected records, and of the
// URLs that they redirected through. If a record refers to an earlier one with the same
// payload, that one is copied, too. It takes about 120 bytes of memory for each exchange.
type warcWriter struct {
	ctx    context.Context
	crawl  *Crawl
	wanted map[uint64]bool // URLs
	index  *draft          // nil for none
	to     *warc.Excerpt
	// copied is called after each exchange of a selected URL was copied from a file. Default
	// nil.
	copied func(in io.ReaderAt, c warc.Capture)
}

func newWARC(out *draft, o Order) (Writer, error) {
	if out.Name() == "" {
		return newExchanges(o, out, "export.warc.gz")
	}
	stem, ok := strings.CutSuffix(out.Name(), ".warc.gz")
	if !ok {
		return nil, fmt.Errorf("%q: WARC is written compressed, to a file whose name ends in .warc.gz", out.Name())
	}
	w, err := newExchanges(o, out, filepath.Base(out.Name()))
	if err != nil {
		return nil, err
	}
	w.index, err = out.Beside(stem+".cdxj", o.Replace)
	return w, err
}

// newExchanges begins a WARC file with a name.
func newExchanges(o Order, out io.Writer, name string) (*warcWriter, error) {
	if len(o.crawl.indexes) == 0 {
		return nil, fmt.Errorf("%q holds no WARC files: crawl with --format warc or wacz to keep them", o.crawl)
	}
	keys, err := surt.ParseForm(o.Keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	w := &warcWriter{ctx: o.ctx, crawl: o.crawl, wanted: make(map[uint64]bool)}
	from, err := w.first()
	if err != nil {
		return nil, err
	}
	if w.to, err = warc.NewExcerpt(out, name, from,
		"the last exchange of each page, copied from the files of a crawl by trawl export", time.Now()); err != nil {
		return nil, err
	}
	w.to.Keys = keys
	return w, nil
}

// first opens the first file of the crawl.
func (w *warcWriter) first() (*output.File, error) {
	name := strings.TrimSuffix(strings.TrimSuffix(w.crawl.indexes[0].name, output.Growing), ".cdxj") + ".warc.gz"
	files := archives{ctx: w.ctx, at: w.crawl.at}
	return files.open(name)
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

// Close copies the exchanges in the order in which the crawl stored them.
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

// lastCaptures finds the last capture of each selected URL.
func (w *warcWriter) lastCaptures() ([]warc.Capture, error) {
	last := make(map[uint64]warc.Capture)
	err := w.eachCapture(func(c warc.Capture) {
		url := hashOf(c.URL)
		if was, ok := last[url]; w.wanted[url] && (!ok || !c.Date.Before(was.Date)) {
			last[url] = c
		}
	})
	var all []warc.Capture
	for _, c := range last {
		all = append(all, c)
	}
	slices.SortFunc(all, byPlace)
	return all, err
}

func byPlace(a, b warc.Capture) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
}

// copy copies captures, and then the originals that they refer to and that are not among
// them.
func (w *warcWriter) copy(captures []warc.Capture) error {
	files := archives{ctx: w.ctx, at: w.crawl.at}
	copied := make(map[string]bool)          // by record ID
	refers := make(map[string]warc.Original) // by record ID
	for _, c := range captures {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		in, err := files.open(c.File)
		if err != nil {
			return err
		}
		id, original, err := w.to.Add(in, c)
		if err == nil && w.copied != nil {
			w.copied(in, c)
		}
		if err = w.passOver(c.File, err); err != nil {
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

// originals copies the responses that records refer to. It skips those that are in the
// files of another crawl.
func (w *warcWriter) originals(files *archives, refers map[string]warc.Original) error {
	if len(refers) == 0 {
		return nil
	}
	byURL := make(map[string]bool)
	for _, original := range refers {
		byURL[original.URL] = true
	}
	var candidates []warc.Capture
	err := w.eachCapture(func(c warc.Capture) {
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
		id, failed := warc.RecordID(in, c.Offset)
		if _, asked := refers[id]; failed == nil && asked {
			_, _, failed = w.to.Add(in, c)
		}
		if failed = w.passOver(c.File, failed); failed != nil {
			return errors.Join(err, failed)
		}
	}
	return err
}

// passOver skips a record that is not whole, and notes that its file is damaged.
func (w *warcWriter) passOver(file string, err error) error {
	if !errors.Is(err, warc.ErrNotWhole) {
		return err
	}
	s := segment{at: w.crawl.at, name: file}
	return w.crawl.reads(s, func() error { return fmt.Errorf("read %v: %w: %w", s, output.ErrDamaged, err) })
}

// eachCapture calls do with all lines of the indexes. An index that is still being
// written lists the records that are on disk.
func (w *warcWriter) eachCapture(do func(warc.Capture)) error {
	for _, index := range w.crawl.indexes {
		err := w.crawl.reads(index, func() error {
			return index.index(w.ctx, func(at place, line []byte) error {
				c, err := warc.ParseCapture(line)
				if err == nil {
					do(c)
					return nil
				}
				return w.crawl.reads(index,
					func() error { return fmt.Errorf("%v: %w: %w", at, output.ErrDamaged, err) })
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// archives opens WARC files, one at a time.
type archives struct {
	ctx  context.Context
	at   *output.Location
	name string
	file *output.File
}

// open opens a WARC file by its final name, finished or not.
func (a *archives) open(name string) (*output.File, error) {
	if a.file != nil && a.name == name {
		return a.file, nil
	}
	if !local(name) {
		return nil, fmt.Errorf("an index names %q, which is not in %q", name, a.at)
	}
	file, err := a.at.OpenAt(a.ctx, name)
	if errors.Is(err, output.ErrMissing) {
		file, err = a.at.OpenAt(a.ctx, name+output.Growing)
	}
	a.name, a.file = name, file
	return file, err
}
