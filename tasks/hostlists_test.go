package tasks

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAHostIsAskedAtItsIntervalWhileNoOneLooks(t *testing.T) {
	t.Parallel()
	before := []crawler.HostStatus{
		{Host: "busy.test", Waiting: 10, Interval: 2 * time.Second},
		{Host: "rests.test", Waiting: 10, Interval: time.Second, Due: 3 * time.Second},
		{Host: "later.test", Waiting: 10, Interval: time.Second, Due: time.Hour},
		{Host: "nearly-done.test", Waiting: 2, Interval: time.Second},
		{Host: "unhurried.test", Waiting: 7},
	}
	want := []crawler.HostStatus{
		{Host: "busy.test", Waiting: 8, Interval: 2 * time.Second},
		{Host: "rests.test", Waiting: 8, Interval: time.Second},
		{Host: "later.test", Waiting: 10, Interval: time.Second, Due: time.Hour - 5*time.Second},
		{Host: "nearly-done.test", Interval: time.Second},
		{Host: "unhurried.test", Waiting: 7},
	}
	if diff := cmp.Diff(want, aged(before, 5*time.Second)); diff != "" {
		t.Errorf("hosts after five seconds (-want +got):\n%s", diff)
	}
	if before[0].Waiting != 10 {
		t.Error("the list that was read has changed")
	}
}
