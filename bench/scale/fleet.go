package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/bench/simweb"
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/scheduler"
)

// fleet is a scheduler and workers that crawl one simulated web. Each has
// connections of its own, as on machines of their own.
type fleet struct {
	job      crawler.Job
	endpoint redisconn.Endpoint
	store    *frontier.Store
	workers  []*worker
	close    []func() error

	mu     sync.Mutex
	failed error // the first visit that failed
}

// worker is one that has a place for so many visits.
type worker struct {
	visitor *visit.Visitor
	server  *wire.Server
	places  int
	visits  atomic.Int64 // under way
}

// full reports whether all places are taken.
func (w *worker) full() bool { return int(w.visits.Load()) >= w.places }

// newFleet makes the job and its fleet. dir is for what the workers keep.
func newFleet(ctx context.Context, e redisconn.Endpoint, web *simweb.Web, job crawler.Job, workers, visits int,
	dir string) (*fleet, error) {
	f := &fleet{job: job, endpoint: e}
	f.store = f.open()
	err := f.store.Create(ctx, job)
	if err == nil {
		_, err = f.store.Move(ctx, job.Name, crawler.StateRunning, "", crawler.StateCreated)
	}
	for i := 0; i < workers && err == nil; i++ {
		err = f.hire(ctx, web, fmt.Sprintf("worker-%d", i+1), visits, dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.end())
	}
	return f, nil
}

// open is a store over a connection of its own.
func (f *fleet) open() *frontier.Store {
	rdb := f.endpoint.Client()
	f.close = append(f.close, rdb.Close)
	return frontier.New(rdb)
}

// hire adds a worker.
func (f *fleet) hire(ctx context.Context, web *simweb.Web, name string, visits int, dir string) error {
	store := f.open()
	status, err := store.Status(ctx, f.job.Name)
	if err != nil {
		return err
	}
	scope, err := rules.NewScope(status.Job.ScopeSettings, nil)
	if err != nil {
		return err
	}
	pages, err := sink.NewJSONL(sink.JSONLConfig{Dir: filepath.Join(dir, f.job.Name), Worker: name})
	if err != nil {
		return err
	}
	f.close = append(f.close, pages.Close)
	parser, err := parse.New(parse.JobConfig(f.job, pages.Needs()))
	if err != nil {
		return err
	}
	w := &worker{places: visits}
	w.visitor, err = visit.New(f.job, scope, visit.Tools{
		Frontier: store.Frontier(status.Job), Fetcher: simweb.Fetcher{Web: web},
		Robots: robots.New(store.RobotsCache(), robots.Config{}),
		Parser: parser, Sink: pages,
	}, visit.Config{Worker: name, CPU: make(chan struct{}, runtime.GOMAXPROCS(0)), Full: w.full})
	if err != nil {
		return err
	}
	w.server, err = wire.Serve(ctx, f.endpoint, f.visit(w), wire.ServerConfig{Job: f.job.Name, Concurrency: visits})
	if err == nil {
		f.workers = append(f.workers, w)
	}
	return err
}

// visit is what a worker does with a task.
func (f *fleet) visit(w *worker) wire.Handler {
	return func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
		w.visits.Add(1)
		defer w.visits.Add(-1)
		report, err := w.visitor.Visit(ctx, v.Ref(), drain)
		if err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.failed == nil {
				f.failed = fmt.Errorf("the visit of %s: %w", v.Host, err)
			}
		}
		return report, err
	}
}

// run crawls from some pages until nothing is left to fetch.
func (f *fleet) run(ctx context.Context, seeds []string) (crawler.Counters, error) {
	entries := make([]queue.Entry, len(seeds))
	for i, seed := range seeds {
		u, err := crawler.ParseURL(seed)
		if err != nil {
			return crawler.Counters{}, err
		}
		entries[i] = queue.Entry{URL: u, Band: queue.BandFirst}
	}
	front := f.store.Frontier(f.job)
	if _, err := front.Admit(ctx, entries); err != nil {
		return crawler.Counters{}, err
	}
	if err := f.store.Seeded(ctx, f.job.Name, true); err != nil {
		return crawler.Counters{}, err
	}
	dispatcher := wire.NewDispatcher(f.endpoint, 0)
	defer dispatcher.Close()
	running, stop := context.WithCancel(ctx)
	defer stop()
	runner := scheduler.NewRunner(f.store, dispatcher, f.store.Frontier, scheduler.Config{
		Jobs: []string{f.job.Name}, Ended: func(crawler.Status) { stop() },
	})
	if err := runner.Run(running); ctx.Err() != nil {
		return crawler.Counters{}, err
	}
	c, err := front.Counters(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	return c, errors.Join(err, f.failed)
}

// end lets the workers go, and closes what they had.
func (f *fleet) end() error {
	for _, w := range f.workers {
		w.server.Close()
	}
	var errs []error
	for i := len(f.close) - 1; i >= 0; i-- {
		errs = append(errs, f.close[i]())
	}
	return errors.Join(errs...)
}
