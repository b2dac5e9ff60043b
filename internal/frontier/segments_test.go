package frontier

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// settleIn settles URLs with their records in a segment.
func (b *testJob) settleIn(lease visit.HostLease, segment string, o crawler.Outcome, taken ...queue.Taken) {
	b.t.Helper()
	var done []queue.Settlement
	for _, t := range taken {
		done = append(done, queue.Settlement{Ticket: t.Ticket, Outcome: o, Bytes: 10, Segment: segment})
	}
	b.must(lease.Settle(b.t.Context(), done))
}

// counted returns the counters that settling and reclaiming change.
func (b *testJob) counted() crawler.Counters {
	b.t.Helper()
	c, err := b.Counters(b.t.Context())
	b.must(err)
	for o, n := range c.Outcomes {
		if n == 0 {
			delete(c.Outcomes, o)
		}
	}
	return crawler.Counters{
		Seen: c.Seen, Waiting: c.Waiting, Flight: c.Flight, Bytes: c.Bytes, Over: c.Over, Incomplete: c.Incomplete,
		Unshipped: c.Unshipped, OnDisk: c.OnDisk, Shipped: c.Shipped, Reclaimed: c.Reclaimed, Lost: c.Lost,
		Outcomes: c.Outcomes,
	}
}

func (b *testJob) wantCounted(when string, want crawler.Counters) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.counted()); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// expireSegments ends the term of the segments.
func (b *testJob) expireSegments(segments ...string) {
	b.t.Helper()
	for shard := range b.job.Shards {
		for _, s := range segments {
			b.must(b.rdb.ZAddXX(b.t.Context(), b.base(shard)+nameSegments, redis.Z{Member: s}).Err())
		}
	}
}

// reclaim puts back the URLs of expired segments, and fails unless this number of URLs is put back.
func (b *testJob) reclaim(want int64) {
	b.t.Helper()
	got, err := b.Reclaim(b.t.Context())
	b.must(err)
	if got != want {
		b.t.Errorf("%d URLs are put back, want %d", got, want)
	}
}

func shipsSegments(t *testing.T, b *testJob) {
	b.admit(3, "https://a.example/1", "https://a.example/2", "https://a.example/3")
	lease := b.open("a.example")
	taken := b.take(lease, 3, "https://a.example/1", "https://a.example/2", "https://a.example/3")
	b.settleIn(lease, "w1", crawler.OutcomeFetched, taken[:2]...)
	b.settleIn(lease, "w2", crawler.OutcomeGone, taken[2])
	outcomes := map[crawler.Outcome]int64{crawler.OutcomeFetched: 2, crawler.OutcomeGone: 1}
	b.wantCounted("settled", crawler.Counters{Seen: 3, Bytes: 30, Unshipped: 3, Outcomes: outcomes})
	segments, err := b.Segments(t.Context())
	b.must(err)
	if len(segments) != 2 || segments[0].Name != "w1" || segments[0].URLs != 2 || segments[0].Left <= 0 {
		t.Errorf("segments: got %+v", segments)
	}
	for range 2 { // a repetition, as after a lost reply
		_, err := b.Shipped(t.Context(), "w1")
		b.must(err)
	}
	b.expireSegments("w1")
	b.reclaim(0)
	b.wantCounted("one is shipped", crawler.Counters{Seen: 3, Bytes: 30, Unshipped: 1, Shipped: 2, Outcomes: outcomes})
	n, err := b.Shipped(t.Context(), "w2")
	b.must(err)
	if n != 1 {
		t.Errorf("%d URLs are settled for good, want 1", n)
	}
	b.wantCounted("both are", crawler.Counters{Seen: 3, Bytes: 30, Shipped: 3, Outcomes: outcomes})
	b.must(lease.Close(t.Context(), queue.Rest{}))
	for _, key := range b.keys() {
		for _, name := range []string{nameSegments, nameUnshipped, nameReclaimed, nameSegment + "w1",
			nameSegment + "w2"} {
			if key == b.baseOf("a.example")+name {
				t.Errorf("%s is left", key)
			}
		}
	}
}

func reclaimsLost(t *testing.T, b *testJob) {
	b.admit(4, "https://a.example/1", "https://a.example/2", "https://a.example/3", "https://a.example/4")
	b.admit(1, "https://b.example/")
	lease := b.open("a.example")
	taken := b.take(lease, 3, "https://a.example/1", "https://a.example/2", "https://a.example/3")
	b.must(lease.Settle(t.Context(), []queue.Settlement{
		{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched, Bytes: 10, Incomplete: true, Segment: "w1"},
		{Ticket: taken[1].Ticket, Outcome: crawler.OutcomeSkipped, Over: true, Segment: "w1"},
		{Ticket: taken[2].Ticket, Outcome: crawler.OutcomeFetched, Bytes: 5, Segment: "w1"},
	}))
	other := b.open("b.example")
	b.settleIn(other, "w1", crawler.OutcomeFetched, b.take(other, 1, "https://b.example/")...)
	b.must(other.Close(t.Context(), queue.Rest{}))
	b.reclaim(0) // the segment has not expired
	b.expireSegments("w1")
	b.must(b.Prolong(t.Context(), []string{"w1", "unknown"}))
	b.reclaim(0) // the segment was prolonged
	b.expireSegments("w1")
	b.reclaim(4)
	b.reclaim(0)
	b.wantCounted("reclaimed", crawler.Counters{Seen: 5, Waiting: 5, Reclaimed: 4,
		Outcomes: map[crawler.Outcome]int64{}})
	again := b.take(lease, 5, "https://a.example/1", "https://a.example/2", "https://a.example/3",
		"https://a.example/4")
	b.settleIn(lease, "w2", crawler.OutcomeFetched, again...)
	b.must(lease.Close(t.Context(), queue.Rest{}))
	other = b.open("b.example") // the host was idle
	if got := other.HostHealth().Pages; got != 0 {
		t.Errorf("b.example has %d pages, want none", got)
	}
	b.settleIn(other, "w2", crawler.OutcomeFetched, b.take(other, 5, "https://b.example/")...)
	b.must(other.Close(t.Context(), queue.Rest{}))
	_, err := b.Shipped(t.Context(), "w1") // the disk of w1 is available again
	b.must(err)
	_, err = b.Shipped(t.Context(), "w2")
	b.must(err)
	b.wantCounted("at the end", crawler.Counters{
		Seen: 5, Bytes: 50, Shipped: 5, Reclaimed: 4, Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 5},
	})
}

// reclaimsMany reclaims a segment that takes several calls, with concurrent schedulers.
func reclaimsMany(t *testing.T, b *testJob) {
	const n = 2*reclaimBatch + 7
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("https://a.example/%04d", i))
	}
	b.admit(n, urls...)
	lease := b.open("a.example")
	for at := 0; at < n; at += 100 {
		some := urls[at:min(at+100, n)]
		b.settleIn(lease, "w1", crawler.OutcomeFetched, b.take(lease, 100, some...)...)
	}
	b.expireSegments("w1")
	put := make(chan int64)
	for range 3 {
		go func() {
			n, err := b.otherProcess().Reclaim(context.WithoutCancel(t.Context()))
			if err != nil {
				t.Error(err)
			}
			put <- n
		}()
	}
	if sum := <-put + <-put + <-put; sum != n {
		t.Errorf("%d URLs are put back, want %d", sum, n)
	}
	b.take(lease, n, urls...) // in the original order
	b.must(lease.Close(t.Context(), queue.Rest{}))
}

func refundsBudget(t *testing.T, b *testJob) {
	b.job.Pages = 3
	b.admit(5, "https://a.example/1", "https://a.example/2", "https://a.example/3", "https://a.example/4",
		"https://a.example/5")
	lease := b.open("a.example")
	taken := b.take(lease, 5, "https://a.example/1", "https://a.example/2", "https://a.example/3")
	b.settleIn(lease, "w1", crawler.OutcomeFetched, taken[:2]...)
	b.settleIn(lease, "w2", crawler.OutcomeFetched, taken[2])
	if _, err := lease.Take(t.Context(), 1, 0); err == nil {
		t.Fatal("more pages are promised than the budget has")
	}
	b.must(lease.Close(t.Context(), queue.Rest{}))
	b.expireSegments("w1")
	b.reclaim(2)
	lease = b.open("a.example")
	taken = b.take(lease, 5, "https://a.example/1", "https://a.example/2")
	b.settleIn(lease, "w3", crawler.OutcomeFetched, taken...)
	b.must(lease.Close(t.Context(), queue.Rest{}))
	ledger := b.rdb.HGetAll(t.Context(), jobBase(b.job.Name)+nameLedger).Val()
	if ledger["spent"] != "3" {
		t.Errorf("ledger: got %v, want 3 pages spent", ledger)
	}
	b.expireSegments("w1") // a scheduler died before it forgot the segment
	b.reclaim(0)
	for _, pages := range []int{2, 1} { // calls that timed out, and that Redis carries out only now
		b.must(runKeys(t.Context(), b.rdb, refundScript(), "refund", []string{jobBase(b.job.Name) + nameLedger},
			refundOf(t, ledger), pages).Err())
	}
	if got := b.rdb.HGet(t.Context(), jobBase(b.job.Name)+nameLedger, "spent").Val(); got != "3" {
		t.Errorf("%s pages are spent, want 3", got)
	}
}

// refundOf returns which reclaiming the ledger remembers.
func refundOf(t *testing.T, ledger map[string]string) string {
	t.Helper()
	for field := range ledger {
		if which, ok := strings.CutPrefix(field, "refund "); ok {
			return which
		}
	}
	t.Fatalf("the ledger remembers no refund: %v", ledger)
	return ""
}

func countsOnDisk(t *testing.T, b *testJob) {
	b.job.Durable = crawler.DurableDisk
	b.admit(2, "https://a.example/1", "https://a.example/2")
	lease := b.open("a.example")
	taken := b.take(lease, 2, "https://a.example/1", "https://a.example/2")
	b.settleIn(lease, "w1", crawler.OutcomeFetched, taken[0])
	b.settleIn(lease, "w2", crawler.OutcomeFetched, taken[1])
	b.must(lease.Close(t.Context(), queue.Rest{}))
	outcomes := map[crawler.Outcome]int64{crawler.OutcomeFetched: 2}
	b.wantCounted("settled", crawler.Counters{Seen: 2, Bytes: 20, OnDisk: 2, Outcomes: outcomes})
	b.expireSegments("w1", "w2")
	lost := crawler.Counters{Seen: 2, Bytes: 20, Lost: 2, Outcomes: outcomes}
	b.wantCounted("expired, before it is reclaimed", lost)
	b.reclaim(0)
	b.wantCounted("lost", lost)
	_, err := b.Shipped(t.Context(), "w2")
	b.must(err)
	b.wantCounted("one is back", crawler.Counters{Seen: 2, Bytes: 20, Lost: 1, Shipped: 1, Outcomes: outcomes})
}

func forfeitsAtOnce(t *testing.T, b *testJob) {
	b.admit(2, "https://a.example/1", "https://a.example/2")
	lease := b.open("a.example")
	taken := b.take(lease, 2, "https://a.example/1", "https://a.example/2")
	b.settleIn(lease, "dead", crawler.OutcomeFetched, taken[0])
	b.settleIn(lease, "alive", crawler.OutcomeFetched, taken[1])
	n, err := b.Forfeit(t.Context(), []string{"dead", "unknown"})
	b.must(err)
	if c := b.counted(); n != 1 || c.Waiting != 1 || c.Unshipped != 1 {
		t.Errorf("%d URLs are put back: %+v", n, c)
	}
	b.must(lease.Close(t.Context(), queue.Rest{}))
}
