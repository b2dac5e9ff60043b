package crawler

import (
	"fmt"
	"strings"

	"github.com/trawlcrawler/trawl/internal/plain"
)

// These types describe what a crawl skips: URLs that were found but not fetched because of
// a rule. They are counted by rule, and listed if the job asks for it.

// Rule is the rule by which a URL is skipped.
type Rule string

// MutedURLs is the number of URLs of a host's pattern that are skipped because they look
// like a trap.
type MutedURLs struct {
	Host    Host   `json:"host"`
	Pattern string `json:"pattern"`
	URLs    int64  `json:"urls"`
}

// Reason describes what is done, and why.
func (m MutedURLs) Reason() string {
	urls, look := plain.Plural(m.URLs, "URL", "URLs"), "are skipped: they look"
	if m.URLs == 1 {
		look = "is skipped: it looks"
	}
	return fmt.Sprintf("%s like %s of %s %s like a trap, because many pages in a row were duplicates of others", urls,
		m.Pattern, m.Host, look)
}

// Insist says how to fetch them all the same.
func (m MutedURLs) Insist(job string) string {
	return fmt.Sprintf("to fetch them, crawl with --traps=false; or, to fetch those found from now on while the job runs: trawl host set %s %s --ask %s",
		job, m.Host, shellQuoted(m.Pattern))
}

// shellQuoted quotes a text as one word for a shell.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// The limits at which a pattern of URLs is a trap.
const (
	TrapSample = 100 // duplicates in a row after which only one URL in TrapOneIn is fetched
	TrapMute   = 120 // duplicates in a row after which none is fetched
	TrapOneIn  = 10
)

// Muted is a pattern of a host's URLs that is skipped or sampled.
type Muted struct {
	Pattern string `json:"pattern"`
	Pages   int    `json:"pages"`  // pages that were examined
	Streak  int    `json:"streak"` // how many of the last pages in a row were duplicates
	Muted   bool   `json:"muted"`  // no URL of the pattern is fetched; otherwise some are
}

// Reason describes what is done, and why.
func (m Muted) Reason() string {
	if m.Muted {
		return fmt.Sprintf("trap: URLs like %s are skipped: the last %d of %d pages were duplicates of others",
			m.Pattern, m.Streak, m.Pages)
	}
	return fmt.Sprintf("trap: only one in %[2]d URLs like %[1]s is fetched: the last %[3]d of %[4]d pages were duplicates of others", m.Pattern, TrapOneIn, m.Streak, m.Pages)
}
