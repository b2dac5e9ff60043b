package main

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// busyProgress is a crawl of millions of pages with budgets. Its progress line is the longest
// that occurs.
func busyProgress() (*progress, snapshot, time.Time) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	p := &progress{began: now.Add(-3 * time.Hour),
		samples: []forecast.Sample{{At: now.Add(-10 * time.Second), Pages: 1_234_567 - 2000, Settled: 1_234_567 - 2000}}}
	c := crawler.Counters{Seen: 5_806_778, Waiting: 4_567_890, Hosts: 54_321, Outcomes: map[crawler.Outcome]int64{
		crawler.OutcomeFetched: 1_234_567, crawler.OutcomeFailed: 4321,
	}}
	return p, snapshot{counters: c}, now
}

func TestProgressKeepsTheMostImportantPartsThatFit(t *testing.T) {
	t.Parallel()
	p, r, now := busyProgress()
	parts := p.parts(r, now)
	for columns, want := range map[int]string{
		120: "1234567 pages  200/s  4567890 waiting  54321 hosts  4321 errors  3h0m0s  at least 1h40m0s left",
		79:  "1234567 pages  200/s  4567890 waiting  4321 errors  at least 1h40m0s left",
		60:  "1234567 pages  200/s  4567890 waiting  at least 1h40m0s left",
		55:  "1234567 pages  4567890 waiting  at least 1h40m0s left",
		40:  "1234567 pages  at least 1h40m0s left",
		10:  "1234567 pages  at least 1h40m0s left", // the terminal truncates it
	} {
		if got := textOf(fitting(parts, columns)); got != want {
			t.Errorf("%d columns: got %q, want %q", columns, got, want)
		}
	}
}

func TestProgressShowsTheWaitReason(t *testing.T) {
	t.Parallel()
	p, r, now := busyProgress()
	r.counters = crawler.Counters{Waiting: 3, Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 1}}
	r.waiting = waiting.Waiting{For: waiting.WaitAddresses, Text: "all hosts rest until 12:30"}
	parts := p.parts(r, now)
	if got, want := textOf(joined(parts)), "1 page  3 waiting  all hosts rest until 12:30"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := textOf(fitting(parts, 40)), "1 page  all hosts rest until 12:30"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
