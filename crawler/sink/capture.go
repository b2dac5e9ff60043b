package sink

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// capture is a record that an index points at, and where it lies.
type capture struct {
	url     crawler.URL
	date    time.Time
	mime    string
	status  int
	payload string // "sha1:…"
	offset  int64
	length  int64
}

// appendLine appends the capture's line of a CDXJ index, with its end.
func (c capture) appendLine(b []byte, file string) []byte {
	b = append(append(append(b, surt(c.url)...), ' '), c.date.UTC().Format("20060102150405")...)
	b = append(b, ` {"url": `...)
	b = appendJSON(b, c.url.String())
	for _, field := range [][2]string{
		{"mime", c.mime}, {"status", strconv.Itoa(c.status)}, {"digest", c.payload},
		{"length", strconv.FormatInt(c.length, 10)}, {"offset", strconv.FormatInt(c.offset, 10)}, {"filename", file},
	} {
		b = append(append(append(b, `, "`...), field[0]...), `": `...)
		b = appendJSON(b, field[1])
	}
	return append(b, "}\n"...)
}

// sortedLines puts the lines in the order of their bytes, as readers that search
// an index by halves expect it.
func sortedLines(lines []byte) []byte {
	all := slices.Collect(bytes.Lines(lines))
	slices.SortFunc(all, bytes.Compare)
	return bytes.Join(all, nil)
}
