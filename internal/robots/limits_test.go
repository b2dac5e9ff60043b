package robots

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/hostile"
)

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	hostile.Holds(t, map[string]any{
		"bytes of a robots.txt that are read": hostile.Bytes(MaxSize),
		"redirects of a robots.txt":           maxRedirects,
	})
}
