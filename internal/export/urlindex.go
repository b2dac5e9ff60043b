package export

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/trawlcrawler/trawl/internal/commoncrawl"
	"github.com/trawlcrawler/trawl/internal/tabular"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// urlIndex writes the columnar URL index of Common Crawl over the WARC files of a crawl: a
// table for each subset, in folders that name the crawl and the subset. It has all captures if
// the order selects all pages, robots.txt included, and otherwise those of the selected pages.
// Rows wait in the folder of the draft until they are sorted.
type urlIndex struct {
	*captures
	all    bool
	folder string
	name   string // of the crawl
	codec  tabular.Codec
	tables map[string]*indexTable // by subset
	reader *commoncrawl.Reader
}

// indexTable is the table of a subset.
type indexTable struct {
	file *os.File
	rows tabular.File[tabular.CaptureRow]
}

func newURLIndex(out *draft, o Order) (Writer, error) {
	chosen, err := newCaptures(o)
	if err != nil {
		return nil, err
	}
	w := &urlIndex{captures: chosen, all: len(o.Where.Fields()) == 0, folder: out.Path,
		tables: make(map[string]*indexTable), reader: commoncrawl.NewReader()}
	if w.codec, err = tabular.Linked(); err != nil {
		return nil, err
	}
	from, err := w.first()
	if err != nil {
		return nil, err
	}
	name, err := warc.PartOf(from)
	w.name = cmp.Or(name, filepath.Base(o.crawl.String()))
	return w, err
}

// Write selects a page.
func (w *urlIndex) Write(r *Record) error {
	if w.all {
		return nil
	}
	return w.captures.Write(r)
}

// Close reads the records of the captures, file by file, and writes their rows.
func (w *urlIndex) Close() error {
	err := w.eachFile(func(all []warc.Capture) error {
		files := archives{ctx: w.ctx, at: w.crawl.at}
		for _, c := range all {
			if !w.all && !w.wanted[hashOf(c.URL)] {
				continue
			}
			if err := w.add(&files, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, w.abort())
	}
	for _, t := range w.tables {
		err = errors.Join(err, t.close())
	}
	return err
}

// add writes the row of a capture.
func (w *urlIndex) add(files *archives, c warc.Capture) error {
	record, err := readRecord(files, c)
	if err != nil {
		return w.passOver(c.File, err)
	}
	payload := record
	if c.Revisit() {
		payload = nil
	}
	answer, err := w.reader.Read(w.ctx, c, record, payload)
	if err != nil {
		return err
	}
	row, err := answer.Row()
	if err != nil {
		return err
	}
	table, err := w.table(answer.Subset())
	if err != nil {
		return err
	}
	_, err = table.rows.Write([]tabular.CaptureRow{row})
	return err
}

// table returns the table of a subset, and begins it if there was no row before.
func (w *urlIndex) table(subset string) (*indexTable, error) {
	if t := w.tables[subset]; t != nil {
		return t, nil
	}
	dir := filepath.Join(w.folder, "crawl="+partition(w.name), "subset="+subset)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, "part-00000.zstd.parquet"))
	if err != nil {
		return nil, err
	}
	t := &indexTable{file, w.codec.Captures(file, w.folder)}
	w.tables[subset] = t
	return t, nil
}

// close sorts the rows and ends the table.
func (t *indexTable) close() error {
	return errors.Join(t.rows.Close(), t.file.Sync(), t.file.Close())
}

// abort closes the tables that were begun.
func (w *urlIndex) abort() error {
	var errs []error
	for _, t := range w.tables {
		errs = append(errs, t.file.Close())
	}
	return errors.Join(errs...)
}

// partition returns a value as the names of partition folders have it: what is special in Hive
// or in a file name is percent-encoded.
func partition(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		switch {
		case c >= 0x80, c == '-', c == '.', c == '_', '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
