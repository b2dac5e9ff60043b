package crawler

import (
	"fmt"
	"strings"

	"github.com/trawlcrawler/trawl/internal/plain"
)

// TrapURLs is the number of URLs of a host's pattern that are skipped because they look
// like a trap.
type TrapURLs struct {
	Host    Host   `json:"host"`
	Pattern string `json:"pattern"`
	URLs    int64  `json:"urls"`
}

// Reason describes what is done, and why.
func (t TrapURLs) Reason() string {
	urls, look := plain.Plural(t.URLs, "URL", "URLs"), "are skipped: they look"
	if t.URLs == 1 {
		look = "is skipped: it looks"
	}
	return fmt.Sprintf("%s like %s of %s %s like a trap, because many pages in a row were duplicates of others", urls,
		t.Pattern, t.Host, look)
}

// Insist says how to fetch them all the same.
func (t TrapURLs) Insist(job string) string {
	return fmt.Sprintf("to fetch them, crawl with --traps=false; or, to fetch those found from now on while the job runs: trawl host set %s %s --ask %s",
		job, t.Host, shellQuoted(t.Pattern))
}

// shellQuoted quotes a text as one word for a shell.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Trap is a pattern of a host's URLs that is skipped or sampled because it looks like a
// trap: the last pages in a row were duplicates of others.
type Trap struct {
	Pattern string `json:"pattern"`
	Pages   int    `json:"pages"`  // pages that were examined
	Streak  int    `json:"streak"` // how many of the last pages in a row were duplicates
	Skipped bool   `json:"muted"`  // no URL of the pattern is fetched; otherwise some are
}
