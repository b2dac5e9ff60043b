package condition

import (
	"fmt"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// FollowConditions are the conditions of a job's follow rules, by rule. They are safe for
// concurrent use.
type FollowConditions struct {
	all    []Condition // of each rule; the zero Condition if it has none
	useful []string    // the large fields that they use
}

// large are the fields of a record that it would cost much to encode for every page.
var large = []string{"text", "markdown", "texts", "minhash"}

// unknown are the fields of a record that are not known when the links of its page are
// followed.
var unknown = []string{"duplicate_of", "near_duplicate_of", "items", "path", "seed_host", "error", "error_class",
	"change"}

// NewFollowConditions compiles the conditions of a job's follow rules. Times that they
// mention as ago are counted from now. The error is a [crawler.SettingError].
func NewFollowConditions(job crawler.Job, now time.Time) (FollowConditions, error) {
	var c FollowConditions
	for i, r := range job.FollowRules {
		if r.Where == "" {
			c.all = append(c.all, Condition{})
			continue
		}
		at := fmt.Sprintf("follow_rules[%d].where", i)
		parsed, err := Parse(r.Where, now)
		if err != nil {
			return FollowConditions{}, &crawler.SettingError{Path: at, Reason: err.Error()}
		}
		for _, f := range parsed.Fields() {
			if reason := unusable(f, job); reason != "" {
				return FollowConditions{}, &crawler.SettingError{Path: at, Reason: reason}
			}
			if slices.Contains(large, f.Top()) {
				c.useful = append(c.useful, f.Top())
			}
		}
		c.all = append(c.all, parsed)
	}
	return c, nil
}

// unusable says why a field has no value when the links of a page are followed; "" if it
// may have one.
func unusable(f Field, job crawler.Job) string {
	if slices.Contains(unknown, f.Top()) {
		return fmt.Sprintf("%s is not known yet when the links of a page are followed: compare another field", f.Name)
	}
	text := job.MainText()
	for _, need := range []struct {
		fields  []string
		met     bool
		setting string
	}{
		{[]string{"text"}, job.Text, "text"},
		{[]string{"markdown"}, job.Markdown, "markdown"},
		{[]string{"simhash"}, job.Simhash, "simhash"},
		{[]string{"minhash"}, job.MinHash, "minhash"},
		{[]string{"extractor", "text_share", "hard", "language", "declared_language", "quality", "texts"}, text,
			"text"},
	} {
		if slices.Contains(need.fields, f.Top()) && !need.met {
			return fmt.Sprintf("the pages of this job have no %s: set %s: true", f.Name, need.setting)
		}
	}
	return ""
}

// Hold returns the rules of a set whose condition the page of a result satisfies, and those
// without one.
func (c FollowConditions) Hold(set rules.RuleSet, r *fetched.Result) (held rules.RuleSet) {
	var page *Record
	for i, condition := range c.all {
		if !set.Has(i) {
			continue
		}
		if condition.root != nil && page == nil {
			page = c.record(r)
		}
		if ok, err := condition.Match(page); ok && err == nil { // a record that was just encoded can be decoded
			held = held.With(i)
		}
	}
	return held
}

// record returns the record of a page as far as the conditions use it.
func (c FollowConditions) record(r *fetched.Result) *Record {
	rec := r.Record(false)
	for _, field := range large {
		if slices.Contains(c.useful, field) {
			continue
		}
		switch field {
		case "text":
			rec.Text = ""
		case "markdown":
			rec.Markdown = ""
		case "texts":
			rec.Texts = nil
		case "minhash":
			rec.MinHash = nil
		}
	}
	page, err := Of(rec)
	if err != nil { // a field that JSON cannot express: nothing of the page is known
		return &Record{Line: []byte("{}")}
	}
	return page
}
