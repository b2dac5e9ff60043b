package robots

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/temoto/robotstxt"
)

// The package temoto/robotstxt parses what the standard leaves open. One line that it
// cannot parse makes it reject a whole file. So it gets only the line in question, cut at
// the first white space, after which it would look for another record.

// accessible reports whether an HTTP status means that the site may be accessed, under
// the rules that came with it or under none. After a server error it may not (RFC 9309,
// 2.3.1.4), nor if the status has no meaning.
func accessible(status int) bool {
	data, err := robotstxt.FromStatusAndBytes(status, nil)
	return err == nil && data.TestAgent("/", "")
}

// crawlDelay parses a number of seconds, possibly fractional. It returns 0 for a value
// that is not a number or is negative, and the longest duration for one that overflows.
func crawlDelay(value string) time.Duration {
	data, err := robotstxt.FromString("User-agent: *\nCrawl-delay: " + firstWord(value))
	if err != nil {
		return 0
	}
	delay := data.FindGroup("*").CrawlDelay
	if delay < 0 { // the parser rejects negative numbers, so this one overflowed
		return math.MaxInt64
	}
	return delay
}

// sitemaps returns the addresses in values, without duplicates.
func sitemaps(values []string) []string {
	var lines strings.Builder
	for _, v := range values {
		if address := firstWord(v); address != "" {
			lines.WriteString("Sitemap: " + address + "\n")
		}
	}
	data, err := robotstxt.FromString(lines.String())
	if err != nil {
		return nil
	}
	var once []string
	seen := make(map[string]bool, len(data.Sitemaps))
	for _, s := range data.Sitemaps {
		if !seen[s] {
			once, seen[s] = append(once, s), true
		}
	}
	return slices.Clip(once)
}

func firstWord(s string) string {
	for word := range strings.FieldsSeq(s) {
		return word
	}
	return ""
}
