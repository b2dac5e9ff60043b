package sink

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/trawlcrawler/trawl/crawler"
)

// How to read what a writer has not finished: it is still at work, or was killed. What
// is whole counts, and a torn end is left out.

// EntryRow reads a line of a file whose name ends in ".parquet.open": the row that the
// table of pages gets of it.
func EntryRow(line []byte) (PageRow, error) {
	var e struct {
		crawler.Record
		Fields json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return PageRow{}, err
	}
	row, err := PageRowOf(e.Record)
	row.Fields = e.Fields
	return row, err
}

// OpenIndex returns the lines of the index of a WARC file that is not finished: those
// of its ".cdxj.open", as far as that goes, and of what lies behind them in its
// ".warc.gz.open". index may be empty. file is the name that the WARC file will have.
func OpenIndex(index, warc *io.SectionReader, file string) ([]byte, error) {
	size, err := wholeLines(index, index.Size())
	if err != nil {
		return nil, err
	}
	lines := make([]byte, size)
	if n, err := index.ReadAt(lines, 0); int64(n) < size {
		return nil, err
	}
	end, ok := indexEnd(lines)
	if !ok || end > warc.Size() { // a loss of power
		lines, end = nil, 0
	}
	found := scan(warc, end, warc.Size())
	for _, c := range found.captures {
		lines = c.appendLine(lines, file)
	}
	return lines, found.trouble
}

// indexEnd returns where the last record ends that the lines of an index have. Lines
// with zeros among them, as a loss of power leaves them, are not to be trusted.
func indexEnd(lines []byte) (end int64, ok bool) {
	if len(lines) == 0 {
		return 0, true
	}
	if bytes.IndexByte(lines, 0) >= 0 {
		return 0, false
	}
	last := bytes.TrimSuffix(lines, []byte("\n"))
	c, err := placeOf(last[bytes.LastIndexByte(last, '\n')+1:])
	return c.offset + c.length, err == nil
}
