package frontier

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/latency"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// folded reports whether a host is folded, and fails if it is neither folded nor has a key.
func (b *testJob) folded(h crawler.Host) bool {
	b.t.Helper()
	own, folds := false, 0
	for _, key := range b.keys() {
		own = own || strings.HasSuffix(key, "}:"+nameHost+string(h))
		if strings.Contains(key, "}:"+nameFolded) && b.rdb.HExists(b.t.Context(), key, string(h)).Val() {
			folds++
		}
	}
	if own == (folds > 0) || folds > 1 {
		b.t.Fatalf("%s has a key: %v; and is folded %d times", h, own, folds)
	}
	return !own
}

// wantFolded fails unless the host is folded, or is not.
func (b *testJob) wantFolded(when string, h crawler.Host, want bool) {
	b.t.Helper()
	if got := b.folded(h); got != want {
		b.t.Errorf("%s, %s is folded: %v, want %v", when, h, got, want)
	}
}

func foldsIdleHosts(t *testing.T, b *testJob) {
	const first, second = "http://a.test/1", "http://a.test/2"
	var times latency.Histogram
	times.Add(30 * time.Millisecond)
	b.admit(1, first)
	b.wantFolded("while it waits", "a.test", false)
	lease := b.open("a.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 9, first)...)
	b.wantFolded("in its visit", "a.test", false)
	rest := queue.Rest{Gap: time.Second, Kept: 2 * time.Second, HostHealth: queue.HostHealth{Latency: times}}
	b.must(lease.Close(t.Context(), rest))
	b.wantFolded("when it is idle", "a.test", true)
	want := crawler.HostStatus{Host: "a.test", State: queue.HostIdle, Pages: 1, Seen: 1, Interval: 2 * time.Second,
		P50: times.Quantile(0.5), P95: times.Quantile(0.95)}
	if diff := cmp.Diff(want, b.host("a.test")); diff != "" {
		t.Errorf("the folded host (-want +got):\n%s", diff)
	}

	b.admit(1, first, second)
	b.wantFolded("when it waits again", "a.test", false)
	want.State, want.Seen, want.Waiting = queue.HostDue, 2, 1
	got := b.host("a.test")
	got.Due = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the unfolded host (-want +got):\n%s", diff)
	}
	lease = b.open("a.test")
	if h := lease.HostHealth(); h.Pages != 1 || h.Latency != times {
		t.Errorf("the next visit knows %+v", h)
	}
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 9, second)...)
	b.close(lease, 0)
	b.wantFolded("when it is idle again", "a.test", true)
	if c := b.counters(); c.Hosts != 1 || c.Seen != 2 || c.Garbage != 0 {
		t.Errorf("counters: %+v", c)
	}
}

func foldsNothingUnusual(t *testing.T, b *testJob) {
	long := crawler.Host(strings.Repeat("long.", 13) + "test")
	for _, h := range []crawler.Host{"ruled.test", "trapping.test", long} {
		u := "http://" + string(h) + "/"
		b.admit(1, u)
		lease := b.open(h)
		b.settle(lease, crawler.OutcomeFetched, b.take(lease, 9, u)...)
		rest := queue.Rest{}
		if h == "trapping.test" {
			rest.HostHealth = queue.HostHealth{Traps: "/calendar/*"}
		}
		b.must(lease.Close(t.Context(), rest))
		if h == "ruled.test" {
			b.wantFolded("without rules", h, true)
			b.must(b.Govern(t.Context(), h, ruled(crawler.HostRules{Paused: true}), false))
		}
		b.wantFolded("at the end", h, false)
	}
	if !b.host("ruled.test").Rules.Paused {
		t.Error("the rules of a host are lost")
	}
}

func foldsFailedHosts(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	want := queue.HostHealth{ConsecutiveFailures: 3, Trouble: "no one is there", Class: crawler.ErrorConnect}
	b.leave(b.open("a.test"), queue.Rest{HostHealth: want, GivenUp: true})
	lease := b.open("a.test")
	b.settle(lease, crawler.OutcomeFailed, b.takeAny(lease)...)
	b.must(lease.Close(t.Context(), queue.Rest{HostHealth: want, GivenUp: true}))
	b.wantFolded("when it has failed", "a.test", true)
	if got := b.host("a.test"); got.ConsecutiveFailures != 3 || got.Trouble != want.Trouble {
		t.Errorf("of the folded host, %d failures are known, %q", got.ConsecutiveFailures, got.Trouble)
	}
	b.admit(1, "http://a.test/2")
	b.wantFolded("when it waits again", "a.test", false)
	if got := b.open("a.test").HostHealth(); got != want {
		t.Errorf("the next visit knows %+v, want %+v", got, want)
	}
}

// A host with any numbers is the same after folding and unfolding.
func TestAFoldedHostIsUnfoldedAsItWas(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		rdb := connect(t, url)
		script := shardLibrary().script(`
local fields = {}
for i = 1, #ARGV, 2 do fields[ARGV[i]] = ARGV[i + 1] end
local packed, trouble = pack_host(fields)
return packed and unpack_host(packed, trouble) or {}`)
		fold := func(fields map[string]string) map[string]string {
			t.Helper()
			var args []any
			for name, value := range fields {
				args = append(args, name, value)
			}
			got, err := script.Run(t.Context(), rdb, []string{"trawl:{fold/0}:"}, args...).StringSlice()
			if err != nil {
				t.Fatal(err)
			}
			all := make(map[string]string)
			for i := 0; i+1 < len(got); i += 2 {
				all[got[i]] = got[i+1]
			}
			return all
		}
		names := []string{"epoch", "last", "ticket", "seen", "pages", "turn", "gap", "kept", "strikes", "givenup"}
		for i := range 300 {
			now := time.Now().UnixMilli()
			fields := map[string]string{"next": strconv.FormatInt(now+rand.Int64N(1<<rand.IntN(30)), 10)}
			for n, name := range names {
				value := rand.Int64N(1 << rand.IntN(30))
				if n < 3 {
					value = now - value + rand.Int64N(1<<20)
				}
				if rand.IntN(4) > 0 {
					fields[name] = strconv.FormatInt(value, 10)
				}
			}
			if i%3 == 0 {
				fields["class"], fields["trouble"] = "dns", "it is not there"
			}
			if i%2 == 0 {
				fields["latency"] = string([]byte{byte(i), 0, 255, byte(rand.IntN(256))})
			}
			if diff := cmp.Diff(fields, fold(fields)); diff != "" {
				t.Fatalf("unfolded (-want +got):\n%s", diff)
			}
		}
		plain := map[string]string{"next": "1764545000000", "seen": "1"}
		for name, value := range map[string]string{"rules": "1", "trouble": strings.Repeat("x", 65), "seen": "many",
			"next": "-1", "latency": strings.Repeat("x", 64), "pages": "1.5", "gap": fmt.Sprint(int64(1) << 62)} {
			fields := maps.Clone(plain)
			fields[name] = value
			if got := fold(fields); len(got) > 0 {
				t.Errorf("a host with %s %q is folded, as %v", name, value, got)
			}
		}
	})
}
