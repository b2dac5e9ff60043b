package frontier

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// manyHosts admits a URL of each of n hosts.
func (b *testJob) manyHosts(n int) {
	b.t.Helper()
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://h%d.test/", i))
	}
	b.admit(n, urls...)
}

// armsTogether arms from several goroutines at once, which start from the same counters. The limit
// is exact for one shard. For several shards it is exact only for calls that follow one another.
func armsTogether(t *testing.T, b *testJob) {
	const most = 30
	b.manyHosts(100)
	if b.job.Shards == 1 {
		var all sync.WaitGroup
		for range 6 {
			other := b.otherProcess()
			all.Go(func() {
				if _, err := other.Arm(t.Context(), most); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	} else {
		for range 3 {
			if _, err := b.otherProcess().Arm(t.Context(), most); err != nil {
				t.Fatal(err)
			}
		}
	}
	if c := b.counters(); c.Armed != most || c.Due != 70 || c.Ready != 70 {
		t.Fatalf("%d visits are armed, %d hosts are due, %d are ready; want %d, 70, 70", c.Armed, c.Due, c.Ready,
			most)
	}
	orders, err := b.Arm(t.Context(), most+5)
	if err != nil || len(orders) != 5 {
		t.Fatalf("%d visits are armed, want 5 (%v)", len(orders), err)
	}
	if _, err := b.Open(t.Context(), orders[0], "tester", visit.Want{}); err != nil {
		t.Fatal(err)
	}
	for _, fewer := range []int{most + 5, most, 0, -1} {
		if orders, err := b.Arm(t.Context(), fewer); err != nil || len(orders) != 0 {
			t.Errorf("with 35 visits out and a limit of %[2]d, %[1]d are armed (%[3]v)", len(orders), fewer, err)
		}
	}
}

// armsEachShard arms as many visits at a time as there are shards. Hosts of each shard have enough to
// do for all of them.
func armsEachShard(t *testing.T, b *testJob) {
	b.manyHosts(40)
	visited := make(map[string]bool)
	for range 50 {
		orders, err := b.Arm(t.Context(), b.job.Shards)
		b.must(err)
		for _, o := range orders {
			visited[b.baseOf(o.Host)] = true
			lease, err := b.Open(t.Context(), o, "tester", visit.Want{})
			b.must(err)
			b.close(lease, 0)
		}
	}
	if len(visited) != b.job.Shards {
		t.Errorf("hosts of %d shards were visited, want %d", len(visited), b.job.Shards)
	}
}

// armsInTurn visits one host at a time. Each host is due again at once.
func armsInTurn(t *testing.T, b *testJob) {
	b.manyHosts(20)
	visited := make(map[crawler.Host]bool)
	for range 200 {
		orders, err := b.Arm(t.Context(), 1)
		if err != nil || len(orders) != 1 {
			t.Fatalf("%d visits are armed (%v), want one", len(orders), err)
		}
		visited[orders[0].Host] = true
		lease, err := b.Open(t.Context(), orders[0], "tester", visit.Want{})
		if err != nil {
			t.Fatal(err)
		}
		b.close(lease, 0)
	}
	if len(visited) != 20 {
		t.Errorf("in 200 visits, %d of 20 hosts were visited", len(visited))
	}
}

// epochsAreNotRepeated restores Redis to a state before a visit was opened, as a failover does.
func epochsAreNotRepeated(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	key, base := b.baseOf("a.test")+nameHost+"a.test", b.baseOf("a.test")
	before, err := b.rdb.HGetAll(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	first := b.armed("a.test")
	old, err := b.Open(t.Context(), first, "old", visit.Want{})
	if err != nil {
		t.Fatal(err)
	}
	b.take(old, 1, "http://a.test/1")
	for {
		now, err := b.rdb.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if now.UnixMilli() > first.Epoch {
			break
		}
	}
	for _, err := range []error{
		b.rdb.Del(t.Context(), key, base+nameFlight+"a.test", base+nameOpen).Err(),
		b.rdb.HSet(t.Context(), key, before).Err(),
		b.rdb.ZAdd(t.Context(), base+nameDue, redis.Z{Member: "a.test"}).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	second := b.armed("a.test")
	if second.Epoch == first.Epoch {
		t.Fatalf("epoch %d is used twice", first.Epoch)
	}
	if _, err := b.Open(t.Context(), second, "new", visit.Want{}); err != nil {
		t.Fatal(err)
	}
	if err := old.Renew(t.Context(), 0); !errors.Is(err, queue.ErrStale) {
		t.Errorf("the visit that Redis has lost: %v, want %v", err, queue.ErrStale)
	}
}
