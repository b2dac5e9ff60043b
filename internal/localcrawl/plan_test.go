package localcrawl

import (
	"slices"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestALargerBudgetExtendsTheJobThatItEnded(t *testing.T) {
	t.Parallel()
	was := crawler.Status{Reason: "budget of pages",
		Job: crawler.Job{BudgetSettings: crawler.BudgetSettings{Pages: 10, Bytes: 10}}}
	for _, c := range []struct {
		job    crawler.Job
		reason string
		want   bool
	}{
		{crawler.Job{BudgetSettings: crawler.BudgetSettings{Pages: 11}}, "budget of pages", true},
		{crawler.Job{}, "budget of pages", true}, // no limit
		{crawler.Job{BudgetSettings: crawler.BudgetSettings{Pages: 10}}, "budget of pages", false},
		{crawler.Job{BudgetSettings: crawler.BudgetSettings{Pages: 9}}, "budget of pages", false},
		{crawler.Job{BudgetSettings: crawler.BudgetSettings{Pages: 10, Bytes: 20}}, "budget of pages", false},
		{crawler.Job{BudgetSettings: crawler.BudgetSettings{Pages: 10, Bytes: 20}}, "budget of bytes", true},
		{crawler.Job{BudgetSettings: crawler.BudgetSettings{Pages: 11}}, "", false},
	} {
		was.Reason = c.reason
		if got := extends(c.job.BudgetSettings, was); got != c.want {
			t.Errorf("budgets of %d pages and %d bytes extend a job that ended with %q: %v", c.job.Pages, c.job.Bytes,
				c.reason, got)
		}
	}
}

func TestSeedsThatAreAddedMakeAJobGrow(t *testing.T) {
	t.Parallel()
	was := []string{"a", "b"}
	for _, c := range []struct {
		now  []string
		want bool
	}{{[]string{"a", "b", "c"}, true}, {[]string{"c", "b", "a"}, true}, {was, false}, {[]string{"a", "c", "d"}, false},
		{[]string{"a"}, false}} {
		if got := grown(was, c.now); got != c.want {
			t.Errorf("%v has grown to %v: %v", was, c.now, got)
		}
	}
}

func TestSettingsThatCannotChangeAreNamed(t *testing.T) {
	t.Parallel()
	was := crawler.DefaultJob()
	was.Handlers = []string{"shop"}
	for _, c := range []struct {
		change func(*crawler.Job)
		want   []string
	}{
		{func(j *crawler.Job) { j.Delay, j.Retries, j.Pages = 0, 9, 7 }, nil},
		{func(j *crawler.Job) { j.Handlers = []string{"shop", "more"} }, nil},
		{func(j *crawler.Job) { j.Handlers = nil }, []string{"handlers"}},
		{func(j *crawler.Job) { j.Depth, j.Scope = 3, crawler.ScopeAny }, []string{"scope", "depth"}},
	} {
		now := was
		c.change(&now)
		if got := different(was, now); !slices.Equal(got, c.want) {
			t.Errorf("the settings %v differ, want %v", got, c.want)
		}
	}
}
