package sitemap

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/hostile"
)

func TestTheDocumentedLimitsHold(t *testing.T) {
	t.Parallel()
	hostile.Holds(t, map[string]any{
		"bytes of a sitemap, decompressed":    hostile.Bytes(Config{}.withDefaults().MaxBytes),
		"open elements of a sitemap":          deepest,
		"bytes of a tag or text in a sitemap": hostile.Bytes(longestToken),
	})
}
