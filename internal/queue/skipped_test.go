package queue

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestCausesBeginWithTheMostFrequent(t *testing.T) {
	t.Parallel()
	for want, causes := range map[string]map[string]int64{
		"":                                     nil,
		"HTTP 404: 20, timeout: 3":             {"timeout": 3, "404": 20},
		"HTTP 403: 2, HTTP 410: 2, connect: 1": {"410": 2, "connect": 1, "403": 2},
		"a: 9, b: 8, c: 7, d: 6, e: 5, f: 4, and 2 more": {"a": 9, "b": 8, "c": 7, "d": 6, "e": 5, "f": 4, "g": 3, "h": 2},
	} {
		if got := CausesText(crawler.Counters{Causes: causes}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
