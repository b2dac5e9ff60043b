package export

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/surt"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// warcWriter copies the last exchange of each URL of the selected records, and of the
// URLs that they redirected through. If a record refers to an earlier one with the same
// payload, that one is copied, too. It takes about 120 bytes of memory for each exchange.
type warcWriter struct {
	*captures
	index *draft // nil for none
	to    *warc.Excerpt
	// copied is called after each exchange of a selected URL was copied from a file. Default
	// nil.
	copied func(in io.ReaderAt, c warc.Capture)
	others []*Crawl // in which responses are looked for that records refer to
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
	chosen, err := newCaptures(o)
	if err != nil {
		return nil, err
	}
	keys, err := surt.ParseForm(o.Keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	w := &warcWriter{captures: chosen}
	if o.fill != nil {
		w.others = o.fill.others
	}
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

// Close copies the exchanges in the order in which the crawl stored them.
func (w *warcWriter) Close() error {
	last, err := w.last()
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

// copy copies chosen captures, and then the originals that they refer to and that are not among
// them.
func (w *warcWriter) copy(chosen []warc.Capture) error {
	files := archives{ctx: w.ctx, at: w.crawl.at}
	copied := make(map[string]bool)          // by record ID
	refers := make(map[string]warc.Original) // by record ID
	for _, c := range chosen {
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
	if err := w.originals(w.captures, &files, refers); err != nil {
		return err
	}
	for _, other := range w.others {
		all := &captures{ctx: w.ctx, crawl: other}
		if err := w.originals(all, &archives{ctx: w.ctx, at: other.at}, refers); err != nil {
			return err
		}
	}
	return nil
}

// originals copies the responses that records refer to, as far as they are in the files of one
// crawl, and removes them from refers.
func (w *warcWriter) originals(all *captures, files *archives, refers map[string]warc.Original) error {
	if len(refers) == 0 {
		return nil
	}
	byURL := make(map[string]bool)
	for _, original := range refers {
		byURL[original.URL] = true
	}
	var candidates []warc.Capture
	err := all.each(func(c warc.Capture) {
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
			delete(refers, id)
		}
		if failed = all.passOver(c.File, failed); failed != nil {
			return errors.Join(err, failed)
		}
	}
	return err
}
