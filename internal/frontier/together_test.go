package frontier

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// opensTogether opens and ends visits of 40 hosts at the same time, with other calls among them
// that are refused.
func opensTogether(t *testing.T, b *testJob) {
	const hosts = 40
	var urls []string
	for i := range hosts {
		urls = append(urls, fmt.Sprintf("http://h%d.test/", i))
	}
	b.admit(hosts, urls...)
	want := visit.Want{URLs: 5, Call: "first"}
	orders := b.arm()
	if len(orders) != hosts {
		t.Fatalf("%d hosts are armed, want %d", len(orders), hosts)
	}
	leases := make([]visit.HostLease, hosts)
	var calls sync.WaitGroup
	for i, o := range orders {
		calls.Go(func() {
			late := o
			late.Epoch--
			if _, err := b.Open(t.Context(), late, "tester", want); !errors.Is(err, queue.ErrStale) {
				t.Errorf("a visit of an earlier epoch opens: %v", err)
			}
		})
		calls.Go(func() {
			var err error
			if leases[i], err = b.Open(t.Context(), o, "tester", want); err != nil {
				t.Errorf("open %v: %v", o, err)
			}
		})
	}
	calls.Wait()
	if t.Failed() {
		return
	}
	for i, lease := range leases {
		taken := lease.Start().Taken
		if len(taken) != 1 || taken[0].Entry.URL.Host() != orders[i].Host {
			t.Fatalf("the visit of %s takes %v", orders[i].Host, urlsOf(taken))
		}
		done := []queue.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched, Bytes: 10}}
		calls.Go(func() {
			for range 2 { // a call may be repeated
				closed, err := lease.Finish(t.Context(), done, queue.Rest{Last: -1, Wait: time.Second})
				if err != nil || !closed {
					t.Errorf("the visit of %s ends: %v (%v), want it to", orders[i].Host, closed, err)
				}
			}
		})
	}
	calls.Wait()
	if c := b.counters(); c.Visits != hosts || c.Outcomes[crawler.OutcomeFetched] != hosts || c.Bytes != 10*hosts ||
		c.Waiting != 0 || c.Flight != 0 || !c.Idle() {
		t.Errorf("the counters are %+v", c)
	}
}

func TestVisitsThatOpenTogetherHoldTheirHosts(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		job, rdb := crawler.DefaultJob(), connect(t, url)
		job.Name = redistest.Name(t)
		store := New(rdb)
		if err := store.Create(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Status(t.Context(), job.Name); err != nil { // tells the run
			t.Fatal(err)
		}
		b := &testJob{store.Frontier(job), t, store, rdb, nil}
		var urls []string
		for i := range 10 {
			urls = append(urls, fmt.Sprintf("http://%s-%d.test/", strings.ToLower(job.Name), i))
		}
		b.admit(len(urls), urls...)
		epochs := make(map[crawler.Host]int64)
		for round := range 2 { // the second visits find the holds of the first
			var calls sync.WaitGroup
			for _, o := range b.arm() {
				epochs[o.Host] = o.Epoch
				calls.Go(func() {
					lease, err := b.Open(t.Context(), o, "tester", visit.Want{})
					if err != nil || !lease.Sharing().Held {
						t.Errorf("round %d: the visit of %s does not hold its host (%v)", round, o.Host, err)
						return
					}
					b.close(lease, 0)
				})
			}
			calls.Wait()
		}
		for host, epoch := range epochs {
			h := unpackHold(rdb.Get(t.Context(), holdKey(host)).Val())
			if h.holder.job != job.Name || h.epoch != epoch {
				t.Errorf("the hold of %s names %v, epoch %d, want the last visit, %d", host, h.holder, h.epoch, epoch)
			}
		}
	})
}
