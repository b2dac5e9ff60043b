package export

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Record is a line of an output. It is void when the next one is read.
type Record struct {
	// Line is the record as it was written, without its end.
	Line []byte

	values map[string]any // read from Line when somebody asks
}

// Values are those of the record, as encoding/json reads them, but for numbers,
// which stay json.Number.
func (r *Record) Values() (map[string]any, error) {
	if r.values != nil {
		return r.values, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(r.Line))
	decoder.UseNumber()
	err := decoder.Decode(&r.values)
	return r.values, err
}

// Read reads the record whole.
func (r *Record) Read() (crawler.Record, error) {
	var rec crawler.Record
	err := json.Unmarshal(r.Line, &rec)
	return rec, err
}

// header is what a survey reads of a record.
type header struct {
	URL       string `json:"url"`
	FetchedAt string `json:"fetched_at"`
}

// readHeader reads that, and reports what is wrong with a line that is no record.
func readHeader(line []byte) (url string, at time.Time, err error) {
	h, ok := glance(line)
	if !ok {
		if err := json.Unmarshal(line, &h); err != nil {
			return "", time.Time{}, err
		}
	}
	at, err = crawler.ParseRecordTime(h.FetchedAt)
	return h.URL, at, err
}

// What a line begins with that a crawl wrote, and what comes before the time.
var (
	lineBegins = []byte(`{"url":"`)
	timeBegins = []byte(`"fetched_at":"`)
)

// glance reads the header of a line as crawls write it: the URL first, and up to the time
// no other object, in which another time could be. It takes half the time of reading the
// line as JSON. false says that the line is to be read so.
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

// plainText is a text of JSON up to its end, if nothing in it is escaped.
func plainText(rest []byte) (text string, plain bool) {
	end := bytes.IndexAny(rest, `"\`)
	if end < 0 || rest[end] != '"' {
		return "", false
	}
	return string(rest[:end]), true
}
