package sink

import (
	"context"
	"encoding/json"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Skipped writes the URLs that a crawl skipped, and why, as lines of JSON, each a
// [fetched.SkippedRecord], to segments like those of [JSONL].
type Skipped struct{ lines *JSONL }

// NewSkipped finishes the segments that this writer left open. The default prefix is
// "skipped"; settings about records have no effect.
func NewSkipped(cfg JSONLConfig) (*Skipped, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = fetched.FormatSkipped
	}
	lines, err := NewJSONL(cfg)
	if err != nil {
		return nil, err
	}
	return &Skipped{lines}, nil
}

// Keep writes the skipped URLs of results as one batch. When it returns nil, the
// operating system has them; when it fails, nothing of the batch remains.
func (s *Skipped) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := newBatch()
	defer b.free()
	err := b.encode(func(lines *json.Encoder) error {
		for _, r := range results {
			for _, one := range r.SkippedRecords() {
				if err := lines.Encode(&one); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.lines.write(b)
}

// Needs says that URLs are kept that were skipped without being fetched.
func (*Skipped) Needs() fetched.Needs { return fetched.Needs{Skipped: true} }

// Sync puts everything that was kept so far on disk, as [JSONL.Sync] does.
func (s *Skipped) Sync() error { return s.lines.Sync() }

// Close puts everything on disk and releases the folder to other writers. It may be
// called more than once.
func (s *Skipped) Close() error { return s.lines.Close() }
