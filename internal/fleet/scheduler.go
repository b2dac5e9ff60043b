package fleet

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
	"github.com/trawlcrawler/trawl/internal/webhook"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/scheduler"
	"github.com/trawlcrawler/trawl/tasks"
)

// SchedulerConfig configures a scheduler.
type SchedulerConfig struct {
	// Name is the name of the process in the fleet. Default [WorkerName].
	Name string
	// Jobs are the jobs that it keeps running. Default all.
	Jobs []string
	// Seeds makes it carry out the tasks that add seeds to jobs.
	Seeds bool
	// Worker is a worker in the same process that serves the same jobs. Its places count
	// before the fleet has heard of it, and it is told at once what is decided. Default
	// none.
	Worker *Worker
	// Webhooks configures how events of jobs are sent to webhooks. Nil leaves that to other
	// schedulers; this one still passes on events.
	Webhooks *webhook.Config
	// Ended is called for each job that ends, by a goroutine of the scheduler. Default none.
	Ended func(crawler.Status)
}

// Scheduler keeps jobs running. It is safe for concurrent use.
type Scheduler struct {
	conn   *Connection
	cfg    SchedulerConfig
	queues *wire.Dispatcher
	jobs   *tasks.Client
	runner *scheduler.Runner
	sent   *prometheus.CounterVec

	lookout *lookout // of its own queues
}

// RunScheduler runs the scheduler of a fleet: it keeps all jobs running until ctx ends.
// Webhooks are told of events as hooks says.
func RunScheduler(ctx context.Context, conn *Connection, hooks webhook.Config) error {
	return NewScheduler(conn, SchedulerConfig{Seeds: true, Webhooks: &hooks}).Run(ctx)
}

// NewScheduler returns a scheduler. It can be run only once.
func NewScheduler(conn *Connection, cfg SchedulerConfig) *Scheduler {
	if cfg.Name == "" {
		cfg.Name = WorkerName()
	}
	queues := wire.NewDispatcher(conn.Asynq, 0)
	dispatcher := newDispatcher(queues, conn)
	queues.Lull = conn.lull.On
	queues.Reported = func(job string) int { return len(dispatcher.said.names(job)) }
	if cfg.Worker != nil {
		dispatcher.own = cfg.Worker.rt.places.most
	}
	s := &Scheduler{
		conn: conn, cfg: cfg, queues: queues, jobs: tasks.NewClient(conn.Store, conn.Asynq),
		sent:    newSent(conn.Registry),
		lookout: newLookout(conn.Store, conn.lull, tasksEvery, tasksEvery, func() bool { return false }),
	}
	s.runner = scheduler.NewRunner(prompt{conn.Store, cfg.Worker}, dispatcher, conn.Store.Frontier, scheduler.Config{
		Log: conn.Log, Removed: dispatcher.drop, Jobs: cfg.Jobs, Ended: cfg.Ended, Happened: s.passOn, Lull: conn.lull,
		Room: newHeadroom(conn.Store.Vitals, conn.Store.Budget, conn.Log).Room,
	})
	conn.onChange(func() { s.heard("") })
	conn.Ready.Advise(s.waits)
	return s
}

// passOn enqueues the tasks that pass on the events of a job.
func (s *Scheduler) passOn(ctx context.Context, job crawler.Status) error {
	err := s.queues.PassOn(ctx, s.conn.Store, job)
	s.lookout.rouse(wire.EventQueue)
	return err
}

// heard is called when something is to be done for a job; for all jobs if job is "".
func (s *Scheduler) heard(job string) {
	s.conn.lull.Stir()
	s.runner.Nudge(job)
}

// mostAdvised is how many jobs a check of readiness looks at.
const mostAdvised = 50

// waits says which running jobs wait for something that an operator must start, and why. It leaves
// out jobs that cannot be read now: while Redis is unavailable, the process is not ready anyway.
func (s *Scheduler) waits(ctx context.Context) (notes []string) {
	all, err := s.conn.Store.Statuses(ctx)
	if err != nil {
		return nil
	}
	looked := 0
	for _, job := range all {
		if job.State != crawler.StateRunning || !s.mine(job.Job.Name) || looked == mostAdvised {
			continue
		}
		looked++
		counters, err := s.conn.Store.Counters(ctx, job.Job.Name)
		if err != nil {
			continue
		}
		if w, err := s.jobs.Waiting(ctx, job, counters); err == nil && w.For.Alarming() {
			notes = append(notes, "job "+job.Job.Name+": "+w.Text)
		}
	}
	return notes
}

// mine reports whether the scheduler keeps a job running.
func (s *Scheduler) mine(job string) bool {
	return len(s.cfg.Jobs) == 0 || slices.Contains(s.cfg.Jobs, job)
}

// Run keeps the jobs running until ctx ends, and carries out the tasks that add seeds to
// them. It finishes the tasks that are under way when ctx ends.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.queues.Close()
	defer s.jobs.Close()
	stop, err := s.serve(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer stop()
	defer s.conn.Appear(ctx, waiting.Process{Kind: waiting.KindScheduler, Name: s.cfg.Name, Jobs: s.cfg.Jobs})()
	var listening sync.WaitGroup
	listening.Go(func() { s.conn.Store.Signals(ctx, s.heard) })
	listening.Go(func() { s.lookout.run(ctx) })
	defer listening.Wait()
	return s.runner.Run(ctx)
}

const (
	seedTasks = 4                      // run at once; each admits with several goroutines
	seedPoll  = 250 * time.Millisecond // polling interval of an empty queue
	// tasksEvery is how often a scheduler looks for tasks in its queues while their servers are
	// closed.
	tasksEvery = 500 * time.Millisecond
)

// serve opens the servers of the scheduler's own queues, until stop is called. Any number of
// processes may serve them.
func (s *Scheduler) serve(ctx context.Context) (stop func(), err error) {
	var open []*standby
	stop = func() {
		for _, server := range open {
			server.close()
		}
	}
	for queue, serve := range s.servers(ctx) {
		server, err := newStandby(queue, serve, s.conn.Log)
		if err != nil {
			stop()
			return nil, err
		}
		open = append(open, server)
		s.lookout.add(queue, watchedQueue{server: server})
	}
	return stop, nil
}

// servers returns functions that open the servers of the scheduler's own queues, by queue.
func (s *Scheduler) servers(ctx context.Context) map[string]func() (*wire.Server, error) {
	all := make(map[string]func() (*wire.Server, error))
	if s.cfg.Seeds {
		all[tasks.SeedQueue] = func() (*wire.Server, error) {
			return wire.Serve(ctx, s.conn.Asynq, nil, wire.ServerConfig{
				Job: tasks.SeedQueue, Concurrency: seedTasks, Poll: seedPoll, Log: s.conn.Log,
				Others: map[string]asynq.HandlerFunc{tasks.TypeSeed: tasks.SeedHandler(s.conn.Store, s.conn.Log)},
			})
		}
	}
	if s.cfg.Webhooks != nil {
		sender := webhook.NewSender(*s.cfg.Webhooks)
		all[wire.EventQueue] = func() (*wire.Server, error) {
			return wire.ServeEvents(ctx, s.conn.Asynq, s.conn.Store, sender, s.delivered, s.conn.Log)
		}
	}
	return all
}

// newSent returns the counters of tries to deliver events to webhooks. They have no label for the
// job, because tasks outlast it.
func newSent(r prometheus.Registerer) *prometheus.CounterVec {
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "trawl_scheduler_webhook_tries_total",
		Help: "Tries of this scheduler to deliver events to webhooks, by result: delivered or failed."}, []string{"result"})
	for _, result := range []string{"delivered", "failed"} {
		sent.WithLabelValues(result)
	}
	r.MustRegister(sent)
	return sent
}

// delivered counts a try to deliver an event to a webhook.
func (s *Scheduler) delivered(_ string, err error) {
	result := "delivered"
	if err != nil {
		result = "failed"
	}
	s.sent.WithLabelValues(result).Inc()
}

// Look makes the scheduler list the jobs now, because one was created or has changed.
func (s *Scheduler) Look() { s.runner.Look() }

// Nudge makes the scheduler look at a job now, because one of its visits ended.
func (s *Scheduler) Nudge(job string) { s.runner.Nudge(job) }

// prompt is a store that nudges the worker of the same process whenever its scheduler
// decides something about a job.
type prompt struct {
	*frontier.Store
	worker *Worker // nil: it has none
}

func (p prompt) nudge() {
	if p.worker != nil {
		p.worker.Nudge()
	}
}

// End stops a job from fetching because of a budget, or lets it fetch again.
func (p prompt) End(ctx context.Context, job string, revision int64, budget string) error {
	defer p.nudge()
	return p.Store.End(ctx, job, revision, budget)
}

// SetClosing records whether a job waits only for its output.
func (p prompt) SetClosing(ctx context.Context, job string, closing bool) error {
	defer p.nudge()
	return p.Store.SetClosing(ctx, job, closing)
}

// Move changes a job's state.
func (p prompt) Move(ctx context.Context, job string, to crawler.State, reason string,
	from ...crawler.State) (bool, error) {
	defer p.nudge()
	return p.Store.Move(ctx, job, to, reason, from...)
}

// dispatcher counts the visits that a scheduler enqueues.
type dispatcher struct {
	*wire.Dispatcher
	conn               *Connection
	said               *said
	own                int // places of this process's worker
	enqueued, failures *prometheus.CounterVec
	byJob              []jobSeries // all of the above
	signals            *signals
}

// signals remembers when the workers of each job were last told that tasks wait.
type signals struct {
	mu    sync.Mutex
	given map[string]time.Time // by job
}

// signalEvery is how often workers are told of tasks while some wait. Their queues stay awake for
// longer than that.
const signalEvery = awakeTerm / 3

// due reports whether the workers of a job are to be told now.
func (s *signals) due(job string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.given[job]) < signalEvery {
		return false
	}
	s.given[job] = time.Now()
	return true
}

// forget forgets a job.
func (s *signals) forget(job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.given, job)
}

func newDispatcher(queues *wire.Dispatcher, conn *Connection) dispatcher {
	r := conn.Registry
	d := dispatcher{
		Dispatcher: queues, conn: conn, said: &said{store: conn.Store},
		signals: &signals{given: make(map[string]time.Time)},
		enqueued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_scheduler_visits_total", Help: "Visits that this scheduler enqueued."}, []string{LabelJob}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_scheduler_visit_failures_total",
			Help: "Visits that could not be enqueued; they are swept and enqueued again."}, []string{LabelJob}),
	}
	d.byJob = registerAll(r, d.enqueued, d.failures)
	return d
}

// Enqueue enqueues visits, and returns how many it has enqueued.
func (d dispatcher) Enqueue(ctx context.Context, job crawler.Status, orders []queue.VisitRef) (int, error) {
	enqueued, err := d.Dispatcher.Enqueue(ctx, job, orders)
	failures := d.failures.WithLabelValues(job.Job.Name) // creates the series with 0 before the first failure
	if err != nil {
		failures.Inc()
		d.mend(ctx, job.Job.Name, err)
	}
	d.enqueued.WithLabelValues(job.Job.Name).Add(float64(enqueued))
	if enqueued > 0 && d.signals.due(job.Job.Name) {
		_ = d.conn.Store.Signal(ctx, job.Job.Name) // workers look by themselves, a little later
	}
	return enqueued, err
}

// Paused reports whether the job's queue is paused, and whether there is one.
func (d dispatcher) Paused(job string) (paused, known bool, err error) {
	paused, known, err = d.Dispatcher.Paused(job)
	d.mend(context.Background(), job, err)
	return paused, known, err
}

// Capacity returns how many visits of the job can be carried out at once. It is the greater
// of two numbers: asynq's and the workers' own. asynq compares the clocks of its servers
// and of the caller, and leaves out workers whose clocks are behind; the workers' own
// reports go by Redis's clock.
func (d dispatcher) Capacity(job string) (int, error) {
	n, err := d.Dispatcher.Capacity(job)
	d.mend(context.Background(), job, err)
	return max(n, d.own, d.said.capacity(job)), err
}

// Workers returns the workers that serve the job, from asynq's servers and the workers' own
// reports.
func (d dispatcher) Workers(job string) []string {
	return append(d.Dispatcher.Workers(job), d.said.names(job)...)
}

// said caches the workers' reports about their places.
type said struct {
	store *frontier.Store

	mu      sync.Mutex
	askedAt time.Time
	workers []frontier.WorkerLoad
}

// saidAge is how long reports are cached.
const saidAge = time.Second

// capacity returns how many visits of a job the workers that serve it can carry out at
// once.
func (s *said) capacity(job string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.askedAt) > saidAge {
		ctx, cancel := context.WithTimeout(context.Background(), ReadyTerm)
		defer cancel()
		if workers, err := s.store.Workers(ctx); err == nil {
			s.workers = workers
		}
		s.askedAt = time.Now()
	}
	for _, w := range s.workers {
		if w.Serves(job) {
			n += w.Places
		}
	}
	return n
}

// names returns the workers that serve a job, according to the cached reports.
func (s *said) names(job string) (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		if w.Serves(job) {
			names = append(names, w.Worker)
		}
	}
	return names
}

// isWrongType reports whether a command of asynq met a key of the wrong type. asynq wraps
// the error of Redis as text.
func isWrongType(err error) bool { return err != nil && strings.Contains(err.Error(), "WRONGTYPE") }

// mend deletes asynq's keys of the wrong type, if that is the error. Otherwise asynq would
// fail on them forever.
func (d dispatcher) mend(ctx context.Context, job string, err error) {
	if !isWrongType(err) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if _, err := d.conn.Store.MendQueue(ctx, job); err != nil {
		d.conn.complain("the keys of a queue cannot be mended", err, "job", job)
	}
}

// drop drops the metrics of a job that was removed.
func (d dispatcher) drop(job string) {
	dropJob(d.byJob, job)
	d.signals.forget(job)
}
