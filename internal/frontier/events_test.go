package frontier

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// TestEvents tests the events of a job on every kind of Redis.
func TestEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *testJob)
	}{
		{"each change of state makes one event", makesEvents},
		{"of many processes that change a state at once, one makes an event", makesEventsOnce},
		{"a budget that is spent makes an event, and raising it another", makesBudgetEvents},
		{"a job that stands still makes one event", makesStalledEvent},
		{"hosts that were given up make one event, each host once", makesGivenUpEvents},
		{"an event names a hundred of the hosts that were given up", namesFewGivenUpHosts},
		{"events wait until they were passed on, and the last hundred stay", keepsEvents},
		{"events outlast the clearing of a job, but not its removal", clearsNoEvents},
		{"a key of another type is replaced by the next event", replacesGarbage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) { c.test(t, newTestJob(t, url, 3)) })
			t.Run("cluster", func(t *testing.T) { c.test(t, newClusterJob(t, 3)) })
		})
	}
}

// wantEvents checks the events of the job, each as "NUMBER NAME REASON".
func (b *testJob) wantEvents(want ...string) {
	b.t.Helper()
	all, err := b.store.Events(b.t.Context(), b.job.Name)
	b.must(err)
	var got []string
	for _, e := range all {
		if since := b.status().Now.Sub(e.Time); since < 0 || since > time.Hour {
			b.t.Errorf("event %d is %v old", e.Number, since)
		}
		got = append(got, fmt.Sprintf("%d %s %s", e.Number, e.Name, e.Reason))
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("events: got %q, want %q", got, want)
	}
}

// fresh creates another job, which has made no events.
func (b *testJob) fresh() {
	b.t.Helper()
	b.job.Name = redistest.Name(b.t)
	b.must(b.store.Create(b.t.Context(), b.job))
}

func makesEvents(_ *testing.T, b *testJob) {
	b.fresh()
	for _, to := range []crawler.State{crawler.StatePaused, crawler.StateCreated, crawler.StateRunning,
		crawler.StatePaused, crawler.StateRunning, crawler.StateFailed, crawler.StateRunning, crawler.StateDone} {
		b.move(to)
	}
	b.wantEvents("1 paused ", "2 resumed ", "3 began ", "4 paused ", "5 resumed ", "6 failed ", "7 resumed ", "8 done ")
	if got := b.status(); got.Events != 8 || got.Told != 0 {
		b.t.Errorf("the status has %d events, %d passed on; want 8 and 0", got.Events, got.Told)
	}
}

func makesEventsOnce(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateRunning)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := b.store.Move(t.Context(), b.job.Name, crawler.StateDone, "", crawler.StateRunning); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.wantEvents("1 began ", "2 done ")
}

func makesBudgetEvents(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateRunning)
	for range 2 {
		b.must(b.store.End(t.Context(), b.job.Name, 0, "pages"))
	}
	moved, err := b.store.Move(t.Context(), b.job.Name, crawler.StateDone, "budget of pages", crawler.StateRunning)
	if err != nil || !moved {
		t.Fatalf("the job does not end: %v", err)
	}
	b.job.Pages = 10
	reopened, err := b.store.Replace(t.Context(), b.status(), Replacement{Job: b.job, Raised: []string{"pages"}})
	if err != nil || !reopened {
		t.Fatalf("the job is not reopened: %v", err)
	}
	b.must(b.store.End(t.Context(), b.job.Name, 1, "stopped: enough"))
	b.wantEvents("1 began ", "2 budget budget of pages", "3 done budget of pages",
		"4 resumed its budget of pages was raised")
}

func makesStalledEvent(t *testing.T, b *testJob) {
	b.fresh()
	b.must(b.store.Stalled(t.Context(), b.job.Name, 5, time.Minute))
	b.wantEvents() // it does not run
	b.move(crawler.StateRunning)
	for range 2 {
		b.must(b.store.Stalled(t.Context(), b.job.Name, 5, time.Minute))
	}
	b.must(b.store.Stalled(t.Context(), b.job.Name, 1, time.Minute))
	b.wantEvents("1 began ", "2 stalled no URL was settled for 1m0s; 5 URLs are settled so far",
		"3 stalled no URL was settled for 1m0s; 1 URL is settled so far")
}

// giveUp ends a visit of a host that is given up.
func (b *testJob) giveUp(h crawler.Host, why string) {
	b.t.Helper()
	b.leave(b.open(h), queue.Rest{GivenUp: true, HostHealth: queue.HostHealth{ConsecutiveFailures: 8, Trouble: why}})
}

// tellGivenUp wants an event about hosts, as many as count; 0: none.
func (b *testJob) tellGivenUp(apart time.Duration, count int64, hosts ...event.LostHost) {
	b.t.Helper()
	before, err := b.store.Events(b.t.Context(), b.job.Name)
	b.must(err)
	if _, err := b.store.TellGivenUp(b.t.Context(), b.job, apart); err != nil {
		b.t.Fatal(err)
	}
	after, err := b.store.Events(b.t.Context(), b.job.Name)
	b.must(err)
	var got *event.GivenUp
	for _, e := range after[len(before):] {
		got = e.GivenUp
	}
	var want *event.GivenUp
	if count > 0 {
		want = &event.GivenUp{Count: count, Hosts: hosts}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("hosts of the event (-want +got):\n%s", diff)
	}
}

func makesGivenUpEvents(t *testing.T, b *testJob) {
	b.admit(4, "http://a.test/1", "http://b.test/1", "http://c.test/1", "http://d.test/1")
	b.tellGivenUp(0, 0)
	b.giveUp("a.test", "connection refused")
	b.giveUp("b.test", "no such host")
	b.tellGivenUp(time.Hour, 2, event.LostHost{Host: "a.test", Reason: "connection refused"},
		event.LostHost{Host: "b.test", Reason: "no such host"})
	b.giveUp("a.test", "connection refused") // it is known
	b.tellGivenUp(0, 0)
	b.giveUp("c.test", "it refused")
	b.tellGivenUp(time.Hour, 0) // the last event is too young
	b.tellGivenUp(0, 1, event.LostHost{Host: "c.test", Reason: "it refused"})
	b.govern("a.test", crawler.HostRules{}, true)
	b.giveUp("a.test", "once more")
	b.tellGivenUp(0, 1, event.LostHost{Host: "a.test", Reason: "once more"})
	if n := b.counters().HostsGivenUp; n != 4 {
		t.Errorf("the counter is %d, want 4", n)
	}
	key := shardBase(b.job.Name, shardOf("d.test", b.job.Shards)) + nameGivenUp
	b.must(b.rdb.Del(t.Context(), key).Err())
	b.must(b.rdb.RPush(t.Context(), key, "garbage").Err())
	b.tellGivenUp(0, 0)
}

func namesFewGivenUpHosts(t *testing.T, b *testJob) {
	b.oneShard()
	var urls []string
	for i := range event.MostHosts + 20 {
		urls = append(urls, fmt.Sprintf("http://h%03d.test/", i))
	}
	b.admit(len(urls), urls...)
	for i := range urls {
		b.giveUp(crawler.Host(fmt.Sprintf("h%03d.test", i)), "gone")
	}
	var all sync.WaitGroup
	for range 8 { // schedulers
		all.Go(func() {
			if _, err := b.store.TellGivenUp(t.Context(), b.job, 0); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	events, err := b.store.Events(t.Context(), b.job.Name)
	b.must(err)
	events = slices.DeleteFunc(events, func(e event.Event) bool { return e.Name != crawler.EventHostGivenUp })
	if len(events) != 1 || events[0].GivenUp.Count != int64(len(urls)) || len(events[0].GivenUp.Hosts) != event.MostHosts {
		t.Fatalf("got %d events, the first %+v, want one of %d hosts that names %d", len(events), events[0].GivenUp,
			len(urls), event.MostHosts)
	}
	if want := "h020.test (gone), and 119 other hosts"; events[0].Reason != want {
		t.Errorf("the reason is %q, want %q", events[0].Reason, want)
	}
}

func keepsEvents(t *testing.T, b *testJob) {
	b.fresh()
	for range 75 {
		b.move(crawler.StateRunning)
		b.move(crawler.StatePaused)
	}
	numbers := func() (first, last int64) {
		all, err := b.store.Events(t.Context(), b.job.Name)
		b.must(err)
		if len(all) == 0 {
			t.Fatal("the job has no events")
		}
		return all[0].Number, all[len(all)-1].Number
	}
	for _, step := range []struct{ told, first, last int64 }{
		{0, 1, 150}, {20, 21, 150}, {10, 21, 150}, {151, 21, 150}, {120, 51, 150}, {150, 51, 150},
	} {
		b.must(b.store.Told(t.Context(), b.job.Name, step.told))
		if first, last := numbers(); first != step.first || last != step.last {
			t.Errorf("after %d were passed on, %d to %d are there, want %d to %d", step.told, first, last, step.first,
				step.last)
		}
	}
	if got := b.status().Told; got != 150 {
		t.Errorf("%d were passed on, want 150", got)
	}
}

func clearsNoEvents(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateCancelled)
	b.must(b.store.Clear(t.Context(), b.job.Name))
	b.wantEvents("1 cancelled ")
	b.must(b.store.Remove(t.Context(), b.job.Name))
	if n, err := b.rdb.Exists(t.Context(), jobBase(b.job.Name)+nameEvents).Result(); err != nil || n != 0 {
		t.Errorf("%d keys of events are left (%v)", n, err)
	}
}

func replacesGarbage(t *testing.T, b *testJob) {
	b.fresh()
	b.move(crawler.StateRunning)
	key := jobBase(b.job.Name) + nameEvents
	b.must(b.rdb.Set(t.Context(), key, "garbage", 0).Err())
	b.wantEvents()
	b.move(crawler.StatePaused)
	b.must(b.rdb.RPush(t.Context(), key, "not an event").Err())
	b.wantEvents("2 paused ")
}
