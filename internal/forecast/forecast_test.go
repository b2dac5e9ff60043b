package forecast

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
	usual := Pace{Pages: 8, Settled: 10, Bytes: 100_000}
	for name, c := range map[string]struct {
		set  func(*crawler.Status)
		pace Pace
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
		"nothing settled yet": {func(*crawler.Status) {}, Pace{}, "time left unknown"},
		"nothing settled yet, and time": {
			func(s *crawler.Status) { s.Job.Time = time.Hour }, Pace{}, "at most 1h0m0s left",
		},
		"long": {func(*crawler.Status) {}, Pace{Settled: 0.5}, "at least 33m0s left"},
		"pages that come slower than URLs are settled": {
			func(s *crawler.Status) { s.Job.Pages = 200 }, Pace{Pages: 2, Settled: 10},
			"at least 12s left, at most 1m0s",
		},
		"time for a part of the waiting URLs": {
			func(s *crawler.Status) {
				s.Job.Time, s.Ran = time.Hour, time.Minute
			}, Pace{Settled: 0.5}, "at least 33m0s left, at most 59m0s",
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
			func(s *crawler.Status) { s.Job.Bytes = 1_550_000 }, Pace{Settled: 10}, "at least 1m40s left",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := crawler.Status{Job: crawler.DefaultJob()}
			c.set(&job)
			e := estimate(job, counters, trend{slow: c.pace, fast: c.pace}, nil)
			if got := Left(job, counters, e); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := Left(crawler.Status{}, crawler.Counters{}, Estimate{}); got != "nothing waits" {
		t.Errorf("with nothing waiting, got %q", got)
	}
}

func TestTheRateStartsAtTheFirstPage(t *testing.T) {
	t.Parallel()
	at := time.Now()
	var samples []Sample
	for second, settled := range []int64{0, 0, 0, 0, 5, 10} {
		samples = append(samples, Sample{At: at.Add(time.Duration(second) * time.Second), Pages: settled,
			Settled: settled, Bytes: 100 * settled})
	}
	if got := PaceOf(samples); got != (Pace{Pages: 5, Settled: 5, Bytes: 500}) {
		t.Errorf("the rate is %+v", got)
	}
	if got := PaceOf(samples[:5]); got != (Pace{}) {
		t.Errorf("for the samples up to the first page, the rate is %+v", got)
	}
	if got := PaceOf([]Sample{samples[0], {At: at.Add(10 * time.Second), Pages: 5,
		Settled: 5}}); got != (Pace{Pages: 0.5, Settled: 0.5}) {
		t.Errorf("over ten seconds, the rate is %+v", got)
	}
	if got := PaceOf(samples[:1]); got != (Pace{}) {
		t.Errorf("for one sample, the rate is %+v", got)
	}
}
