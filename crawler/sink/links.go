package sink

import (
	"context"
	"encoding/json"

	"github.com/trawlcrawler/trawl/crawler"
)

// Links keeps the link graph: what each page refers to, as lines of JSON, which
// are [crawler.LinkRecord]s, in segments as those of [JSONL]. Of pages whose
// references were not noted, nothing is kept.
type Links struct{ lines *JSONL }

// NewLinks opens the last segment of this writer, or begins the first. The
// default prefix is "links"; what the settings say about records does not matter.
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

// Keep writes the links of results as one batch. When it returns nil they are
// with the operating system; when it fails nothing of them stays.
func (l *Links) Keep(ctx context.Context, results []*crawler.Result) error {
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

// Bodies reports that links are all that is kept.
func (*Links) Bodies() bool { return false }

// Sync puts everything on disk that was kept before, as [JSONL.Sync] does.
func (l *Links) Sync() error { return l.lines.Sync() }

// Close puts everything on disk and lets others write to the folder. It may be
// called more than once.
func (l *Links) Close() error { return l.lines.Close() }
