package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/parse"
	"github.com/trawlcrawler/trawl/crawler/robots"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/scheduler"
	"github.com/trawlcrawler/trawl/tasks"
)

// laptop is a fleet in one process: a scheduler, a worker, and who watches
// them. It does what the fleet's own processes do, over the same Redis keys and
// asynq tasks.
type laptop struct {
	settings settings
	backing  *backing
	store    *frontier.Store
	frontier *frontier.Frontier
	client   *tasks.Client
	fetcher  *fetch.Fetcher
	sink     sink.Sink
	visitor  *crawler.Visitor
	tally    *tally
	log      *slog.Logger

	failOnce sync.Once
	failure  error         // what ended the crawl early
	failed   chan struct{} // closed then
	stopping chan struct{} // closed when the job's visits are to end
	stopOnce sync.Once
}

// visitTimeout is when asynq gives a visit up. A visit takes no URLs after half
// a minute, and each request has a bound of its own.
func visitTimeout(job crawler.Job) time.Duration {
	return 2*time.Minute + 2*time.Duration(job.Timeout)
}

// newLaptop ties a fleet together for a job that exists in the store. home are
// the hosts of its seeds.
func newLaptop(s settings, b *backing, store *frontier.Store, home []crawler.Host, out sink.Sink, tempDir string, log *slog.Logger) (*laptop, error) {
	l := &laptop{
		settings: s, backing: b, store: store, frontier: store.Frontier(s.Job), sink: out, tally: newTally(), log: log,
		client: tasks.NewClient(b.asynq, visitTimeout(s.Job)),
		failed: make(chan struct{}), stopping: make(chan struct{}),
	}
	scope, err := crawler.NewScope(s.Job, home)
	if err != nil {
		return nil, usage("%v", err)
	}
	parser, err := parse.New(parse.Config{Select: s.Select, ProductToken: s.ProductToken()})
	if err != nil {
		return nil, usage("%v", err)
	}
	l.fetcher, err = fetch.New(fetch.Config{
		AllowPrivate: s.AllowPrivate, AllowCIDR: s.prefixes(), TempDir: tempDir,
	})
	if err != nil {
		return nil, failed("%v", err)
	}
	worker, err := os.Hostname()
	if err != nil {
		worker = "localhost"
	}
	l.visitor, err = crawler.NewVisitor(s.Job, scope, crawler.Tools{
		Frontier: l.frontier, Fetcher: l.fetcher, Parser: parser, Sink: out,
		Robots: robots.New(store.RobotsCache(), robots.Config{}),
	}, crawler.VisitorConfig{Worker: worker, Log: log})
	if err != nil {
		return nil, usage("%v", err)
	}
	return l, nil
}

// close lets go of what newLaptop opened.
func (l *laptop) close() error {
	l.fetcher.Close()
	return errors.Join(l.client.Close(), l.sink.Close())
}

// fail ends the crawl early; nothing that was collected is lost.
func (l *laptop) fail(err error) {
	l.failOnce.Do(func() {
		l.failure = err
		close(l.failed)
	})
}

// run crawls until the job has ended, ctx ends, or something of ours fails. It
// admits the seeds while it crawls.
func (l *laptop) run(ctx context.Context, seeds iter.Seq[seed]) (crawler.Status, error) {
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	go killOnSecond(hard, kill, secondInterrupt(ctx))

	server, err := tasks.Serve(hard, l.backing.asynq, l.visit, tasks.ServerConfig{
		Job: l.settings.Name, Concurrency: l.settings.Concurrency, Log: l.log,
	})
	if err != nil {
		return crawler.Status{}, failed("%v", err)
	}
	working, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { l.watch(working, stop) })
	wg.Go(func() { l.seed(working, seeds) })
	status, err := scheduler.New(l.settings.Name, l.store, l.frontier, l.client, scheduler.Config{Log: l.log}).Run(working)
	stop()
	server.Close()
	wg.Wait()
	if l.failure != nil {
		return status, l.failure
	}
	return status, err
}

// killOnSecond ends requests under way when the user asks a second time.
func killOnSecond(ctx context.Context, kill func(), second <-chan struct{}) {
	select {
	case <-second:
		kill()
	case <-ctx.Done():
	}
}

// visit is what the worker does with a task.
func (l *laptop) visit(ctx context.Context, v tasks.Visit, drain <-chan struct{}) (crawler.Report, error) {
	if v.Job != l.settings.Name {
		return crawler.Report{}, fmt.Errorf("a visit of job %q came to the worker of %q", v.Job, l.settings.Name)
	}
	report, err := l.visitor.Visit(ctx, v.Order(), either(ctx, drain, l.stopping))
	l.tally.note(report)
	if err != nil && ctx.Err() == nil {
		if errors.Is(err, crawler.ErrKeep) {
			l.fail(failed("%v; the same command goes on when that is mended", err))
		}
		l.log.Error("a visit failed, and will be tried again", "job", v.Job, "host", v.Host, "error", err)
	}
	return report, err
}

// either is closed when a or b is, or ctx ends.
func either(ctx context.Context, a, b <-chan struct{}) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		defer close(c)
		select {
		case <-a:
		case <-b:
		case <-ctx.Done():
		}
	}()
	return c
}

// watchEvery is how often the worker looks whether its job still runs.
const watchEvery = 250 * time.Millisecond

// watch ends the visits when the job may fetch no more, and the crawl when
// something of ours fails.
func (l *laptop) watch(ctx context.Context, stop func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.failed:
			stop()
			return
		case <-l.backing.lost:
			l.fail(failed("the private redis-server ended by itself; its log is in %s/redis/redis.log", houseDir))
		case <-tick.C:
			status, err := l.store.Status(ctx, l.settings.Name)
			if err == nil && (status.Ending != "" || status.State != crawler.StateRunning) {
				l.stopOnce.Do(func() { close(l.stopping) })
			}
		}
	}
}

// seedBatch is how many seeds are admitted at once, and seedAfter for how long
// one of a slow list waits for others.
const seedBatch = 1000

// seed admits the seeds and notes when all are in, so that the job may end.
func (l *laptop) seed(ctx context.Context, seeds iter.Seq[seed]) {
	var batch []crawler.Entry
	admit := func() bool {
		_, err := l.frontier.Admit(ctx, batch)
		batch = batch[:0]
		if err != nil && ctx.Err() == nil {
			l.fail(failed("admit the seeds: %v", err))
		}
		return err == nil
	}
	last := time.Now()
	for s := range seeds {
		if s.err != nil {
			fmt.Fprintf(os.Stderr, "trawl: left out: %v\n", s.err)
			continue
		}
		batch = append(batch, crawler.Entry{URL: s.url, Band: crawler.BandFirst})
		if len(batch) >= seedBatch || time.Since(last) > time.Second {
			if !admit() {
				return
			}
			last = time.Now()
		}
	}
	if admit() && ctx.Err() == nil {
		if err := l.store.Seeded(ctx, l.settings.Name, true); err != nil && ctx.Err() == nil {
			l.fail(failed("%v", err))
		}
	}
}
