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

// RunScheduler keeps the jobs going until ctx ends, and carries out the tasks that
// bring them seeds: those that are under way then are finished.
func RunScheduler(ctx context.Context, door *Door) error {
	seeds, err := tasks.ServeSeeds(context.WithoutCancel(ctx), door.Asynq, door.Store, door.Log)
	if err != nil {
		return err
	}
	defer seeds.Close()
	defer door.Appear(ctx, crawler.Process{Kind: crawler.KindScheduler, Name: WorkerName()})()
	queues := tasks.NewDispatcher(door.Asynq, 0)
	defer queues.Close()
	open := func(job crawler.Job) scheduler.SeededFrontier { return door.Store.Frontier(job) }
	office := newPostOffice(queues, door)
	return scheduler.NewBureau(door.Store, office, open, scheduler.Config{Log: door.Log, Removed: office.drop}).Run(ctx)
}

// postOffice counts the visits that a scheduler enqueues.
type postOffice struct {
	*tasks.Dispatcher
	door               *Door
	said               *said
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
	return max(n, o.said.capacity(job)), err
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
