package fleet

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
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
	return scheduler.NewBureau(door.Store, newPostOffice(queues, door.Registry), open, scheduler.Config{Log: door.Log}).Run(ctx)
}

// postOffice counts the visits that a scheduler enqueues.
type postOffice struct {
	*tasks.Dispatcher
	enqueued, failures *prometheus.CounterVec
}

func newPostOffice(d *tasks.Dispatcher, r prometheus.Registerer) postOffice {
	o := postOffice{
		Dispatcher: d,
		enqueued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_scheduler_visits_total", Help: "Visits that this scheduler enqueued."}, []string{LabelJob}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_scheduler_visit_failures_total", Help: "Visits that could not be enqueued; they are swept and enqueued again."}, []string{LabelJob}),
	}
	r.MustRegister(o.enqueued, o.failures)
	return o
}

// Enqueue enqueues a visit.
func (o postOffice) Enqueue(ctx context.Context, job crawler.Status, order crawler.Order) error {
	err := o.Dispatcher.Enqueue(ctx, job, order)
	if err != nil {
		o.failures.WithLabelValues(job.Job.Name).Inc()
		return err
	}
	o.enqueued.WithLabelValues(job.Job.Name).Inc()
	return nil
}

// Forget deletes the queue of a job, and its series.
func (o postOffice) Forget(job string) (gone bool, err error) {
	o.enqueued.DeleteLabelValues(job)
	o.failures.DeleteLabelValues(job)
	return o.Dispatcher.Forget(job)
}
