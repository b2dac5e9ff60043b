package queue

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Rule is a rule by which a URL is skipped: found, but not fetched. Skipped URLs are counted by
// rule, and listed if the job asks for it.
type Rule string

// The rules. Those that are settings have the name of the setting.
const (
	RuleScope          Rule = "scope"
	RuleResourceScope  Rule = "resource_scope"
	RuleInclude        Rule = "include"
	RuleExclude        Rule = "exclude"
	RuleDepth          Rule = "depth"
	RuleFollowRules    Rule = "follow_rules"
	RuleURLLength      Rule = "max_url_length"
	RuleRepeats        Rule = "max_repeats"
	RuleParams         Rule = "max_params"
	RuleTraps          Rule = "traps"
	RulePagesPerHost   Rule = "pages_per_host"
	RuleRobots         Rule = "robots"          // robots.txt forbids it, or could not be fetched
	RuleRights         Rule = "rights"          // robots.txt or tdmrep.json reserves it for the job's purpose
	RuleNoFollow       Rule = "nofollow"        // the page, or the link, asks crawlers not to follow it
	RuleNearDuplicates Rule = "near_duplicates" // the page is a near duplicate, whose links are not followed
	RuleEmbeds         Rule = "embeds"          // too many resources in a row
	RuleSitemaps       Rule = "sitemaps"        // too many indexes of sitemaps in a row
)

// Rules lists the rules, in the order in which they are shown.
var Rules = []Rule{
	RuleTraps, RuleRobots, RuleRights, RuleNoFollow, RulePagesPerHost, RuleDepth, RuleInclude, RuleExclude,
	RuleFollowRules,
	RuleURLLength, RuleRepeats, RuleParams, RuleScope, RuleResourceScope, RuleEmbeds, RuleSitemaps,
	RuleNearDuplicates,
}

// SkipReason is why a URL is skipped. The zero SkipReason means that it is not.
type SkipReason struct {
	Rule   Rule
	Reason string // for people to read
}

// Skipped is a URL that is skipped.
type Skipped struct {
	URL      crawler.URL
	Referrer crawler.URL // where it was found; zero for a seed
	Depth    int         // the depth that it would have
	Pattern  string      // for RuleTraps, the pattern that is skipped or sampled
	SkipReason
}

// SkippedText describes what was skipped, by rule: "279 traps, 12 scope"; "" for nothing.
func SkippedText(c crawler.Counters) string {
	var parts []string
	for _, rule := range Rules {
		if n := c.Skipped[string(rule)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, rule))
		}
	}
	return strings.Join(parts, ", ")
}

// Cause is how many URLs failed for one reason.
type Cause struct {
	Name string // "HTTP 404", or an error class
	URLs int64
}

// CausesOf lists why URLs failed, the most frequent cause first.
func CausesOf(c crawler.Counters) (all []Cause) {
	for name, urls := range c.Causes {
		if urls <= 0 { // all of them were queued again
			continue
		}
		if _, err := strconv.Atoi(name); err == nil {
			name = "HTTP " + name
		}
		all = append(all, Cause{name, urls})
	}
	slices.SortFunc(all, func(a, b Cause) int { return cmp.Or(cmp.Compare(b.URLs, a.URLs), cmp.Compare(a.Name, b.Name)) })
	return all
}

// maxCauses is how many causes a line of text names.
const maxCauses = 6

// CausesText describes why URLs failed: "HTTP 404: 20, timeout: 3"; "" for none.
func CausesText(c crawler.Counters) string {
	var parts []string
	all := CausesOf(c)
	for _, cause := range all[:min(len(all), maxCauses)] {
		parts = append(parts, fmt.Sprintf("%s: %d", cause.Name, cause.URLs))
	}
	if more := len(all) - maxCauses; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// SortTraps sorts patterns: those with the most URLs first.
func SortTraps(all []crawler.TrapURLs) {
	slices.SortFunc(all, func(a, b crawler.TrapURLs) int {
		return cmp.Or(cmp.Compare(b.URLs, a.URLs), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Pattern, b.Pattern))
	})
}

// TrapName returns the name of a pattern of a host among the counters of a job.
// [ParseTrapName] parses it.
func (s Skipped) TrapName() string { return string(s.URL.Host()) + " " + s.Pattern }

// ParseTrapName parses what [Skipped.TrapName] formats.
func ParseTrapName(name string) (host crawler.Host, pattern string) {
	h, pattern, _ := strings.Cut(name, " ")
	return crawler.Host(h), pattern
}

// TrapPatterns returns the patterns that are skipped or sampled, from what HostHealth
// remembers.
func (s HostHealth) TrapPatterns() []crawler.Trap {
	var watched map[string]struct {
		Pages  int `json:"n"`
		Streak int `json:"s"`
	}
	if s.Traps == "" || json.Unmarshal([]byte(s.Traps), &watched) != nil {
		return nil
	}
	var all []crawler.Trap
	for pattern, w := range watched {
		if w.Streak >= TrapSample {
			all = append(all, crawler.Trap{Pattern: pattern, Pages: w.Pages, Streak: w.Streak,
				Skipped: w.Streak >= TrapSkip})
		}
	}
	slices.SortFunc(all, func(a, b crawler.Trap) int { return cmp.Compare(a.Pattern, b.Pattern) })
	return all
}
