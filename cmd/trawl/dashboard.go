package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/dashboard"
	"github.com/trawlcrawler/trawl/internal/explain"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/recordstream"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/tasks"
)

// dashboardCommand returns the command that serves the dashboard of a fleet.
func dashboardCommand() *cobra.Command {
	s := defaultSettings()
	s.Listen, s.Redis = "127.0.0.1:8080", setting.DefaultRedis
	cfg := dashboard.Config{SeedLists: 16, SeedRate: 100_000, SeedIdle: time.Minute, TopHosts: 10}
	seedBytes := crawler.Size(1 << 30)
	out, signals := "", signalFlags{}
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Show a fleet in a browser, with asynq's web UI and an HTTP API",
		Long: `Dashboard serves pages of jobs, hosts, workers and Redis at /, asynq's web UI at /asynq/, the
HTTP API under /api/v1 and Prometheus metrics at /metrics. To listen on anything but a loopback address, it
requires a token (TRAWL_TOKEN). Browsers ask for it as a password, with any user name.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			if err := cfg.CheckListen(s.Listen); err != nil {
				return usage("%v", err)
			}
			if cfg.SeedLists < 0 || cfg.SeedRate < 0 {
				return usage("seed-lists and seed-rate: %d and %d must be 0 (no limit) or more", cfg.SeedLists,
					cfg.SeedRate)
			}
			if cfg.SeedIdle <= 0 {
				return usage("seed-idle: %v is out of range: want more than 0, such as 1m", cfg.SeedIdle)
			}
			if cfg.TopHosts < 0 || cfg.TopHosts > 100 {
				return usage("top-hosts: %d is out of range: want 0 (none) to 100", cfg.TopHosts)
			}
			if err := signals.check(cfg.ReadOnly); err != nil {
				return err
			}
			listen := s.Listen
			s.Listen = "" // the dashboard serves health and metrics itself
			return s.run(cmd.Context(), func(ctx context.Context, conn *fleet.Connection) error {
				cfg.SeedBytes = int64(seedBytes)
				cfg.Asynq, cfg.Registerer, cfg.Log = conn.Asynq, conn.Registry, conn.Log
				return runDashboard(ctx, conn, listen, out, cfg, signals)
			})
		},
	}
	flags := cmd.Flags()
	s.registerIn(flags, setting.InFleet)
	signals.register(flags)
	flags.StringVar(&cfg.Token, "token", "",
		"token that clients must present; better set in TRAWL_TOKEN than on the command line")
	flags.BoolVar(&cfg.ReadOnly, "read-only", false, "refuse all changes, in asynq's web UI as well")
	flags.StringSliceVar(&cfg.Hosts, "host", nil,
		"host name under which a proxy on this machine serves the dashboard; may be repeated")
	flags.StringVar(&out, "out", "",
		"the workers' output (a folder or the URL of a bucket), from which records are served (default: where each worker says)")
	flags.Var(&seedBytes, "seed-bytes", "largest list of seeds, in bytes, both as sent and decompressed (0: no limit)")
	flags.IntVar(&cfg.SeedLists, "seed-lists", cfg.SeedLists,
		"largest number of lists of seeds that are read at once (0: no limit)")
	flags.IntVar(&cfg.SeedRate, "seed-rate", cfg.SeedRate,
		"largest number of URLs per second that are read from all lists of seeds (0: no limit)")
	flags.DurationVar(&cfg.SeedIdle, "seed-idle", cfg.SeedIdle,
		"how long to wait for the next line of a list of seeds before ending it")
	flags.IntVar(&cfg.TopHosts, "top-hosts", cfg.TopHosts,
		"number of hosts of each running job, those with the most waiting URLs, that have metrics (0: none)")
	return cmd
}

// runDashboard serves until ctx ends. out is where the outputs of all jobs are; "" for the places
// that workers report.
func runDashboard(ctx context.Context, conn *fleet.Connection, listen, out string, cfg dashboard.Config,
	signals signalFlags) (err error) {
	cfg.Ready = conn.Ready.Check
	cfg.Explain = func(ctx context.Context, job, given string, u crawler.URL) (dashboard.Explanation, error) {
		x, err := explain.OfFleet(ctx, conn.Store, job, given, u, fleet.HostName())
		if err != nil {
			return dashboard.Explanation{}, err
		}
		return dashboard.Explanation{Lines: x.Lines(), Report: x}, nil
	}
	client := tasks.NewClient(conn.Store, conn.Asynq)
	defer func() { err = errors.Join(err, client.Close()) }()
	cfg.Records = recordstream.New(client, recordstream.Config{Out: out, Machine: fleet.HostName(), Runs: client.Runs,
		Damaged: func(err error) { conn.Log.Warn("a file of records is damaged", "error", err) }})
	receivers, err := signals.open(ctx, client, conn.Log)
	if err != nil {
		return failed("%v", err)
	}
	defer receivers.close()
	cfg.Public = receivers.handlers
	d, err := dashboard.New(client, cfg)
	if err != nil {
		return failed("%v", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return failed("listen on %q: %v (choose another address with --listen)", listen, err)
	}
	conn.Log.Info("the dashboard is at http://" + listener.Addr().String() + "/")
	return serve(ctx, d.Server(), listener)
}

// serve serves until ctx ends, and then lets requests finish.
func serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return failed("%v", err)
	case <-ctx.Done():
	}
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTerm)
	defer cancel()
	if err := server.Shutdown(soon); err != nil {
		return errors.Join(server.Close(), ignoreClosed(<-served))
	}
	return ignoreClosed(<-served)
}

// shutdownTerm is how long requests may take to finish after the process was told to stop.
const shutdownTerm = 5 * time.Second

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
