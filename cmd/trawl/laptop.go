package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/scheduler"
	"github.com/trawlcrawler/trawl/tasks"
)

// laptop is a fleet in one process: a scheduler, a worker, and who watches
// them. It does what the fleet's own processes do, over the same Redis keys and
// asynq tasks.
type laptop struct {
	settings   settings
	backing    *fleet.Backing
	store      *frontier.Store
	frontier   *frontier.Frontier
	dispatcher *tasks.Dispatcher
	client     *tasks.Client
	door       *fleet.Door
	scheduler  *scheduler.Scheduler // of a crawl that runs
	workshop   *fleet.Workshop
	berth      berth
	beside     beside
	lent       map[crawler.Host]bool // hosts of a list that were opened for other workers
	tally      *tally
	log        *slog.Logger

	failOnce sync.Once
	failure  error         // what ended the crawl early
	failed   chan struct{} // closed then
}

// poll is how long the queue is left alone when it is empty: there is one, so that
// it may be asked more often than those of a fleet, and the command ends as soon.
const poll = 10 * time.Millisecond

// newLaptop ties a fleet together for a job that exists in the store. home are
// the hosts of its seeds. It owns out from now on, also when it fails.
func newLaptop(ctx context.Context, s settings, b *fleet.Backing, store *frontier.Store, home []crawler.Host, out *fleet.Output, tempDir string, log *slog.Logger) (*laptop, error) {
	job, err := store.Status(ctx, s.Name)
	if err != nil {
		return nil, errors.Join(failed("%v", err), out.Close())
	}
	l := &laptop{
		settings: s, backing: b, store: store, frontier: store.Frontier(s.Job), tally: newTally(), log: log,
		failed: make(chan struct{}), lent: make(map[crawler.Host]bool),
	}
	reach, err := s.reach()
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	reach.TempDir = tempDir
	if l.workshop, err = fleet.NewWorkshop(store, b.Endpoint, fleet.WorkshopConfig{
		Name: fleet.HostName(), Concurrency: s.Concurrency, Poll: poll, Fetch: reach, Metrics: prometheus.NewRegistry(), Log: log,
	}); err != nil {
		return nil, errors.Join(failed("%v", err), out.Close())
	}
	if l.berth.station, err = l.workshop.NewStation(job, home, out, l.hear); err != nil {
		l.workshop.Close()
		return nil, usage("%v", err)
	}
	l.berth.station.Waits(l.waits)
	l.dispatcher, l.client = tasks.NewDispatcher(b.Endpoint, 0), tasks.NewClient(store, b.Endpoint)
	l.door = fleet.NewDoor(b, log)
	return l, nil
}

// close lets go of what newLaptop opened.
func (l *laptop) close() error {
	l.workshop.Close()
	return errors.Join(l.client.Close(), l.dispatcher.Close(), l.berth.close())
}

// hear notes what a visit reports. A visit that failed is tried again, but when pages
// cannot be kept, and nothing but a person can mend that, there is no use in fetching
// more. While it may pass, visits wait, and fail only when the crawl is told to end.
func (l *laptop) hear(r crawler.Report, err error) {
	l.tally.note(r)
	l.keeps(r)
	l.scheduler.Nudge() // it may have been the last
	if errors.Is(err, crawler.ErrKeep) && (!l.berth.station.CanWait() || !fleet.MayPass(err)) {
		l.fail(failed("%v; the same command goes on when that is mended", err))
	}
}

// waits tells that pages cannot be kept now, and when they can again.
func (l *laptop) waits(why error) {
	if why == nil {
		fmt.Fprintln(stderr, "trawl: there is room again: the crawl goes on")
		return
	}
	reason, _, _ := strings.Cut(why.Error(), "\n") // a visit may have met more
	fmt.Fprintf(stderr, "trawl: %s: the crawl waits, and goes on by itself when there is room\n", reason)
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

	working, stop := context.WithCancel(ctx)
	alone := []string{l.settings.Name}
	defer l.door.Appear(ctx, crawler.Process{Kind: crawler.KindWorker, Name: commandName(), Jobs: alone})()
	defer l.door.Appear(ctx, crawler.Process{Kind: crawler.KindScheduler, Name: fleet.HostName(), Jobs: alone})()
	begin := newOpening(l.dispatcher, l.settings.Concurrency)
	l.scheduler = scheduler.New(l.settings.Name, l.store, l.frontier, begin, scheduler.Config{Log: l.log})
	var wg, worker sync.WaitGroup
	worker.Go(func() { l.open(working, hard, begin) })
	wg.Go(func() { l.watch(working, hard, stop) })
	wg.Go(func() { l.seed(working, seeds) })
	status, err := l.scheduler.Run(working)
	stop()
	worker.Wait()
	l.berth.shut()
	wg.Wait()
	if l.failure != nil {
		return status, l.failure
	}
	return status, err
}

// open begins to receive visits when there are some.
func (l *laptop) open(working, hard context.Context, begin *opening) {
	if !begin.wait(working) {
		return
	}
	if err := l.berth.open(hard); err != nil {
		l.fail(failed("%v", err))
	}
}

// killOnSecond ends requests under way when the user asks a second time.
func killOnSecond(ctx context.Context, kill func(), second <-chan struct{}) {
	select {
	case <-second:
		kill()
	case <-ctx.Done():
	}
}

// watchEvery is how often the worker looks whether its job still runs.
const watchEvery = 250 * time.Millisecond

// watch ends the visits when the job may fetch no more, and the crawl when
// something of ours fails.
func (l *laptop) watch(ctx, hard context.Context, stop func()) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.failed:
			stop()
			return
		case <-l.backing.Lost:
			l.fail(failed("the private redis-server ended by itself; its log is in %s/redis/redis.log", houseDir))
		case <-tick.C:
			status, err := l.store.Status(ctx, l.settings.Name)
			if err == nil && (status.Ending != "" || status.State != crawler.StateRunning) {
				l.berth.stop(status.Ending)
			}
			if err == nil && status.Closing {
				l.berth.ship()
			}
			if err == nil {
				if err := l.berth.update(status); err != nil {
					l.fail(failed("%v", err))
				}
			}
		}
	}
}

// Bounds of admitting seeds: so many at once, and for so long one of a slow list
// waits for others.
const (
	seedBatch = 1000
	seedAfter = 100 * time.Millisecond
)

// seed admits the seeds and notes when all are in, so that the job may end.
func (l *laptop) seed(ctx context.Context, seeds iter.Seq[seed]) {
	for batch := range batched(ctx, seeds) {
		if _, err := l.frontier.Admit(ctx, batch); err != nil {
			if ctx.Err() == nil {
				l.fail(failed("admit the seeds: %v", err))
			}
			return
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err := l.store.Seeded(ctx, l.settings.Name, true); err != nil && ctx.Err() == nil {
		l.fail(failed("%v", err))
	}
}

// batched gathers seeds for admission, and tells of those that are no URLs. The
// list is read by a goroutine of its own, which a list that neither goes on nor
// ends keeps until the process does.
func batched(ctx context.Context, seeds iter.Seq[seed]) iter.Seq[[]crawler.Entry] {
	read := make(chan crawler.Entry, seedBatch)
	go func() {
		defer close(read)
		for s := range seeds {
			if s.err != nil {
				fmt.Fprintf(stderr, "trawl: left out: %v\n", s.err)
				continue
			}
			select {
			case read <- crawler.Entry{URL: s.url, Band: crawler.BandFirst}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func(yield func([]crawler.Entry) bool) {
		for {
			select {
			case first, ok := <-read:
				if !ok || !yield(gather(first, read)) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// gather returns the first entry and those that come soon after it.
func gather(first crawler.Entry, read <-chan crawler.Entry) []crawler.Entry {
	batch := []crawler.Entry{first}
	late := time.NewTimer(seedAfter)
	defer late.Stop()
	for len(batch) < seedBatch {
		select {
		case e, ok := <-read:
			if !ok {
				return batch
			}
			batch = append(batch, e)
		case <-late.C:
			return batch
		}
	}
	return batch
}
