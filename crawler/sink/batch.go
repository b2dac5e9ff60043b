package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
)

// batch is the lines of one Keep, gathered to be written with one call.
type batch struct{ lines []byte }

// roomy is the capacity in bytes above which a batch is left to the garbage
// collector, so that one page with a million links does not stay in memory.
const roomy = 1 << 20

var batches = sync.Pool{New: func() any { return new(batch) }}

func newBatch() *batch { return batches.Get().(*batch) }

// batchOf writes the results down as records.
func batchOf(results []*crawler.Result, links bool) (*batch, error) {
	b := newBatch()
	for _, r := range results {
		if err := b.add(r.Record(links)); err != nil {
			b.free()
			return nil, err
		}
	}
	return b, nil
}

// add puts a record at the end.
func (b *batch) add(rec crawler.Record) error {
	line, err := rec.JSON()
	if err != nil {
		return fmt.Errorf("the record of %q can not be written as JSON: %w", rec.URL, err)
	}
	b.lines = append(append(b.lines, line...), '\n')
	return nil
}

// encode puts lines at the end that are not records: write encodes each. URLs in
// them stand as they are.
func (b *batch) encode(write func(*json.Encoder) error) error {
	buffer := bytes.NewBuffer(b.lines)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	err := write(encoder)
	b.lines = buffer.Bytes()
	return err
}

// free gives b back to the pool. It must not be used afterwards.
func (b *batch) free() {
	if cap(b.lines) > roomy {
		return
	}
	b.lines = b.lines[:0]
	batches.Put(b)
}
