package frontier

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// sightings returns the seen URLs of the job, by fingerprint.
func sightings(t *testing.T, f *Frontier) map[int64]Sighting {
	t.Helper()
	all := make(map[int64]Sighting)
	if err := f.EachSeen(t.Context(), func(s Sighting) { all[s.Fingerprint] = s }); err != nil {
		t.Fatal(err)
	}
	return all
}

// queued returns the waiting URLs, with the number of their entries.
func queued(t *testing.T, f *Frontier) map[string]int {
	t.Helper()
	all := make(map[string]int)
	if err := f.EachWaiting(t.Context(), func(e queue.Entry) { all[e.URL.String()]++ }); err != nil {
		t.Fatal(err)
	}
	return all
}

func listsSeen(t *testing.T, b *testJob) {
	const n = 1100 // fills several buckets, and exceeds one read of a queue
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("https://a.example/%04d", i))
	}
	b.admit(n, urls...)
	b.admit(3, "https://b.example/1", "https://b.example/2", "https://c.example/")
	lease := b.open("b.example")
	taken := b.take(lease, 2, "https://b.example/1", "https://b.example/2")
	b.must(lease.Settle(t.Context(),
		[]queue.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeRetry, Retry: taken[0].Entry,
			After: 1 << 40}}))
	c := b.open("c.example")
	b.settle(c, crawler.OutcomeFetched, b.take(c, 1, "https://c.example/")...)
	b.close(c, 0)
	want := map[string]int{"https://b.example/1": 1, "https://b.example/2": 1} // one to be retried, and one in flight
	for _, u := range urls {
		want[u] = 1
	}
	if diff := cmp.Diff(want, queued(t, b.Frontier)); diff != "" {
		t.Errorf("waiting (-want +got):\n%s", diff)
	}
	seen := sightings(t, b.Frontier)
	for _, u := range append(urls, "https://b.example/1", "https://b.example/2", "https://c.example/") {
		at, ok := seen[b.Fingerprint(url(t, u))]
		if !ok || at.Shard != b.ShardOf(url(t, u).Host()) {
			t.Errorf("%s: seen %v, as %+v", u, ok, at)
		}
	}
	if len(seen) != n+3 {
		t.Errorf("%d URLs are seen, want %d", len(seen), n+3)
	}
	b.must(lease.Close(t.Context(), queue.Rest{}))
}

func bringsAgain(t *testing.T, b *testJob) {
	b.admit(3, "https://a.example/1", "https://a.example/2", "https://a.example/3")
	lease := b.open("a.example")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 3, "https://a.example/1", "https://a.example/2",
		"https://a.example/3")...)
	b.close(lease, 0)
	n, err := b.Readmit(t.Context(), b.entries(queue.BandFirst, "https://a.example/2", "https://new.example/"))
	b.must(err)
	gone := sightings(t, b.Frontier)[b.Fingerprint(url(t, "https://a.example/3"))]
	forgotten, err := b.Forget(t.Context(), []Sighting{gone})
	b.must(err)
	again, err := b.Forget(t.Context(), []Sighting{gone})
	b.must(err)
	if n != 2 || forgotten != 1 || again != 0 {
		t.Errorf("%d URLs wait again, want 2; %d are forgotten and then %d, want 1 and 0", n, forgotten, again)
	}
	c := b.counters()
	if c.Seen != 3 || c.Known != 4 || c.Waiting != 2 || c.Hosts != 2 || c.Due != 2 {
		t.Errorf("counters: got %+v", c)
	}
	// Also in the process that had admitted the URL.
	b.admit(1, "https://a.example/1", "https://a.example/2", "https://a.example/3")
	lease = b.open("a.example")
	b.take(lease, 9, "https://a.example/2", "https://a.example/3")
	b.must(lease.Close(t.Context(), queue.Rest{}))
}

func recounts(t *testing.T, b *testJob) {
	b.job.Pages = 9
	b.admit(4, "https://a.example/1", "https://a.example/2", "https://b.example/1", "https://c.example/1")
	for _, h := range []string{"a", "b", "c"} {
		lease := b.open(crawler.Host(h + ".example"))
		taken, err := lease.Take(t.Context(), 9, 0)
		b.must(err)
		b.settleIn(lease, "w1", crawler.OutcomeFetched, taken...)
		b.close(lease, 0)
	}
	_, err := b.Shipped(t.Context(), "w1")
	b.must(err)
	account := Account{Shards: make([]ShardAccount, b.job.Shards), Hosts: map[crawler.Host]*HostAccount{
		"a.example": {Pages: 1, Seen: 1}, "b.example": {Seen: 1},
	}}
	for h, o := range map[crawler.Host]crawler.Outcome{"a.example": crawler.OutcomeFetched,
		"b.example": crawler.OutcomeGone} {
		s := &account.Shards[b.ShardOf(h)]
		if s.Outcomes == nil {
			s.Outcomes = make(map[crawler.Outcome]int64)
		}
		s.Outcomes[o]++
		s.Bytes += 7
		s.Records++
	}
	for range 2 { // a repetition, as after a lost reply
		b.must(b.Recount(t.Context(), account))
	}
	b.wantCounted("recounted", crawler.Counters{
		Seen: 4, Bytes: 14, Shipped: 2, Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 1,
			crawler.OutcomeGone: 1},
	})
	if c := b.counters(); c.Hosts != 2 {
		t.Errorf("%d hosts are left, want 2", c.Hosts)
	}
	host, err := b.Host(t.Context(), "a.example")
	b.must(err)
	if spent := b.rdb.HGet(t.Context(), jobBase(b.job.Name)+nameLedger, "spent").Val(); host.Pages != 1 ||
		host.Seen != 1 || spent != "1" {
		t.Errorf("a.example: got %d pages, %d URLs, %s spent; want 1 each", host.Pages, host.Seen, spent)
	}
}

func forgetsDepths(t *testing.T, b *testJob) {
	const page, far, link = "http://a.test/page", "http://a.test/far", "http://a.test/link"
	b.admitAt(2, 2, page, far)
	lease := b.open("a.test")
	taken := b.take(lease, 10, page, far)
	b.remember(lease, b.outlinks(page, 2, link), 2)
	b.settle(lease, crawler.OutcomeFetched, taken...)
	b.close(lease, 0)
	b.admitAt(1, 0, page) // the links of the page are to be admitted again
	gone := sightings(t, b.Frontier)[b.Fingerprint(url(t, page))]
	if gone.Depth != 1 {
		t.Errorf("%s: seen at depth %d, want 1", page, gone.Depth)
	}
	_, err := b.Forget(t.Context(), []Sighting{gone})
	b.must(err)
	entries := b.entries(queue.BandFirst, far)
	entries[0].Depth = 3
	_, err = b.Readmit(t.Context(), entries)
	b.must(err)
	b.haveDepths(map[string]int{page: -1, far: 2, link: 3})
	if c := b.counters(); c.Nearer != 0 || c.Seen != 2 || c.Waiting != 2 {
		t.Errorf("counters: got %+v", c)
	}
	for _, key := range b.keys() {
		if strings.Contains(key, nameOutlinks) {
			t.Errorf("%s is left", key)
		}
	}
	b.admitAt(3, 1, page)
	b.haveDepths(map[string]int{page: 3})
}
