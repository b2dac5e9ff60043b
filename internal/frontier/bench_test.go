package frontier

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// The benchmarks measure the URLs per second of one client, and the processor time of Redis per
// URL. The latter bounds the throughput of a fleet. The built-in Redis does not report its
// processor time.

// BenchmarkAdmitNew admits pages whose links are all new.
func BenchmarkAdmitNew(b *testing.B) {
	eachRedis(b, func(b *testing.B, url string) {
		eachSpread(b, func(b *testing.B, hosts []int) {
			f := newTestJob(b, url, 1)
			m := startMeter(b, f.rdb)
			for page := 0; b.Loop(); page++ {
				b.StopTimer()
				entries := webPage(b, page*pageLinks/len(hosts), hosts...)
				b.StartTimer()
				f.admitPage(entries, pageLinks)
			}
			m.report(b.N * pageLinks)
		})
	})
}

// BenchmarkAdmitSeen admits pages with 80 seen links in 100, which this process or another one has
// just admitted.
func BenchmarkAdmitSeen(b *testing.B) {
	const known = 80
	eachRedis(b, func(b *testing.B, url string) {
		for _, by := range []string{"this process", "another"} {
			b.Run("by "+by, func(b *testing.B) {
				eachSpread(b, func(b *testing.B, hosts []int) {
					f := newTestJob(b, url, 1)
					entries := webPage(b, 0, hosts...)
					f.admitPage(entries, pageLinks)
					m := startMeter(b, f.rdb)
					for page := 1; b.Loop(); page++ {
						b.StopTimer()
						copy(entries[known:], webPage(b, page*pageLinks/len(hosts), hosts...))
						if by == "another" {
							f.forget(entries[:known])
						}
						b.StartTimer()
						f.admitPage(entries, pageLinks-known)
					}
					m.report(b.N * pageLinks)
				})
			})
		}
	})
}

// BenchmarkTakeSettle takes URLs of one host and settles them as fetched.
func BenchmarkTakeSettle(b *testing.B) {
	eachRedis(b, func(b *testing.B, url string) {
		for _, batch := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%d URLs", batch), func(b *testing.B) {
				f := newTestJob(b, url, 1)
				waiting := f.refill(0)
				lease := f.open(webHost(0))
				m := startMeter(b, f.rdb)
				for n := 1; b.Loop(); waiting -= batch {
					if waiting < batch {
						b.StopTimer()
						m.stop()
						waiting += f.refill(n)
						n++
						m.start()
						b.StartTimer()
					}
					f.takeAndSettle(lease, batch)
				}
				m.report(b.N * batch)
			})
		}
	})
}

// refill admits several thousand new URLs of host 0 and returns their number. It is the nth refill.
func (b *testJob) refill(n int) int {
	const pages = 20
	for page := range pages {
		b.admitPage(webPage(b.t, (n*pages+page)*pageLinks, 0), pageLinks)
	}
	return pages * pageLinks
}

func (b *testJob) takeAndSettle(lease visit.HostLease, n int) {
	b.t.Helper()
	taken, err := lease.Take(b.t.Context(), n, 0)
	if err != nil || len(taken) != n {
		b.t.Fatalf("took %d of %d, %v", len(taken), n, err)
	}
	b.settle(lease, crawler.OutcomeFetched, taken...)
}

// eachRedis runs a benchmark on a real Redis and on the built-in one.
func eachRedis(b *testing.B, run func(b *testing.B, url string)) {
	b.Run("redis", func(b *testing.B) { run(b, redistest.New(b)) })
	b.Run("builtin", func(b *testing.B) { run(b, redistest.Builtin(b)) })
}

// eachSpread runs a benchmark with pages that link to one host, and with pages that link to twenty.
func eachSpread(b *testing.B, run func(b *testing.B, hosts []int)) {
	for _, n := range []int{1, 20} {
		hosts := make([]int, n)
		for i := range hosts {
			hosts[i] = i
		}
		b.Run(fmt.Sprintf("%d hosts", n), func(b *testing.B) { run(b, hosts) })
	}
}

// admitPage admits the links of a page, and fails unless this number of them is new.
func (b *testJob) admitPage(entries []queue.Entry, want int) {
	b.t.Helper()
	if got, err := b.Admit(b.t.Context(), entries); err != nil || got != want {
		b.t.Fatalf("admitted %d of %d as new, %v; want %d", got, len(entries), err, want)
	}
}

// forget makes this process forget that the entries were admitted.
func (b *testJob) forget(entries []queue.Entry) {
	for _, e := range entries {
		b.recent.slot(b.recent.hash(b.identity.Key(e.URL))).Store(0)
	}
}

// meter measures the processor time of Redis.
type meter struct {
	b     *testing.B
	rdb   redis.UniversalClient
	spent time.Duration
	since time.Duration
}

func startMeter(b *testing.B, rdb redis.UniversalClient) *meter {
	m := &meter{b: b, rdb: rdb}
	m.start()
	return m
}

func (m *meter) start() { m.since = processorTime(m.b.Context(), m.rdb) }

func (m *meter) stop() { m.spent += processorTime(m.b.Context(), m.rdb) - m.since }

// report stops the meter and reports what each URL cost.
func (m *meter) report(urls int) {
	m.stop()
	m.b.ReportMetric(float64(urls)/m.b.Elapsed().Seconds(), "urls/s")
	m.b.ReportMetric(0, "ns/op") // the time per page is redundant
	if m.spent > 0 {
		m.b.ReportMetric(micros(m.spent)/float64(urls), "redis-µs/url")
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// processorTime returns the processor time that Redis has used; 0 if Redis does not report it.
func processorTime(ctx context.Context, rdb redis.UniversalClient) time.Duration {
	seconds := info(ctx, rdb, "cpu", "used_cpu_user") + info(ctx, rdb, "cpu", "used_cpu_sys")
	return time.Duration(seconds * float64(time.Second))
}

// info returns a number from Redis's INFO; 0 if it is missing.
func info(ctx context.Context, rdb redis.UniversalClient, section, name string) float64 {
	text, _ := rdb.Info(ctx, section).Result()
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return n
		}
	}
	return 0
}

// BenchmarkPackLinks packs the links of a page, and unpacks them.
func BenchmarkPackLinks(b *testing.B) {
	var links []fetched.Outlink
	for _, e := range webPage(b, 0, 0) {
		e.Depth = 1
		links = append(links, fetched.Outlink{Entry: e, Most: 3})
	}
	var c linkCodec
	for b.Loop() {
		if got, err := c.unpack(c.pack(links)); err != nil || len(got) != len(links) {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(float64(len(c.pack(links)))/float64(len(links)), "bytes/link")
}
