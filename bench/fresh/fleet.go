package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sitemap"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/scheduler"
)

// fleet is a scheduler and a worker with one continuous job: the frontier with its scripts on the
// built-in Redis, the scheduler, the visits, robots.txt, parsers and sitemaps are Trawl's own. asynq
// and the output are imitations. It lives in a bubble of [testing/synctest], and so does its Redis.
type fleet struct {
	job     crawler.Job
	redis   *miniredis.Miniredis
	client  *redis.Client
	store   *frontier.Store
	visitor *visit.Visitor
	runner  *scheduler.Runner

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu     sync.Mutex
	failed error // the first visit that failed
}

// newFleet makes a fleet that crawls a site. Its scheduler looks for work once a tick. It does not
// sweep, because no worker is lost.
func newFleet(job crawler.Job, site *web, tick time.Duration) (*fleet, error) {
	f := &fleet{job: job, redis: miniredis.NewMiniRedis()}
	f.redis.ClockTTL(true)
	f.client = redis.NewClient(&redis.Options{
		Protocol: 2, DisableIdentity: true, PoolSize: 4, ConnMaxIdleTime: -1, ConnMaxLifetime: -1, ReadTimeout: -1,
		WriteTimeout: -1,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled, EndpointType: maintnotifications.EndpointTypeNone,
		},
		Dialer: func(context.Context, string, string) (net.Conn, error) { return f.redis.Dial() },
	})
	f.store = frontier.New(f.client)
	f.store.HashBy(hashKey)
	f.ctx, f.stop = context.WithCancel(context.Background())
	if err := f.begin(site); err != nil {
		return nil, err
	}
	f.runner = scheduler.NewRunner(f.store, queues{f}, f.store.Frontier,
		scheduler.Config{Tick: tick, SweepEvery: 100 * year, Lull: lull{}})
	f.wg.Go(func() { _ = f.runner.Run(f.ctx) })
	return f, nil
}

// hashKey is a hash without a random seed, so that runs can be repeated.
func hashKey(key string) uint64 {
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, key)
	return sum.Sum64() | 1
}

// begin creates the job, and the worker for it.
func (f *fleet) begin(site *web) error {
	if err := f.store.Create(f.ctx, f.job); err != nil {
		return err
	}
	if _, err := f.store.Move(f.ctx, f.job.Name, crawler.StateRunning, "", crawler.StateCreated); err != nil {
		return err
	}
	status, err := f.store.Status(f.ctx, f.job.Name)
	if err != nil {
		return err
	}
	scope, err := rules.NewScope(status.Job.ScopeSettings, []crawler.Host{site.url(0).Host()})
	if err != nil {
		return err
	}
	parser, err := parse.New(parse.JobConfig(f.job, fetched.Needs{}))
	if err != nil {
		return err
	}
	f.visitor, err = visit.New(status.Job, scope, visit.Tools{
		Frontier: f.store.Frontier(status.Job), Fetcher: site, Robots: robots.New(f.store.RobotsCache(), robots.Config{}),
		Parser: parser, Sitemaps: sitemap.Parser{Dates: true}, Sink: discard{},
	}, visit.Config{Worker: "worker"})
	return err
}

// admit queues new pages of the site.
func (f *fleet) admit(urls []crawler.URL) error {
	entries := make([]queue.Entry, len(urls))
	for i, u := range urls {
		entries[i] = queue.Entry{URL: u, Band: queue.BandNormal}
	}
	if _, err := f.store.Frontier(f.job).Admit(f.ctx, entries); err != nil {
		return err
	}
	f.runner.Nudge(f.job.Name)
	return f.store.Seeded(f.ctx, f.job.Name, true)
}

// allow gives the job a budget, of a number of fetches a week.
func (f *fleet) allow(perWeek int64) error {
	f.job.Recrawl.Budget = crawler.FetchRate{Fetches: perWeek, Per: 7 * 24 * time.Hour}
	if err := f.store.Change(f.ctx, f.job); err != nil {
		return err
	}
	return f.visitor.Update(f.job)
}

// close ends all goroutines, and returns the first error of a visit.
func (f *fleet) close() error {
	f.stop()
	f.wg.Wait()
	f.client.Close()
	f.redis.Close()
	return f.failed
}

// discard is a sink that keeps nothing.
type discard struct{}

// Keep implements [visit.Sink].
func (discard) Keep(context.Context, []*fetched.Result) error { return nil }

// Needs implements [visit.Sink].
func (discard) Needs() fetched.Needs { return fetched.Needs{} }

// lull says that nothing happens, because everything here happens at ticks. The runner lists the
// jobs once, since the one job neither ends nor changes by itself.
type lull struct{}

// On implements the scheduler's view of a lull.
func (lull) On() bool { return true }

// Stir implements the scheduler's view of a lull.
func (lull) Stir() {}

// Pause implements the scheduler's view of a lull.
func (lull) Pause(time.Duration, time.Duration) (over <-chan time.Time, ended <-chan struct{}) {
	return nil, nil
}

// queues imitates asynq: the worker carries out each visit at once.
type queues struct{ *fleet }

// Capacity implements the scheduler's view of asynq.
func (queues) Capacity(string) (int, error) { return 1, nil }

// Workers implements the scheduler's view of asynq.
func (q queues) Workers(string) []string { return []string{"worker"} }

// Enqueue implements the scheduler's view of asynq.
func (q queues) Enqueue(_ context.Context, _ crawler.Status, orders []queue.VisitRef) (int, error) {
	for _, o := range orders {
		q.wg.Go(func() {
			if _, err := q.visitor.Visit(q.ctx, o, nil); err != nil && q.ctx.Err() == nil {
				q.mu.Lock()
				defer q.mu.Unlock()
				if q.failed == nil {
					q.failed = fmt.Errorf("the visit of %s: %w", o.Host, err)
				}
			}
			q.runner.Nudge(q.job.Name)
		})
	}
	return len(orders), nil
}

// Paused implements the scheduler's view of asynq.
func (queues) Paused(string) (paused, known bool, err error) { return false, false, nil }

// Pauses implements the scheduler's view of asynq.
func (queues) Pauses(context.Context, []string) (int, error) { return 0, nil }

// SetPaused implements the scheduler's view of asynq.
func (queues) SetPaused(string, bool) error { return nil }

// Forget implements the scheduler's view of asynq.
func (queues) Forget(string) (gone bool, err error) { return true, nil }
