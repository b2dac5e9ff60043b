package crawler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// These types describe what a crawl skips: URLs that were found but not fetched because of
// a rule. They are counted by rule, and listed if the job asks for it.

// Rule is the rule by which a URL is skipped.
type Rule string

// The rules. Those that are settings have the name of the setting.
const (
	RuleScope         Rule = "scope"
	RuleResourceScope Rule = "resource_scope"
	RuleInclude       Rule = "include"
	RuleExclude       Rule = "exclude"
	RuleDepth         Rule = "depth"
	RuleFollowRules   Rule = "follow_rules"
	RuleURLLength     Rule = "max_url_length"
	RuleRepeats       Rule = "max_repeats"
	RuleParams        Rule = "max_params"
	RuleTraps         Rule = "traps"
	RulePagesPerHost  Rule = "pages_per_host"
	RuleRobots        Rule = "robots"   // robots.txt forbids it, or could not be fetched
	RuleNoFollow      Rule = "nofollow" // the page, or the link, asks crawlers not to follow it
	RuleEmbeds        Rule = "embeds"   // too many resources in a row
	RuleSitemaps      Rule = "sitemaps" // too many indexes of sitemaps in a row
)

// Rules lists the rules, in the order in which they are shown.
var Rules = []Rule{
	RuleTraps, RuleRobots, RuleNoFollow, RulePagesPerHost, RuleDepth, RuleInclude, RuleExclude, RuleFollowRules,
	RuleURLLength, RuleRepeats, RuleParams, RuleScope, RuleResourceScope, RuleEmbeds, RuleSitemaps,
}

// FormatSkipped is the format that lists what is skipped.
const FormatSkipped = "skipped"

// SkipReason is why a URL is skipped. The zero SkipReason means that it is not.
type SkipReason struct {
	Rule   Rule
	Reason string // for people to read
}

// Skipped is a URL that is skipped.
type Skipped struct {
	URL      URL
	Referrer URL    // where it was found; zero for a seed
	Depth    int    // the depth that it would have
	Pattern  string // for RuleTraps, the pattern that is skipped or sampled
	SkipReason
}

// SkippedRecord is the JSON form of a Skipped: one line of JSONL.
type SkippedRecord struct {
	URL      string `json:"url"`
	Referrer string `json:"via"`
	Depth    int    `json:"depth"`
	Rule     Rule   `json:"rule"`
	Reason   string `json:"reason"`
	At       string `json:"at"` // RFC 3339, milliseconds, UTC
	Job      string `json:"job"`
	Worker   string `json:"worker"`
}

// SkippedRecords returns the skipped URLs that the page led to, including that of the
// result itself if it was skipped.
func (r *Result) SkippedRecords() []SkippedRecord {
	all := make([]SkippedRecord, len(r.Skipped))
	for i, s := range r.Skipped {
		all[i] = SkippedRecord{
			URL: s.URL.String(), Referrer: s.Referrer.String(), Depth: s.Depth, Rule: s.Rule, Reason: Printable(s.Reason),
			At: r.FetchedAt(), Job: r.Job, Worker: r.Worker,
		}
	}
	return all
}

// MutedURLs is the number of URLs of a host's pattern that are skipped because they look
// like a trap.
type MutedURLs struct {
	Host    Host   `json:"host"`
	Pattern string `json:"pattern"`
	URLs    int64  `json:"urls"`
}

// Reason describes what is done, and why.
func (m MutedURLs) Reason() string {
	return fmt.Sprintf("%d URLs like %s of %s are skipped: they look like a trap, because many pages in a row were duplicates of others", m.URLs, m.Pattern, m.Host)
}

// Insist says how to fetch them all the same.
func (m MutedURLs) Insist(job string) string {
	return fmt.Sprintf("to fetch them, crawl with --traps=false; or, to fetch those found from now on while the job runs: trawl host set %s %s --ask %s",
		job, m.Host, shellQuoted(m.Pattern))
}

// shellQuoted quotes a text as one word for a shell.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// SkippedText describes what was skipped, by rule: "279 traps, 12 scope"; "" for nothing.
func (c Counters) SkippedText() string {
	var parts []string
	for _, rule := range Rules {
		if n := c.Skipped[rule]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, rule))
		}
	}
	return strings.Join(parts, ", ")
}

// SortMuted sorts patterns: those with the most URLs first.
func SortMuted(all []MutedURLs) {
	slices.SortFunc(all, func(a, b MutedURLs) int {
		return cmp.Or(cmp.Compare(b.URLs, a.URLs), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Pattern, b.Pattern))
	})
}

// MutedName returns the name of a pattern of a host among the counters of a job.
// [ParseMutedName] parses it.
func (s Skipped) MutedName() string { return string(s.URL.Host()) + " " + s.Pattern }

// ParseMutedName parses what [Skipped.MutedName] formats.
func ParseMutedName(name string) (host Host, pattern string) {
	h, pattern, _ := strings.Cut(name, " ")
	return Host(h), pattern
}

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
		return fmt.Sprintf("trap: URLs like %s are skipped: the last %d of %d pages were duplicates of others", m.Pattern, m.Streak, m.Pages)
	}
	return fmt.Sprintf("trap: only one in %[2]d URLs like %[1]s is fetched: the last %[3]d of %[4]d pages were duplicates of others", m.Pattern, TrapOneIn, m.Streak, m.Pages)
}

// MutedPatterns returns the patterns that are skipped or sampled, from what HostHealth
// remembers.
func (s HostHealth) MutedPatterns() []Muted {
	var watched map[string]struct {
		Pages  int `json:"n"`
		Streak int `json:"s"`
	}
	if s.Traps == "" || json.Unmarshal([]byte(s.Traps), &watched) != nil {
		return nil
	}
	var all []Muted
	for pattern, w := range watched {
		if w.Streak >= TrapSample {
			all = append(all, Muted{Pattern: pattern, Pages: w.Pages, Streak: w.Streak, Muted: w.Streak >= TrapMute})
		}
	}
	slices.SortFunc(all, func(a, b Muted) int { return cmp.Compare(a.Pattern, b.Pattern) })
	return all
}
