package frontier

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// failAll settles URLs as failed with a cause.
func (b *testJob) failAll(lease visit.HostLease, cause, segment string, taken ...queue.Taken) {
	b.t.Helper()
	var done []queue.Settlement
	for _, t := range taken {
		done = append(done, queue.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFailed, Cause: cause, Segment: segment,
			Failed: queue.Failed{Entry: t.Entry, Outcome: crawler.OutcomeFailed, Reason: "it broke"}})
	}
	b.must(lease.Settle(b.t.Context(), done))
}

// failed lists the URLs that failed, with their causes.
func (b *testJob) failed() (all []queue.Failed, text []string) {
	b.t.Helper()
	all, err := b.Failed(b.t.Context(), mostFailed)
	b.must(err)
	for _, f := range all {
		text = append(text, f.Cause+" "+f.Entry.URL.String())
	}
	return all, text
}

func retriesFailed(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	b.admit(1, "http://b.test/1")
	lease := b.open("a.test")
	taken := b.take(lease, 3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	b.failAll(lease, "500", "", taken[0], taken[1])
	b.failAll(lease, "500", "", taken[0]) // a repeated call
	b.failAll(lease, "timeout", "", taken[2])
	b.leave(lease, queue.Rest{HostHealth: queue.HostHealth{ConsecutiveFailures: 3, Trouble: "it broke"}})
	lease = b.open("b.test")
	b.failAll(lease, "500", "", b.take(lease, 1, "http://b.test/1")...)
	b.close(lease, 0)
	all, text := b.failed()
	want := []string{"500 http://a.test/1", "500 http://a.test/2", "500 http://b.test/1", "timeout http://a.test/3"}
	slices.Sort(text)
	if diff := cmp.Diff(want, text); diff != "" {
		t.Fatalf("URLs that failed (-want +got):\n%s", diff)
	}
	if f := all[0]; f.Reason != "it broke" || f.Outcome != crawler.OutcomeFailed || f.At.IsZero() {
		t.Errorf("the first is %+v", f)
	}
	var chosen []queue.Failed
	for _, f := range all {
		if f.Cause == "500" && f.Entry.URL.Host() == "a.test" {
			chosen = append(chosen, f)
		}
	}
	for i, want := range []int{2, 0} { // a second client finds them queued already
		if n, err := b.Retry(t.Context(), chosen); err != nil || n != want {
			t.Errorf("call %d queues %d URLs, %v; want %d", i+1, n, err, want)
		}
	}
	_, text = b.failed()
	if diff := cmp.Diff([]string{"500 http://b.test/1", "timeout http://a.test/3"}, text); diff != "" {
		t.Errorf("after a retry, URLs that failed (-want +got):\n%s", diff)
	}
	c := b.counters()
	if c.Waiting != 2 || c.Seen != 4 || c.Outcomes[crawler.OutcomeFailed] != 2 || c.Causes["500"] != 1 ||
		c.Causes["timeout"] != 1 || c.Hosts != 2 {
		t.Errorf("counters: %+v", c)
	}
	if h := b.host("a.test"); h.ConsecutiveFailures != 0 || h.Waiting != 2 || h.State != queue.HostDue {
		t.Errorf("the host is %+v", h)
	}
	lease = b.open("a.test")
	taken, err := lease.Take(t.Context(), 9, 0)
	b.must(err)
	if len(taken) != 2 || taken[0].Entry.Tries != 0 {
		t.Errorf("the next visit takes %v", urlsOf(taken))
	}
}

func boundsFailed(t *testing.T, b *testJob) {
	urls := make([]string, mostFailed+5)
	for i := range urls {
		urls[i] = fmt.Sprintf("http://a.test/%d", i)
	}
	b.admit(len(urls), urls...)
	lease := b.open("a.test")
	taken := b.take(lease, len(urls), urls...)
	b.failAll(lease, "timeout", "", taken[:10]...)
	b.failAll(lease, "timeout", "", taken[10:]...)
	all, _ := b.failed()
	if n := b.counters().Causes["timeout"]; len(all) != mostFailed || n != int64(len(urls)) {
		t.Errorf("%d URLs are remembered, and %d counted; want %d and %d", len(all), n, mostFailed, len(urls))
	}
}

func keepsUnshippedFailures(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	b.failAll(lease, "timeout", "w1", b.take(lease, 1, "http://a.test/1")...)
	b.close(lease, 0)
	all, _ := b.failed()
	if n, err := b.Retry(t.Context(), all); err != nil || n != 0 {
		t.Errorf("%d URLs are queued whose record is on its way, %v", n, err)
	}
	b.expireSegments("w1")
	b.reclaim(1)
	if _, text := b.failed(); len(text) > 0 {
		t.Errorf("a URL that waits again since its segment was lost is remembered as failed: %v", text)
	}
	lease = b.open("a.test")
	b.failAll(lease, "timeout", "w2", b.take(lease, 1, "http://a.test/1")...)
	b.close(lease, 0)
	_, err := b.Shipped(t.Context(), "w2")
	b.must(err)
	all, _ = b.failed()
	if n, err := b.Retry(t.Context(), all); err != nil || n != 1 {
		t.Errorf("%d URLs are queued whose record has arrived, %v; want 1", n, err)
	}
}
