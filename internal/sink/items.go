package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// ItemLine is the form in which an item is kept: one line of JSONL.
type ItemLine struct {
	URL       string          `json:"url"`        // of the page that the item comes from
	Job       string          `json:"job"`        // the job of that page
	FetchedAt string          `json:"fetched_at"` // RFC 3339, milliseconds, UTC
	Item      json.RawMessage `json:"item"`       // as the handler emitted it
}

// Items writes what handlers emitted, one item per line, to segments like those of
// [JSONL]. Pages without items leave no trace. A page that was fetched twice has its
// items twice; the records of pages contain the items as well, and show which fetch was
// the last.
type Items struct{ *JSONL }

// NewItems finishes the segments that this writer left open. The default of Prefix is
// "items"; Links has no effect.
func NewItems(cfg JSONLConfig) (*Items, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "items"
	}
	j, err := NewJSONL(cfg)
	if err != nil {
		return nil, err
	}
	return &Items{j}, nil
}

// lineHead is roughly how many bytes a line has besides its item and URL.
const lineHead = 256

// Keep writes the items of results as one batch. When it returns nil, the operating
// system has them; when it fails, nothing of the batch remains.
func (s *Items) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := newBatch()
	defer b.free()
	size := 0
	for _, r := range results {
		for _, item := range r.Items {
			size += len(item.JSON) + len(r.Entry.URL.String()) + lineHead
		}
	}
	b.lines = slices.Grow(b.lines, size) // avoids copies as it grows
	err := b.encode(func(lines *json.Encoder) error {
		for _, r := range results {
			line := ItemLine{URL: r.Entry.URL.String(), Job: r.Job, FetchedAt: r.FetchedAt()}
			for _, item := range r.Items {
				line.Item = item.JSON
				if err := lines.Encode(&line); err != nil {
					return fmt.Errorf("an item of %q cannot be written as JSON: %w", line.URL, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.write(b)
}
