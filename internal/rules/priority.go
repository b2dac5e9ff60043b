package rules

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// MaxPriorityRules is the largest number of priority rules that a job may have.
const MaxPriorityRules = 64

// PriorityRules are the compiled rules of a job. They are safe for concurrent use.
type PriorityRules []priorityRule

type priorityRule struct {
	match *regexp.Regexp
	band  queue.Band
}

// NewPriorityRules compiles the rules of a job. The error is a [crawler.SettingError].
func NewPriorityRules(rules []crawler.PriorityRule) (PriorityRules, error) {
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
		if !slices.Contains(queue.Priorities[:], r.Priority) {
			return nil, settingError(at+".priority",
				"%q is not a priority: want urgent, high, normal or low", r.Priority)
		}
		all[i] = priorityRule{match, queue.BandOf(r.Priority, queue.BandNormal)}
	}
	return all, nil
}

// Band returns the band of the first rule that a URL matches; if it matches none, it
// returns usual.
func (rules PriorityRules) Band(u crawler.URL, usual queue.Band) queue.Band {
	for _, r := range rules {
		if r.match.MatchString(u.String()) {
			return r.band
		}
	}
	return usual
}
