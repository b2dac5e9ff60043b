package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// captures are the records of a crawl's WARC files that belong to the selected pages, and to
// the URLs that these redirected through. They take about 120 bytes of memory for each page.
type captures struct {
	ctx    context.Context
	crawl  *Crawl
	wanted map[uint64]bool // URLs
}

// newCaptures returns the captures of no page yet. The error says that there are no WARC
// files.
func newCaptures(o Order) (*captures, error) {
	if len(o.crawl.indexes) == 0 {
		return nil, fmt.Errorf("%q holds no WARC files: crawl with --format warc or wacz to keep them", o.crawl)
	}
	return &captures{ctx: o.ctx, crawl: o.crawl, wanted: make(map[uint64]bool)}, nil
}

// first opens the first file of the crawl.
func (p *captures) first() (*output.File, error) {
	name := strings.TrimSuffix(strings.TrimSuffix(p.crawl.indexes[0].name, output.Growing), ".cdxj") + ".warc.gz"
	files := archives{ctx: p.ctx, at: p.crawl.at}
	return files.open(name)
}

// Write selects a page.
func (p *captures) Write(r *Record) error {
	rec, err := r.Read()
	if err != nil {
		return err
	}
	p.wanted[hashOf(rec.URL)] = true
	if n := len(rec.Redirects); n > 0 && rec.Outcome == crawler.OutcomeRedirected {
		rec.Redirects = rec.Redirects[:n-1] // the last one has a record of its own
	}
	for _, url := range rec.Redirects {
		p.wanted[hashOf(url)] = true
	}
	return nil
}

// last finds the last capture of each selected URL.
func (p *captures) last() ([]warc.Capture, error) {
	last := make(map[uint64]warc.Capture)
	err := p.each(func(c warc.Capture) {
		url := hashOf(c.URL)
		if was, ok := last[url]; p.wanted[url] && (!ok || !c.Date.Before(was.Date)) {
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

// payloads finds for each revisit among captures a response with the payload that it refers
// to, by the digest of the payload. Those in the files of another crawl are missing.
func (p *captures) payloads(all []warc.Capture) (map[string]warc.Capture, error) {
	found := make(map[string]warc.Capture)
	for _, c := range all {
		if c.Revisit() {
			found[c.Digest] = warc.Capture{}
		}
	}
	if len(found) == 0 {
		return found, nil
	}
	err := p.each(func(c warc.Capture) {
		if was, ok := found[c.Digest]; ok && !c.Revisit() && was.File == "" {
			found[c.Digest] = c
		}
	})
	return found, err
}

// each calls do with all lines of the indexes. An index that is still being written lists the
// records that are on disk.
func (p *captures) each(do func(warc.Capture)) error {
	for _, index := range p.crawl.indexes {
		if err := p.eachOf(index, do); err != nil {
			return err
		}
	}
	return nil
}

// eachFile calls do with the captures of each WARC file, in the order of the file. The
// size of an index, which sinks bound, bounds the memory for them.
func (p *captures) eachFile(do func([]warc.Capture) error) error {
	for _, index := range p.crawl.indexes {
		var all []warc.Capture
		if err := p.eachOf(index, func(c warc.Capture) { all = append(all, c) }); err != nil {
			return err
		}
		slices.SortFunc(all, byPlace)
		if err := do(all); err != nil {
			return err
		}
	}
	return nil
}

// eachOf calls do with all lines of an index.
func (p *captures) eachOf(index segment, do func(warc.Capture)) error {
	return p.crawl.reads(index, func() error {
		return index.index(p.ctx, func(at place, line []byte) error {
			c, err := warc.ParseCapture(line)
			if err == nil {
				do(c)
				return nil
			}
			return p.crawl.reads(index, func() error { return fmt.Errorf("%v: %w: %w", at, output.ErrDamaged, err) })
		})
	})
}

// passOver skips a record that is not whole, and notes that its file is damaged.
func (p *captures) passOver(file string, err error) error {
	if !errors.Is(err, warc.ErrNotWhole) {
		return err
	}
	s := segment{at: p.crawl.at, name: file}
	return p.crawl.reads(s, func() error { return fmt.Errorf("read %v: %w: %w", s, output.ErrDamaged, err) })
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
