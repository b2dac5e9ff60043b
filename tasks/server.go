package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// Handler carries out visits. drain is closed when they are to end soon.
type Handler func(ctx context.Context, v Visit, drain <-chan struct{}) (crawler.Report, error)

// ServerConfig is how a server works off the queue of a job.
type ServerConfig struct {
	Job         string // whose queue
	Concurrency int    // visits at once; default 100
	// Drain is how long visits may take to end when the server closes. Default
	// 9s: longer than their grace, and in time for a SIGTERM.
	Drain time.Duration
	// Poll is how long an empty queue is left alone, on average, and so about how long
	// Close waits besides. Default 25ms.
	Poll time.Duration
	// Store takes what tasks of [TypeSeed] in the queue bring. Default none: such
	// tasks are archived.
	Store *frontier.Store
	// Places decides when the queue is asked for a task. Default none: whenever fewer
	// than Concurrency are under way.
	Places Places
	Log    *slog.Logger // default none
}

// Places are what a worker carries tasks out in, over all its servers. It is safe for
// concurrent use.
type Places interface {
	frontier.DequeuePolicy
	// Begin is called when a task of the queue begins, and end when the handler is
	// done with it.
	Begin(queue string) (end func())
}

func (cfg ServerConfig) withDefaults() ServerConfig {
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 100
	}
	if cfg.Drain == 0 {
		cfg.Drain = 9 * time.Second
	}
	if cfg.Poll == 0 {
		cfg.Poll = 25 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Server receives the tasks of a queue: the visits of a job, or seeds. A visit
// that waits costs a goroutine, so one server may carry out hundreds at once.
type Server struct {
	server *asynq.Server
	ctx    context.Context // of the visits
	handle Handler         // nil: visits are archived
	store  *frontier.Store // nil: seeds are archived
	log    *slog.Logger
	job    string // whose queue
	places Places // nil for none
	drain  chan struct{}
	cancel context.CancelFunc

	once   sync.Once    // closes
	tasks  sync.RWMutex // each task holds it to read
	closed bool
}

// forwardInterval is how often asynq looks for tasks to be retried.
const forwardInterval = time.Second

// Serve starts a server. It receives visits until Close. The handlers' context
// ends with ctx.
func Serve(ctx context.Context, redis asynq.RedisConnOpt, handle Handler, cfg ServerConfig) (*Server, error) {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(ctx)
	if cfg.Places != nil {
		redis = frontier.WithDequeuePolicy(redis, cfg.Places)
	}
	s := &Server{job: cfg.Job, places: cfg.Places, ctx: ctx, handle: handle, store: cfg.Store, log: cfg.Log, drain: make(chan struct{}), cancel: cancel}
	s.server = asynq.NewServer(redis, asynq.Config{
		Concurrency:              cfg.Concurrency,
		Queues:                   map[string]int{cfg.Job: 1},
		BaseContext:              func() context.Context { return ctx },
		TaskCheckInterval:        cfg.Poll, // it waits half to one and a half of it
		DelayedTaskCheckInterval: forwardInterval,
		ShutdownTimeout:          cfg.Drain,
		RetryDelayFunc:           retryPause,
		Logger:                   &logger{log: cfg.Log},
		LogLevel:                 asynq.WarnLevel,
	})
	if err := s.server.Start(asynq.HandlerFunc(s.carryOut)); err != nil {
		cancel()
		return nil, fmt.Errorf("start the worker of queue %s: %w", cfg.Job, err)
	}
	return s, nil
}

// retryPause is how long a task waits that failed, or was cut off.
func retryPause(failed int, _ error, t *asynq.Task) time.Duration {
	if t.Type() == TypeSeed {
		return seedPause(failed)
	}
	return time.Second
}

// carryOut carries out one task, unless the server is closed.
func (s *Server) carryOut(ctx context.Context, t *asynq.Task) error {
	s.tasks.RLock()
	defer s.tasks.RUnlock()
	if s.places != nil {
		defer s.places.Begin(s.job)()
	}
	switch {
	case s.closed:
		return asynq.ErrServerClosed
	case t.Type() == TypeFetch && s.handle != nil:
		return s.visit(ctx, t)
	case t.Type() == TypeSeed && s.store != nil:
		return s.seed(ctx, t)
	}
	return fmt.Errorf("a task of type %.100q has no place in this queue: %w", t.Type(), asynq.SkipRetry)
}

// visit carries out one task of TypeFetch. A visit that failed is not retried by asynq: the
// frontier knows what is still to be done, and will order another. It stays to
// be seen in the archive, with its error.
func (s *Server) visit(ctx context.Context, t *asynq.Task) error {
	v, err := parseVisit(t)
	if err != nil {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	ctx, cancel := s.outlive(ctx)
	defer cancel()
	report, err := s.handle(ctx, v, s.drain)
	result, jsonErr := json.Marshal(report)
	if jsonErr == nil {
		_, jsonErr = t.ResultWriter().Write(result)
	}
	if err = errors.Join(err, jsonErr); err != nil {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	return nil
}

// outlive returns a context that ends at the deadline of asynq's, and with the
// server, but not when asynq's lease on the task runs out. That happens when Redis
// is away, or full, for half a minute; the host is still the visit's by the frontier's
// lease, and what it has fetched is to be settled. Should the task be delivered
// again, its epoch is refused.
func (s *Server) outlive(asynqs context.Context) (context.Context, context.CancelFunc) {
	deadline, _ := asynqs.Deadline() // every task has one
	own, cancel := context.WithDeadline(context.WithoutCancel(asynqs), deadline)
	stop := context.AfterFunc(s.ctx, cancel)
	return own, func() { stop(); cancel() }
}

// Pause receives no more tasks. Those that are under way go on; the server is closed as
// any other, and does not receive again.
func (s *Server) Pause() { s.server.Stop() }

// Close lets tasks end, waits for them, and stops the server. What visits had in
// flight goes back to the frontier. asynq waits neither for tasks whose context
// has ended nor for those that outlast Drain, and ends the context of these:
// they may still be giving back what they hold.
//
// It may be called again: that waits as well.
func (s *Server) Close() { s.once.Do(s.close) }

func (s *Server) close() {
	s.server.Stop()
	close(s.drain)
	s.server.Shutdown()
	s.cancel()
	s.tasks.Lock()
	defer s.tasks.Unlock()
	s.closed = true
}
