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
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/parse"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/internal/fleet"
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
	return crawlInto(ctx, s, home, slices.Values(good))
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
		if one.err == nil {
			one.err = bad[one.url.Host()]
		}
		if one.err != nil {
			fmt.Fprintf(stderr, "trawl: left out: %v\n", one.err)
			continue
		}
		good = append(good, one)
		kept = append(kept, one.url.String())
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

// crawlInto crawls into the output folder, from the start or from where an
// earlier run stopped. home are the hosts that the operator named. The mirror is
// made when all results are where they belong.
func crawlInto(ctx context.Context, s settings, home []crawler.Host, seeds iter.Seq[seed]) (err error) {
	dir, err := openFolder(s.house())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.close()) }()
	plan, err := carryOut(ctx, s, dir, home, seeds)
	if err != nil || plan == planDone && mirrored(s) {
		return err
	}
	return mirrorOf(ctx, s)
}

// carryOut crawls what is left to crawl, if anything is, and says what that was.
func carryOut(ctx context.Context, s settings, dir *folder, home []crawler.Host, seeds iter.Seq[seed]) (plan plan, err error) {
	earlier, err := dir.read()
	if err != nil && !s.restart {
		return plan, err
	}
	log := newLog(s.verbose)
	back, err := connect(ctx, s.Redis, dir.house(), true, log)
	if err != nil {
		return plan, err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	store := frontier.New(back.Client)
	outlet, err := openOutlet(ctx, s, dir, earlier, store, log)
	if err != nil {
		return plan, err
	}
	defer func() { err = errors.Join(err, shut(ctx, outlet)) }()
	if s.restart {
		if err := startOver(ctx, s, dir, back, store); err != nil {
			return plan, err
		}
		earlier = nil
	}
	with, err := besides(s, back, home, false)
	if err != nil {
		return plan, err
	}
	plan, err = settle(ctx, s, earlier, back, store, with)
	if err != nil || plan == planDone {
		return plan, err
	}
	out, err := outlet.Open(s.Job, "", "")
	if err != nil {
		return plan, failed("%v", err)
	}
	l, err := newLaptop(ctx, s, back, store, home, out, dir.house(), log)
	if err != nil {
		return plan, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.beside = with
	for _, h := range home {
		l.workshop.Fetcher.Allow(h)
	}
	fmt.Fprintf(stderr, "trawl: %s %s into %s, over %s\n", plan, s.Name, s.Out, back.Kind)
	return plan, l.campaign(ctx, dir, opened(ctx, seeds, l))
}

// startOver forgets an earlier crawl and sets its results aside.
func startOver(ctx context.Context, s settings, dir *folder, back *fleet.Backing, store *frontier.Store) error {
	var err error
	if back.Private {
		err = back.Client.FlushAll(ctx).Err()
	} else {
		err = forget(ctx, s.Name, back, store)
	}
	if err != nil {
		return failed("forget the earlier crawl: %v", err)
	}
	aside, err := dir.setAside(time.Now())
	if err == nil && aside != "" {
		fmt.Fprintf(stderr, "trawl: earlier results are now in %s\n", aside)
	}
	return err
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
