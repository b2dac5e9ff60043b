package main

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTheTimeLeftIsBoundedByEachBudget(t *testing.T) {
	t.Parallel()
	counters := crawler.Counters{
		Waiting: 990, Flight: 10, Seen: 1100, Hosts: 4, Bytes: 1_000_000,
		Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 80, crawler.OutcomeGone: 20},
	}
	usual := pace{pages: 8, settled: 10, bytes: 100_000}
	for name, c := range map[string]struct {
		set  func(*crawler.Status)
		pace pace
		want string
	}{
		"no budget": {func(*crawler.Status) {}, usual, "at least 1m40s left"},
		"pages": {
			func(s *crawler.Status) { s.Job.Pages = 200 }, usual, "at least 12s left, at most 15s",
		},
		"more pages than waiting URLs": {
			func(s *crawler.Status) { s.Job.Pages = 100_000 }, usual, "at least 1m40s left, at most 3h29m0s",
		},
		"one page left": {
			func(s *crawler.Status) { s.Job.Pages = 81 }, usual, "at least 0s left, at most 1s",
		},
		"a spent budget of pages": {func(s *crawler.Status) { s.Job.Pages = 50 }, usual, "at least 0s left"},
		"bytes": {
			func(s *crawler.Status) { s.Job.Bytes = 1_550_000 }, usual, "at least 5s left, at most 6s",
		},
		"time": {
			func(s *crawler.Status) {
				s.Job.Time, s.Ran = time.Minute, 53*time.Second
			}, usual, "at least 7s left",
		},
		"a spent budget of time": {
			func(s *crawler.Status) {
				s.Job.Time, s.Ran = time.Minute, time.Hour
			}, usual, "at least 0s left",
		},
		"pages per host": {
			func(s *crawler.Status) { s.Job.PagesPerHost = 50 }, usual, "at least 12s left",
		},
		"the first of several": {
			func(s *crawler.Status) { s.Job.Pages, s.Job.PagesPerHost, s.Job.Bytes = 500, 30, 9_000_000 }, usual,
			"at least 4s left, at most 53s",
		},
		"nothing settled yet": {func(*crawler.Status) {}, pace{}, "time left unknown"},
		"nothing settled yet, and time": {
			func(s *crawler.Status) { s.Job.Time = time.Hour }, pace{}, "at most 1h0m0s left",
		},
		"long": {func(*crawler.Status) {}, pace{settled: 0.5}, "at least 33m0s left"},
		"pages that come slower than URLs are settled": {
			func(s *crawler.Status) { s.Job.Pages = 200 }, pace{pages: 2, settled: 10},
			"at least 12s left, at most 1m0s",
		},
		"time for a part of the waiting URLs": {
			func(s *crawler.Status) {
				s.Job.Time, s.Ran = time.Hour, time.Minute
			}, pace{settled: 0.5}, "at least 33m0s left, at most 59m0s",
		},
		"a list": {
			func(s *crawler.Status) { s.Job.Follow, s.Seeded = false, true }, usual, "at least 1m40s left",
		},
		"a list that is still being read": {
			func(s *crawler.Status) { s.Job.Follow, s.Job.Pages = false, 2080 }, usual,
			"at least 1m40s left, at most 4m10s",
		},
		"a budget is spent": {
			func(s *crawler.Status) { s.Ending = "pages" }, usual, "budget of pages spent: the last visits end",
		},
		"no bytes came, and a budget of": {
			func(s *crawler.Status) { s.Job.Bytes = 1_550_000 }, pace{settled: 10}, "at least 1m40s left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := crawler.Status{Job: crawler.DefaultJob()}
			c.set(&job)
			if got := leftText(job, counters, c.pace); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := leftText(crawler.Status{}, crawler.Counters{}, usual); got != "nothing waits" {
		t.Errorf("with nothing waiting, got %q", got)
	}
}

func TestTheRateStartsAtTheFirstPage(t *testing.T) {
	t.Parallel()
	at := time.Now()
	var samples []sample
	for second, settled := range []int64{0, 0, 0, 0, 5, 10} {
		samples = append(samples, sample{at: at.Add(time.Duration(second) * time.Second), pages: settled,
			settled: settled, bytes: 100 * settled})
	}
	if got := paceOf(samples); got != (pace{pages: 5, settled: 5, bytes: 500}) {
		t.Errorf("the rate is %+v", got)
	}
	if got := paceOf(samples[:5]); got != (pace{}) {
		t.Errorf("for the samples up to the first page, the rate is %+v", got)
	}
	if got := paceOf([]sample{samples[0], {at: at.Add(10 * time.Second), pages: 5,
		settled: 5}}); got != (pace{pages: 0.5, settled: 0.5}) {
		t.Errorf("over ten seconds, the rate is %+v", got)
	}
	if got := paceOf(samples[:1]); got != (pace{}) {
		t.Errorf("for one sample, the rate is %+v", got)
	}
}
