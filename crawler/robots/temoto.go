package robots

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/temoto/robotstxt"
)

// What the standard leaves to custom is read by temoto/robotstxt. One line that
// it can not read makes it refuse a whole file, so it is shown only the line in
// question, cut at the first white space, behind which it would look for
// another record.

// accessible reports whether an HTTP status means that the site may be
// accessed, under the rules that came with it or under none. It may not after a
// server error (RFC 9309, 2.3.1.4), nor when the status says nothing.
func accessible(status int) bool {
	data, err := robotstxt.FromStatusAndBytes(status, nil)
	return err == nil && data.TestAgent("/", "")
}

// crawlDelay reads a number of seconds, possibly fractional. It returns 0 for
// what is not a number or is negative, and the longest duration for what does
// not fit into one.
func crawlDelay(value string) time.Duration {
	data, err := robotstxt.FromString("User-agent: *\nCrawl-delay: " + firstWord(value))
	if err != nil {
		return 0
	}
	delay := data.FindGroup("*").CrawlDelay
	if delay < 0 { // a number below zero is refused: this one overflowed
		return math.MaxInt64
	}
	return delay
}

// sitemaps returns the addresses in values, each once.
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
