package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/archive"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/replay"
)

// replayCommand returns the command that shows an archive in a browser.
func replayCommand() *cobra.Command {
	var out string
	listen, cfg := "127.0.0.1:8090", replay.Config{}
	cmd := &cobra.Command{
		Use:   "replay JOB|DIR|FILE.wacz",
		Short: "Show archived pages in a browser",
		Long: `Replay serves the pages of a web archive on this machine: the WARC files of a crawl, also while it
runs, or a WACZ file of any program. Links, images and style sheets lead to other captures of the
archive. Missing files are answered with 404; no page causes a request to the web. Scripts do
not run, unless --scripts allows them.

It speaks Memento (/web/TIME/URL, /web/timemap/link/URL) and the API of CDX servers (/cdx?url=URL).

` + exitHelp,
		Example: `  trawl replay python-docs
  trawl replay site.wacz --listen 127.0.0.1:9000`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			if !onLoopback(listen) {
				return usage("listen: %q is not a loopback address: archived pages are shown on this machine only, such as on 127.0.0.1:8090",
					listen)
			}
			from, err := openArchive(cmd.Context(), out, args[0])
			if err != nil {
				return err
			}
			cfg.Log = newLog(false)
			return errors.Join(serveArchive(cmd.Context(), from, listen, cfg), from.Close())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "the workers' output (a folder or the URL of a bucket), for a job of a fleet")
	flags.StringVar(&listen, "listen", listen, "loopback address and port to serve on")
	flags.BoolVar(&cfg.Scripts, "scripts", false,
		"run the scripts of archived pages; they cannot make requests to the web, but can lead the browser there")
	return cmd
}

// onLoopback reports whether an address to listen on can be reached from this machine only.
func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// openArchive opens an archive, and prints which parts of its index are damaged.
func openArchive(ctx context.Context, out, name string) (*archive.Archive, error) {
	from, err := archive.Open(ctx, resultsOf(out, name))
	if errors.Is(err, archive.ErrEmpty) {
		return nil, usage("%v", err)
	}
	if err != nil {
		return nil, failed("%v", err)
	}
	for _, damage := range from.Damaged() {
		fmt.Fprintf(stderr, "trawl: damaged: %v\n", damage)
	}
	return from, nil
}

// serveArchive serves until ctx ends.
func serveArchive(ctx context.Context, from *archive.Archive, listen string, cfg replay.Config) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return failed("listen on %q: %v (choose another address with --listen)", listen, err)
	}
	captures := plain.Plural(int64(from.Len()), "capture", "captures")
	fmt.Fprintf(stderr, "trawl: %s of %s are at http://%s/\n", captures, from, listener.Addr())
	return serve(ctx, replay.HTTPServer(replay.New(from, cfg)), listener)
}
