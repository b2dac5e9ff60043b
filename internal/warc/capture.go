package warc

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/surt"
)

// Line is a record that an index refers to, and its place in the file.
type Line struct {
	URL     crawler.URL // the target
	date    time.Time
	mime    string
	status  int
	payload string // "sha1:…"
	Offset  int64  // in bytes
	length  int64
	keys    surt.Form // of the line
}

// AppendLine appends it as a line of a CDXJ index, with the newline.
func (c Line) AppendLine(b []byte, file string) []byte {
	b = append(append(append(b, c.keys.Key(c.URL.String())...), ' '), c.date.UTC().Format("20060102150405")...)
	b = append(b, ` {"url": `...)
	b = AppendJSON(b, c.URL.String())
	for _, field := range [][2]string{
		{"mime", c.mime}, {"status", strconv.Itoa(c.status)}, {"digest", c.payload},
		{"length", strconv.FormatInt(c.length, 10)}, {"offset", strconv.FormatInt(c.Offset, 10)}, {"filename", file},
	} {
		b = append(append(append(b, `, "`...), field[0]...), `": `...)
		b = AppendJSON(b, field[1])
	}
	return append(b, "}\n"...)
}

// SortedLines sorts lines by their bytes, the order that readers expect in order to
// search an index by bisection.
func SortedLines(lines []byte) []byte {
	all := slices.Collect(bytes.Lines(lines))
	slices.SortFunc(all, bytes.Compare)
	return bytes.Join(all, nil)
}

// IndexEnd returns where the last record in the lines of an index ends. Lines that
// contain zeros, which a power failure can leave, are not trusted.
func IndexEnd(lines []byte) (end int64, ok bool) {
	if len(lines) == 0 {
		return 0, true
	}
	if bytes.IndexByte(lines, 0) >= 0 {
		return 0, false
	}
	last := bytes.TrimSuffix(lines, []byte("\n"))
	c, err := placeOf(last[bytes.LastIndexByte(last, '\n')+1:])
	return c.Offset + c.length, err == nil
}
