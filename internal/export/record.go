package export

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/trawlcrawler/trawl/internal/condition"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Record is one record of an output. It is valid until the next one is read.
type Record = condition.Record

// header contains the fields of a record that a survey reads.
type header struct {
	URL       string `json:"url"`
	FetchedAt string `json:"fetched_at"`
}

// readHeader reads the header of a line. It returns an error for a line that is not a
// record.
func readHeader(line []byte) (url string, at time.Time, err error) {
	h, ok := glance(line)
	if !ok {
		if err := json.Unmarshal(line, &h); err != nil {
			return "", time.Time{}, err
		}
	}
	at, err = fetched.ParseRecordTime(h.FetchedAt)
	return h.URL, at, err
}

// The beginning of a line that a crawl wrote, and what precedes the time.
var (
	lineBegins = []byte(`{"url":"`)
	timeBegins = []byte(`"fetched_at":"`)
)

// glance reads the header of a line in the form that crawls write: the URL is first, and
// no nested object, which could contain another fetched_at, precedes the time. It takes
// half the time of decoding the line. If ok is false, the line has another form and must
// be decoded.
func glance(line []byte) (h header, ok bool) {
	if !bytes.HasPrefix(line, lineBegins) || !json.Valid(line) {
		return h, false
	}
	at := bytes.Index(line, timeBegins)
	if at < 0 || bytes.IndexByte(line[1:at], '{') >= 0 {
		return h, false
	}
	url, plain := plainText(line[len(lineBegins):])
	fetched, too := plainText(line[at+len(timeBegins):])
	return header{url, fetched}, plain && too
}

// plainText returns a JSON string up to its closing quote, if nothing in it is escaped.
func plainText(rest []byte) (text string, plain bool) {
	end := bytes.IndexAny(rest, `"\`)
	if end < 0 || rest[end] != '"' {
		return "", false
	}
	return string(rest[:end]), true
}
