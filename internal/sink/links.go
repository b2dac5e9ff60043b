package sink

import (
	"context"
	"encoding/json"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Links writes the link graph: the references of each page as lines of JSON, each a
// [fetched.LinkRecord], to segments like those of [JSONL]. It writes nothing for pages
// whose references were not recorded.
type Links struct{ lines *JSONL }

// NewLinks finishes the segments that this writer left open. The default prefix is
// "links"; settings about records have no effect.
func NewLinks(cfg JSONLConfig) (*Links, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "links"
	}
	lines, err := NewJSONL(cfg)
	if err != nil {
		return nil, err
	}
	return &Links{lines}, nil
}

// Keep writes the links of results as one batch. When it returns nil, the operating
// system has them; when it fails, nothing of the batch remains.
func (l *Links) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b := newBatch()
	defer b.free()
	err := b.encode(func(lines *json.Encoder) error {
		for _, r := range results {
			for _, link := range r.LinkRecords() {
				if err := lines.Encode(&link); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.lines.write(b)
}

// Needs says that the references of pages are kept.
func (*Links) Needs() fetched.Needs { return fetched.Needs{References: true} }

// Sync puts everything that was kept so far on disk, as [JSONL.Sync] does.
func (l *Links) Sync() error { return l.lines.Sync() }

// Close puts everything on disk and releases the folder to other writers. It may be
// called more than once.
func (l *Links) Close() error { return l.lines.Close() }
