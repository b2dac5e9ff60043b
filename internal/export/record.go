package export

import (
	"bytes"
	"cmp"
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
	FinalURL  string `json:"final_url"`
	FetchedAt string `json:"fetched_at"`
}

// readHeader reads the header of a line. It returns an error for a line that is not a
// record.
func readHeader(line []byte) (url string, at time.Time, err error) {
	h, at, err := wholeHeader(line)
	return h.URL, at, err
}

// wholeHeader reads all fields of the header of a line, which has the final URL of a record.
func wholeHeader(line []byte) (h header, at time.Time, err error) {
	h, ok := glance(line)
	if !ok {
		if err := json.Unmarshal(line, &h); err != nil {
			return header{}, time.Time{}, err
		}
	}
	h.FinalURL = cmp.Or(h.FinalURL, h.URL)
	at, err = fetched.ParseRecordTime(h.FetchedAt)
	return h, at, err
}

// The beginning of a line that a crawl wrote, what precedes the final URL, and the time.
var (
	lineBegins  = []byte(`{"url":"`)
	finalBegins = []byte(`","final_url":"`)
	timeBegins  = []byte(`"fetched_at":"`)
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
	if !plain || !too {
		return h, false
	}
	h.URL, h.FetchedAt = url, fetched
	rest, follows := bytes.CutPrefix(line[len(lineBegins)+len(url):], finalBegins)
	if follows {
		h.FinalURL, plain = plainText(rest)
	}
	return h, plain && (follows || !bytes.Contains(line, finalBegins[len(`",`):]))
}

// plainText returns a JSON string up to its closing quote, if nothing in it is escaped.
func plainText(rest []byte) (text string, plain bool) {
	end := bytes.IndexAny(rest, `"\`)
	if end < 0 || rest[end] != '"' {
		return "", false
	}
	return string(rest[:end]), true
}
