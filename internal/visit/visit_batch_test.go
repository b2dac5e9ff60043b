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

// patientSink keeps its second batch only when it is told to go on.
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

// A queue that is dry has what comes settled at once, for the sake of its links;
// what has come meanwhile, all together.
func TestWhatIsDoneAtOnceIsSettledAtOnce(t *testing.T) {
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
			return ended > pages // with robots.txt and the first page two more, of which one may be under way
		}); err != nil {
			t.Error(err)
		}
	}()
	c.seed("/").finish()
	if len(s.kept) != pages+1 {
		t.Errorf("%d pages were kept, want %d", len(s.kept), pages+1)
	}
	// Of each connection one may still be read then.
	if n, most := s.batches.Load(), int64(c.job.PerHost+pages/10); n > most {
		t.Errorf("they were settled in %d batches, want at most %d", n, most)
	}
}
