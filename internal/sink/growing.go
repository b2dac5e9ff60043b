package sink

import (
	"io"

	"github.com/trawlcrawler/trawl/internal/warc"
)

// This file reads the output of a writer that has not finished: one that is still
// running, or was killed. Whole records count; a torn end is ignored.

// OpenIndex returns the index lines of an unfinished WARC file: those of its
// ".cdxj.open", and those of the records after them in its ".warc.gz.open". index may be
// empty. file is the name that the WARC file will have.
func OpenIndex(index, records *io.SectionReader, file string) ([]byte, error) {
	size, err := wholeLines(index, index.Size())
	if err != nil {
		return nil, err
	}
	lines := make([]byte, size)
	if n, err := index.ReadAt(lines, 0); int64(n) < size {
		return nil, err
	}
	end, ok := warc.IndexEnd(lines)
	if !ok || end > records.Size() { // a power failure
		lines, end = nil, 0
	}
	found := warc.Scan(records, end, records.Size())
	for _, c := range found.Captures {
		lines = c.AppendLine(lines, file)
	}
	return lines, found.Trouble
}
