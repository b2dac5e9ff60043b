package main

import (
	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/fleet"
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
			return p.run(cmd.Context(), fleet.RunScheduler)
		},
	}
	p.register(cmd.Flags())
	return cmd
}
