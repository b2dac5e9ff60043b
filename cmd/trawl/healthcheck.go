package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/fleet"
)

// healthCommand returns the command that checks whether a process of the fleet is ready.
func healthCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Check whether a process of the fleet on this machine is ready",
		Long: `Health requests /readyz from the scheduler, worker or dashboard that listens at an address, and
fails unless the process is ready. Use it for the health checks of containers. If TRAWL_LISTEN
is set, as it is for the process itself, that is the address.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			return askReady(cmd.Context(), listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9090", "address that the process listens on")
	return cmd
}

// askTerm is how long a process may take to answer. The process itself waits up to
// fleet.ReadyTerm for Redis.
const askTerm = fleet.ReadyTerm + time.Second

// askReady requests /readyz from a process, given the address that it listens on. If that
// is all interfaces, package net connects to this machine.
func askReady(ctx context.Context, listen string) error {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usage("listen: %q is not an address (write 127.0.0.1:9090)", listen)
	}
	ctx, cancel := context.WithTimeout(ctx, askTerm)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+"/readyz", nil)
	if err != nil {
		return usage("listen: %v", err)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req) // not through a proxy
	if err != nil {
		return failed("no process answers at %q: %v (name its address with --listen)", listen, err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return failed("read the answer from %q: %v", listen, err)
	}
	text := strings.TrimSpace(string(said))
	if answer.StatusCode != http.StatusOK {
		return failed("%q is not ready: %s: %s", listen, answer.Status, text)
	}
	fmt.Fprintln(stdout, text)
	return nil
}
