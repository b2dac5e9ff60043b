package frontier

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// A seed on a host of its own takes 16 commands: 5 to admit it, 1 to arm its host, 4 to open the
// visit, 1 to hold the host, 5 to settle the page and end the visit. The visits of a tour share
// what a script does once a call: each costs one command more.
func TestTheVisitOfAHostWithOnePageNeedsFewCommands(t *testing.T) {
	t.Parallel()
	const hosts, most = 32, 17.5
	node := redistest.Own(t)
	rdb := redis.NewClient(&redis.Options{Addr: node.TCP})
	t.Cleanup(func() { rdb.Close() })
	job := crawler.DefaultJob()
	job.Name = redistest.Name(t)
	store := New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	b := &testJob{store.Frontier(job), t, store, rdb, nil}
	round := func(name string, known bool) {
		var urls []string
		for i := range hosts {
			urls = append(urls, fmt.Sprintf("http://%s%d.test/", name, i))
		}
		b.admitBand(queue.BandFirst, hosts, urls...)
		var opens []*opening
		for _, o := range b.arm() {
			opens = append(opens, b.opening(o, "tester", visit.Want{URLs: 10, Call: "1"}))
		}
		base := b.base(0)
		b.openAll(t.Context(), base, opens)
		var ends []*settling
		for _, o := range opens {
			if err := o.lease.opened(t.Context(), o.answer, o.err, o.want); err != nil || o.held != known {
				t.Fatalf("the visit of %s: %v, held %v", o.lease.ref.Host, err, o.held)
			}
			if err := o.lease.hold(t.Context(), o); err != nil || !o.lease.Sharing().Held {
				t.Fatalf("the visit of %s does not hold it: %v", o.lease.ref.Host, err)
			}
			done := []queue.Settlement{{Ticket: o.lease.start.Taken[0].Ticket, Outcome: crawler.OutcomeFetched, Bytes: 1}}
			one, err := o.lease.settling(t.Context(), done, o.lease.restArgs(queue.Rest{}))
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, one)
		}
		b.settleAll(t.Context(), base, ends)
		for _, e := range ends {
			if e.err != nil || !e.ended {
				t.Fatalf("the visit of %s ends: %v (%v)", e.host, e.ended, e.err)
			}
		}
	}
	round("first", false) // loads the scripts; only then are holds acquired in the same round trip
	before := redistest.Commands(t, rdb)
	round("second", true)
	sum, list := 0, ""
	for name, calls := range redistest.Commands(t, rdb) {
		if calls -= before[name]; calls > 0 {
			sum += calls
			list += fmt.Sprintf(" %s %.2f", name, float64(calls)/hosts)
		}
	}
	t.Logf("%.2f commands a page:%s", float64(sum)/hosts, list)
	if float64(sum) > most*hosts {
		t.Errorf("a page takes %.2f commands, want at most %v:%s", float64(sum)/hosts, most, list)
	}
}
