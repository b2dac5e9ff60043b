package faults_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// carriedOut returns how many commands a Redis has carried out, those of scripts included.
func carriedOut(t *testing.T, rdb *redis.Client) (sum int) {
	t.Helper()
	said, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(said) {
		if _, rest, ok := strings.Cut(line, ":calls="); ok {
			var calls int
			if _, err := fmt.Sscanf(rest, "%d,", &calls); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			sum += calls
		}
	}
	return sum
}

// The processes of a fleet ask Redis little for jobs that have nothing to do. Those here wait for
// seeds.
func TestAnIdleFleetAsksRedisLittle(t *testing.T) {
	t.Parallel()
	const jobs, most = 5, 1_200 // commands a second; with looks at each tick, 4,000
	f := testfleet.New(t)
	f.Scheduler()
	workers := f.Workers(2)
	for range jobs {
		job := crawler.DefaultJob()
		job.Name = redistest.Name(t)
		f.Create(job)
		for _, w := range workers {
			w.Says("job=" + job.Name)
		}
	}
	rdb := redis.NewClient(&redis.Options{Addr: f.Redis.TCP})
	t.Cleanup(func() { rdb.Close() })
	var rate float64
	eventually(t, fmt.Sprintf("the fleet asks for less than %d commands a second", most), func() bool {
		before, began := carriedOut(t, rdb), time.Now()
		time.Sleep(3 * time.Second)
		rate = float64(carriedOut(t, rdb)-before) / time.Since(began).Seconds()
		return rate < most
	})
	t.Logf("%.0f commands a second", rate)
}
