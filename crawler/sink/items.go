package sink

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// ItemLine is what an item is kept as: one line of JSONL.
type ItemLine struct {
	URL       string          `json:"url"`        // of the page that it is from
	Job       string          `json:"job"`        // whose page that is
	FetchedAt string          `json:"fetched_at"` // RFC 3339, milliseconds, UTC
	Item      json.RawMessage `json:"item"`       // as the handler emitted it
}

// Items keeps what handlers emitted, one item a line, in segments as [JSONL] has
// them, and nothing of pages without items. Items of a page that was fetched twice
// are there twice; the records of pages have them as well, and say which page was
// the last.
type Items struct{ *JSONL }

// NewItems opens the last segment of this writer, or begins the first. The default
// of Prefix is "items"; Links does not matter.
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

// Keep writes the items of results as one batch. When it returns nil they are with
// the operating system; when it fails nothing of them stays.
func (s *Items) Keep(ctx context.Context, results []*crawler.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := newBatch()
	defer b.free()
	err := b.encode(func(lines *json.Encoder) error {
		for _, r := range results {
			line := ItemLine{URL: r.Entry.URL.String(), Job: r.Job, FetchedAt: r.FetchedAt()}
			for _, item := range r.Items {
				line.Item = item.JSON
				if err := lines.Encode(&line); err != nil {
					return fmt.Errorf("an item of %q can not be written as JSON: %w", line.URL, err)
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
