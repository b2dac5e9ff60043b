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

// priorities lists the priorities, the highest first.
var priorities = []Priority{PriorityUrgent, PriorityHigh, PriorityNormal, PriorityLow}

// Validate returns an error if p is neither one of the priorities nor "".
func (p Priority) Validate() error {
	if p == "" || slices.Contains(priorities, p) {
		return nil
	}
	var words []string
	for _, word := range priorities {
		words = append(words, string(word))
	}
	return fmt.Errorf("%q is not a priority%s: want urgent, high, normal or low", string(p),
		plain.Suggest(string(p), words))
}

// Set parses the value of a flag. "" is the usual priority.
func (p *Priority) Set(s string) error {
	if err := Priority(s).Validate(); err != nil {
		return err
	}
	*p = Priority(s)
	return nil
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

// Set parses the short form of a rule: "urgent=REGEXP".
func (r *PriorityRule) Set(short string) error {
	word, match, ok := strings.Cut(short, "=")
	if !ok || word == "" {
		return fmt.Errorf("%q is not a rule: write PRIORITY=REGEXP, as in urgent=/news/", short)
	}
	r.Match = match
	return r.Priority.Set(word)
}

// plainRule is a rule without its short form.
type plainRule PriorityRule

// UnmarshalYAML decodes a rule, or its short form.
func (r *PriorityRule) UnmarshalYAML(unmarshal func(any) error) error {
	var short string
	if unmarshal(&short) == nil {
		return r.Set(short)
	}
	return unmarshal((*plainRule)(r))
}

// UnmarshalJSON decodes a rule, or its short form. An unknown key is an error.
func (r *PriorityRule) UnmarshalJSON(text []byte) error {
	var short string
	if json.Unmarshal(text, &short) == nil {
		return r.Set(short)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plainRule)(r))
}
