package visit_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// blockingSink blocks its second batch until the test releases it.
type blockingSink struct {
	memorySink
	batches atomic.Int64
	goOn    chan struct{}
}

func (s *blockingSink) Keep(ctx context.Context, results []*fetched.Result) error {
	if s.batches.Add(1) == 2 {
		<-s.goOn
	}
	return s.memorySink.Keep(ctx, results)
}

// If the queue is empty, a visit settles finished pages at once, because their links may be needed.
// Pages that finish meanwhile are settled together.
func TestPagesThatFinishTogetherAreSettledTogether(t *testing.T) {
	t.Parallel()
	const pages = 100
	site := web{}
	var paths []string
	for i := range pages {
		paths = append(paths, fmt.Sprintf("/%d", i))
		site[paths[i]] = "a page"
	}
	site["/"] = links(paths...)
	served := testsite.Serve(t, site)
	c := newCrawl(t, served, func(j *crawler.Job) { j.PerHost = 16 })
	s := &blockingSink{goOn: make(chan struct{})}
	c.tools.Sink = s
	go func() {
		defer close(s.goOn)
		if err := served.Until(t.Context(), func(l *testsite.Log) bool {
			ended := 0
			for _, r := range l.Requests() {
				if !r.End.IsZero() {
					ended++
				}
			}
			return ended > pages // robots.txt and the first page are two more, and one may be in flight
		}); err != nil {
			t.Error(err)
		}
	}()
	c.seed("/").finish()
	if len(s.kept) != pages+1 {
		t.Errorf("got %d pages, want %d", len(s.kept), pages+1)
	}
	// Each connection may still be reading one page.
	if n, most := s.batches.Load(), int64(c.job.PerHost+pages/10); n > most {
		t.Errorf("the pages were settled in %d batches, want at most %d", n, most)
	}
}
