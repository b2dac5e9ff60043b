package crawler

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheFirstRuleThatMatchesGivesThePriority(t *testing.T) {
	t.Parallel()
	rules, err := NewPriorityRules([]PriorityRule{{`\.pdf$`, PriorityLow}, {"/news/", PriorityUrgent}, {"/news/old", PriorityNormal}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Band{"/news/a.pdf": BandLow, "/news/old": BandUrgent, "/": BandFirst} {
		if got := rules.Band(mustURL(t, "http://a.test"+path), BandFirst); got != want {
			t.Errorf("%s is in band %d, want %d", path, got, want)
		}
	}
}

func TestEachBandHasAPriority(t *testing.T) {
	t.Parallel()
	for _, band := range BandOrder {
		if got := band.Priority().Band(Bands); got != band {
			t.Errorf("the priority of band %d is that of band %d", band, got)
		}
	}
	if got := Priority("").Band(BandLow); got != BandLow {
		t.Errorf("no priority is band %d", got)
	}
}

func TestPrioritiesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rules []PriorityRule
		says  string
	}{
		{[]PriorityRule{{"", PriorityLow}}, `priorities[0].match: "" is empty`},
		{[]PriorityRule{{"a", PriorityLow}, {"(", PriorityLow}}, `priorities[1].match: "(" is not a regular expression`},
		{[]PriorityRule{{"a", ""}}, `priorities[0].priority: "" is not a priority: want urgent, high, normal or low`},
		{slices.Repeat([]PriorityRule{{"a", PriorityLow}}, MaxPriorityRules+1), "priorities: there are 65"},
	} {
		job := DefaultJob()
		job.Name, job.Priorities = "news", c.rules
		var setting *SettingError
		if err := job.Validate(); !errors.As(err, &setting) || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%v: %v, want %s", c.rules, err, c.says)
		}
	}
}

func TestAListOfSeedsIsGivenAPriority(t *testing.T) {
	t.Parallel()
	var got []string
	for line, err := range Prioritized(func(yield func(string, error) bool) {
		for _, line := range []string{"http://a.test/", "", `{"url": "http://b.test/", "priority": "low"}`, `{"url": "http://c.test/"}`, "{no seed}"} {
			if !yield(line, nil) {
				return
			}
		}
	}, PriorityUrgent) {
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
