package frontier

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// newOwnRedisJob creates a job in a Redis that no other test uses.
func newOwnRedisJob(t *testing.T) (*testJob, *redistest.Node) {
	t.Helper()
	node := redistest.Durable(t, "--appendfsync", "always")
	return newTestJob(t, "redis://"+node.TCP+"/0", 1), node
}

func TestAFrontierIsUnavailableWhileItsRedisIsDown(t *testing.T) {
	t.Parallel()
	b, node := newOwnRedisJob(t)
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	node.Kill()
	if _, err := lease.Take(t.Context(), 1, 0); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("take without Redis: %v, want ErrUnavailable", err)
	}
	if _, _, err := b.store.RobotsCache().Get(t.Context(), "http://a.test"); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("robots cache without Redis: %v, want ErrUnavailable", err)
	}
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.take(lease, 1, "http://a.test/1")
}

func TestAFullRedisRefusesNewWorkAndLetsVisitsFinish(t *testing.T) {
	t.Parallel()
	b, node := newOwnRedisJob(t)
	b.lease = time.Millisecond
	b.admit(1, "http://silent.test/1")
	b.open("silent.test")
	b.lease = time.Minute
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	lease := b.open("a.test")
	taken := b.take(lease, 2, "http://a.test/1", "http://a.test/2")
	b.admit(1, "http://due.test/1")

	limit := func(bytes string) {
		t.Helper()
		if err := connect(t, node.URL()).ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}
	limit("1mb")
	for name, call := range map[string]func() error{
		"take":  func() error { _, err := lease.Take(t.Context(), 1, 0); return err },
		"claim": func() error { _, _, err := lease.Claim(t.Context(), b.entries(0, "http://a.test/9")[0]); return err },
		"admit": func() error { _, err := b.Admit(t.Context(), b.entries(0, "http://a.test/9")); return err },
		"arm":   func() error { _, err := b.Arm(t.Context(), 9); return err },
		"sweep": func() error { _, err := b.Sweep(t.Context(), 0); return err },
	} {
		if err := call(); !errors.Is(err, queue.ErrUnavailable) {
			t.Errorf("%s in a full Redis: %v, want ErrUnavailable", name, err)
		}
	}
	if err := lease.Renew(t.Context(), 0); err != nil {
		t.Errorf("renew in a full Redis: %v", err)
	}
	b.settle(lease, crawler.OutcomeFetched, taken[0])
	b.close(lease, 0)
	limit("0")
	if n := b.counters(); n.Open != 1 || n.Due != 2 || n.Armed != 0 || n.Flight != 0 || n.Waiting != 4 {
		t.Errorf("%d hosts are open, %d due, %d armed; %d URLs are in flight and %d wait; want 1, 2, 0; 0, 4", n.Open,
			n.Due, n.Armed, n.Flight, n.Waiting)
	}
	b.sweepUntil(1)
	b.take(b.open("a.test"), 9, "http://a.test/2", "http://a.test/3")
}

// With appendfsync everysec, and after a failover, Redis may have lost acknowledged writes.
func TestTheCacheOfSeenURLsIsDroppedWithTheConnection(t *testing.T) {
	t.Parallel()
	b, node := newOwnRedisJob(t)
	b.admit(1, "http://a.test/1")
	b.admit(0, "http://a.test/1")
	admin := connect(t, node.URL())
	for _, key := range []string{"count", "due", "host:a.test", "queue:1:a.test",
		fmt.Sprint(nameSeen, groupOf("a.test"))} {
		if n, err := admin.Del(t.Context(), b.base(0)+key).Result(); n != 1 {
			t.Fatalf("%s does not exist: %v", key, err)
		}
	}
	b.admit(0, "http://a.test/1") // no longer cached
	if err := admin.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	b.admit(1, "http://a.test/1")
}
