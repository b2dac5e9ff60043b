package condition_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/condition"
)

func TestAConditionThatAFollowRuleCannotUseIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		where  string
		change func(*crawler.Job)
		why    string // "": it can be used
	}{
		{"status=200", nil, ""},
		{"language=deu", func(j *crawler.Job) { j.Text = true }, ""},
		{"quality.words>3", func(j *crawler.Job) { j.MinHash = true }, ""},
		{"hard=''", func(j *crawler.Job) { j.Format = []string{"markdown"} }, ""},
		{"simhash~^0", func(j *crawler.Job) { j.Simhash = true }, ""},
		{"language=deu", nil, "the pages of this job have no language: set text: true"},
		{"simhash~^0", nil, "the pages of this job have no simhash: set simhash: true"},
		{"text~x", func(j *crawler.Job) { j.Markdown = true }, "the pages of this job have no text: set text: true"},
		{"near_duplicate_of=''", nil, "near_duplicate_of is not known yet when the links of a page are followed"},
		{"status=", nil, "expected a value"},
	} {
		job := crawler.DefaultJob()
		job.FollowRules = []crawler.FollowRule{{}, {Where: c.where}}
		if c.change != nil {
			c.change(&job)
		}
		_, err := condition.NewFollowConditions(job, noon)
		var setting *crawler.SettingError
		switch {
		case c.why == "" && err != nil:
			t.Errorf("%s: %v", c.where, err)
		case c.why != "" && (!errors.As(err, &setting) || setting.Path != "follow_rules[1].where" ||
			!strings.Contains(setting.Reason, c.why)):
			t.Errorf("%s: %v, want %q", c.where, err, c.why)
		}
	}
}
