package frontier

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// guest asks for a turn at c.test.
func (b *testJob) guest(f *Frontier, by string, gap time.Duration) time.Duration {
	b.t.Helper()
	wait, err := f.Guest(b.t.Context(), "c.test", by, gap)
	if err != nil {
		b.t.Fatal(err)
	}
	return wait
}

// guestDone ends a turn at c.test, with a request that was there just now.
func (b *testJob) guestDone(f *Frontier, by string, gap, rest time.Duration) {
	b.t.Helper()
	if err := f.GuestDone(b.t.Context(), "c.test", by, 0, gap, rest); err != nil {
		b.t.Fatal(err)
	}
}

func givesGuestsTurns(t *testing.T, b *testJob) {
	other := b.otherProcess()
	if wait := b.guest(b.Frontier, "a 1", time.Hour); wait != 0 {
		t.Errorf("the first request waits for %v", wait)
	}
	if wait := b.guest(b.Frontier, "a 1", time.Hour); wait != 0 {
		t.Errorf("a request that asks again, because an answer was lost, waits for %v", wait)
	}
	if wait := b.guest(other, "b 1", 0); wait <= 0 || wait > time.Second {
		t.Errorf("while another has the turn, a request waits for %v, want a moment", wait)
	}
	b.guestDone(other, "b 1", 0, 0) // it has no turn to give back
	if wait := b.guest(other, "b 1", 0); wait <= 0 || wait > time.Second {
		t.Errorf("a turn that another gave back was over: %v", wait)
	}
	b.guestDone(b.Frontier, "a 1", time.Hour, 0)
	if wait := b.guest(other, "b 1", 0); wait < time.Hour/2 || wait > time.Hour {
		t.Errorf("the gap of an hour that the last request owes is kept for %v", wait)
	}
	if wait := b.guest(other, "b 1", 2*time.Hour); wait < time.Hour || wait > 2*time.Hour {
		t.Errorf("the gap of two hours that the next request owes is kept for %v", wait)
	}
	if wait, err := b.Guest(t.Context(), "d.test", "a 2", time.Hour); err != nil || wait != 0 {
		t.Errorf("a request to another host waits for %v: %v", wait, err)
	}
}

func letsHostsOfGuestsRest(t *testing.T, b *testJob) {
	b.guest(b.Frontier, "a 1", 0)
	b.guestDone(b.Frontier, "a 1", 0, time.Hour)
	if wait := b.guest(b.otherProcess(), "b 1", 0); wait < time.Hour/2 || wait > time.Hour {
		t.Errorf("a host that rests for an hour is left alone for %v", wait)
	}
}

func sharesTurnsOfGuestsBetweenJobs(t *testing.T, b *testJob) {
	polite := b.job
	polite.Politeness = "" // across the fleet, at a host of this test alone
	host := crawler.Host(b.job.Name + ".test")
	one, other := b.store.Frontier(polite), polite
	other.Name += "-other"
	if wait, err := one.Guest(t.Context(), host, "a 1", time.Hour); err != nil || wait != 0 {
		t.Fatalf("the first request waits for %v: %v", wait, err)
	}
	if wait, err := b.store.Frontier(other).Guest(t.Context(), host, "a 2", 0); err != nil || wait == 0 {
		t.Errorf("another job has the turn at the same time: %v", err)
	}
	if wait, err := b.Guest(t.Context(), host, "a 3", 0); err != nil || wait != 0 {
		t.Errorf("a job that is polite for itself alone waits for %v: %v", wait, err)
	}
}

func replacesGarbledTurnsOfGuests(t *testing.T, b *testJob) {
	if err := b.rdb.Set(t.Context(), b.guestKey("c.test"), "garbage", 0).Err(); err != nil {
		t.Fatal(err)
	}
	b.guestDone(b.Frontier, "a 1", time.Hour, 0)
	if wait := b.guest(b.Frontier, "a 1", time.Hour); wait != 0 {
		t.Errorf("a request waits for %v because of a key of another type", wait)
	}
}
