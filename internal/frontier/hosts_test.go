package frontier

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/latency"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// ruled replaces the rules of a host.
func ruled(by crawler.HostRules) func(*crawler.HostRules) error {
	return func(r *crawler.HostRules) error { *r = by; return nil }
}

func (b *testJob) govern(h crawler.Host, r crawler.HostRules, forgive bool) {
	b.t.Helper()
	if err := b.Govern(b.t.Context(), h, ruled(r), forgive); err != nil {
		b.t.Fatal(err)
	}
}

func losesNoRules(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	calls := 0
	b.must(b.Govern(t.Context(), "a.test", func(r *crawler.HostRules) error {
		if calls++; calls == 1 { // someone else changes another rule between the read and the write
			b.govern("a.test", crawler.HostRules{Paused: true}, false)
		}
		r.Pages = 7
		return nil
	}, false))
	want := crawler.HostRules{Paused: true, Pages: 7}
	if got := b.host("a.test").Rules; calls != 2 || !cmp.Equal(got, want) {
		t.Errorf("after %d calls the rules are %+v, want %+v after 2", calls, got, want)
	}
	refused := errors.New("refused")
	if err := b.Govern(t.Context(), "a.test", func(r *crawler.HostRules) error {
		r.Pages = 9
		return refused
	}, true); !errors.Is(err, refused) || b.host("a.test").Rules.Pages != 7 {
		t.Errorf("a change that is refused: %v, the rules are %+v", err, b.host("a.test").Rules)
	}
	b.must(b.rdb.HSet(t.Context(), b.baseOf("a.test")+nameHost+"a.test", "rules", "garbage").Err())
	b.govern("a.test", crawler.HostRules{Pages: 3}, false)
	if got := b.host("a.test").Rules.Pages; got != 3 {
		t.Errorf("rules that cannot be read are replaced by a budget of %d, want 3", got)
	}
}

func (b *testJob) host(h crawler.Host) crawler.HostStatus {
	b.t.Helper()
	status, err := b.Host(b.t.Context(), h)
	if err != nil {
		b.t.Fatal(err)
	}
	return status
}

func remembersConsecutiveFailures(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	want := queue.HostHealth{ConsecutiveFailures: 3, Trouble: "nobody is there"}
	if err := b.open("a.test").Close(t.Context(), queue.Rest{HostHealth: want}); err != nil {
		t.Fatal(err)
	}
	lease := b.open("a.test")
	if got := lease.HostHealth(); got != want {
		t.Errorf("health: got %+v, want %+v", got, want)
	}
	if err := lease.Close(t.Context(), queue.Rest{Wait: time.Hour, HostHealth: want}); err != nil {
		t.Fatal(err)
	}
	b.govern("a.test", crawler.HostRules{}, true)
	lease = b.open("a.test") // the host is due at once
	if got := lease.HostHealth(); got != (queue.HostHealth{}) {
		t.Errorf("health: got %+v, want none", got)
	}
	if wait := lease.Wait(); wait > 0 {
		t.Errorf("wait: got %v, want none", wait)
	}
}

func pausesHost(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.govern("a.test", crawler.HostRules{Paused: true}, false)
	b.admit(1, "http://a.test/2")
	if orders := b.arm(); len(orders) != 0 {
		t.Fatalf("%v are due", orders)
	}
	if c := b.counters(); c.Idle() {
		t.Error("the job is idle")
	}
	b.govern("a.test", crawler.HostRules{}, false)
	lease := b.open("a.test")
	b.govern("a.test", crawler.HostRules{Paused: true}, false)
	b.close(lease, 0)
	if orders := b.arm(); len(orders) != 0 {
		t.Fatalf("%v are due, after a visit", orders)
	}
	b.govern("a.test", crawler.HostRules{}, false)
	b.take(b.open("a.test"), 2, "http://a.test/1", "http://a.test/2")
}

func reachesVisit(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	delay := 5 * time.Second
	b.govern("a.test", crawler.HostRules{Delay: &delay}, false)
	lease := b.open("a.test")
	for _, step := range []struct {
		name  string
		rules crawler.HostRules
		call  func() error
	}{
		{"open", crawler.HostRules{Delay: &delay}, func() error { return nil }},
		{"take", crawler.HostRules{Pages: 7}, func() error { _, err := lease.Take(t.Context(), 1, 0); return err }},
		{"renew", crawler.HostRules{Delay: &delay, Paused: true, Pages: 1},
			func() error { return lease.Renew(t.Context(), 0) }},
		{"take of all", crawler.HostRules{}, func() error { _, err := lease.Take(t.Context(), 9, 0); return err }},
		{"take of nothing", crawler.HostRules{Paused: true},
			func() error { _, err := lease.Take(t.Context(), 9, 0); return err }},
	} {
		b.govern("a.test", step.rules, false)
		if err := step.call(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.rules, lease.Rules()); diff != "" {
			t.Errorf("rules after %s (-want +got):\n%s", step.name, diff)
		}
	}
}

func listsHosts(t *testing.T, b *testJob) {
	b.admit(5, "http://open.test/1", "http://open.test/2", "http://due.test/", "http://armed.test/",
		"http://idle.test/")
	idle := b.open("idle.test")
	b.settle(idle, crawler.OutcomeFetched, b.take(idle, 1, "http://idle.test/")...)
	b.close(idle, 0)
	due := b.open("due.test")
	if err := due.Close(t.Context(), queue.Rest{Wait: time.Hour, Gap: time.Second, Kept: 3 * time.Second,
		HostHealth: queue.HostHealth{ConsecutiveFailures: 1<<20 + 2, Trouble: "busy"}}); err != nil {
		t.Fatal(err)
	}
	b.take(b.open("open.test"), 1, "http://open.test/1")
	b.govern("open.test", crawler.HostRules{Pages: 9}, false)

	want := []crawler.HostStatus{
		{Host: "open.test", State: queue.HostOpen, Worker: "tester", Rules: crawler.HostRules{Pages: 9}, Seen: 2,
			Waiting: 1, Flight: 1},
		{Host: "armed.test", State: queue.HostArmed, Seen: 1, Waiting: 1},
		{Host: "due.test", State: queue.HostDue, Seen: 1, Waiting: 1, ConsecutiveFailures: 2, GivenUp: true,
			Trouble: "busy", Interval: 3 * time.Second},
	}
	got, err := b.Hosts(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].State == queue.HostDue && got[i].Due > 59*time.Minute {
			got[i].Due = 0
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if got, err := b.Hosts(t.Context(), 2); len(got) != 2 || err != nil {
		t.Errorf("%d of two hosts are listed, %v", len(got), err)
	}
	if got := b.host("idle.test"); got.State != queue.HostIdle || got.Pages != 1 || got.Waiting != 0 {
		t.Errorf("the idle host: got %+v", got)
	}
	if _, err := b.Host(t.Context(), "never.test"); !errors.Is(err, queue.ErrNoHost) {
		t.Errorf("an unknown host: %v", err)
	}
	if err := b.Govern(t.Context(), "never.test", ruled(crawler.HostRules{}), false); !errors.Is(err, queue.ErrNoHost) {
		t.Errorf("rules for an unknown host: %v", err)
	}
}

func remembersLatency(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	var times latency.Histogram
	for range 10 {
		times.Add(30 * time.Millisecond)
	}
	times.Add(2 * time.Second)
	b.leave(b.open("a.test"), queue.Rest{HostHealth: queue.HostHealth{Latency: times}})
	for _, when := range []string{"after a visit", "after a visit without a response"} {
		if h := b.host("a.test"); h.P50 != times.Quantile(0.5) || h.P95 != times.Quantile(0.95) {
			t.Errorf("%s, the times are %v and %v", when, h.P50, h.P95)
		}
		lease := b.open("a.test")
		if got := lease.HostHealth().Latency; got != times {
			t.Errorf("%s, the next visit knows %v", when, got)
		}
		b.leave(lease, queue.Rest{})
	}
}

func namesFailures(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	for i := range 52 {
		b.leave(b.open("a.test"), queue.Rest{Failure: fmt.Sprintf("http://a.test/%d: it broke", i)})
	}
	b.leave(b.open("a.test"), queue.Rest{})
	got, err := b.Failures(t.Context())
	if err != nil || len(got) != 50 || got[0] != "http://a.test/51: it broke" {
		t.Errorf("%d failures, %q first, %v; want 50, the latest first", len(got), got[:min(1, len(got))], err)
	}
}
