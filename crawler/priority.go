package crawler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Priority says which URLs of a host are fetched before others: those of a higher priority
// first, and within a priority in the order in which they were admitted. A host that has
// urgent URLs is visited before other hosts of the job that are due. "" is the usual
// priority: high for seeds, normal for links, low for most pages that sitemaps list. A URL
// keeps the priority with which it was first admitted, even when it is retried.
type Priority string

// The priorities, the highest first.
const (
	PriorityUrgent Priority = "urgent"
	PriorityHigh   Priority = "high"
	PriorityNormal Priority = "normal"
	PriorityLow    Priority = "low"
)

// Priorities lists the priorities, the highest first.
var Priorities = []Priority{PriorityUrgent, PriorityHigh, PriorityNormal, PriorityLow}

// ParsePriority parses a priority. "" is the usual one.
func ParsePriority(s string) (Priority, error) {
	if p := Priority(s); s == "" || slices.Contains(Priorities, p) {
		return p, nil
	}
	return "", fmt.Errorf("%q is not a priority%s: want urgent, high, normal or low", s, Suggest(s, priorityWords()))
}

// priorityWords returns the priorities as strings.
func priorityWords() (words []string) {
	for _, p := range Priorities {
		words = append(words, string(p))
	}
	return words
}

// Set parses the value of a flag.
func (p *Priority) Set(s string) (err error) {
	*p, err = ParsePriority(s)
	return err
}

// String returns the priority as a word; "" for the usual one.
func (p Priority) String() string { return string(p) }

// Type describes the value of a flag.
func (Priority) Type() string { return "priority" }

// Band returns the band for URLs of this priority; for the usual priority, it returns
// usual.
func (p Priority) Band(usual Band) Band {
	if i := slices.Index(Priorities, p); i >= 0 {
		return BandOrder[i]
	}
	return usual
}

// PriorityRule gives URLs a priority.
type PriorityRule struct {
	// Match is a regular expression (RE2) that the URL must match anywhere.
	Match string `json:"match" yaml:"match"`
	// Priority is the priority of URLs that match: urgent, high, normal or low.
	Priority Priority `json:"priority" yaml:"priority"`
}

// MaxPriorityRules is the largest number of priority rules that a job may have.
const MaxPriorityRules = 64

// ParsePriorityRule parses the short form of a rule: "urgent=REGEXP".
func ParsePriorityRule(short string) (PriorityRule, error) {
	word, match, ok := strings.Cut(short, "=")
	if !ok || word == "" {
		return PriorityRule{}, fmt.Errorf("%q is not a rule: write PRIORITY=REGEXP, as in urgent=/news/", short)
	}
	p, err := ParsePriority(word)
	return PriorityRule{match, p}, err
}

// plainRule is a rule without its short form.
type plainRule PriorityRule

// UnmarshalYAML decodes a rule, or its short form.
func (r *PriorityRule) UnmarshalYAML(unmarshal func(any) error) (err error) {
	var short string
	if unmarshal(&short) == nil {
		*r, err = ParsePriorityRule(short)
		return err
	}
	return unmarshal((*plainRule)(r))
}

// UnmarshalJSON decodes a rule, or its short form. An unknown key is an error.
func (r *PriorityRule) UnmarshalJSON(text []byte) (err error) {
	var short string
	if json.Unmarshal(text, &short) == nil {
		*r, err = ParsePriorityRule(short)
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plainRule)(r))
}

// PriorityRules are the compiled rules of a job. They are safe for concurrent use.
type PriorityRules []priorityRule

type priorityRule struct {
	match *regexp.Regexp
	band  Band
}

// NewPriorityRules compiles the rules of a job. The error is a [SettingError].
func NewPriorityRules(rules []PriorityRule) (PriorityRules, error) {
	if len(rules) > MaxPriorityRules {
		return nil, settingError("priorities", "there are %d: want at most %d", len(rules), MaxPriorityRules)
	}
	all := make(PriorityRules, len(rules))
	for i, r := range rules {
		at := fmt.Sprintf("priorities[%d]", i)
		if r.Match == "" {
			return nil, settingError(at+".match", "%q is empty: want a regular expression", r.Match)
		}
		match, err := compilePattern(at+".match", r.Match)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(Priorities, r.Priority) {
			return nil, settingError(at+".priority", "%q is not a priority: want urgent, high, normal or low", r.Priority)
		}
		all[i] = priorityRule{match, r.Priority.Band(BandNormal)}
	}
	return all, nil
}

// Band returns the band of the first rule that a URL matches; if it matches none, it
// returns usual.
func (rules PriorityRules) Band(u URL, usual Band) Band {
	for _, r := range rules {
		if r.match.MatchString(u.href) {
			return r.band
		}
	}
	return usual
}
