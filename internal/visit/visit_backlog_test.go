package visit_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// bodyCounter is a fetcher that counts the bytes of bodies that are not released yet.
type bodyCounter struct {
	visit.Fetcher
	mu         sync.Mutex
	held, peak int64
	changed    chan struct{} // closed when held changes
}

func (c *bodyCounter) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	p, err := c.Fetcher.Fetch(ctx, r)
	if err == nil && p.Body != nil {
		size, release := p.Body.Size, p.Body.Release
		c.add(size)
		p.Body.Release = sync.OnceFunc(func() {
			release()
			c.add(-size)
		})
	}
	return p, err
}

func (c *bodyCounter) add(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held += bytes
	c.peak = max(c.peak, c.held)
	close(c.changed)
	c.changed = make(chan struct{})
}

// until waits until at least this many bytes are held, or the context ends.
func (c *bodyCounter) until(ctx context.Context, bytes int64) error {
	for {
		c.mu.Lock()
		held, changed := c.held, c.changed
		c.mu.Unlock()
		if held >= bytes {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// slowSink keeps its second batch only when the lanes have fetched as much as they may.
type slowSink struct {
	memorySink
	batches int
	wait    func(context.Context) error
}

func (s *slowSink) Keep(ctx context.Context, results []*fetched.Result) error {
	if s.batches++; s.batches == 2 {
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
	return s.memorySink.Keep(ctx, results)
}

func TestBodiesThatWaitForASlowSinkAreBounded(t *testing.T) {
	t.Parallel()
	// Two batches of bodies may wait, and each of the connections may have one more.
	const pages, size, lanes, waiting = 200, 100_000, 16, 3 << 20
	site := web{}
	var paths []string
	for i := range pages {
		paths = append(paths, fmt.Sprintf("/%d", i))
		site[paths[i]] = strings.Repeat("x", size)
	}
	c := newCrawl(t, testsite.Serve(t, site), func(j *crawler.Job) { j.PerHost = lanes })
	bodies := &bodyCounter{Fetcher: c.tools.Fetcher, changed: make(chan struct{})}
	s := &slowSink{wait: func(ctx context.Context) error { return bodies.until(ctx, waiting) }}
	s.needs = fetched.Needs{Bodies: true}
	c.tools.Fetcher, c.tools.Sink = bodies, s
	c.seed(paths...).finish()
	if len(s.kept) != pages {
		t.Errorf("got %d pages, want %d", len(s.kept), pages)
	}
	if most := int64(waiting + lanes*(size+1000)); bodies.peak > most {
		t.Errorf("%d bytes of bodies were held at a time, want at most %d", bodies.peak, most)
	}
	if bodies.held != 0 {
		t.Errorf("%d bytes of bodies were never released", bodies.held)
	}
}
