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

const connections = 16 // --per-host in these tests

// maxInFlight is the maximum number of URLs of a host in flight: those taken ahead for its
// connections, and those of the batch that is not settled yet.
const maxInFlight = 4*connections + 64

// crawlTest is a crawl of one host at full speed.
type crawlTest struct {
	*shell
	graph testsite.Graph
	site  *testsite.Site
	args  []string
}

func newCrawlTest(t *testing.T, pages int, args ...string) *crawlTest {
	t.Helper()
	g := testsite.Graph{Hosts: 1, PagesPerHost: pages, LinksPerPage: 8, Seed: uint64(pages)}
	ct := &crawlTest{shell: newShell(t), graph: g, site: g.Serve(t)}
	ct.args = append([]string{
		"crawl", ct.site.URL(0, "/"), "--delay", "0", "--per-host", fmt.Sprint(connections), "--out", "site",
	}, args...)
	return ct
}

// startUntil starts the crawl and waits until the site has received a number of requests. The
// crawl goes on, but a hundred requests later, or before the last page, the site holds all
// responses until release is called.
func (ct *crawlTest) startUntil(requests int) (p *process, release func()) {
	ct.t.Helper()
	release = ct.site.HoldAfter(min(requests+100, ct.graph.Hosts*ct.graph.PagesPerHost-2))
	p = ct.start(ct.args...)
	waitForSite(ct.t, ct.site, func(l *testsite.Log) bool { return len(l.Requests()) >= requests })
	return p, release
}

// killAfter kills the crawl after a number of requests.
func (ct *crawlTest) killAfter(requests int) {
	ct.t.Helper()
	p, release := ct.startUntil(requests)
	p.kill()
	release()
}

// interruptAfter interrupts the crawl after a number of requests.
func (ct *crawlTest) interruptAfter(requests int, sig os.Signal) *process {
	ct.t.Helper()
	p, release := ct.startUntil(requests)
	p.signal(sig)
	release()
	return p
}

// expectComplete checks that all pages are in the output, and that at most a given number of
// them was requested or stored twice.
func (ct *crawlTest) expectComplete(atMostTwice int) {
	ct.t.Helper()
	requested, kept := requestCounts(ct.site), fetched(pages(ct.t, ct.path("site")))
	kept.expect(ct.t, "pages", ct.graph.URLs(ct.site))
	requested.expect(ct.t, "requests", ct.graph.URLs(ct.site))
	again := requested.duplicates()
	ct.t.Logf("%d pages were requested twice, of at most %d", len(again), atMostTwice)
	if len(again) > atMostTwice {
		ct.t.Errorf("%d pages were requested twice, want at most %d", len(again), atMostTwice)
	}
	if most := slices.Max(slices.Collect(maps.Values(requested))); most > 2 {
		ct.t.Errorf("a page was requested %d times", most)
	}
	for _, url := range kept.duplicates() {
		if requested[url] < 2 {
			ct.t.Errorf("%s is in the output %d times, and was requested once", url, kept[url])
		}
	}
}

// waitForRedisExit waits until the private redis-server of an output folder has ended. The
// server holds a lock while it runs.
func (ct *crawlTest) waitForRedisExit() {
	ct.t.Helper()
	lock := flock.New(filepath.Join(ct.path("site"), ".trawl", "redis", "redis.lock"))
	if free, err := lock.TryLockContext(testfleet.Soon(ct.t), 10*time.Millisecond); !free {
		ct.t.Errorf("the private redis-server was left behind: %v", err)
	}
	_ = lock.Unlock()
}

// shutDownRedis ends the private redis-server of a running crawl.
func (ct *crawlTest) shutDownRedis() {
	ct.t.Helper()
	text, err := os.ReadFile(filepath.Join(ct.path("site"), ".trawl", "redis", "redis.addr"))
	var at struct{ Socket string }
	if err = errors.Join(err, json.Unmarshal(text, &at)); err != nil {
		ct.t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: at.Socket, MaxRetries: -1})
	defer rdb.Close()
	_ = rdb.Shutdown(testfleet.Soon(ct.t)).Err() // Redis answers by closing the connection
}

// inFlight returns how many URLs were in flight when a crawl was killed.
func (ct *crawlTest) inFlight() int {
	ct.t.Helper()
	ctx := testfleet.Patience(ct.t)
	note, err := localcrawl.ReadNote(ct.path("site"))
	if err != nil {
		ct.t.Fatal(err)
	}
	back, err := trawlfleet.Start(ctx, trawlfleet.StartConfig{
		Dir: filepath.Join(ct.path("site"), ".trawl"), Persist: true, Was: note.Backend,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		ct.t.Fatal(err)
	}
	defer back.Close()
	store := frontier.New(back.Client)
	jobs, err := store.Jobs(ctx)
	if err != nil || len(jobs) != 1 {
		ct.t.Fatalf("the jobs are %q (%v), want one", jobs, err)
	}
	status, err := store.Status(ctx, jobs[0])
	if err != nil {
		ct.t.Fatal(err)
	}
	counters, err := store.Frontier(status.Job).Counters(ctx)
	if err != nil {
		ct.t.Fatal(err)
	}
	if counters.Flight > maxInFlight {
		ct.t.Errorf("%d URLs were in flight, want at most %d", counters.Flight, maxInFlight)
	}
	return int(counters.Flight)
}

func TestAKilledCrawlResumes(t *testing.T) {
	t.Parallel()
	for _, requests := range []int{1, 2, 100, 250, 450, 590} {
		t.Run(fmt.Sprintf("after %d of 600 requests", requests), func(t *testing.T) {
			t.Parallel()
			if requests != 250 {
				skipIfShort(t)
			}
			ct := newCrawlTest(t, 600)
			ct.withRedis()
			ct.killAndResume(requests)
		})
	}
}

// killAndResume kills a crawl after a number of requests, and runs the same command again.
func (ct *crawlTest) killAndResume(requests int) {
	ct.t.Helper()
	ct.killAfter(requests)
	ct.waitForRedisExit()
	inFlight := ct.inFlight()
	ct.run(ct.args...).exits(done, "going on with", "is done: nothing is left to fetch")
	ct.waitForRedisExit()
	ct.expectComplete(inFlight)
	ct.run("audit", "site").exits(done)
}

func TestAKilledCrawlOverTheBuiltInRedisResumes(t *testing.T) {
	t.Parallel()
	moments := []int{200, 1 + rand.IntN(550)}
	if slowTests() {
		for range 8 {
			moments = append(moments, 1+rand.IntN(590))
		}
	}
	for _, requests := range moments {
		t.Run(fmt.Sprintf("after %d of 600 requests", requests), func(t *testing.T) {
			if !slowTests() {
				t.Parallel()
			}
			ct := newCrawlTest(t, 600)
			ct.withoutRedis()
			ct.killAndResume(requests)
		})
	}
}

func TestACrawlKilledSeveralTimesIsCompleteAtItsEnd(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(ct *crawlTest){
		"private":  func(ct *crawlTest) { ct.withRedis() },
		"built in": func(ct *crawlTest) { ct.withoutRedis() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			skipIfShort(t)
			ct := newCrawlTest(t, 1200)
			redis(ct)
			const kills = 5
			for i := range kills {
				ct.killAfter(200 * (i + 1))
			}
			ct.run(ct.args...).exits(done)
			records := pages(t, ct.path("site"))
			fetched(records).expect(t, "pages", ct.graph.URLs(ct.site))
			if n := len(requestCounts(ct.site).duplicates()); n > kills*maxInFlight {
				t.Errorf("%d pages were requested twice, want at most %d for each of %d kills", n, maxInFlight, kills)
			}
		})
	}
}

// Over a shared Redis, another visit gets the host only after the lease of the lost visit.
func TestAKilledCrawlOverARealRedisResumes(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	ct := newCrawlTest(t, 600, "--redis", redistest.New(t), "--job", redistest.Name(t))
	ct.killAfter(200)
	before, again := len(ct.site.Requests()), time.Now()
	ct.run(ct.args...).exits(done, "going on with")
	t.Logf("the site was visited again after %v", ct.site.Requests()[before].Start.Sub(again).Round(time.Millisecond))
	ct.expectComplete(maxInFlight)
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
			ct := newCrawlTest(t, 600)
			ct.withRedis()
			start := time.Now()
			p := ct.interruptAfter(200, sig)
			p.wait().exits(interrupted, "stopping", "is interrupted", "the same command resumes the crawl")
			t.Logf("trawl crawled for %v", time.Since(start).Round(time.Millisecond))
			ct.waitForRedisExit()
			stored := fetched(pages(t, ct.path("site")))
			stored.expectOnce(t, "pages before", urlSet(requestCounts(ct.site)))
			ct.run(ct.args...).exits(done, "going on with", "is done: nothing is left to fetch",
				fmt.Sprintf("  this run  %d pages in ", len(ct.graph.URLs(ct.site))-len(stored)),
				fmt.Sprintf("  pages     %d, ", len(ct.graph.URLs(ct.site))), "in total, including earlier runs",
				"fetched in total", "), in this run")
			ct.expectComplete(0)
			fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
		})
	}
}

// urlSet returns the URLs that have a count.
func urlSet(n counts) map[string]bool {
	set := make(map[string]bool)
	for url := range n {
		set[url] = true
	}
	return set
}

func TestACrawlThatLosesItsRedisReportsItAndResumesLater(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	ct := newCrawlTest(t, 600)
	ct.withRedis()
	p, release := ct.startUntil(200)
	ct.shutDownRedis()
	release()
	p.waitSoon().exits(failed, "redis-server ended by itself", "redis.log")
	ct.waitForRedisExit()
	inFlight := ct.inFlight()
	ct.run(ct.args...).exits(done, "going on with")
	ct.expectComplete(inFlight)
}

func TestASecondInterruptDoesNotWaitForResponses(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 30)
	ct.withRedis()
	reached, release := ct.site.Hang("/page/7")
	p := ct.start(ct.args...)
	<-reached
	p.signal(os.Interrupt)
	p.waitForOutput("interrupt again to stop now")
	p.signal(os.Interrupt)
	p.wait().exits(interrupted)
	release()
	ct.run(ct.args...).exits(done)
	ct.expectComplete(connections) // the requests in flight at the second interrupt
}
