package fleet

import (
	"cmp"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/parse"
	"github.com/trawlcrawler/trawl/crawler/robots"
	"github.com/trawlcrawler/trawl/internal/heap"
)

// Workshop is what a worker has for all its jobs: connections, the memory for
// bodies, the processors, and places for visits.
type Workshop struct {
	// Fetcher makes the requests.
	Fetcher *fetch.Fetcher

	name   string // of the worker
	store  *frontier.Store
	redis  asynq.RedisConnOpt
	poll   time.Duration
	robots *robots.Robots
	trees  *parse.Room
	cpu    chan struct{}
	places *places
	meters *workerMeters
	log    *slog.Logger

	handlers      Handlers // nil for none
	handlerTime   time.Duration
	handlerPlaces chan struct{}
}

// WorkshopConfig equips a workshop.
type WorkshopConfig struct {
	// Name of the worker, in records and in names of files.
	Name string
	// Concurrency is the most visits at once: at least 1.
	Concurrency int
	// Poll is how long an empty queue is left alone: see [tasks.ServerConfig].
	Poll time.Duration
	// Fetch says how far connections may go, and where bodies are put that do not
	// fit in memory.
	Fetch fetch.Config
	// Metrics are told what the worker counts.
	Metrics prometheus.Registerer
	Log     *slog.Logger

	// Handlers are the program's own. Default none.
	Handlers Handlers
	// HandlerTime is how long those of one page may take. Default 1m. HandlerPlaces is
	// at how many pages they may be at work at once. Default four for each processor.
	HandlerTime   time.Duration
	HandlerPlaces int
}

// NewWorkshop opens a workshop. redis is what asynq connects with.
func NewWorkshop(store *frontier.Store, redis asynq.RedisConnOpt, cfg WorkshopConfig) (*Workshop, error) {
	boundMemory(cfg.Concurrency)
	cfg.Fetch.Log = cfg.Log
	fetcher, err := fetch.New(cfg.Fetch)
	if err != nil {
		return nil, err
	}
	return &Workshop{
		Fetcher: fetcher, name: cfg.Name, store: store, redis: redis, poll: cfg.Poll, log: cfg.Log,
		robots: robots.New(store.RobotsCache(), robots.Config{}),
		trees:  parse.NewRoom(),
		cpu:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		places: newPlaces(store, cfg.Name, cfg.Concurrency, cfg.Log),
		meters: newWorkerMeters(cfg.Metrics, cfg.Concurrency),

		handlers: cfg.Handlers, handlerTime: cfg.HandlerTime, handlerPlaces: make(chan struct{}, cmp.Or(cfg.HandlerPlaces, 4*runtime.GOMAXPROCS(0))),
	}, nil
}

// Memory of the process. Up to heapFloor, which is more than twice what lives of most
// crawls, its heap is not collected, so that small crawls and large ones take as much.
// At the limit the garbage collector works hard: what bodies, decoders, parsers and
// Redis may hold, and something for each visit.
const (
	heapFloor   = 56 << 20
	houseMemory = 384 << 20
	visitMemory = 256 << 10
)

// boundMemory tells the garbage collector how much memory so many visits need.
// The operator's own words, GOMEMLIMIT and GOGC, are over ours.
func boundMemory(visits int) {
	heap.Floor(heapFloor)
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(houseMemory + int64(visits)*visitMemory)
	}
}

// HostName names this machine.
func HostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// full reports whether all places for visits are taken.
func (w *Workshop) full() bool { return w.places.full() }

// Close ends the connections.
func (w *Workshop) Close() {
	w.places.close()
	w.Fetcher.Close()
}
