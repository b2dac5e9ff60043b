package crawler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/plain"
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
	return "", fmt.Errorf("%q is not a priority%s: want urgent, high, normal or low", s,
		plain.Suggest(s, priorityWords()))
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

// PriorityRule gives URLs a priority.
type PriorityRule struct {
	// Match is a regular expression (RE2) that the URL must match anywhere.
	Match string `json:"match" yaml:"match"`
	// Priority is the priority of URLs that match: urgent, high, normal or low.
	Priority Priority `json:"priority" yaml:"priority"`
}

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
