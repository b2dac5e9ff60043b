package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/seedfile"
)

func TestTheFirstRuleThatMatchesGivesThePriority(t *testing.T) {
	t.Parallel()
	rules, err := NewPriorityRules([]crawler.PriorityRule{{Match: `\.pdf$`, Priority: crawler.PriorityLow},
		{Match: "/news/", Priority: crawler.PriorityUrgent}, {Match: "/news/old", Priority: crawler.PriorityNormal}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]queue.Band{"/news/a.pdf": queue.BandLow, "/news/old": queue.BandUrgent,
		"/": queue.BandFirst} {
		if got := rules.Band(mustURL(t, "http://a.test"+path), queue.BandFirst); got != want {
			t.Errorf("%s is in band %d, want %d", path, got, want)
		}
	}
}

func TestEachBandHasAPriority(t *testing.T) {
	t.Parallel()
	for _, band := range queue.BandOrder {
		if got := queue.BandOf(band.Priority(), queue.Bands); got != band {
			t.Errorf("the priority of band %d is that of band %d", band, got)
		}
	}
	if got := queue.BandOf(crawler.Priority(""), queue.BandLow); got != queue.BandLow {
		t.Errorf("no priority is band %d", got)
	}
}

func TestPrioritiesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rules []crawler.PriorityRule
		says  string
	}{
		{[]crawler.PriorityRule{{Match: "", Priority: crawler.PriorityLow}}, `priorities[0].match: "" is empty`},
		{[]crawler.PriorityRule{{Match: "a", Priority: crawler.PriorityLow},
			{Match: "(", Priority: crawler.PriorityLow}}, `priorities[1].match: "(" is not a regular expression`},
		{[]crawler.PriorityRule{{Match: "a", Priority: ""}},
			`priorities[0].priority: "" is not a priority: want urgent, high, normal or low`},
		{slices.Repeat([]crawler.PriorityRule{{Match: "a", Priority: crawler.PriorityLow}}, MaxPriorityRules+1),
			"priorities: there are 65"},
	} {
		job := crawler.DefaultJob()
		job.Name, job.Priorities = "news", c.rules
		var setting *crawler.SettingError
		if err := Validate(job); !errors.As(err, &setting) || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%v: %v, want %s", c.rules, err, c.says)
		}
	}
}

func TestAListOfSeedsIsGivenAPriority(t *testing.T) {
	t.Parallel()
	var got []string
	for line, err := range seedfile.Prioritized(func(yield func(string, error) bool) {
		for _, line := range []string{"http://a.test/", "", `{"url": "http://b.test/", "priority": "low"}`,
			`{"url": "http://c.test/"}`, "{no seed}"} {
			if !yield(line, nil) {
				return
			}
		}
	}, crawler.PriorityUrgent) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	want := []string{
		`{"url":"http://a.test/","priority":"urgent"}`, "", `{"url": "http://b.test/", "priority": "low"}`,
		`{"url":"http://c.test/","priority":"urgent"}`, "{no seed}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
