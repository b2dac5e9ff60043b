package frontier

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// openTaking opens a visit that takes URLs at once.
func (b *testJob) openTaking(h crawler.Host, want visit.Want) visit.HostLease {
	b.t.Helper()
	lease, err := b.Open(b.t.Context(), b.armed(h), "tester", want)
	b.must(err)
	return lease
}

// started fails unless the visit took these URLs when it was opened.
func (b *testJob) started(lease visit.HostLease, dry bool, want ...string) []queue.Taken {
	b.t.Helper()
	start := lease.Start()
	if diff := cmp.Diff(want, urlsOf(start.Taken)); diff != "" || start.Dry != dry {
		b.t.Fatalf("taken at the start (dry: %t, want %t; -want +got):\n%s", start.Dry, dry, diff)
	}
	return start.Taken
}

// finish settles URLs as fetched and ends the visit if it can.
func (b *testJob) finish(lease visit.HostLease, want bool, taken ...queue.Taken) {
	b.t.Helper()
	var done []queue.Settlement
	for _, t := range taken {
		done = append(done, queue.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFetched, Bytes: 10})
	}
	closed, err := lease.Finish(b.t.Context(), done, queue.Rest{Last: -1})
	if err != nil || closed != want {
		b.t.Fatalf("finish: closed %t, %v; want %t", closed, err, want)
	}
}

func takesAtOnce(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	lease := b.openTaking("a.test", visit.Want{URLs: 8, Gap: time.Second, Ahead: 2500 * time.Millisecond})
	first := b.started(lease, false, "http://a.test/1", "http://a.test/2")
	if c := b.counters(); c.Flight != 2 || c.Waiting != 1 || c.Open != 1 {
		t.Errorf("%d URLs are in flight, %d wait, %d visits are open; want 2, 1, 1", c.Flight, c.Waiting, c.Open)
	}
	b.settle(lease, crawler.OutcomeFetched, append(first, b.take(lease, 8, "http://a.test/3")...)...)
	b.admitBand(queue.BandFirst, 1, "http://a.test/high")
	b.admitBand(queue.BandLow, 1, "http://a.test/low")
	b.admit(1, "http://a.test/4")
	b.must(lease.Close(t.Context(), queue.Rest{Gap: time.Minute, Last: -1}))

	long := b.openTaking("a.test", visit.Want{URLs: 8, Gap: time.Second, Ahead: 2500 * time.Millisecond})
	b.started(long, false, "http://a.test/high") // the host must rest for a minute
	b.must(long.Close(t.Context(), queue.Rest{Last: -1}))
	all := b.openTaking("a.test", visit.Want{URLs: 8})
	b.settle(all, crawler.OutcomeFetched, b.started(all, true, "http://a.test/high", "http://a.test/4",
		"http://a.test/low")...)
	if c := b.counters(); c.Flight != 0 || c.Waiting != 0 || c.Pages() != 6 {
		t.Errorf("%d URLs are in flight, %d wait, %d are fetched; want 0, 0, 6", c.Flight, c.Waiting, c.Pages())
	}
}

func takesNothingAtOnce(t *testing.T, b *testJob) {
	want := visit.Want{URLs: 8}
	b.admit(3, "http://ruled.test/1", "http://failing.test/1", "http://budget.test/1")
	failing := b.open("failing.test")
	b.must(failing.Close(t.Context(), queue.Rest{HostHealth: queue.HostHealth{ConsecutiveFailures: 1, Trouble: "503"},
		Last: -1}))
	b.started(b.openTaking("failing.test", want), false)
	delay := time.Second
	b.govern("ruled.test", crawler.HostRules{Delay: &delay}, false)
	b.started(b.openTaking("ruled.test", want), false)
	b.live.note(budgetsOf(crawler.BudgetSettings{Pages: 3}, 1<<40, 0))
	b.started(b.openTaking("budget.test", want), false)
}

func returnsFirstURLs(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	lease := b.openTaking("a.test", visit.Want{URLs: 2})
	b.started(lease, false, "http://a.test/1", "http://a.test/2")
	b.close(lease, 0)
	again := b.openTaking("a.test", visit.Want{URLs: 8})
	for _, one := range b.started(again, true, "http://a.test/1", "http://a.test/2", "http://a.test/3") {
		if one.Entry.Lost > 0 {
			t.Errorf("%s counts as lost", one.Entry.URL)
		}
	}
}

func opensAgain(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	b.admitBand(queue.BandFirst, 1, "http://a.test/high")
	order, want := b.armed("a.test"), visit.Want{URLs: 3, Call: "first"}
	var took [2][]queue.Taken
	for i := range took { // the second is a repetition, as after a lost reply
		lease, err := b.Open(t.Context(), order, "tester", want)
		b.must(err)
		took[i] = b.started(lease, false, "http://a.test/high", "http://a.test/1", "http://a.test/2")
	}
	if diff := cmp.Diff(took[0], took[1], cmp.AllowUnexported(crawler.URL{})); diff != "" {
		t.Errorf("the repeated call took others (-first +second):\n%s", diff)
	}
	if c := b.counters(); c.Flight != 3 || c.Waiting != 1 || c.Visits != 1 {
		t.Errorf("%d URLs are in flight, %d wait, %d visits; want 3, 1, 1", c.Flight, c.Waiting, c.Visits)
	}
	for _, call := range []string{"", "second"} { // another delivery of the order
		_, err := b.Open(t.Context(), order, "tester", visit.Want{URLs: 3, Call: call})
		if !errors.Is(err, queue.ErrStale) {
			t.Errorf("a call named %q opened the visit of another: %v", call, err)
		}
	}
	lease, err := b.Open(t.Context(), order, "tester", want)
	b.must(err)
	b.close(lease, 0)
	if _, err := b.Open(t.Context(), order, "tester", want); !errors.Is(err, queue.ErrStale) {
		t.Errorf("a repetition opened the visit after it had ended: %v", err)
	}
}

func finishes(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	lease := b.openTaking("a.test", visit.Want{URLs: 8})
	taken := b.started(lease, true, "http://a.test/1", "http://a.test/2")
	b.finish(lease, false, taken[0])
	b.finish(lease, true, taken[1])
	b.finish(lease, true, taken[1]) // a repetition, as after a lost reply
	c := b.counters()
	if c.Pages() != 2 || c.Flight != 0 || c.Open != 0 || c.Due != 0 || c.Bytes != 20 {
		t.Errorf("%+v", c)
	}
	if err := lease.Renew(t.Context(), 0); !errors.Is(err, queue.ErrStale) {
		t.Errorf("renew of a visit that has ended: %v, want ErrStale", err)
	}
	b.admit(1, "http://a.test/3")
	next := b.openTaking("a.test", visit.Want{URLs: 8})
	if got := next.HostHealth().Pages; got != 2 {
		t.Errorf("the host has %d pages, want 2", got)
	}
	b.started(next, true, "http://a.test/3")
}

func finishesNotEarly(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	lease := b.openTaking("a.test", visit.Want{URLs: 8})
	taken := b.started(lease, true, "http://a.test/1")
	b.admitBand(queue.BandLow, 1, "http://a.test/2") // admitted meanwhile
	b.finish(lease, false, taken...)
	taken = b.take(lease, 8, "http://a.test/2")
	retry := queue.Settlement{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeRetry, Retry: taken[0].Entry,
		After: time.Hour}
	if closed, err := lease.Finish(t.Context(), []queue.Settlement{retry}, queue.Rest{Last: -1}); closed || err != nil {
		t.Errorf("finish with a URL to be retried: closed %t, %v; want false, nil", closed, err)
	}
	b.close(lease, 0)
	if c := b.counters(); c.Pages() != 1 || c.Waiting != 1 || c.Due != 1 {
		t.Errorf("%d pages, %d URLs wait, %d hosts are due; want 1, 1, 1", c.Pages(), c.Waiting, c.Due)
	}
}

func finishesNotLate(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	lease := b.openTaking("a.test", visit.Want{URLs: 8})
	taken := b.started(lease, true, "http://a.test/1")
	b.must(b.Abandon(t.Context()))
	done := []queue.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched}}
	if _, err := lease.Finish(t.Context(), done, queue.Rest{Last: -1}); !errors.Is(err, queue.ErrStale) {
		t.Errorf("finish of a swept visit: %v, want ErrStale", err)
	}
	if c := b.counters(); c.Pages() != 0 || c.Waiting != 1 {
		t.Errorf("%d pages, %d URLs wait; want 0, 1", c.Pages(), c.Waiting)
	}
}

func settlesInPart(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	lease := b.open("a.test")
	taken := b.take(lease, 3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	b.settle(lease, crawler.OutcomeFetched, taken[0])
	b.settle(lease, crawler.OutcomeFetched, taken[0])
	b.settle(lease, crawler.OutcomeFetched, taken...)
	b.settle(lease, crawler.OutcomeFetched, taken...)
	if c := b.counters(); c.Pages() != 3 || c.Flight != 0 || c.Bytes != 30 {
		t.Errorf("%d pages of %d bytes, %d in flight; want 3, 30, 0", c.Pages(), c.Bytes, c.Flight)
	}
}
