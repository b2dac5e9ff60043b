package main

import (
	"context"

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
	return scheduler.NewBureau(door.store, queues, open, scheduler.Config{Log: door.log}).Run(ctx)
}
