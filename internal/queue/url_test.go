package queue

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func mustURL(t testing.TB, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
