package frontier

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// TestDepth tests jobs with a depth limit on every kind of Redis.
func TestDepth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		depth int
		test  func(t *testing.T, b *testJob)
	}{
		{"a seen URL on a shorter path gets the smaller depth, and is not new", 3, getsSmallerDepth},
		{"if a page's depth shrinks, its links are admitted again, also those that were too deep", 3, admitsLinksAgain},
		{"a depth that shrinks before the links of the page are stored is noticed", 3, findsOutByItself},
		{"a smaller depth is passed on from page to page", 20, comesNearerInARow},
		{"a redirect lowers the depth of a seen target", 3, claimsNearer},
		{"an unfinished page is given out again", 3, givesOutAgain},
		{"a page whose depth shrinks again meanwhile is given out again", 3, comesNearerMeanwhile},
		{"the job is not idle while the links of a page are to be admitted again", 3, notIdleWhileNearer},
		{"a stale visit stores no links", 3, remembersNothingWhenStale},
		{"unreadable links do not block the others", 3, leavesOutUnreadable},
		{"keys of the wrong type are set aside, and the job continues", 3, setsAsideWrongTypes},
		{"depths beyond the limit are equal", 3, sameBeyondTheLimit},
		{"depths of two digits are distinguished", 98, getsSmallerDepth},
		{"depths that are too large for seen are kept in the entries", 5000, keepsFarDepths},
		{"seen stays exact while its buckets are split", 3, exactWhileDepthsGrow},
		{"seen stays exact while its buckets are split, with depths of two digits", 12, exactWhileDepthsGrow},
		{"a forgotten URL leaves neither depth nor links, and one that waits again keeps its depth", 3,
			forgetsDepths},
		{"a forgotten URL is distinguished from those with other depths of two digits", 98, forgetsDepths},
		{"a removed job leaves no links", 3, removesLinks},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, shards := range []int{1, 4} {
				t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
					t.Parallel()
					onEach(t, c.name, func(t *testing.T, url string) {
						c.test(t, newDepthJob(t, url, shards, c.depth))
					})
					if shards > 1 {
						t.Run("cluster", func(t *testing.T) {
							c.test(t, newDepthJob(t, clusterURL(t), shards, c.depth).strict())
						})
					}
				})
			}
		})
	}
}

func newDepthJob(t testing.TB, url string, shards, depth int) *testJob {
	t.Helper()
	rdb := connect(t, url)
	job := crawler.DefaultJob()
	job.Name, job.Shards, job.Depth = redistest.Name(t), shards, depth
	store := New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	return &testJob{store.Frontier(job), t, store, rdb, make(map[crawler.Host]queue.VisitRef)}
}

// admitAt admits URLs at a depth, and fails unless this number of them is new.
func (b *testJob) admitAt(depth, want int, urls ...string) {
	b.t.Helper()
	entries := b.entries(queue.BandNormal, urls...)
	for i := range entries {
		entries[i].Depth = depth
	}
	if got, err := b.Admit(b.t.Context(), entries); err != nil || got != want {
		b.t.Fatalf("admitted %d of %v at depth %d as new, %v; want %d", got, urls, depth, err, want)
	}
}

// haveDepths fails unless the URLs have these depths; -1 stands for a URL that was not seen.
func (b *testJob) haveDepths(want map[string]int) {
	b.t.Helper()
	got := make(map[string]int)
	for u := range want {
		at := url(b.t, u)
		depth, known, err := b.known(b.t.Context(), b.baseOf(at.Host()), at)
		b.must(err)
		if got[u] = depth; !known {
			got[u] = -1
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("depths (-want +got):\n%s", diff)
	}
}

// outlinks returns the links of a page, one level deeper, up to the depth of the job.
func (b *testJob) outlinks(page string, depth int, links ...string) fetched.Outlinks {
	o := fetched.Outlinks{Page: url(b.t, page), Depth: depth}
	for _, l := range links {
		o.Links = append(o.Links, fetched.Outlink{
			Entry: queue.Entry{URL: url(b.t, l), Referrer: o.Page, Depth: 1, Band: queue.BandNormal}, Most: b.job.Depth,
		})
	}
	return o
}

// remember stores and admits the links of a page, and fails unless the page has the wanted depth.
func (b *testJob) remember(lease visit.HostLease, o fetched.Outlinks, want int) {
	b.t.Helper()
	depths, err := lease.Remember(b.t.Context(), []fetched.Outlinks{o})
	b.must(err)
	if !slices.Equal(depths, []int{want}) {
		b.t.Fatalf("%s: got depths %v, want %d", o.Page, depths, want)
	}
	_, err = b.Admit(b.t.Context(), o.At(depths[0]))
	b.must(err)
}

func (b *testJob) approachAll() {
	b.t.Helper()
	for b.counters().Nearer > 0 {
		b.must(b.Approach(b.t.Context()))
	}
}

func getsSmallerDepth(t *testing.T, b *testJob) {
	const page = "http://a.test/page"
	b.admitAt(3, 1, page)
	b.admitAt(3, 0, page)
	b.haveDepths(map[string]int{page: 3, "http://a.test/": -1})
	b.admitAt(1, 0, page)
	b.admitAt(2, 0, page)
	b.haveDepths(map[string]int{page: 1})
	if _, err := b.otherProcess().Admit(t.Context(), []queue.Entry{{URL: url(t, page)}}); err != nil {
		t.Fatal(err)
	}
	b.haveDepths(map[string]int{page: 0})
	if n := b.counters(); n.Seen != 1 || n.Waiting != 1 || n.Lowered != 2 || n.Nearer != 0 {
		t.Errorf("counters: got %+v", n)
	}
	w, err := b.Find(t.Context(), url(t, page))
	if err != nil || w.Place != queue.PlaceQueue || w.Entry.Depth != 0 {
		t.Errorf("found as %+v, %v", w, err)
	}
}

func admitsLinksAgain(t *testing.T, b *testJob) {
	const page, near, far = "http://a.test/page", "http://a.test/near", "http://b.test/far?q=1"
	b.admitAt(3, 1, page)
	b.admitAt(2, 1, near)
	lease := b.open("a.test")
	taken := b.take(lease, 10, page, near)
	b.remember(lease, b.outlinks(page, 3, near, far), 3)
	b.settle(lease, crawler.OutcomeFetched, taken...)
	b.haveDepths(map[string]int{near: 2, far: -1})
	b.admitAt(2, 0, page)
	if n := b.counters(); n.Nearer != 1 || n.Seen != 2 {
		t.Errorf("counters: got %+v", n)
	}
	b.approachAll()
	b.haveDepths(map[string]int{page: 2, near: 2, far: 3})
	b.admitAt(0, 0, page)
	b.approachAll()
	b.haveDepths(map[string]int{page: 0, near: 1, far: 1})
	if n := b.counters(); n.Nearer != 0 || n.Seen != 3 || n.Waiting != 1 {
		t.Errorf("counters: got %+v", n)
	}
	there := b.open("b.test")
	got, err := there.Take(t.Context(), 10, 0)
	if err != nil || len(got) != 1 || got[0].Entry.Referrer != url(t, page) || got[0].Entry.URL != url(t, far) {
		t.Errorf("b.test: got %+v, %v", got, err)
	}
}

func findsOutByItself(t *testing.T, b *testJob) {
	const page, link = "http://a.test/page", "http://a.test/link"
	b.admitAt(3, 1, page)
	lease := b.open("a.test")
	b.take(lease, 1, page)
	b.admitAt(1, 0, page)
	if n := b.counters(); n.Nearer != 0 {
		t.Errorf("the links of %d pages are to be admitted again, want none", n.Nearer)
	}
	b.remember(lease, b.outlinks(page, 3, link), 1)
	b.haveDepths(map[string]int{page: 1, link: 2})
}

func comesNearerInARow(t *testing.T, b *testJob) {
	page := func(i int) string { return fmt.Sprintf("http://h%d.test/%d", i%3, i) }
	for i := range 10 {
		b.admitAt(i+10, 1, page(i))
	}
	for h := range 3 {
		lease := b.open(crawler.Host(fmt.Sprintf("h%d.test", h)))
		taken, err := lease.Take(t.Context(), 10, 0)
		b.must(err)
		for i := h; i < 10; i += 3 {
			b.remember(lease, b.outlinks(page(i), i+10, page(i+1)), i+10)
		}
		b.settle(lease, crawler.OutcomeFetched, taken...)
		b.close(lease, 0)
	}
	b.admitAt(2, 0, page(0))
	b.approachAll()
	for i := range 11 {
		b.haveDepths(map[string]int{page(i): i + 2})
	}
}

func claimsNearer(t *testing.T, b *testJob) {
	const from, to, link = "http://a.test/from", "http://a.test/to", "http://a.test/link"
	b.admitAt(1, 1, from)
	b.admitAt(3, 1, to)
	lease := b.open("a.test")
	b.take(lease, 10, from, to)
	b.remember(lease, b.outlinks(to, 3, link), 3)
	_, fresh, err := lease.Claim(t.Context(), queue.Entry{URL: url(t, to), Depth: 1})
	if err != nil || fresh {
		t.Fatalf("claim of %s: fresh %v, %v", to, fresh, err)
	}
	_, fresh, err = lease.Claim(t.Context(), queue.Entry{URL: url(t, "http://a.test/new"), Depth: 2})
	if err != nil || !fresh {
		t.Fatalf("claim of a new URL: fresh %v, %v", fresh, err)
	}
	b.approachAll()
	b.haveDepths(map[string]int{to: 1, link: 2, "http://a.test/new": 2})
}

// nearerPage fetches a page with a link that is too deep, and then lowers the depth of the page.
func (b *testJob) nearerPage(page, link string) {
	b.t.Helper()
	b.admitAt(3, 1, page)
	host := url(b.t, page).Host()
	lease := b.open(host)
	taken := b.take(lease, 1, page)
	b.remember(lease, b.outlinks(page, 3, link), 3)
	b.settle(lease, crawler.OutcomeFetched, taken...)
	b.close(lease, 0)
	b.admitAt(2, 0, page)
}

func givesOutAgain(t *testing.T, b *testJob) {
	const page, link = "http://a.test/page", "http://a.test/link"
	b.nearerPage(page, link)
	shard := b.shardOf("a.test")
	lost, err := b.otherProcess().nearer(t.Context(), shard, 10, time.Hour, nil)
	if err != nil || len(lost) != 3 {
		t.Fatalf("given out: %q, %v", lost, err)
	}
	if got, err := b.nearer(t.Context(), shard, 10, time.Hour, nil); err != nil || len(got) != 0 {
		t.Fatalf("also given out to another caller: %q, %v", got, err)
	}
	b.must(b.rdb.ZAdd(t.Context(), b.base(shard)+nameNearer,
		redis.Z{Score: 1, Member: b.rdb.ZRange(t.Context(), b.base(shard)+nameNearer, 0, 0).Val()[0]}).Err())
	b.approachAll()
	b.haveDepths(map[string]int{page: 2, link: 3})
	if _, err := b.nearer(t.Context(), shard, 0, time.Hour, []any{lost[0], lost[1]}); err != nil {
		t.Fatal(err)
	}
	if n := b.counters(); n.Nearer != 0 {
		t.Errorf("a page that two callers finished counts as %d", n.Nearer)
	}
}

func comesNearerMeanwhile(t *testing.T, b *testJob) {
	const page, link = "http://a.test/page", "http://a.test/link"
	b.nearerPage(page, link)
	shard := b.shardOf("a.test")
	got, err := b.nearer(t.Context(), shard, 10, time.Hour, nil)
	b.must(err)
	b.admitAt(0, 0, page)
	_, err = b.nearer(t.Context(), shard, 0, time.Hour, []any{got[0], got[1]})
	b.must(err)
	if n := b.counters(); n.Nearer != 1 {
		t.Fatalf("%d pages are to be admitted again, want 1", n.Nearer)
	}
	b.approachAll()
	b.haveDepths(map[string]int{page: 0, link: 1})
}

func notIdleWhileNearer(t *testing.T, b *testJob) {
	b.nearerPage("http://a.test/page", "http://b.test/link")
	b.idle(false)
	b.approachAll()
	b.idle(false)
	lease := b.open("b.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 10, "http://b.test/link")...)
	b.close(lease, 0)
	b.idle(true)
}

// idle fails unless the job is idle, or not idle, as wanted.
func (b *testJob) idle(want bool) {
	b.t.Helper()
	if got, err := b.Idle(b.t.Context()); err != nil || got != want {
		b.t.Fatalf("idle: got %v, %v; want %v", got, err, want)
	}
}

func remembersNothingWhenStale(t *testing.T, b *testJob) {
	const page = "http://a.test/page"
	b.admitAt(3, 1, page)
	lease := b.open("a.test")
	b.take(lease, 1, page)
	b.must(b.Abandon(t.Context()))
	if _, err := lease.Remember(t.Context(), []fetched.Outlinks{b.outlinks(page, 3, "http://a.test/")}); !errors.Is(err,
		queue.ErrStale) {
		t.Errorf("call of a stale visit: got error %v", err)
	}
	b.admitAt(2, 0, page)
	if n := b.counters(); n.Nearer != 0 {
		t.Errorf("%d pages are to be admitted again, want none", n.Nearer)
	}
}

func leavesOutUnreadable(t *testing.T, b *testJob) {
	const bad, good, link = "http://a.test/bad", "http://a.test/good", "http://a.test/link"
	b.nearerPage(bad, "http://a.test/other")
	base := b.base(b.shardOf("a.test"))
	for _, key := range b.keys() {
		if fields, err := b.rdb.HKeys(t.Context(), key).Result(); err == nil &&
			strings.HasPrefix(key, base+nameOutlinks) {
			b.must(b.rdb.HSet(t.Context(), key, fields[0], "garbage").Err())
		}
	}
	b.nearerPage(good, link)
	if err := b.Approach(t.Context()); !errors.Is(err, errLinks) {
		t.Errorf("got error %v", err)
	}
	b.approachAll()
	b.haveDepths(map[string]int{bad: 2, good: 2, link: 3})
}

func setsAsideWrongTypes(t *testing.T, b *testJob) {
	b.nearerPage("http://a.test/page", "http://b.test/link")
	base := b.base(b.shardOf("a.test"))
	for _, key := range b.keys() {
		if strings.HasPrefix(key, base+nameOutlinks) || key == base+nameNearer {
			b.must(b.rdb.Set(t.Context(), key, "garbage", 0).Err())
		}
	}
	b.approachAll()
	if n := b.counters(); n.Garbage != 1 { // links are read only for a page whose depth shrank
		t.Errorf("%d keys were set aside, want 1", n.Garbage)
	}
	b.admitAt(1, 0, "http://a.test/page")
	b.approachAll()
	b.haveDepths(map[string]int{"http://a.test/page": 1})
	if n := b.counters(); n.Garbage != 2 {
		t.Errorf("%d keys were set aside, want 2", n.Garbage)
	}
}

func sameBeyondTheLimit(t *testing.T, b *testJob) {
	const image = "http://a.test/style.css"
	b.admitAt(7, 1, image)
	b.admitAt(5, 0, image)
	if n := b.counters(); n.Lowered != 0 {
		t.Errorf("a depth was lowered %d times", n.Lowered)
	}
	lease := b.open("a.test")
	b.take(lease, 1, image)
	b.remember(lease, b.outlinks(image, 7), 7)
	b.admitAt(3, 0, image)
	b.haveDepths(map[string]int{image: 3})
}

func keepsFarDepths(t *testing.T, b *testJob) {
	const page, link = "http://a.test/page", "http://a.test/link"
	b.admitAt(1200, 1, page)
	lease := b.open("a.test")
	b.take(lease, 1, page)
	b.remember(lease, b.outlinks(page, 1200, link), 1200)
	taken := b.take(lease, 1, link)
	if taken[0].Entry.Depth != 1201 {
		t.Errorf("the link has depth %d", taken[0].Entry.Depth)
	}
	b.admitAt(98, 0, page)
	b.approachAll()
	b.haveDepths(map[string]int{page: 98})
}

func exactWhileDepthsGrow(t *testing.T, b *testJob) {
	exactWhileGrowing(t, b)
	for i := range 5000 {
		u := fmt.Sprintf("http://h%d.test/page/%d", i%7, i)
		if i%500 == 0 {
			b.admitAt(0, 0, u)
			b.haveDepths(map[string]int{u: 0})
		}
	}
}

func removesLinks(t *testing.T, b *testJob) {
	b.nearerPage("http://a.test/page", "http://b.test/link")
	b.must(b.store.Remove(t.Context(), b.job.Name))
	if left := b.keys(); len(left) > 0 {
		t.Errorf("keys left: %q", left)
	}
}

func TestTheDepthOfAJobCannotBeChanged(t *testing.T) {
	t.Parallel()
	b := newDepthJob(t, redistest.Builtin(t), 1, 3)
	job := b.job
	job.Depth = 4
	if err := b.store.Change(t.Context(), job); err == nil {
		t.Error("a depth of 3 was changed to 4")
	}
	job.Depth, job.Delay = 3, 0
	b.must(b.store.Change(t.Context(), job))
}
