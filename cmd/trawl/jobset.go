package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/tasks"
)

// setCommand returns the command that changes settings of a job.
func (d *desk) setCommand() *cobra.Command {
	revision := int64(setting.AnyRevision)
	cmd := &cobra.Command{
		Use:   "set JOB NAME=VALUE…",
		Short: "Change settings of a job, also while it runs",
		Long: `Set changes settings of a job, under their names in a job file: budgets (pages, bytes, time,
pages_per_host), delay, throttle, per_host, weight, retries, host_tries, timeout, include,
exclude, priorities, and, for a periodic job, schedule and runs. Either all are changed or none.
Workers and schedulers apply them within two seconds; visits in progress continue.

For a list, give one argument for each of its values, or NAME= for an empty list. A job that is
done because of a budget continues when the budget is raised. For a periodic job, the new settings
apply to the runs that start later.

` + exitHelp,
		Example: `  trawl job set news delay=5s pages=20000
  trawl job set news exclude=/calendar/ exclude='[?&]print='
  trawl job set news priorities=urgent=/breaking/ priorities='low=\.pdf$'`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes, err := setting.ParseChanges(args[1:])
			if err != nil {
				return usage("%v", err)
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				done, err := c.Set(ctx, args[0], revision, changes)
				if err != nil {
					return err
				}
				if d.json {
					return d.show(ctx, c, args[0])
				}
				saySet(args[0], done)
				return nil
			})
		},
	}
	cmd.Flags().Int64Var(&revision, "revision", revision,
		"change the settings only if they are at this revision, as shown by job show --json (-1: any)")
	return cmd
}

// saySet reports what was changed.
func saySet(job string, done setting.Adjustment) {
	if len(done.Changed) == 0 {
		fmt.Fprintf(stderr, "trawl: job %s has these settings already\n", job)
	}
	for _, change := range done.Changed {
		fmt.Fprintf(stderr, "trawl: job %s: %v\n", job, change)
	}
	for _, note := range done.Notes {
		fmt.Fprintf(stderr, "trawl: note: %s\n", note)
	}
	if done.Reopened {
		fmt.Fprintf(stderr, "trawl: job %s was done because of its budget; it continues\n", job)
	}
}

// resume resumes a job. If the job was done, it says what the job waits for.
func (d *desk) resume(ctx context.Context, c *tasks.Client, job string) error {
	was, err := c.Status(ctx, job)
	if err != nil {
		return err
	}
	if err := c.Resume(ctx, job); err != nil {
		return err
	}
	if was.State == crawler.StateDone || was.State == crawler.StateFailed {
		fmt.Fprintf(stderr, "trawl: job %s was %s and now waits for seeds: add some with trawl seed %s URL…; it is done again when they are fetched\n",
			job, was.State, job)
	}
	return nil
}
