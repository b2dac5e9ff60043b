//go:build unix

package tasks_test

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/tasks"
)

// BenchmarkSeed admits a list of seeds to a job, with a real Redis and an append-only file: once as
// new URLs, and once as known URLs from another process, whose cache of URLs is empty. It reports
// URLs per second, and the processor time of this process and of Redis per URL.
func BenchmarkSeed(b *testing.B) {
	const urls = 200_000
	for _, hosts := range []int{1, 100, 50_000} {
		for _, pass := range []string{"new", "again"} {
			b.Run(fmt.Sprintf("%d hosts/%s", hosts, pass), func(b *testing.B) {
				node := redistest.Durable(b)
				rdb := redis.NewClient(&redis.Options{Addr: node.TCP})
				defer rdb.Close()
				var m seedMeter
				for b.Loop() {
					b.StopTimer()
					if err := rdb.FlushAll(b.Context()).Err(); err != nil {
						b.Fatal(err)
					}
					job := newSeedJob(b, node, pass == "again", synthetic(urls, hosts))
					c := openFleet(b, node)
					m.start(b, rdb)
					b.StartTimer()
					sum, err := c.Seed(b.Context(), job, synthetic(urls, hosts), nil)
					b.StopTimer()
					m.stop(b, rdb)
					if err != nil || sum.Admitted+sum.Seen != urls || (sum.Seen > 0) != (pass == "again") {
						b.Fatalf("%+v, %v", sum, err)
					}
					b.StartTimer()
				}
				m.report(b, float64(b.N)*urls)
			})
		}
	}
}

// newSeedJob creates a job, which already has the list's URLs if seeded is set.
func newSeedJob(b *testing.B, node *redistest.Node, seeded bool, list iter.Seq2[string, error]) string {
	b.Helper()
	c := openFleet(b, node)
	job := crawler.DefaultJob()
	job.Name = "bench"
	if err := c.Create(b.Context(), job); err != nil {
		b.Fatal(err)
	}
	if !seeded {
		return job.Name
	}
	if _, err := c.Seed(b.Context(), job.Name, list, nil); err != nil {
		b.Fatal(err)
	}
	return job.Name
}

func openFleet(b *testing.B, node *redistest.Node) *tasks.Client {
	b.Helper()
	c, err := tasks.Open(b.Context(), "redis://"+node.TCP)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

// synthetic returns n different URLs of about 80 bytes, in the order of their hosts.
func synthetic(n, hosts int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for i := range n {
			url := fmt.Sprintf("https://www.site%d.example.com/articles/2026/%02d/a-title-of-some-words-%d.html",
				i%hosts, i%12+1, i)
			if !yield(url, nil) {
				return
			}
		}
	}
}

// seedMeter measures processor time.
type seedMeter struct{ own, redis, ownStart, redisStart time.Duration }

func (m *seedMeter) start(b *testing.B, rdb *redis.Client) {
	m.ownStart, m.redisStart = ownTime(b), redisTime(b, rdb)
}

func (m *seedMeter) stop(b *testing.B, rdb *redis.Client) {
	m.own += ownTime(b) - m.ownStart
	m.redis += redisTime(b, rdb) - m.redisStart
}

func (m *seedMeter) report(b *testing.B, urls float64) {
	b.ReportMetric(urls/b.Elapsed().Seconds(), "urls/s")
	b.ReportMetric(float64(m.own.Nanoseconds())/1000/urls, "go-µs/url")
	b.ReportMetric(float64(m.redis.Nanoseconds())/1000/urls, "redis-µs/url")
	b.ReportMetric(0, "ns/op") // omits the time of a whole list
}

// ownTime returns the processor time of this process.
func ownTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// redisTime returns the processor time of Redis.
func redisTime(b *testing.B, rdb *redis.Client) time.Duration {
	b.Helper()
	text, err := rdb.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	sum := 0.0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, _ := strconv.ParseFloat(value, 64)
			sum += seconds
		}
	}
	return time.Duration(sum * float64(time.Second))
}
