package frontier

import (
	"net/netip"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

var shared = netip.MustParseAddr("192.0.2.1")

func (b *testJob) occupy(lease visit.HostLease, ip netip.Addr) queue.Occupancy {
	b.t.Helper()
	got, err := lease.Occupy(b.t.Context(), ip)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// keepsAddressOfIdleVisit ends a visit without requests, which must not change the rest of the
// address.
func keepsAddressOfIdleVisit(t *testing.T, b *testJob) {
	b.oneShard()
	b.admit(3, "http://a.test/1", "http://b.test/1", "http://c.test/1")
	a := b.open("a.test")
	b.occupy(a, shared)
	b.leave(a, queue.Rest{AddressWait: time.Hour})
	idle := b.open("b.test")
	b.occupy(idle, shared)
	b.leave(idle, queue.Rest{})
	if got := b.occupy(b.open("c.test"), shared); got.Wait < 50*time.Minute {
		t.Errorf("the address rests for %v, want about an hour", got.Wait)
	}
}

func (b *testJob) leave(lease visit.HostLease, r queue.Rest) {
	b.t.Helper()
	if err := lease.Close(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
}

// oneShard skips the test if the hosts of the job may be in several shards, because an address
// belongs to one shard.
func (b *testJob) oneShard() {
	if b.job.Shards > 1 {
		b.t.Skip("a job with a delay per address has one shard")
	}
}

func sharesAddress(t *testing.T, b *testJob) {
	b.oneShard()
	b.admit(3, "http://a.test/1", "http://b.test/1", "http://c.test/1")
	a, other, c := b.open("a.test"), b.open("b.test"), b.open("c.test")
	if got := b.occupy(a, shared); !got.Held || got.Wait != 0 || got.Others != 0 {
		t.Errorf("a free address: %+v", got)
	}
	if got := b.occupy(c, netip.MustParseAddr("2001:db8::1")); !got.Held {
		t.Errorf("another address: %+v", got)
	}
	if got := b.occupy(other, shared); got.Held {
		t.Errorf("an occupied address: %+v", got)
	}
	b.leave(other, queue.Rest{NotBefore: time.Hour})
	if orders := b.arm(); len(orders) != 0 {
		t.Errorf("%v are due while another host occupies their address", orders)
	}
	b.leave(a, queue.Rest{Wait: time.Hour, AddressWait: 50 * time.Millisecond})
	again := b.open("b.test") // the host is due again
	if got := b.occupy(again, shared); !got.Held || got.Wait > 50*time.Millisecond {
		t.Errorf("a released address: %+v", got)
	}
	b.leave(again, queue.Rest{AddressWait: time.Hour})
	last := b.open("b.test")
	if got := b.occupy(last, shared); !got.Held || got.Wait < 59*time.Minute {
		t.Errorf("a resting address: %+v", got)
	}
}

func freesAddress(t *testing.T, b *testJob) {
	b.oneShard()
	b.admit(2, "http://a.test/1", "http://b.test/1")
	b.lease = time.Millisecond
	lost := b.open("a.test")
	if _, err := lost.Take(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	b.occupy(lost, shared)
	b.lease = time.Minute
	waiting := b.open("b.test")
	if got := b.occupy(waiting, shared); got.Held {
		t.Fatalf("an occupied address: %+v", got)
	}
	b.leave(waiting, queue.Rest{NotBefore: time.Hour})
	b.sweepUntil(1)
	if got := b.occupy(b.open("b.test"), shared); !got.Held {
		t.Errorf("an address of a broken visit: %+v", got)
	}
}
