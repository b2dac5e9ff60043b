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

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/heap"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/trace"
	"github.com/trawlcrawler/trawl/internal/version"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// Runtime is what a worker shares among its jobs: connections, memory for bodies,
// processors, and places for visits.
type Runtime struct {
	// Fetcher makes the requests.
	Fetcher *fetch.Fetcher

	name   string // of the worker
	store  *frontier.Store
	redis  asynq.RedisConnOpt
	poll   time.Duration
	temp   string // folder for files that end with the process; "" for that of the system
	robots *robots.Robots
	trees  *htmltree.Room
	cpu    chan struct{}
	places *places
	meters *workerMeters
	tails  *tails
	counts *spreads
	trace  *trace.Tracer // nil for none
	log    *slog.Logger

	browser       *browser // nil for none
	handlers      Handlers // nil for none
	handlerTime   time.Duration
	handlerPlaces chan struct{}
	grace         time.Duration
	keepPause     time.Duration
	settled       func(job string, r *fetched.Result)            // may be nil
	failed        func(job crawler.Status, err *visit.SinkError) // may be nil
}

// RuntimeConfig configures a runtime.
type RuntimeConfig struct {
	// Name is the worker's name, in records and file names.
	Name string
	// Concurrency is the most visits at once; at least 1.
	Concurrency int
	// Downloads says that the jobs only download: pages are not read, and a small heap is enough.
	Downloads bool
	// Poll is how long an empty queue is left alone; see [wire.ServerConfig].
	Poll time.Duration
	// Fetch configures what connections may reach, and where bodies that do not fit in
	// memory are stored.
	Fetch fetch.Config
	// lull says when nothing happens in the fleet. Default one of its own.
	lull *lull
	// Metrics registers the worker's metrics.
	Metrics prometheus.Registerer
	Log     *slog.Logger

	// Browser is the path or the address of the browser that renders pages. Default a Chromium
	// on PATH, if there is one.
	Browser string
	// Handlers are the program's own. Default none.
	Handlers Handlers
	// HandlerTime is how long the handlers of one page may take. Default 1m. HandlerPlaces
	// is how many pages may be handled at once. Default four for each processor.
	HandlerTime   time.Duration
	HandlerPlaces int
	// Grace is how long requests and handlers under way may continue when the worker is told
	// to end, or their job is. Default 4s.
	Grace time.Duration
	// Settled is as in [Observer]. Default none.
	Settled func(job string, r *fetched.Result)
	// Failed is as in [Observer]. Default none.
	Failed func(job crawler.Status, err *visit.SinkError)
	// KeepPause is as in [visit.Config].
	KeepPause time.Duration
}

// NewRuntime opens a runtime. redis is the connection for asynq.
func NewRuntime(store *frontier.Store, redis asynq.RedisConnOpt, cfg RuntimeConfig) (*Runtime, error) {
	boundMemory(&cfg)
	cfg.Fetch.Log = cfg.Log
	browser, err := findBrowser(cfg.Browser, cfg.Log)
	if err != nil {
		return nil, err
	}
	fetcher, err := fetch.New(cfg.Fetch)
	if err != nil {
		return nil, err
	}
	tracer := newTracer(cfg)
	renders := newRenderMeters(cfg.Metrics, browser)
	if browser != nil {
		browser.meters = renders
	}
	return &Runtime{
		trace:   tracer,
		Fetcher: fetcher, name: cfg.Name, store: store, redis: redis, poll: cfg.Poll, log: cfg.Log,
		temp:   cfg.Fetch.TempDir,
		robots: robots.New(store.RobotsCache(), robots.Config{}),
		trees:  htmltree.NewRoom(),
		cpu:    make(chan struct{}, runtime.GOMAXPROCS(0)),
		places: newPlaces(store, cfg.Name, cfg.Concurrency, cmp.Or(cfg.lull, newLull()), cfg.Log),
		meters: newWorkerMeters(cfg.Metrics, cfg.Concurrency),
		tails:  newTails(store),
		counts: newSpreads(store),

		browser:  browser,
		handlers: cfg.Handlers, handlerTime: cfg.HandlerTime,
		handlerPlaces: make(chan struct{}, cmp.Or(cfg.HandlerPlaces, 4*runtime.GOMAXPROCS(0))),
		grace:         cfg.Grace, settled: cfg.Settled, failed: cfg.Failed, keepPause: cfg.KeepPause,
	}, nil
}

// newTracer returns the tracer that the environment of the process asks for; nil for none. A variable
// that cannot be used turns off traces rather than the worker, because many environments set these
// variables for all programs (OpenTelemetry, "Environment Variable Specification": warn, and ignore
// it).
func newTracer(cfg RuntimeConfig) *trace.Tracer {
	process := trace.Process{Version: version.Get().Version, Instance: cfg.Name}
	tracer, err := trace.FromEnvironment(os.Getenv, process, cfg.Log)
	if err != nil {
		if cfg.Log != nil {
			cfg.Log.Warn("visits are not traced", "error", err)
		}
		return nil
	}
	if tracer != nil {
		countSpans(cfg.Metrics, tracer)
	}
	return tracer
}

// Memory of the process. Below heapFloor, which is more than twice the live heap of most
// crawls, the heap is not collected, so small crawls take as much memory as large ones.
// Near the limit the garbage collector works hard. The limit is what bodies, decoders,
// parsers and Redis may hold, plus some memory for each visit.
const (
	heapFloor   = 56 << 20
	smallFloor  = 16 << 20 // of downloads, which make little garbage,
	smallGrowth = 50       // and the least percentage by which their heap grows
	baseMemory  = 384 << 20
	visitMemory = 256 << 10
)

// How much of bodies downloads hold in memory. Only the sink reads them, and it copies the rest of
// a long body from a file.
const (
	smallHead   = 256 << 10
	smallBodies = 6 << 20
)

// boundMemory tells the garbage collector how much memory the visits need, and bounds the bodies of
// downloads. GOMEMLIMIT and GOGC, if the operator sets them, take precedence.
func boundMemory(cfg *RuntimeConfig) {
	if cfg.Downloads {
		cfg.Fetch.HeadBytes = cmp.Or(cfg.Fetch.HeadBytes, smallHead)
		cfg.Fetch.Memory = cmp.Or(cfg.Fetch.Memory, smallBodies)
		heap.Floor(smallFloor, smallGrowth)
	} else {
		heap.Floor(heapFloor, 100)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(baseMemory + int64(cfg.Concurrency)*visitMemory)
	}
}

// HostName returns the name of this machine.
func HostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// full reports whether all places for visits are in use.
func (w *Runtime) full() bool { return w.places.full() }

// Close closes the connections.
func (w *Runtime) Close() {
	w.places.close()
	if err := w.browser.close(); err != nil {
		w.log.Warn("the browser did not end properly", "error", err)
	}
	w.Fetcher.Close()
	w.trace.Close()
}

// Handlers are the handlers that a program provides for jobs.
type Handlers interface {
	// Has reports whether the program has all handlers in names.
	Has(names []string) bool
	// Names lists all handlers.
	Names() []string
	// For returns the handlers of a job. The program must have all of them.
	For(job crawler.Status) visit.Handlers
}

// serves reports whether this program has all handlers of a job, and a browser if the job renders
// pages. If not, visits of the job are left to other workers.
func (w *Runtime) serves(job crawler.Job) bool {
	return w.hasHandlers(job.Handlers) && (!job.Renders() || w.browser != nil)
}

// hasHandlers reports whether this program has all of these handlers.
func (w *Runtime) hasHandlers(names []string) bool {
	return len(names) == 0 || w.handlers != nil && w.handlers.Has(names)
}

// browserFor returns the browser of a job; nil if the job renders nothing, or the worker has no browser.
func (w *Runtime) browserFor(job crawler.Job) visit.Browser {
	if w.browser == nil || !job.Renders() {
		return nil
	}
	return w.browser
}

// handlersFor returns the handlers of a job; nil if it has none, or this program does not
// have all of them.
func (w *Runtime) handlersFor(job crawler.Status) visit.Handlers {
	if len(job.Job.Handlers) == 0 || !w.hasHandlers(job.Job.Handlers) {
		return nil
	}
	return w.handlers.For(job)
}
