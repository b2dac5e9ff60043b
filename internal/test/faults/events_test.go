package faults_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testhook"
)

// Each change of a job makes one event, although the scheduler that passes it on is killed. A
// receiver may get the event whose delivery was cut off twice, with the same ID.
func TestSchedulersAreKilledWhileTheyTellWebhooks(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 4, 5)
	r := testhook.New(t)
	c.job.Webhooks = []crawler.Webhook{{URL: r.URL}}
	ctx := testfleet.Patience(t)
	start := func() *testfleet.Process { return c.Scheduler("--webhook-cidr", "127.0.0.0/8") }
	scheduler := start()
	c.begin()
	r.WaitFor(ctx, "began")
	want, kills := []string{"began"}, 0
	for range size(4, 40) {
		for _, change := range []func() error{
			func() error { return c.Client.Pause(ctx, c.job.Name) },
			func() error { return c.Client.Resume(ctx, c.job.Name) },
		} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, "paused", "resumed")
		scheduler.Kill()
		kills++
		scheduler = start()
	}
	c.Workers(1)
	c.wantUnbroken(0)
	want = append(want, "done")
	r.Wait(ctx, "every event", func() bool { return len(distinct(r.Accepted())) >= len(want) })
	got := distinct(r.Accepted())
	if names := testhook.Names(got); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for i, e := range got {
		if sequence := fmt.Sprintf("%010d", i+1); e.Sequence != sequence {
			t.Errorf("event %d has the sequence %s, want %s", i, e.Sequence, sequence)
		}
	}
	if again := len(r.Accepted()) - len(got); again > kills {
		t.Errorf("%d events arrived twice, %d schedulers were killed", again, kills)
	}
	t.Logf("%d events, %d schedulers killed, %d events arrived twice", len(got), kills, len(r.Accepted())-len(got))
}

// distinct returns the events of different IDs, by their sequence.
func distinct(events []testhook.Event) (some []testhook.Event) {
	for _, e := range events {
		if !slices.ContainsFunc(some, func(known testhook.Event) bool { return known.ID == e.ID }) {
			some = append(some, e)
		}
	}
	slices.SortFunc(some, func(a, b testhook.Event) int { return slices.Compare([]byte(a.Sequence), []byte(b.Sequence)) })
	return some
}
