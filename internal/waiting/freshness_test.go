package waiting

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTheFreshnessOfAJobIsSaidInPlainWords(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	f := crawler.Freshness{At: at, Pages: 10, UpToDate: 0.934, Oldest: at.Add(-50 * time.Hour), Budget: 500, Used: 480,
		Enough: 731, Wanted: 0.95}
	fast := f
	fast.Enough = 0
	for _, c := range []struct{ got, want string }{
		{FreshText(f), "about 93 % of the pages are up to date, the oldest was fetched 2 days ago"},
		{FreshText(crawler.Freshness{}), "not known yet, because it is computed about once a minute"},
		{BudgetText(f), "480 of 500 fetches in the last day; 731 a day would keep 95 % of the pages up to date"},
		{BudgetText(fast), "480 of 500 fetches in the last day; no budget would keep 95 % of the pages up to date, because many change faster than min allows"},
		{BudgetText(crawler.Freshness{Budget: 0.5}), "0 of 1 fetches in the last day"},
		{AgainText(crawler.Counters{Tracked: 10, Again: 31, Changed: 7, Unchanged: 23, Back: 2}),
			"10 pages: 31 fetched again, 7 changed, 23 unchanged; 2 wait to be fetched again"},
		{ageText(90 * time.Second), "90 seconds"}, {ageText(3 * time.Hour), "3 hours"}, {ageText(-time.Second), "0 seconds"},
	} {
		if c.got != c.want {
			t.Errorf("got  %q\nwant %q", c.got, c.want)
		}
	}
}

func TestAContinuousJobWaitsForItsPages(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	status := crawler.Status{State: crawler.StateRunning, Seeded: true, Now: now}
	status.Job.Name = "news"
	status.Job.Recrawl.Budget = crawler.FetchRate{Fetches: 5, Per: time.Hour}
	service := Service{Processes: []Process{{Kind: KindScheduler}}, Places: 4}
	for _, c := range []struct {
		name    string
		tracked int64
		fresh   *crawler.Freshness
		want    string
	}{
		{"before the first page", 0, nil, "this job has no pages to fetch again: add seeds with trawl seed news URL…"},
		{"in the first minute", 3, &crawler.Freshness{}, "this job waits for pages to become due again"},
		{"before a page is due", 3, &crawler.Freshness{Pages: 3, Next: now.Add(time.Hour)},
			"this job waits for pages to become due again, the next at 2026-11-30T13:00:00Z"},
		{"when the next time is over", 3, &crawler.Freshness{Pages: 3, Next: now},
			"this job waits for pages to become due again"},
	} {
		status.Freshness = c.fresh
		got := WaitsFor(status, crawler.Counters{Tracked: c.tracked}, service)
		if got.For != WaitPages || got.Text != c.want {
			t.Errorf("%s: it waits for %s: %q, want %q", c.name, got.For, got.Text, c.want)
		}
	}
	service.Due = now.Add(time.Minute)
	if got := WaitsFor(status, crawler.Counters{Due: 1, Waiting: 1}, service); got.For != WaitHosts || got.Text !=
		"every host of this job rests, or waits for its turn under the budget of recrawl, the first until 2026-11-30T12:01:00Z" {
		t.Errorf("while a host waits for the budget, it waits for %s: %q", got.For, got.Text)
	}
	status.Freshness = &crawler.Freshness{Pages: 3}
	if got := WaitsFor(status, crawler.Counters{Open: 1}, service); got.For != "" {
		t.Errorf("while a visit is open, it waits for %s", got.For)
	}
}
