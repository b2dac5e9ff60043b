package main

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/robots"
)

// workshop is what a worker has for all its jobs: connections, the memory for
// bodies, the processors, and places for visits.
type workshop struct {
	name    string // of the worker
	store   *frontier.Store
	redis   asynq.RedisConnOpt
	fetcher *fetch.Fetcher
	robots  *robots.Robots
	cpu     chan struct{}
	places  chan struct{}
	meters  *workerMeters
	log     *slog.Logger
}

// newWorkshop opens a workshop. tempDir is for bodies that do not fit in memory.
func newWorkshop(s settings, store *frontier.Store, redis asynq.RedisConnOpt, name, tempDir string, metrics prometheus.Registerer, log *slog.Logger) (*workshop, error) {
	cfg, err := s.reach()
	if err != nil {
		return nil, err
	}
	cfg.TempDir = tempDir
	boundMemory(s.Concurrency)
	fetcher, err := fetch.New(cfg)
	if err != nil {
		return nil, failed("%v", err)
	}
	return &workshop{
		name: name, store: store, redis: redis, fetcher: fetcher, log: log,
		robots: robots.New(store.RobotsCache(), robots.Config{}),
		cpu:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		places: make(chan struct{}, s.Concurrency),
		meters: newWorkerMeters(metrics, s.Concurrency),
	}, nil
}

// Memory of the process at which the garbage collector begins to work harder:
// what bodies, decoders, parsers and Redis may hold, and something for each
// visit.
const (
	houseMemory = 384 << 20
	visitMemory = 256 << 10
)

// boundMemory tells the garbage collector how much memory so many visits need.
// The operator's own word, GOMEMLIMIT, is over ours.
func boundMemory(visits int) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(houseMemory + int64(visits)*visitMemory)
	}
}

// hostName names this machine.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

func (w *workshop) close() { w.fetcher.Close() }
