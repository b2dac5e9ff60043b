package parse

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/hostile"
)

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	hostile.Holds(t, map[string]any{
		"memory of a tree for --select":  hostile.Bytes(mostWeight),
		"links of a page":                mostLinks,
		"links of Link headers":          mostHeaderLinks,
		"bytes of a title":               hostile.Bytes(mostTitle),
		"nesting of a tree for --select": mostDeep,
	})
}
