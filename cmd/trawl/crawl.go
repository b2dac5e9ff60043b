package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/parse"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// crawlCommand crawls sites from their seeds.
func crawlCommand() *cobra.Command {
	s := defaultSettings()
	cmd := &cobra.Command{
		Use:   "crawl URL…",
		Short: "Crawl sites, from the URLs given to the last page in scope",
		Long: `Crawl follows the links from the URLs given to the last page in scope, and writes
the pages to a folder. It obeys robots.txt and waits between requests to a host.
Without --redis it starts a private redis-server, if there is one on PATH, with its
files in the folder: then the same command goes on with a crawl that was interrupted.

` + exitHelp,
		Example: `  trawl crawl https://example.com/
  trawl crawl http://localhost:8080/ --delay 0 --per-host 16 --out site
  trawl crawl https://example.com/ --pages 1000 --select 'price=.price' --select 'image=img.main@src'
  trawl crawl -f job.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			return crawl(cmd.Context(), s, args)
		},
	}
	s.register(cmd.Flags())
	return cmd
}

// crawl carries out the command.
func crawl(ctx context.Context, s settings, args []string) error {
	s.Seeds = append(slices.Clone(args), s.Seeds...)
	if len(s.Seeds) == 0 {
		return usage("no seeds: name at least one URL, or a job file with seeds")
	}
	if err := s.name(s.Seeds); err != nil {
		return err
	}
	good, err := goodSeeds(ctx, &s)
	if err != nil {
		return err
	}
	home := hostsOf(literal(s.Seeds))
	if s.Name == "" {
		s.Name = nameAfter(home[0])
	}
	if s.Out == "" {
		s.Out = "crawl-" + s.Name
	}
	if err := checkJob(s); err != nil {
		return err
	}
	if err := noHandlers(s); err != nil {
		return err
	}
	if s.Contact == "" && slices.ContainsFunc(home, abroad) {
		fmt.Fprintln(stderr, "trawl: tell the sites how to reach you, with --contact you@example.org")
	}
	return crawlInto(ctx, s, slices.Values(good))
}

// goodSeeds tells of seeds that can not be crawled and keeps the others.
func goodSeeds(ctx context.Context, s *settings) ([]seed, error) {
	var good []seed
	var kept []string
	cfg, err := s.reach()
	if err != nil {
		return nil, err
	}
	here := slices.DeleteFunc(hostsOf(literal(s.Seeds)), cfg.RemoteDNS)
	bad := unresolved(ctx, cfg.Resolver, here)
	for one := range literal(s.Seeds) {
		if one.Err == nil {
			one.Err = bad[one.URL.Host()]
		}
		if one.Err != nil {
			fmt.Fprintf(stderr, "trawl: left out: %v\n", one.Err)
			continue
		}
		good = append(good, one)
		kept = append(kept, one.URL.String())
	}
	s.Seeds = kept
	if len(good) == 0 {
		return nil, usage("none of the seeds can be crawled")
	}
	return good, nil
}

// abroad reports whether a host is, as far as its name tells, another's machine.
func abroad(h crawler.Host) bool {
	if address, ok := h.Address(); ok {
		return !address.IsLoopback() && !address.IsPrivate()
	}
	return h.Name() != "localhost"
}

// checkJob refuses settings before anything is made or started.
func checkJob(s settings) error {
	if err := s.Validate(); err != nil {
		return usage("%s", s.source.locate(err))
	}
	if err := parse.Check(s.Job); err != nil {
		return usage("%s", s.source.locate(err))
	}
	if err := checkRedis(s.Redis); err != nil {
		return err
	}
	for _, format := range s.Format {
		if !slices.Contains(sink.Names, format) {
			return usage("format: %q is unknown: want %s", format, strings.Join(sink.Names, ", "))
		}
	}
	return nil
}

// noHandlers refuses a job that only a program can crawl.
func noHandlers(s settings) error {
	if len(s.Handlers) == 0 {
		return nil
	}
	return usage("handlers: %s are functions of a program, which this command does not have: create the job on a fleet (trawl job create), "+
		"where that program is a worker, or let the program crawl (docs/handlers.md)", strings.Join(s.Handlers, ", "))
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// nameAfter makes a job's name of a host.
func nameAfter(h crawler.Host) string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(string(h)), "-"), "-")
	name = strings.Trim(name[:min(len(name), 63)], "-")
	if name == "" {
		return "crawl"
	}
	return name
}

// crawlInto crawls into the output folder, from the start or from where an earlier run
// stopped. The mirror is made when all results are where they belong.
func crawlInto(ctx context.Context, s settings, seeds iter.Seq[seed]) error {
	done, err := carryOut(ctx, s, seeds)
	if err != nil || done && mirrored(s) {
		return err
	}
	return mirrorOf(ctx, s)
}

// carryOut crawls what is left to crawl. It reports whether that was nothing.
func carryOut(ctx context.Context, s settings, seeds iter.Seq[seed]) (done bool, err error) {
	hosts := newTally()
	cfg, err := s.runner(ctx, hosts)
	if err != nil {
		return false, err
	}
	cfg.Folder, cfg.Out.OutletConfig = s.folder(), s.outlet(cfg.Log)
	r, err := localcrawl.Open(ctx, cfg)
	if err != nil {
		return false, statusOf(err)
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	if r.Plan == localcrawl.PlanDone {
		fmt.Fprintf(stderr, "trawl: %s is done since %s; its results are in %s. To crawl it again: --restart\n",
			s.Name, r.Ended.Local().Format(time.DateTime), s.Out)
		return true, nil
	}
	fmt.Fprintf(stderr, "trawl: %s %s into %s, over %s\n", r.Plan, s.Name, s.Out, r.Redis.Kind)
	result, err := runWatched(ctx, r, s.Name, seeds)
	if result.Status.Job.Name == "" { // it did not begin
		return false, err
	}
	missing, uncounted := s.missing(context.WithoutCancel(ctx), r, result)
	summary{
		status: result.Status, counters: result.Counters, tally: hosts, where: s.Out, took: result.Took, pages: result.Pages, missing: missing,
	}.print(stderr)
	if uncounted != nil {
		fmt.Fprintf(stderr, "trawl: the records could not be counted: %v\n", uncounted)
	}
	sayElsewhere(stderr, s.Name, result.Elsewhere)
	return false, verdict(r, result, err)
}

// newLog logs to standard error.
func newLog(verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	l := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	quiet(l)
	return l
}
