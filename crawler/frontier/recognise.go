package frontier

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// mostContents is how many different contents of a host are remembered, so that
// one that never repeats itself does not fill Redis: about 10 MB.
const mostContents = 100_000

// Recognise tells copies from pages that are new. Two contents are taken to be
// the same by the first 64 bits of their digests: of mostContents, two that differ
// share them in one of three billion hosts.
func (t *Turn) Recognise(ctx context.Context, pages []crawler.Content) ([]crawler.URL, error) {
	args := t.head(mostContents)
	for _, p := range pages {
		args = append(args, string(p.Digest[:8]), crawler.Entry{URL: p.URL}.Pack())
	}
	packed, err := run(ctx, t.frontier.rdb, recogniseScript, "recognise", t.base, args...).StringSlice()
	if err != nil {
		return nil, err
	}
	if len(packed) != len(pages) {
		return nil, fmt.Errorf("frontier: recognise at %s: %d answers for %d pages", t.order.Host, len(packed), len(pages))
	}
	first := make([]crawler.URL, len(pages))
	for i, p := range packed {
		if p == "" {
			continue
		}
		e, err := crawler.UnpackEntry(t.order.Host, crawler.BandNormal, p)
		if err != nil {
			return nil, err
		}
		if e.URL != pages[i].URL {
			first[i] = e.URL
		}
	}
	return first, nil
}
