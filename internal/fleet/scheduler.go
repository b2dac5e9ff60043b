package fleet

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/scheduler"
	"github.com/trawlcrawler/trawl/tasks"
)

// SchedulerConfig says what a scheduler does.
type SchedulerConfig struct {
	// Name is how the fleet knows the process. Default [WorkerName].
	Name string
	// Jobs are those that it keeps going. Default all.
	Jobs []string
	// Seeds lets it carry out the tasks that bring seeds to jobs.
	Seeds bool
	// Worker is one of the same process, which serves the same jobs: it counts before the fleet
	// has heard of it, and is told at once what is decided. Default none.
	Worker *Worker
	// Ended is told of each job that ends, by a goroutine of the scheduler. Default none.
	Ended func(crawler.Status)
}

// Scheduler keeps jobs going. It is safe for concurrent use.
type Scheduler struct {
	door   *Door
	cfg    SchedulerConfig
	queues *tasks.Dispatcher
	bureau *scheduler.Bureau
}

// RunScheduler is the scheduler of a fleet: it keeps all jobs going until ctx ends.
func RunScheduler(ctx context.Context, door *Door) error {
	return NewScheduler(door, SchedulerConfig{Seeds: true}).Run(ctx)
}

// NewScheduler returns a scheduler, which is to be run once.
func NewScheduler(door *Door, cfg SchedulerConfig) *Scheduler {
	if cfg.Name == "" {
		cfg.Name = WorkerName()
	}
	queues := tasks.NewDispatcher(door.Asynq, 0)
	office := newPostOffice(queues, door)
	var store scheduler.Store = door.Store
	if cfg.Worker != nil {
		office.own = cfg.Worker.workshop.places.most
		store = prompt{door.Store, cfg.Worker}
	}
	open := func(job crawler.Job) scheduler.SeededFrontier { return door.Store.Frontier(job) }
	return &Scheduler{
		door: door, cfg: cfg, queues: queues,
		bureau: scheduler.NewBureau(store, office, open, scheduler.Config{
			Log: door.Log, Removed: office.drop, Jobs: cfg.Jobs, Ended: cfg.Ended,
		}),
	}
}

// Run keeps the jobs going until ctx ends, and carries out the tasks that bring them seeds:
// those that are under way then are finished.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.queues.Close()
	if s.cfg.Seeds {
		seeds, err := tasks.ServeSeeds(context.WithoutCancel(ctx), s.door.Asynq, s.door.Store, s.door.Log)
		if err != nil {
			return err
		}
		defer seeds.Close()
	}
	defer s.door.Appear(ctx, crawler.Process{Kind: crawler.KindScheduler, Name: s.cfg.Name, Jobs: s.cfg.Jobs})()
	return s.bureau.Run(ctx)
}

// Nudge lets a job be looked at before its time, because one of its visits ended.
func (s *Scheduler) Nudge(job string) { s.bureau.Nudge(job) }

// prompt is a store whose worker is told at once what a scheduler of its process decides
// about a job, instead of when it looks next.
type prompt struct {
	*frontier.Store
	worker *Worker
}

// End lets a job fetch no more because of a budget, or fetch again.
func (p prompt) End(ctx context.Context, job string, revision int64, budget string) error {
	defer p.worker.Nudge()
	return p.Store.End(ctx, job, revision, budget)
}

// SetClosing notes whether a job waits for nothing but its output.
func (p prompt) SetClosing(ctx context.Context, job string, closing bool) error {
	defer p.worker.Nudge()
	return p.Store.SetClosing(ctx, job, closing)
}

// Move takes a job into a state.
func (p prompt) Move(ctx context.Context, job string, to crawler.State, reason string, from ...crawler.State) (bool, error) {
	defer p.worker.Nudge()
	return p.Store.Move(ctx, job, to, reason, from...)
}

// postOffice counts the visits that a scheduler enqueues.
type postOffice struct {
	*tasks.Dispatcher
	door               *Door
	said               *said
	own                int // places of the worker of this process
	enqueued, failures *prometheus.CounterVec
	byJob              []jobSeries // all of the above
}

func newPostOffice(d *tasks.Dispatcher, door *Door) postOffice {
	r := door.Registry
	o := postOffice{
		Dispatcher: d, door: door, said: &said{store: door.Store},
		enqueued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_scheduler_visits_total", Help: "Visits that this scheduler enqueued."}, []string{LabelJob}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_scheduler_visit_failures_total", Help: "Visits that could not be enqueued; they are swept and enqueued again."}, []string{LabelJob}),
	}
	o.byJob = registerAll(r, o.enqueued, o.failures)
	return o
}

// Enqueue enqueues a visit.
func (o postOffice) Enqueue(ctx context.Context, job crawler.Status, order crawler.Order) error {
	err := o.Dispatcher.Enqueue(ctx, job, order)
	if err != nil {
		o.failures.WithLabelValues(job.Job.Name).Inc()
		o.mend(ctx, job.Job.Name, err)
		return err
	}
	o.enqueued.WithLabelValues(job.Job.Name).Inc()
	return nil
}

// Paused reports whether the job's queue is paused, and whether there is one.
func (o postOffice) Paused(job string) (paused, known bool, err error) {
	paused, known, err = o.Dispatcher.Paused(job)
	o.mend(context.Background(), job, err)
	return paused, known, err
}

// Capacity is how many visits of the job can be carried out at once: the greater of
// what asynq's servers and what the workers say. asynq lists servers by the clocks of
// those who write and ask, and leaves out workers whose clocks are behind; the workers'
// own list goes by Redis's clock.
func (o postOffice) Capacity(job string) (int, error) {
	n, err := o.Dispatcher.Capacity(job)
	o.mend(context.Background(), job, err)
	return max(n, o.own, o.said.capacity(job)), err
}

// Workers names the workers that serve the job, by asynq's servers and by what they say.
func (o postOffice) Workers(job string) []string {
	return append(o.Dispatcher.Workers(job), o.said.names(job)...)
}

// said is what the workers said of their places, as it was a moment ago.
type said struct {
	store *frontier.Store

	mu      sync.Mutex
	askedAt time.Time
	workers []frontier.WorkerLoad
}

// saidAge is for how long it is taken to be the same.
const saidAge = time.Second

// capacity is how many visits of a job those workers can carry out at once that serve
// it.
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

// names are the workers that serve a job, as far as was asked.
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

// mend deletes asynq's keys that are of the wrong type, if that is what an error is
// about: asynq would fail at them for ever.
func (o postOffice) mend(ctx context.Context, job string, err error) {
	if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if _, err := o.door.Store.MendQueue(ctx, job); err != nil {
		o.door.complain("the keys of a queue cannot be mended", err, "job", job)
	}
}

// drop drops the series of a job that was removed.
func (o postOffice) drop(job string) { dropJob(o.byJob, job) }
