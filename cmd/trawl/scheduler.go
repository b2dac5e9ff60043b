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
workers left, and finishes jobs. Any number may run; none is special.

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

func runScheduler(ctx context.Context, door *fleetDoor) error {
	queues := tasks.NewDispatcher(door.asynq, 0)
	defer queues.Close()
	open := func(job crawler.Job) scheduler.SeededFrontier { return door.store.Frontier(job) }
	return scheduler.NewBureau(door.store, queues, open, scheduler.Config{Log: door.log}).Run(ctx)
}
