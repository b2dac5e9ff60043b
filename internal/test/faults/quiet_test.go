package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// The processes of a fleet ask Redis little for jobs that have nothing to do. Those here wait for
// seeds, and begin at once when they get some.
func TestAnIdleFleetAsksRedisLittle(t *testing.T) {
	t.Parallel()
	const jobs, seconds, most = 10, 20, 20 // at most so many commands a second, of all processes together
	site := testsite.Graph{Hosts: 1, PagesPerHost: 1}.Serve(t)
	f := testfleet.New(t)
	f.Scheduler()
	workers := f.Workers(4)
	var job crawler.Job
	for range jobs {
		job = crawler.DefaultJob()
		job.Name = redistest.Name(t)
		f.Create(job)
		for _, w := range workers {
			w.Says("job=" + job.Name)
		}
	}
	rdb := redis.NewClient(&redis.Options{Addr: f.Redis.TCP})
	t.Cleanup(func() { rdb.Close() })
	var diff map[string]int
	eventually(t, fmt.Sprintf("the fleet needs at most %d commands a second", most), func() bool {
		before, began := redistest.Commands(t, rdb), time.Now()
		time.Sleep(seconds * time.Second)
		diff = redistest.Commands(t, rdb)
		sum := 0
		for name, n := range diff {
			diff[name] = n - before[name]
			sum += diff[name]
		}
		rate := float64(sum) / time.Since(began).Seconds()
		t.Logf("%.1f commands a second", rate)
		return rate <= most
	})
	for _, name := range slices.Sorted(maps.Keys(diff)) {
		if diff[name] > 0 {
			t.Logf("%d of %s in %d s", diff[name], name, seconds)
		}
	}
	began := time.Now()
	if said, status := f.Run("seed", job.Name, site.URL(0, "/")); status != 0 {
		t.Fatalf("seed: exit status %d\n%s", status, said)
	}
	f.Done(job.Name)
	testfleet.Within(t, "a job that had nothing to do is done", time.Since(began), 5*time.Second)
}
