package crawler_test

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAJobThatChecksLinksReachesOneLinkFurther(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		depth        int
		check        crawler.CheckKind
		reach, limit int
	}{
		{-1, crawler.CheckNone, -1, -1}, {0, crawler.CheckNone, 0, -1}, {2, crawler.CheckNone, 2, 2},
		{-1, crawler.CheckLinks, -1, -1}, {0, crawler.CheckLinks, 1, 1}, {2, crawler.CheckLinks, 3, 3}, {2, "", 2, 2},
	} {
		s := crawler.ScopeSettings{Depth: test.depth, Check: test.check}
		if reach, limit := s.Reach(), s.DepthLimit(); reach != test.reach || limit != test.limit {
			t.Errorf("depth %d, check %q: reach %d, limit %d; want %d and %d",
				test.depth, test.check, reach, limit, test.reach, test.limit)
		}
	}
}
