package wire

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Handler runs visits. drain is closed when they should end soon.
type Handler func(ctx context.Context, v Visit, drain <-chan struct{}) (queue.Report, error)

// ServerConfig is the configuration of a server for the queue of a job.
type ServerConfig struct {
	Job         string // the job whose queue it serves
	Concurrency int    // visits at once; default 100
	// Drain is how long visits may take to end when the server closes. Default 9s: longer
	// than their grace period, and in time for a SIGTERM.
	Drain time.Duration
	// Poll is the average time between two looks at an empty queue, and so about how much
	// longer Close may wait. Default 25ms.
	Poll time.Duration
	// Forward is how often to look for tasks that are to be retried. Default 1s.
	Forward time.Duration
	// Others carry out tasks of other types in the queue, by type. Default none: such tasks
	// are archived.
	Others map[string]asynq.HandlerFunc
	// Pause returns how long a task of Others waits before it is retried, after it has failed
	// so many times; failed is at least 1. Default: a second, doubled each time, up to a
	// minute.
	Pause func(failed int, t *asynq.Task) time.Duration
	// Places decides when to ask the queue for a task. Default none: whenever fewer than
	// Concurrency tasks run.
	Places Places
	Log    *slog.Logger // default none
}

// Places are the slots in which a worker runs tasks, over all its servers. It must be safe
// for concurrent use.
type Places interface {
	frontier.DequeuePolicy
	// Begin is called when a task of the queue starts. The server calls end when the
	// handler has returned.
	Begin(queue string) (end func())
	// Reserve takes up to n more places, for the further visits of a task of the queue that has
	// begun, and returns how many. Each is freed by a call of Release.
	Reserve(queue string, n int) (reserved int)
	Release(queue string)
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
	if cfg.Forward == 0 {
		cfg.Forward = time.Second
	}
	if cfg.Pause == nil {
		cfg.Pause = doublePause
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Server receives the tasks of a queue: the visits of a job, or others. A waiting visit
// costs only a goroutine, so one server may run hundreds at once.
type Server struct {
	server *asynq.Server
	ctx    context.Context // context of the visits
	handle Handler         // nil: visits are archived
	others map[string]asynq.HandlerFunc
	log    *slog.Logger
	job    string // the job whose queue it serves
	places Places // nil for none
	drain  chan struct{}
	cancel context.CancelFunc
	redis  asynq.RedisConnOpt

	returns *asynq.Client // enqueues visits that do not fit; nil before the first
	dialing sync.Mutex    // guards returns

	once   sync.Once    // closes
	tasks  sync.RWMutex // each task holds a read lock
	closed bool
}

// Serve starts a server. It receives visits until Close. The handlers' context ends with
// ctx.
func Serve(ctx context.Context, redis asynq.RedisConnOpt, handle Handler, cfg ServerConfig) (*Server, error) {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(ctx)
	if cfg.Places != nil {
		redis = frontier.WithDequeuePolicy(redis, cfg.Places)
	}
	s := &Server{job: cfg.Job, places: cfg.Places, ctx: ctx, handle: handle, others: cfg.Others, log: cfg.Log,
		redis: redis, drain: make(chan struct{}), cancel: cancel}
	s.server = asynq.NewServer(redis, asynq.Config{
		Concurrency:              cfg.Concurrency,
		Queues:                   map[string]int{cfg.Job: 1},
		BaseContext:              func() context.Context { return ctx },
		TaskCheckInterval:        cfg.Poll, // asynq waits between 0.5 and 1.5 times this
		DelayedTaskCheckInterval: cfg.Forward,
		ShutdownTimeout:          cfg.Drain,
		RetryDelayFunc:           retryPause(cfg.Pause),
		Logger:                   &logger{log: cfg.Log},
		LogLevel:                 asynq.WarnLevel,
	})
	if err := s.server.Start(asynq.HandlerFunc(s.carryOut)); err != nil {
		cancel()
		return nil, fmt.Errorf("start the worker of queue %s: %w", cfg.Job, err)
	}
	return s, nil
}

// retryPause returns how long a task waits after it failed or was cut off, given that for
// tasks of other types than visits.
func retryPause(others func(int, *asynq.Task) time.Duration) asynq.RetryDelayFunc {
	return func(failed int, _ error, t *asynq.Task) time.Duration {
		if t.Type() == TypeFetch {
			return time.Second
		}
		return others(failed+1, t) // asynq counts the failures before this one
	}
}

// doublePause is the default of [ServerConfig.Pause].
func doublePause(failed int, _ *asynq.Task) time.Duration {
	return min(time.Second<<min(failed-1, 10), time.Minute)
}

// carryOut runs one task, unless the server is closed.
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
	case s.others[t.Type()] != nil:
		return s.others[t.Type()](ctx, t)
	}
	err := fmt.Errorf("this queue does not accept tasks of type %.100q: %w", t.Type(), asynq.SkipRetry)
	s.log.Warn("a task is archived", "job", s.job, "error", err)
	return err
}

// outlive returns a context that ends at asynq's deadline and with the server, but not when
// asynq's lease on the task expires. The lease expires if Redis is unavailable or full for
// half a minute. By the frontier's lease, the visit still holds its host, and must settle
// what it has fetched. If the task is delivered again, its epoch is refused.
func (s *Server) outlive(asynqs context.Context) (context.Context, context.CancelFunc) {
	deadline, _ := asynqs.Deadline() // every task has one
	own, cancel := context.WithDeadline(context.WithoutCancel(asynqs), deadline)
	stop := context.AfterFunc(s.ctx, cancel)
	return own, func() { stop(); cancel() }
}

// Pause stops receiving tasks. Tasks in progress continue. The server must be closed like
// any other, and cannot be restarted.
func (s *Server) Pause() { s.server.Stop() }

// Close lets tasks end, waits for them, and stops the server. What visits had in flight
// returns to the frontier. asynq does not wait for tasks whose context has ended, nor for
// those that take longer than Drain, and ends the context of the latter: they may still be
// giving back what they hold. Close waits for these as well.
//
// It may be called again, and then waits as well.
func (s *Server) Close() { s.once.Do(s.close) }

func (s *Server) close() {
	s.server.Stop()
	close(s.drain)
	s.server.Shutdown()
	s.cancel()
	s.tasks.Lock()
	defer s.tasks.Unlock()
	s.closed = true
	if s.returns != nil {
		s.returns.Close()
	}
}
