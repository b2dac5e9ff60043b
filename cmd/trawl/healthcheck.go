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

// healthCommand asks a process of the fleet whether it is well.
func healthCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a process of the fleet on this machine whether it is ready",
		Long: `Health asks the scheduler, worker or dashboard that listens at an address for its /readyz,
and fails unless it is ready: for the health checks of containers. The process's own
TRAWL_LISTEN is asked, where it is set.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return askReady(cmd.Context(), listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9090", "address that the process listens on")
	return cmd
}

// askTerm is how long a process may take to answer. It gives Redis fleet.ReadyTerm.
const askTerm = fleet.ReadyTerm + time.Second

// askReady asks for /readyz at an address that a process listens on. When that
// is all interfaces, package net asks this machine.
func askReady(ctx context.Context, listen string) error {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usage("listen: %q is no address (write 127.0.0.1:9090)", listen)
	}
	ctx, cancel := context.WithTimeout(ctx, askTerm)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+"/readyz", nil)
	if err != nil {
		return usage("listen: %v", err)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req) // by no proxy
	if err != nil {
		return failed("no process answers at %q: %v (name its address with --listen)", listen, err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return failed("the answer of %q breaks off: %v", listen, err)
	}
	text := strings.TrimSpace(string(said))
	if answer.StatusCode != http.StatusOK {
		return failed("%q is not ready: %s: %s", listen, answer.Status, text)
	}
	fmt.Fprintln(stdout, text)
	return nil
}
