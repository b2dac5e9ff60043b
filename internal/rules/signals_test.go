package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTopicsOfWebSubAreFeedsByTheirURLs(t *testing.T) {
	t.Parallel()
	many := make([]string, maxTopics+1)
	for i := range many {
		many[i] = fmt.Sprintf("https://example.com/%d", i)
	}
	for says, topics := range map[string][]string{
		"":                      {"https://example.com/feed", "https://example.org/feed"},
		"websub[1]":             {"https://example.com/feed", "feed"},
		"is there twice":        {"https://example.com/feed", "https://example.com/feed"},
		"65 feeds are too many": many,
		`"ftp://example.com/f"`: {"ftp://example.com/f"},
	} {
		j := crawler.DefaultJob()
		j.Name, j.WebSub = "news", topics
		err := checkSignals(j)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want one that says %q", err, says)
		}
	}
}
