package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/fleet"
)

// workerCommand runs a worker of a fleet.
func workerCommand() *cobra.Command {
	p := processSettings{Listen: "127.0.0.1:9091"}
	s := defaultSettings()
	var jobs []string
	var name string
	jobAddresses := true
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Carry out the visits of a fleet's jobs",
		Long: `Worker fetches, parses and keeps the pages of every job that runs in the fleet, each
in a folder of its own under --out, which may be in a bucket. It takes up jobs that begin and lets go of those that
end. With SIGTERM it finishes what is under way, gives the rest back, and ends within ten
seconds.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := s.check(); err != nil {
				return err
			}
			if s.Out == "" {
				return usage("no --out: name the folder or bucket for the results")
			}
			return p.run(cmd.Context(), func(ctx context.Context, f *fleet.Door) error {
				return runWorker(ctx, f, s, fleet.WorkerConfig{Name: name, Jobs: jobs, Closed: !jobAddresses})
			})
		},
	}
	flags := cmd.Flags()
	p.register(flags)
	flags.StringVar(&s.Out, "out", "", "where the results go, each job in a folder of its own: a folder, or a bucket such as s3://bucket/prefix (gs, azblob, file, mem)")
	s.registerSpool(flags)
	flags.IntVar(&s.Concurrency, "concurrency", s.Concurrency, "most hosts visited at once")
	s.registerReach(flags)
	flags.StringSliceVar(&jobs, "jobs", nil, "only these jobs, with the runs of those that are periodic (default: all)")
	flags.BoolVar(&jobAddresses, "job-addresses", true, "connect for a job to the private addresses that the operator of its trawl crawl named; without, such jobs are left to other workers")
	flags.StringVar(&name, "name", fleet.WorkerName(), "name of the worker, in records and file names; no two may share one")
	return cmd
}

// runWorker carries out visits until ctx ends.
func runWorker(ctx context.Context, door *fleet.Door, s settings, cfg fleet.WorkerConfig) error {
	reach, err := s.reach()
	if err != nil {
		return err
	}
	outlet := s.outlet(door.Log)
	outlet.Store = door.Store
	out, err := fleet.OpenOutlet(ctx, outlet)
	if err != nil {
		return failed("%v", err)
	}
	cfg.Out, cfg.Concurrency, cfg.Fetch = out, s.Concurrency, reach
	w, err := fleet.NewWorker(door, cfg)
	if err != nil {
		return failed("%v", errors.Join(err, out.Close()))
	}
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	go killOnSecond(hard, kill, secondInterrupt(ctx))
	w.Run(ctx, hard)
	return nil
}

// killOnSecond ends requests under way when the user asks a second time.
func killOnSecond(ctx context.Context, kill func(), second <-chan struct{}) {
	select {
	case <-second:
		kill()
	case <-ctx.Done():
	}
}
