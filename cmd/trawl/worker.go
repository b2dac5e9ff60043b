package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// workerCommand returns the command that runs a worker of a fleet.
func workerCommand() *cobra.Command {
	s := defaultSettings()
	s.Listen, s.Redis = "127.0.0.1:9091", setting.DefaultRedis
	var jobs []string
	var name string
	jobAddresses := true
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run the visits of a fleet's jobs",
		Long: `Worker fetches, parses and keeps the pages of every running job of the fleet, each job in its
own folder in --out, which may be in a bucket. It starts and stops work on jobs as they start and
end. On SIGTERM or SIGHUP it finishes what is in progress, gives the rest back, and exits within
ten seconds.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			if err := s.check(); err != nil {
				return err
			}
			if s.Out == "" {
				return usage("no output: name a folder or bucket for the results with --out")
			}
			return s.run(cmd.Context(), func(ctx context.Context, f *fleet.Connection) error {
				return runWorker(ctx, f, s, fleet.WorkerConfig{Name: name, Jobs: jobs, Closed: !jobAddresses})
			})
		},
	}
	flags := cmd.Flags()
	s.registerIn(flags, setting.InWorker|setting.InFleet)
	flags.StringSliceVar(&jobs, "jobs", nil, "only these jobs, including the runs of periodic ones (default: all)")
	flags.BoolVar(&jobAddresses, "job-addresses", true,
		"connect to the private addresses that the operator of a job's trawl crawl named; if false, such jobs are left to other workers")
	flags.StringVar(&name, "name", fleet.WorkerName(),
		"name of the worker in records and file names; it must be unique")
	return cmd
}

// runWorker runs visits until ctx ends.
func runWorker(ctx context.Context, conn *fleet.Connection, s settings, cfg fleet.WorkerConfig) error {
	reach, err := s.reach()
	if err != nil {
		return err
	}
	if err := conn.CheckName(ctx, cfg.Name); errors.Is(err, fleet.ErrNameInUse) {
		return usage("%v", err)
	} else if err != nil {
		return err
	}
	if err := checkSpill(ctx, s.Spill); err != nil {
		return err
	}
	outlet := s.outlet(conn.Log)
	outlet.Store = conn.Store
	out, err := fleet.OpenOutlet(ctx, outlet)
	if err != nil {
		return statusOf(err)
	}
	cfg.Out, cfg.Concurrency, cfg.Fetch, cfg.Browser = out, s.Concurrency, reach, s.Browser
	cfg.Spill = s.spill()
	w, err := fleet.NewWorker(conn, cfg)
	if err != nil {
		return failed("%v", errors.Join(err, out.Close()))
	}
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	go killOnSecond(hard, kill, secondInterrupt(ctx))
	w.Run(ctx, hard)
	return nil
}

// checkSpill checks that the place for spilled URLs can be written, if one is named.
func checkSpill(ctx context.Context, where string) error {
	if err := fleet.CheckSpill(ctx, where, "--spill"); err != nil {
		return statusOf(err)
	}
	return nil
}

// killOnSecond ends requests in progress when the user interrupts a second time.
func killOnSecond(ctx context.Context, kill func(), second <-chan struct{}) {
	select {
	case <-second:
		kill()
	case <-ctx.Done():
	}
}
