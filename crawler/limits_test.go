package crawler

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/hostile"
)

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	hostile.Holds(t, map[string]any{
		"time to read a page":                       VisitorConfig{}.withDefaults().ParseTime,
		"redirects in a row":                        mostHops,
		"pause that Retry-After may ask for":        mostPause,
		"resources in a row":                        mostEmbeds,
		"pages of one pattern that say nothing new": trapSample,
		"indexes of sitemaps in one another":        SitemapLevels,
	})
}
