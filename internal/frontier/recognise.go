package frontier

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// maxContents is how many different contents are remembered for a host, so that a host that
// never repeats itself does not fill Redis: about 10 MB.
const maxContents = 100_000

// Recognise tells copies from new pages. Two contents count as the same if the first 64
// bits of their digests are equal. With maxContents contents, that goes wrong for one in
// three billion hosts.
func (l *HostLease) Recognise(ctx context.Context, pages []queue.Content) ([]crawler.URL, error) {
	args := l.head(maxContents)
	for _, p := range pages {
		args = append(args, string(p.Digest[:8]), queue.Entry{URL: p.URL}.Pack())
	}
	packed, err := run(ctx, l.frontier.rdb, recogniseScript(), "recognise", l.base, args...).StringSlice()
	if err != nil {
		return nil, err
	}
	if len(packed) != len(pages) {
		return nil, fmt.Errorf("frontier: recognise at %s: %d answers for %d pages", l.ref.Host, len(packed),
			len(pages))
	}
	first := make([]crawler.URL, len(pages))
	for i, p := range packed {
		if p == "" {
			continue
		}
		e, err := queue.UnpackEntry(l.ref.Host, queue.BandNormal, p)
		if err != nil {
			return nil, err
		}
		if e.URL != pages[i].URL {
			first[i] = e.URL
		}
	}
	return first, nil
}
