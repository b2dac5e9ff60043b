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
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return "", time.Time{}, err
	}
	at, err = crawler.ParseRecordTime(h.FetchedAt)
	return h.URL, at, err
}
