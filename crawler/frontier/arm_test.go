package frontier

import (
	"fmt"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

// manyHosts admits a URL of each of n hosts.
func (b *bench) manyHosts(n int) {
	b.t.Helper()
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://h%d.test/", i))
	}
	b.admit(n, urls...)
}

// armsTogether lets some begin with what all have counted before. Those who go over
// several shards may overtake each other, so that it is exact for one shard; over
// more, it is when they come one after another.
func armsTogether(t *testing.T, b *bench) {
	const most = 30
	b.manyHosts(100)
	if b.job.Shards == 1 {
		var all sync.WaitGroup
		for range 6 {
			other := b.elsewhere()
			all.Go(func() {
				if _, err := other.Arm(t.Context(), most); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	} else {
		for range 3 {
			if _, err := b.elsewhere().Arm(t.Context(), most); err != nil {
				t.Fatal(err)
			}
		}
	}
	if c := b.counters(); c.Armed != most || c.Due != 70 || c.Ready != 70 {
		t.Fatalf("%d visits are armed, %d hosts due and %d of them ready, want %d, 70 and 70", c.Armed, c.Due, c.Ready, most)
	}
	orders, err := b.Arm(t.Context(), most+5)
	if err != nil || len(orders) != 5 {
		t.Fatalf("%d visits are armed when five more may be out (%v)", len(orders), err)
	}
	if _, err := b.Open(t.Context(), orders[0], "tester"); err != nil {
		t.Fatal(err)
	}
	for _, fewer := range []int{most + 5, most, 0, -1} {
		if orders, err := b.Arm(t.Context(), fewer); err != nil || len(orders) != 0 {
			t.Errorf("with 35 visits out, %d are armed when %d may be (%v)", len(orders), fewer, err)
		}
	}
}

// armsInTurn visits one host after another, each of which is due again at once.
func armsInTurn(t *testing.T, b *bench) {
	b.manyHosts(40)
	visited := make(map[crawler.Host]bool)
	for range 400 {
		orders, err := b.Arm(t.Context(), 1)
		if err != nil || len(orders) != 1 {
			t.Fatalf("%d visits are armed (%v), want one", len(orders), err)
		}
		visited[orders[0].Host] = true
		turn, err := b.Open(t.Context(), orders[0], "tester")
		if err != nil {
			t.Fatal(err)
		}
		b.close(turn, 0)
	}
	if len(visited) != 40 {
		t.Errorf("in 400 visits, %d of 40 hosts were visited", len(visited))
	}
}
