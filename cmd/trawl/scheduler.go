package main

import (
	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// schedulerCommand returns the command that runs a scheduler of a fleet.
func schedulerCommand() *cobra.Command {
	s := defaultSettings()
	s.Listen, s.Redis = "127.0.0.1:9090", setting.DefaultRedis
	cmd := &cobra.Command{
		Use:   "scheduler",
		Short: "Start jobs and enqueue visits for the hosts that are due",
		Long: `Scheduler starts jobs, enqueues visits for the hosts that are due, takes back what dead
workers left, and finishes jobs. It also runs the tasks in the asynq queue crawl:seed, with
which other programs add seeds. Any number of schedulers may run; they need no leader.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			return s.run(cmd.Context(), fleet.RunScheduler)
		},
	}
	s.registerIn(cmd.Flags(), setting.InFleet)
	return cmd
}
