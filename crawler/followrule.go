package crawler

import (
	"fmt"
	"regexp"
)

// FollowRule says which links of the pages of one kind are followed. A job that
// has such rules follows no others: all that fit a page apply together, and a page
// that none fits leads nowhere. Of what they take, the scope of the job goes on to
// refuse what it refuses.
type FollowRule struct {
	// Match is a regular expression (RE2) that the URL of the page must match
	// anywhere, after redirects. Default "": every page.
	Match string `json:"match,omitempty" yaml:"match"`
	// Links is a CSS selector: links that it selects, or that are within what it
	// selects, are followed. Default "": all.
	Links string `json:"links,omitempty" yaml:"links"`
	// To is a regular expression that the URL of the link must match anywhere.
	// Default "": every URL.
	To string `json:"to,omitempty" yaml:"to"`
	// Depth is how many links away from a seed may be what the rule follows; the
	// job's own Depth holds besides. Default 0: no limit.
	Depth int `json:"depth,omitempty" yaml:"depth"`
}

// MostFollowRules is how many rules a job may have.
const MostFollowRules = 64

// RuleSet is a set of a job's follow rules, by their places.
type RuleSet uint64

// With returns the set with rule i in it.
func (s RuleSet) With(i int) RuleSet { return s | 1<<i }

// Has reports whether rule i is in the set.
func (s RuleSet) Has(i int) bool { return s&(1<<i) != 0 }

// FollowRules are a job's, compiled. They are safe for concurrent use.
type FollowRules []struct {
	FollowRule
	match, to *regexp.Regexp // nil for everything
}

// NewFollowRules compiles the rules of a job. The error is a [SettingError].
func NewFollowRules(rules []FollowRule) (FollowRules, error) {
	if len(rules) > MostFollowRules {
		return nil, settingError("follow_rules", "there are %d: want at most %d", len(rules), MostFollowRules)
	}
	all := make(FollowRules, len(rules))
	for i, r := range rules {
		at := fmt.Sprintf("follow_rules[%d]", i)
		all[i].FollowRule = r
		var err error
		if all[i].match, err = compilePattern(at+".match", r.Match); err != nil {
			return nil, err
		}
		if all[i].to, err = compilePattern(at+".to", r.To); err != nil {
			return nil, err
		}
		if r.Depth < 0 {
			return nil, settingError(at+".depth", "%d is out of range: want 0 (no limit) or more", r.Depth)
		}
	}
	return all, nil
}

// On returns the rules that apply to a page.
func (rules FollowRules) On(page URL) (set RuleSet) {
	for i, r := range rules {
		if r.match == nil || r.match.MatchString(page.href) {
			set = set.With(i)
		}
	}
	return set
}

// Take returns which of the rules in a set follow a link that is so many links away
// from a seed. What the scope of the job says of it is another matter.
func (rules FollowRules) Take(set RuleSet, l Link, depth int) (by RuleSet) {
	for i, r := range rules {
		if set.Has(i) && (r.Links == "" || l.Rules.Has(i)) && (r.Depth == 0 || depth <= r.Depth) &&
			(r.to == nil || r.to.MatchString(l.URL.href)) {
			by = by.With(i)
		}
	}
	return by
}

// Reach returns whether one of the rules in a set follows a link, and up to which
// depth; -1 for any.
func (rules FollowRules) Reach(set RuleSet, l Link) (most int, followed bool) {
	for i, r := range rules {
		if !set.Has(i) || r.Links != "" && !l.Rules.Has(i) || r.to != nil && !r.to.MatchString(l.URL.href) {
			continue
		}
		if r.Depth == 0 {
			return -1, true
		}
		most, followed = max(most, r.Depth), true
	}
	return most, followed
}

// nearer returns the smaller one of two depths, of which -1 is any.
func nearer(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// compilePattern compiles a regular expression that may be left out. Nil matches
// everything.
func compilePattern(at, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, settingError(at, "%q is not a regular expression: %v", pattern, err)
	}
	return re, nil
}

func checkPattern(at, pattern string) error {
	_, err := compilePattern(at, pattern)
	return err
}
