package render

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/hostile"
)

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	limits := Limits{}.withDefaults()
	hostile.Holds(t, map[string]any{
		"time of a page in the browser":   limits.Time,
		"dialogs and windows of a page":   maxPopups,
		"elements of a rendered page":     maxNodes,
		"requests of a rendered page":     limits.Requests,
		"memory of a page in the browser": hostile.Bytes(pageBytes),
	})
	if limits.Stuck*10 != limits.Time {
		t.Errorf("a page may be silent for %v of %v, not a tenth", limits.Stuck, limits.Time)
	}
}
