package visit

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/test/hostile"
)

func TestManyVisitsOfAWorkerSettleLessOften(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		visits int64
		bodies bool
		want   time.Duration
	}{
		{1, false, 250 * time.Millisecond},
		{12, false, 250 * time.Millisecond},
		{50, false, time.Second},
		{100, false, 2 * time.Second},
		{5000, false, 4 * time.Second},
		{5000, true, 250 * time.Millisecond}, // a longer delay would keep all their bodies
	} {
		w := &Visitor{needs: fetched.Needs{Bodies: c.bodies}}
		w.visits.Store(c.visits)
		taker := &taker{visitor: w, connections: 1, host: &hostState{pace: newPace(time.Now())}}
		if got := w.patience(); got != c.want {
			t.Errorf("%d visits (bodies: %t): a visit settles after %v, want %v", c.visits, c.bodies, got, c.want)
		}
		taker.host.pace.keep(time.Second)
		if got, want := taker.ahead(), max(1, int(2*c.want/time.Second)); got != want {
			t.Errorf("%d visits (bodies: %t): a visit takes %d URLs ahead at one a second, want %d", c.visits, c.bodies,
				got, want)
		}
	}
}

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	hostile.Holds(t, map[string]any{
		"time to parse a page":                     Config{}.withDefaults().ParseTime,
		"consecutive redirects":                    maxRedirects,
		"longest Retry-After":                      maxPause,
		"consecutive resources":                    rules.MaxEmbeds,
		"pages of one pattern without new content": queue.TrapSample,
		"levels of sitemap indexes":                queue.SitemapLevels,
	})
}
