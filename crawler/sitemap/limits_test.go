package sitemap

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/hostile"
)

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	hostile.Holds(t, map[string]any{
		"bytes of a sitemap, unpacked":                hostile.Bytes(Config{}.withDefaults().MaxBytes),
		"elements of a sitemap that are open at once": deepest,
		"bytes of a tag or a text of a sitemap":       hostile.Bytes(longestToken),
	})
}
