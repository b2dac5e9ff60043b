package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// The bounds of a continuous job.
const (
	maxRecrawlBudget = 1e9 // fetches a day
	maxRecrawlValue  = 1000
	maxRecrawlSpan   = 365 * 24 * time.Hour
	// FingerprintBits is how many bits of a page's fingerprint are kept, by which a change is told:
	// the lower half of the one that package change compares whole. It saves four bytes of Redis for
	// each page, and half of the distance says the same of all but the smallest changes; see
	// docs/recrawl.md.
	FingerprintBits = 32
)

// checkRecrawl checks the settings of a continuous job.
func checkRecrawl(j crawler.Job) error {
	set := j.Recrawl
	if set.IsZero() {
		return nil
	}
	r := set.WithDefaults()
	perDay := r.Budget.PerDay()
	switch {
	case !r.On():
		return settingError("recrawl.budget", "%q is empty: write how many URLs may be fetched in a time, as in 5000/day",
			r.Budget)
	case !(perDay > 0 && perDay <= maxRecrawlBudget):
		return settingError("recrawl.budget", "%q is out of range: want at most %d fetches a day", r.Budget,
			int64(maxRecrawlBudget))
	case r.Min < time.Second:
		return settingError("recrawl.min", "%q is out of range: want 1s or more", r.Min)
	case r.Max > maxRecrawlSpan:
		return settingError("recrawl.max", "%q is out of range: want at most 365d", r.Max)
	case r.Min > r.Max:
		return settingError("recrawl.min", "%q is longer than max, %q: want a shorter time", r.Min, r.Max)
	case r.Distance < 1 || r.Distance > FingerprintBits:
		return settingError("recrawl.distance", "%q is out of range: want 1 to %d", fmt.Sprint(r.Distance), FingerprintBits)
	case j.Schedule != "":
		return settingError("recrawl", "%q: a job with a schedule starts from the beginning in each run: leave out one of them",
			r.Budget)
	case j.NearDuplicates != "":
		return settingError("near_duplicates", "%q: in a job with recrawl, a page would resemble its own earlier versions: leave it out",
			string(j.NearDuplicates))
	}
	_, err := NewPageValues(set)
	return err
}

// PageValues say how much the pages of a continuous job matter. The zero value says that all
// matter equally. They are safe for concurrent use.
type PageValues []pageValue

type pageValue struct {
	match *regexp.Regexp
	value float64
}

// NewPageValues compiles the values of a job. The error is a [crawler.SettingError].
func NewPageValues(r crawler.Recrawl) (PageValues, error) {
	if len(r.Value) > MaxPriorityRules {
		return nil, settingError("recrawl.value", "there are %d: want at most %d", len(r.Value), MaxPriorityRules)
	}
	values := make(PageValues, 0, len(r.Value))
	for _, pattern := range slices.Sorted(maps.Keys(r.Value)) {
		at, value := fmt.Sprintf("recrawl.value[%q]", pattern), r.Value[pattern]
		if pattern == "" {
			return nil, settingError(at, "%q is empty: want a regular expression", pattern)
		}
		match, err := compilePattern(at, pattern)
		if err != nil {
			return nil, err
		}
		if !(value >= 0 && value <= maxRecrawlValue) { // NaN fails both comparisons
			return nil, settingError(at, "%q is out of range: want 0 (not fetched again) to %d", fmt.Sprint(value),
				maxRecrawlValue)
		}
		values = append(values, pageValue{match, value})
	}
	return values, nil
}

// Of returns how much a page matters: 1 if nothing is said about it, 0 if it is not to be
// fetched again.
func (v PageValues) Of(u crawler.URL) float64 {
	value, said := 0.0, false
	for _, p := range v {
		if (!said || p.value > value) && p.match.MatchString(u.String()) {
			value, said = p.value, true
		}
	}
	if !said {
		return 1
	}
	return value
}
