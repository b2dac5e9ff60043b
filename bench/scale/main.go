package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	scenarios string
	size      float64
	seed      uint64
	workers   int
	visits    int
	shards    int
	cluster   bool
	top       int
	limit     time.Duration
}

func parseFlags() (o options) {
	flag.StringVar(&o.scenarios, "scenarios", names(), "which webs")
	flag.Float64Var(&o.size, "size", 1, "how many times as large they are")
	flag.Uint64Var(&o.seed, "seed", 1, "another seed, another web")
	flag.IntVar(&o.workers, "workers", 1, "how many workers crawl")
	flag.IntVar(&o.visits, "visits", 2048, "how many visits each makes at once")
	flag.IntVar(&o.shards, "shards", 1, "over how many slots of a Cluster a job is spread")
	flag.BoolVar(&o.cluster, "cluster", false, "a Redis Cluster of three masters in place of one server")
	flag.IntVar(&o.top, "top", 6, "how many of the busiest commands to list")
	flag.DurationVar(&o.limit, "limit", 15*time.Minute, "most time for one scenario")
	flag.Parse()
	return o
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	some, err := pick(o.scenarios)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "trawl-scale-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, err := startMemory(ctx, dir, o.cluster)
	if err != nil {
		return err
	}
	defer m.stop()
	var tolls []*toll
	defer func() { fmt.Print(markdown(tolls)) }() // also when one fails, or is interrupted
	for _, s := range some {
		fmt.Fprintf(os.Stderr, "%s: %s\n", s.name, s.what)
		t, err := s.carryOut(ctx, o, m, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		tolls = append(tolls, t)
	}
	return nil
}

// carryOut crawls the web of a scenario, and leaves Redis and the folder empty.
func (s scenario) carryOut(ctx context.Context, o options, m *memory, dir string) (*toll, error) {
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	web, err := s.build(o.size, o.seed)
	if err != nil {
		return nil, err
	}
	f, err := newFleet(ctx, m.Endpoint, web, s.order(o.shards), o.workers, o.visits, dir)
	if err != nil {
		return nil, err
	}
	t := &toll{scenario: s, job: f.job, web: web, top: o.top}
	err = t.measure(ctx, m, f)
	t.account = web.Ledger().Close()
	return t, errors.Join(err, f.end(), m.clear(ctx), os.RemoveAll(filepath.Join(dir, f.job.Name)))
}

// measure runs the fleet between two readings.
func (t *toll) measure(ctx context.Context, m *memory, f *fleet) error {
	before, err := m.read(ctx)
	if err != nil {
		return err
	}
	var watch sync.WaitGroup
	watched, unwatch := context.WithCancel(ctx)
	watch.Go(func() { m.sample(watched, &t.peak) })
	t.counters, err = f.run(ctx, t.scenario.seeds(t.web))
	unwatch()
	watch.Wait()
	if err != nil {
		return err
	}
	after, err := m.read(ctx)
	if err != nil {
		return err
	}
	t.since(before, after)
	for _, n := range m.nodes {
		keys, err := n.DBSize(ctx).Result()
		if err != nil {
			return err
		}
		t.keys = append(t.keys, keys)
	}
	return nil
}
