package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/redis/go-redis/v9"

	trawlfleet "github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

const lanes = 16 // connections to the one host of these tests

// maxInFlight is how many URLs of a host are in flight at most: those taken
// ahead for its connections, and those of the batch that is not settled yet.
const maxInFlight = 4*lanes + 64

// burst is a crawl at full speed of one host.
type burst struct {
	*shell
	graph testsite.Graph
	site  *testsite.Site
	args  []string
}

func newBurst(t *testing.T, pages int, args ...string) *burst {
	t.Helper()
	g := testsite.Graph{Hosts: 1, PagesPerHost: pages, LinksPerPage: 8, Seed: uint64(pages)}
	b := &burst{shell: newShell(t), graph: g, site: g.Serve(t)}
	b.args = append([]string{
		"crawl", b.site.URL(0, "/"), "--delay", "0", "--per-host", fmt.Sprint(lanes), "--out", "site",
	}, args...)
	return b
}

// after waits until the site was asked so often.
func (b *burst) after(requests int) {
	b.t.Helper()
	until(b.t, b.site, func(l *testsite.Log) bool { return len(l.Requests()) >= requests })
}

// whole checks that all pages are in the output, and that none was asked for
// or kept twice but for a number of them.
func (b *burst) whole(atMostTwice int) {
	b.t.Helper()
	asked, kept := asked(b.site), fetched(pages(b.t, b.path("site")))
	kept.expect(b.t, "pages", b.graph.URLs(b.site))
	asked.expect(b.t, "requests", b.graph.URLs(b.site))
	again := asked.twice()
	b.t.Logf("%d pages were asked for twice, of %d that may be", len(again), atMostTwice)
	if len(again) > atMostTwice {
		b.t.Errorf("%d pages were asked for twice, want at most %d", len(again), atMostTwice)
	}
	if most := slices.Max(slices.Collect(maps.Values(asked))); most > 2 {
		b.t.Errorf("a page was asked for %d times", most)
	}
	for _, url := range kept.twice() {
		if asked[url] < 2 {
			b.t.Errorf("%s is in the output %d times, and was asked for once", url, kept[url])
		}
	}
}

// redisGone waits until the private redis-server of an output folder has ended:
// it holds a lock for as long as it lives.
func (b *burst) redisGone() {
	b.t.Helper()
	lock := flock.New(filepath.Join(b.path("site"), ".trawl", "redis", "redis.lock"))
	if free, err := lock.TryLockContext(testfleet.Soon(b.t), 10*time.Millisecond); !free {
		b.t.Errorf("the private redis-server was left behind: %v", err)
	}
	_ = lock.Unlock()
}

// shutRedisDown ends the private redis-server of a crawl that goes on.
func (b *burst) shutRedisDown() {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.path("site"), ".trawl", "redis", "redis.addr"))
	var at struct{ Socket string }
	if err = errors.Join(err, json.Unmarshal(text, &at)); err != nil {
		b.t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: at.Socket, MaxRetries: -1})
	defer rdb.Close()
	_ = rdb.Shutdown(testfleet.Soon(b.t)).Err() // its answer is the end of the connection
}

// inFlight reads from what a killed crawl left how many URLs were in flight.
func (b *burst) inFlight() int {
	b.t.Helper()
	ctx := testfleet.Patience(b.t)
	note, err := localcrawl.ReadNote(b.path("site"))
	if err != nil {
		b.t.Fatal(err)
	}
	back, err := trawlfleet.Start(ctx, trawlfleet.StartConfig{
		Dir: filepath.Join(b.path("site"), ".trawl"), Persist: true, Was: note.Backend,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	defer back.Close()
	store := frontier.New(back.Client)
	jobs, err := store.Jobs(ctx)
	if err != nil || len(jobs) != 1 {
		b.t.Fatalf("the jobs are %q (%v), want one", jobs, err)
	}
	status, err := store.Status(ctx, jobs[0])
	if err != nil {
		b.t.Fatal(err)
	}
	counters, err := store.Frontier(status.Job).Counters(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	if counters.Flight > maxInFlight {
		b.t.Errorf("%d URLs were in flight, want at most %d", counters.Flight, maxInFlight)
	}
	return int(counters.Flight)
}

func TestAKilledCrawlGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for _, requests := range []int{1, 2, 100, 500, 900, 1190} {
		t.Run(fmt.Sprintf("after %d of 1200 requests", requests), func(t *testing.T) {
			t.Parallel()
			if requests%500 != 0 {
				long(t)
			}
			b := newBurst(t, 1200)
			b.withRedis()
			b.goesOnAfter(requests)
		})
	}
}

// goesOnAfter kills a crawl after so many requests, and gives the same command again.
func (b *burst) goesOnAfter(requests int) {
	b.t.Helper()
	killed := b.start(b.args...)
	b.after(requests)
	killed.kill()
	b.redisGone()
	inFlight := b.inFlight()
	b.run(b.args...).exits(done, "going on with", "is done: nothing is left to fetch")
	b.redisGone()
	b.whole(inFlight)
	b.run("audit", "site").exits(done)
}

func TestAKilledCrawlOverTheBuiltinRedisGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	moments := []int{400, 1 + rand.IntN(1100)}
	if slow() {
		for range 8 {
			moments = append(moments, 1+rand.IntN(1190))
		}
	}
	for _, requests := range moments {
		t.Run(fmt.Sprintf("after %d of 1200 requests", requests), func(t *testing.T) {
			if !slow() {
				t.Parallel()
			}
			b := newBurst(t, 1200)
			b.withoutRedis()
			b.goesOnAfter(requests)
		})
	}
}

func TestACrawlThatIsKilledAgainAndAgainIsWholeAtItsEnd(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(b *burst){
		"private":  func(b *burst) { b.withRedis() },
		"built in": func(b *burst) { b.withoutRedis() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			long(t)
			b := newBurst(t, 1200)
			redis(b)
			const kills = 5
			for i := range kills {
				p := b.start(b.args...)
				b.after(200 * (i + 1))
				p.kill()
			}
			b.run(b.args...).exits(done)
			records := pages(t, b.path("site"))
			fetched(records).expect(t, "pages", b.graph.URLs(b.site))
			if n := len(asked(b.site).twice()); n > kills*maxInFlight {
				t.Errorf("%d pages were asked for twice, want at most %d for each of %d kills", n, maxInFlight, kills)
			}
		})
	}
}

// Over a Redis that others may use as well, the host is only given to another
// visit when the lost one's time is over.
func TestACrawlKilledOverARealRedisGoesOn(t *testing.T) {
	t.Parallel()
	long(t)
	b := newBurst(t, 1200, "--redis", redistest.New(t), "--job", redistest.Name(t))
	killed := b.start(b.args...)
	b.after(400)
	killed.kill()
	before, again := len(b.site.Requests()), time.Now()
	b.run(b.args...).exits(done, "going on with")
	t.Logf("the site was visited again after %v", b.site.Requests()[before].Start.Sub(again).Round(time.Millisecond))
	b.whole(maxInFlight)
}

func TestAnInterruptedCrawlLosesNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGTERM": syscall.SIGTERM,
		"SIGHUP": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(sig) {
				t.Skip("the tests run under nohup, or the like, and so do the commands that they start")
			}
			b := newBurst(t, 1200)
			b.withRedis()
			p := b.start(b.args...)
			b.after(400)
			p.signal(sig)
			told := time.Now()
			p.wait().exits(interrupted, "stopping", "is interrupted", "the same command resumes the crawl")
			t.Logf("it ended after %v", time.Since(told).Round(time.Millisecond))
			b.redisGone()
			answered := fetched(pages(t, b.path("site")))
			answered.expectOnce(t, "pages before", urls(asked(b.site)))
			b.run(b.args...).exits(done, "going on with", "is done: nothing is left to fetch",
				fmt.Sprintf("  this run  %d pages in ", len(b.graph.URLs(b.site))-len(answered)),
				fmt.Sprintf("  pages     %d, ", len(b.graph.URLs(b.site))), "in total, including earlier runs",
				"fetched in total", "), in this run")
			b.whole(0)
			fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
		})
	}
}

// urls are what is counted.
func urls(n count) map[string]bool {
	set := make(map[string]bool)
	for url := range n {
		set[url] = true
	}
	return set
}

func TestACrawlThatLosesItsRedisSaysSoAndGoesOnLater(t *testing.T) {
	t.Parallel()
	long(t)
	b := newBurst(t, 1200)
	b.withRedis()
	p := b.start(b.args...)
	b.after(300)
	b.shutRedisDown()
	p.soonEnds().exits(failed, "redis-server ended by itself", "redis.log")
	b.redisGone()
	inFlight := b.inFlight()
	b.run(b.args...).exits(done, "going on with")
	b.whole(inFlight)
}

func TestASecondInterruptWaitsForNoAnswer(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 30)
	b.withRedis()
	reached, release := b.site.Hang("/page/7")
	p := b.start(b.args...)
	<-reached
	p.signal(os.Interrupt)
	p.says("interrupt again to stop now")
	p.signal(os.Interrupt)
	p.wait().exits(interrupted)
	release()
	b.run(b.args...).exits(done)
	b.whole(lanes) // those whose answers it did not wait for
}
