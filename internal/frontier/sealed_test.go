package frontier

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// manualPages returns packed entries for pages of a manual, found on a few of its pages.
func manualPages(t testing.TB, n int) (packed []string) {
	t.Helper()
	words := []string{"crawler", "frontier", "host", "visit", "robots", "sink", "segment", "ledger", "archive", "index"}
	random := rand.New(rand.NewPCG(1, 2))
	page := func() string {
		return fmt.Sprintf("https://docs.test/manual/%s/%s-%s-%d.html", words[random.IntN(3)],
			words[random.IntN(len(words))], words[random.IntN(len(words))], random.IntN(1000))
	}
	via := page()
	for i := range n {
		if i%20 == 0 {
			via = page()
		}
		packed = append(packed, queue.Entry{URL: url(t, page()), Referrer: url(t, via), Depth: 2}.Pack())
	}
	return packed
}

func TestASealedBlockKeepsItsEntriesInOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 31, 512} {
		packed := manualPages(t, n)
		entries, before := splitAll(packed)
		if before > 0 {
			t.Fatalf("entry %d of %d cannot be divided", before-1, n)
		}
		block := packSealed(entries)
		for taken := 0; taken < n; taken += max(1, n/8) {
			s, err := unpackSealed(block)
			if err != nil {
				t.Fatalf("%d of %d entries are taken: %v", taken, n, err)
			}
			if diff := cmp.Diff(packed[taken:], joined(s.entries)); diff != "" {
				t.Fatalf("%d of %d entries are taken (-want +got):\n%s", taken, n, diff)
			}
			if got := waitingIn(block); got != n-taken {
				t.Errorf("%d of %d entries are taken: %d wait", taken, n, got)
			}
			if left := len(s.entries) - max(1, n/8); left > 0 {
				block = s.without(max(1, n/8))
			}
		}
	}
}

func TestASealedBlockIsSmall(t *testing.T) {
	t.Parallel()
	packed := manualPages(t, sealedMost)
	entries, _ := splitAll(packed)
	block, plain := packSealed(entries), len(strings.Join(packed, ""))
	t.Logf("%d entries of %d bytes take %.1f bytes each", len(packed), plain/len(packed),
		float64(len(block))/float64(len(packed)))
	if len(block) > 10*len(packed) {
		t.Errorf("%d entries of %d bytes take %d, want at most 10 each", len(packed), plain, len(block))
	}
	s, err := unpackSealed(block)
	if err != nil {
		t.Fatal(err)
	}
	if left := s.without(400); len(left) > len(block)/2 {
		t.Errorf("the last 112 entries take %d bytes, all take %d", len(left), len(block))
	}
}

func TestDamagedSealedBlocksAreErrors(t *testing.T) {
	t.Parallel()
	entries, _ := splitAll(manualPages(t, 3))
	good := packSealed(entries)
	for name, block := range map[string]string{
		"nothing": "", "no content": "\x00\x03", "no entry waits": "\x00\x00" + good[2:], "cut off": good[:len(good)-1],
		"more entries wait than there are": "\x00\x04" + good[2:], "something behind it": good + "\x00\x01",
		"attributes that do not exist": good[:len(good)-2] + "\x01\x03", "half a run": good + "\x00",
	} {
		if s, err := unpackSealed(block); err == nil {
			t.Errorf("%s: %q", name, joined(s.entries))
		}
	}
}

func FuzzUnpackSealed(f *testing.F) {
	entries, _ := splitAll(manualPages(f, 3))
	f.Add(packSealed(entries))
	f.Fuzz(func(t *testing.T, block string) {
		if s, err := unpackSealed(block); err == nil {
			joined(s.entries)
		}
	})
}

// A crawl whose host has many waiting URLs, of which some wait in every band.
func sealsWhatIsDeep(t *testing.T, b *testJob) {
	const n = 1500
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://a.test/manual/chapter-%d/page-%d.html", i%7, i*7919%n))
	}
	for page := range slices.Chunk(urls, 30) {
		b.admit(len(page), page...)
	}
	b.admitBand(queue.BandFirst, 1, "http://a.test/")
	key := b.baseOf("a.test") + nameQueue + "1:a.test"
	if got := b.rdb.LLen(t.Context(), key).Val(); got > 200 {
		t.Errorf("the queue has %d elements for %d URLs", got, n)
	}
	waits := func(want int) {
		t.Helper()
		status, err := b.Host(t.Context(), "a.test")
		b.must(err)
		if c := b.counters(); c.Waiting != int64(want) || status.Waiting != int64(want) {
			t.Errorf("%d URLs wait, %d at the host; want %d", c.Waiting, status.Waiting, want)
		}
		found := 0
		b.must(b.EachWaiting(t.Context(), func(queue.Entry) { found++ }))
		if c := b.counters(); found != want+int(c.Flight) {
			t.Errorf("%d URLs are listed, want %d that wait and %d in flight", found, want, c.Flight)
		}
	}
	waits(n + 1)
	deep, err := b.Find(t.Context(), url(t, urls[1000]))
	if b.must(err); deep.Place != queue.PlaceQueue || deep.Before != 1001 {
		t.Errorf("URL 1000 is in place %v behind %d others", deep.Place, deep.Before)
	}
	first, err := b.Queued(t.Context(), "a.test", 100)
	if b.must(err); len(first) != 100 || first[99].Entry.URL.String() != urls[98] {
		t.Errorf("of the first 100 URLs, %d are listed; the last is %v", len(first), first[len(first)-1].Entry.URL)
	}

	lease := b.open("a.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 100, append([]string{"http://a.test/"}, urls[:99]...)...)...)
	b.take(lease, 7, urls[99:106]...)
	waits(n - 106)
	b.must(b.Abandon(t.Context())) // as when its worker dies: what was unsealed stays, what it held returns
	waits(n - 99)
	lease = b.open("a.test")
	for _, u := range urls[99:106] {
		b.settle(lease, crawler.OutcomeFetched, b.take(lease, 7, u)...) // they were lost with a worker
	}
	for left := urls[106:]; len(left) > 0; left = left[min(64, len(left)):] {
		b.settle(lease, crawler.OutcomeFetched, b.take(lease, 64, left[:min(64, len(left))]...)...)
	}
	b.take(lease, 64)
	waits(0)
	if b.rdb.HExists(t.Context(), b.baseOf("a.test")+nameHost+"a.test", "sealed").Val() {
		t.Error("the empty host has sealed URLs")
	}
	b.close(lease, 0)
	b.mustBeIdle()
}

// mustBeIdle fails unless nothing is left to do.
func (b *testJob) mustBeIdle() {
	b.t.Helper()
	if c := b.counters(); c.Due+c.Armed+c.Open != 0 || c.Waiting+c.Flight != 0 || c.Garbage != 0 {
		b.t.Errorf("not idle: %+v", c)
	}
}

// Several processes admit URLs of a host while visits take them: each is taken once.
func sealsWhileTaken(t *testing.T, b *testJob) {
	b.takeWhileAdmitted(3, 20, 40)
	b.mustBeIdle()
}

// takeWhileAdmitted takes the URLs of a host while several writers admit them, by the pages that have
// the links: each is taken once, in the order of its writer.
func (b *testJob) takeWhileAdmitted(writers, pages, links int) {
	t := b.t
	t.Helper()
	var wg sync.WaitGroup
	for w := range writers {
		other := b.otherProcess()
		wg.Go(func() {
			for page := range pages {
				var entries []queue.Entry
				for i := range links {
					u := crawler.CanonicalURL(fmt.Sprintf("http://a.test/writer-%d/%d", w, page*links+i))
					entries = append(entries, queue.Entry{URL: u, Band: queue.BandNormal})
				}
				if _, err := other.Admit(t.Context(), entries); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := make([]int, writers)
	for total := 0; total < writers*pages*links && !t.Failed(); {
		for _, o := range b.arm() {
			lease, err := b.Open(t.Context(), o, "tester", visit.Want{})
			b.must(err)
			taken, err := lease.Take(t.Context(), 150, 0)
			b.must(err)
			for _, one := range taken {
				var w, n int
				if _, err := fmt.Sscanf(one.Entry.URL.Path(), "/writer-%d/%d", &w, &n); err != nil || n != next[w] {
					t.Fatalf("took %s, want URL %d of its writer (%v)", one.Entry.URL, next[w], err)
				}
				next[w]++
			}
			b.settle(lease, crawler.OutcomeFetched, taken...)
			b.close(lease, 0)
			total += len(taken)
		}
	}
	wg.Wait()
}

// A block that cannot be read is recorded, and what is behind it is taken.
func setsSealedGarbageAside(t *testing.T, b *testJob) {
	var urls []string
	for i := range 300 {
		urls = append(urls, fmt.Sprintf("http://a.test/%d", i))
	}
	b.admit(300, urls...)
	b.admit(1, "http://a.test/last")
	key := b.baseOf("a.test") + nameQueue + "1:a.test"
	at, err := b.rdb.LPos(t.Context(), key, seal, redis.LPosArgs{}).Result()
	b.must(err)
	block, err := b.rdb.LIndex(t.Context(), key, at+1).Result()
	b.must(err)
	b.must(b.rdb.LSet(t.Context(), key, at+1, block[:2]+"garbage").Err())
	lease := b.open("a.test")
	taken := b.take(lease, 300, append(urls[:sealHead:sealHead], "http://a.test/last")...)
	b.settle(lease, crawler.OutcomeFetched, taken...)
	b.close(lease, 0)
	if c := b.counters(); c.Garbage != 1 || c.Waiting != 0 || c.Due != 0 {
		t.Errorf("%d garbled values, %d URLs wait, %d hosts are due; want 1, 0, 0", c.Garbage, c.Waiting, c.Due)
	}
}

// The number of URLs that wait at a host is known even after its record was garbage.
func recountsSealed(t *testing.T, b *testJob) {
	var urls []string
	for i := range 300 {
		urls = append(urls, fmt.Sprintf("http://a.test/%d", i))
	}
	b.admit(300, urls...)
	b.must(b.rdb.Set(t.Context(), b.baseOf("a.test")+nameHost+"a.test", "garbage", 0).Err())
	lease := b.open("a.test")
	status, err := b.Host(t.Context(), "a.test")
	b.must(err)
	if status.Waiting != 300 {
		t.Errorf("%d URLs wait, want 300", status.Waiting)
	}
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 300, urls...)...)
}

// A budget of pages is promised and spent exactly when URLs are sealed.
func keepsBudgetWithSealed(t *testing.T, b *testJob) {
	var urls []string
	for i := range 300 {
		urls = append(urls, fmt.Sprintf("http://a.test/%d", i))
	}
	b.live.note(budgetsOf(crawler.BudgetSettings{Pages: 100}, 1<<40, 0))
	b.admit(300, urls...)
	lease := b.open("a.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 60, urls[:60]...)...)
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 60, urls[60:100]...)...)
	if taken, err := lease.Take(t.Context(), 10, 0); !errors.Is(err, queue.ErrSpent) {
		t.Errorf("took %v, %v; want ErrSpent", urlsOf(taken), err)
	}
	b.close(lease, 0)
	if c := b.counters(); c.Waiting != 200 || c.Pages() != 100 {
		t.Errorf("%d URLs wait, %d pages are fetched; want 200 and 100", c.Waiting, c.Pages())
	}
}
