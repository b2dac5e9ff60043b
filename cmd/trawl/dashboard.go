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
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/tasks"
)

// dashboardCommand serves the dashboard of a fleet.
func dashboardCommand() *cobra.Command {
	p := processSettings{}
	cfg := dashboard.Config{SeedLists: 16, SeedRate: 100_000}
	seedBytes := crawler.Size(1 << 30)
	var listen string
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Show a fleet in a browser, with asynq's web UI and an HTTP API",
		Long: `Dashboard serves a page of all jobs at /, asynq's web UI at /asynq/, the HTTP API beneath
/api/v1 and Prometheus metrics at /metrics. It listens on this machine alone unless there
is a token (TRAWL_TOKEN), which browsers ask for as a password, with any user name.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := dashboard.CheckListen(listen, cfg.Token); err != nil {
				return usage("%v", err)
			}
			if cfg.SeedLists < 0 || cfg.SeedRate < 0 {
				return usage("seed-lists and seed-rate: %d and %d must be 0 (no limit) or more", cfg.SeedLists, cfg.SeedRate)
			}
			return p.run(cmd.Context(), func(ctx context.Context, door *fleet.Door) error {
				cfg.SeedBytes = int64(seedBytes)
				cfg.Asynq, cfg.Registerer, cfg.Log = door.Asynq, door.Registry, door.Log
				return runDashboard(ctx, door, listen, cfg)
			})
		},
	}
	flags := cmd.Flags()
	p.registerLog(flags)
	flags.StringVar(&listen, "listen", "127.0.0.1:8080", "address to serve on")
	flags.StringVar(&cfg.Token, "token", "", "what visitors must know; better in TRAWL_TOKEN than on the command line")
	flags.BoolVar(&cfg.ReadOnly, "read-only", false, "refuse whatever would change something, in asynq's web UI as well")
	flags.StringSliceVar(&cfg.Hosts, "host", nil, "name by which a proxy on this machine asks for it; may be repeated")
	flags.Var(&seedBytes, "seed-bytes", "most bytes of one list of seeds, as it is sent and unpacked (0: no limit)")
	flags.IntVar(&cfg.SeedLists, "seed-lists", cfg.SeedLists, "most lists of seeds that are read at once (0: no limit)")
	flags.IntVar(&cfg.SeedRate, "seed-rate", cfg.SeedRate, "most URLs a second that are read of all lists of seeds (0: no limit)")
	return cmd
}

// runDashboard serves until ctx ends.
func runDashboard(ctx context.Context, door *fleet.Door, listen string, cfg dashboard.Config) (err error) {
	cfg.Ready = door.Ready.Check
	client := tasks.NewClient(door.Store, door.Asynq)
	defer func() { err = errors.Join(err, client.Close()) }()
	d, err := dashboard.New(client, cfg)
	if err != nil {
		return failed("%v", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return failed("listen on %q: %v (choose another address with --listen)", listen, err)
	}
	server := dashboard.Server(d.Handler())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	door.Log.Info("the dashboard is at http://" + listener.Addr().String() + "/")
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

// shutdownTerm is how long requests may take to end with the process.
const shutdownTerm = 5 * time.Second

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
