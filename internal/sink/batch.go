package sink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// batch holds the lines of one Keep, which are written with one call.
type batch struct{ lines []byte }

// roomy is the capacity in bytes above which a batch is not returned to the pool, so that
// one page with a million links does not occupy memory for good.
const roomy = 1 << 20

var batches = sync.Pool{New: func() any { return new(batch) }}

func newBatch() *batch { return batches.Get().(*batch) }

// batchOf encodes the results as records.
func batchOf(results []*fetched.Result, links bool) (*batch, error) {
	b := newBatch()
	for _, r := range results {
		if err := b.add(r.Record(links)); err != nil {
			b.free()
			return nil, err
		}
	}
	return b, nil
}

// add appends a record.
func (b *batch) add(rec crawler.Record) error {
	lines, err := rec.AppendJSON(b.lines)
	if err != nil {
		return fmt.Errorf("the record of %q cannot be written as JSON: %w", rec.URL, err)
	}
	b.lines = lines
	return nil
}

// encode appends lines that are not records: write encodes each. It does not escape HTML,
// so that URLs stay readable.
func (b *batch) encode(write func(*json.Encoder) error) error {
	buffer := bytes.NewBuffer(b.lines)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	err := write(encoder)
	b.lines = buffer.Bytes()
	return err
}

// free returns b to the pool. b must not be used afterwards.
func (b *batch) free() {
	if cap(b.lines) > roomy {
		return
	}
	b.lines = b.lines[:0]
	batches.Put(b)
}
