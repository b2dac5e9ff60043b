package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/scheduler"
	"github.com/trawlcrawler/trawl/tasks"
)

// schedulerCommand runs a scheduler of a fleet.
func schedulerCommand() *cobra.Command {
	p := processSettings{Listen: "127.0.0.1:9090"}
	cmd := &cobra.Command{
		Use:   "scheduler",
		Short: "Decide whose turn it is in a fleet",
		Long: `Scheduler starts jobs, enqueues visits for the hosts that are due, takes over what dead
workers left, and finishes jobs. It also carries out the tasks in the asynq queue crawl:seed,
by which other programs bring seeds. Any number may run; none is special.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return p.run(cmd.Context(), runScheduler)
		},
	}
	p.register(cmd.Flags())
	return cmd
}

// runScheduler keeps the jobs going until ctx ends, and carries out the tasks that
// bring them seeds: those that are under way then are finished.
func runScheduler(ctx context.Context, door *fleetDoor) error {
	seeds, err := tasks.ServeSeeds(context.WithoutCancel(ctx), door.asynq, door.store, door.log)
	if err != nil {
		return failed("%v", err)
	}
	defer seeds.Close()
	queues := tasks.NewDispatcher(door.asynq, 0)
	defer queues.Close()
	open := func(job crawler.Job) scheduler.SeededFrontier { return door.store.Frontier(job) }
	return scheduler.NewBureau(door.store, newPostOffice(queues, door.registry), open, scheduler.Config{Log: door.log}).Run(ctx)
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
			Name: "trawl_scheduler_visits_total", Help: "Visits that this scheduler enqueued."}, []string{labelJob}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_scheduler_visit_failures_total", Help: "Visits that could not be enqueued; they are swept and enqueued again."}, []string{labelJob}),
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
