package visit_test

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
)

func TestTheDepthLimitOfAJob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		depth int
		rules []crawler.FollowRule
		want  int
	}{
		{"no limit", -1, nil, -1},
		{"only seeds", 0, []crawler.FollowRule{{Depth: 2}}, -1},
		{"the depth of the job", 3, nil, 3},
		{"the depth of the job, which bounds the rules", 3, []crawler.FollowRule{{Depth: 5}}, 3},
		{"the largest depth of a rule", -1, []crawler.FollowRule{{Depth: 2}, {}, {Depth: 4}}, 4},
		{"rules without a depth", -1, []crawler.FollowRule{{}, {To: "/a"}}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			job := crawler.DefaultJob()
			job.Depth, job.FollowRules = c.depth, c.rules
			if got := job.DepthLimit(); got != c.want {
				t.Errorf("the limit is %d, want %d", got, c.want)
			}
		})
	}
}

func TestTheLargestDepthOfMatchingRulesApplies(t *testing.T) {
	t.Parallel()
	follow, err := rules.NewFollowRules([]crawler.FollowRule{{To: "/a", Depth: 2}, {To: "/ab", Depth: 4}, {To: "/abc"},
		{Links: "nav a", Depth: 7}})
	check(t, err)
	set := follow.On(parseURL(t, "http://h.test/"))
	for url, want := range map[string]int{"http://h.test/a": 2, "http://h.test/ab": 4, "http://h.test/abc": -1,
		"http://h.test/x": 0} {
		most, followed := follow.Reach(set, rules.Link{URL: parseURL(t, url)})
		if most != want || followed != (want != 0) {
			t.Errorf("%s: followed up to depth %d, %v; want %d", url, most, followed, want)
		}
	}
	selected := rules.Link{URL: parseURL(t, "http://h.test/x"), Rules: rules.RuleSet(0).With(3)}
	if most, followed := follow.Reach(set, selected); most != 7 || !followed {
		t.Errorf("a selected link: followed up to depth %d, %v; want 7", most, followed)
	}
}
