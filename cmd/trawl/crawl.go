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
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// crawlCommand returns the command that crawls sites from their seeds.
func crawlCommand() *cobra.Command {
	s := defaultSettings()
	cmd := &cobra.Command{
		Use:   "crawl URL…",
		Short: "Crawl sites: start at the given URLs and follow links to every page in scope",
		Long: `Crawl follows links from the given URLs until it has fetched every page in scope, and
writes the pages to a folder. It obeys robots.txt and waits between requests to a host.
Without --redis it starts a private redis-server, if there is one on PATH, or else a
built-in one, and keeps its data in the folder. The same command resumes a crawl that was
interrupted.

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

// crawl runs the command.
func crawl(ctx context.Context, s settings, args []string) error {
	good, err := s.crawlSeeds(ctx, args, "", "crawl-")
	if err != nil {
		return err
	}
	return crawlInto(ctx, s, slices.Values(good))
}

// crawlSeeds completes the settings of a crawl from the URLs on the command line, checks them,
// and returns the seeds that can be crawled. Without --job, the job is named after the first
// host, with the prefix job. Without --out, the folder is named after the job, with the prefix
// folder.
func (s *settings) crawlSeeds(ctx context.Context, args []string, job, folder string) ([]seed, error) {
	args, err := s.schemed(ctx, args, false)
	if err != nil {
		return nil, err
	}
	s.Seeds = append(slices.Clone(args), s.Seeds...)
	if len(s.Seeds) == 0 {
		return nil, usage("no seeds: name at least one URL, or a job file that has seeds")
	}
	if err := s.name(s.Seeds); err != nil {
		return nil, err
	}
	good, err := goodSeeds(ctx, s)
	if err != nil {
		return nil, err
	}
	home := hostsOf(literal(s.Seeds))
	if s.Name == "" {
		s.Name = prefixed(job, nameAfter(home[0]))
	}
	if s.Out == "" {
		s.Out = folder + s.Name
	}
	if err := checkJob(*s); err != nil {
		return nil, err
	}
	if err := noHandlers(*s); err != nil {
		return nil, err
	}
	if err := noSuccessor(*s); err != nil {
		return nil, err
	}
	s.askWho(home)
	return good, nil
}

// noSuccessor refuses a crawl on this machine with an on_done that only a fleet carries out.
func noSuccessor(s settings) error {
	switch {
	case len(s.OnDone.Job) > 0:
		return usage("on_done: only the workers of a fleet start the next job: create this one on a fleet (trawl job create)")
	case s.OnDone.Task != "" && s.Redis == "":
		return usage("on_done: the task needs the Redis of the program that carries it out: name it with --redis")
	}
	return nil
}

// askWho asks how the operator can be reached, if sites cannot tell.
func (s *settings) askWho(hosts []crawler.Host) {
	if s.anonymous(hosts) {
		fmt.Fprintln(stderr, "trawl: tell the sites how to reach you, with --contact you@example.org")
	}
}

// anonymous reports whether a crawl of these hosts would request from other people's machines
// without telling them who crawls: it has neither a contact nor an identity nor an address in the
// User-Agent.
func (s *settings) anonymous(hosts []crawler.Host) bool {
	return s.Contact == "" && s.Identity == "" && !namesSomeone(s.UserAgent) && slices.ContainsFunc(hosts, abroad)
}

// namesSomeone reports whether a User-Agent has an address of its operator, and not only the name
// of Trawl.
func namesSomeone(userAgent string) bool {
	return userAgent != crawler.DefaultJob().UserAgent &&
		(strings.Contains(userAgent, "@") || strings.Contains(userAgent, "://"))
}

// goodSeeds reports the seeds that cannot be crawled, and returns the others.
func goodSeeds(ctx context.Context, s *settings) ([]seed, error) {
	var good []seed
	var kept []string
	cfg, err := s.reach()
	if err != nil {
		return nil, err
	}
	here := slices.DeleteFunc(hostsOf(literal(s.Seeds)), cfg.RemoteDNS)
	gone, unsure := unresolved(ctx, cfg.Resolver, here)
	sayUnresolved(unsure)
	for one := range literal(s.Seeds) {
		if one.Err == nil {
			one.Err = gone[one.URL.Host()]
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

// abroad reports whether a host, judging by its name, is someone else's machine.
func abroad(h crawler.Host) bool {
	if address, ok := h.Address(); ok {
		return !address.IsLoopback() && !address.IsPrivate()
	}
	return h.Name() != "localhost"
}

// checkJob checks the settings before anything is created or started.
func checkJob(s settings) error {
	if err := rules.Validate(s.Job); err != nil {
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
			return usage("format: %q is unknown%s: want %s", format, plain.Suggest(format, sink.Names),
				strings.Join(sink.Names, ", "))
		}
	}
	return nil
}

// noHandlers refuses a job that only a Go program can crawl.
func noHandlers(s settings) error {
	if len(s.Handlers) == 0 {
		return nil
	}
	return usage("handlers: %s are functions of a Go program, which this command does not have: create the job on a fleet (trawl job create) "+
		"where that program is a worker, or run the crawl from the program (docs/handlers.md)",
		strings.Join(s.Handlers, ", "))
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// maxName is the length of the longest job name.
const maxName = 63

// nameAfter derives a job name from a host.
func nameAfter(h crawler.Host) string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(string(h)), "-"), "-")
	name = strings.Trim(name[:min(len(name), maxName)], "-")
	if name == "" {
		return "crawl"
	}
	return name
}

// prefixed returns a job name with a prefix.
func prefixed(prefix, name string) string {
	return strings.TrimRight((prefix + name)[:min(len(prefix+name), maxName)], "-")
}

// crawlInto crawls into the output folder, from the beginning or from where an earlier
// process stopped. Once all results are in place, it makes the products of formats that have one.
func crawlInto(ctx context.Context, s settings, seeds iter.Seq[seed]) error {
	done, err := carryOut(ctx, s, seeds)
	if err != nil {
		return err
	}
	for _, p := range productsOf(s) {
		if done && p.made(s) {
			continue
		}
		if err := p.make(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// carryOut crawls what is left. It reports whether the crawl was already done.
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
		fmt.Fprintf(stderr, "trawl: %s finished at %s; its results are in %s. To crawl it again, use --restart\n",
			s.Name, r.Ended.Local().Format(time.DateTime), s.Out)
		return true, nil
	}
	fmt.Fprintf(stderr, "trawl: %s %s into %s, over %s\n", r.Plan, s.Name, s.Out, r.Redis.Kind)
	result, err := runWatched(ctx, r, s.Name, hosts, seeds)
	if result.Status.Job.Name == "" { // the crawl did not start
		return false, err
	}
	missing, uncounted := s.missing(context.WithoutCancel(ctx), r, result)
	summary{
		status: result.Status, counters: result.Counters, tally: hosts, where: s.Out, took: result.Took,
		pages: result.Pages, missing: missing,
		resumed: r.Plan == localcrawl.PlanOn,
	}.print(stderr)
	if uncounted != nil {
		fmt.Fprintf(stderr, "trawl: the records could not be counted: %v\n", uncounted)
	}
	sayElsewhere(stderr, s.Name, result.Elsewhere)
	return false, verdict(r, result, err)
}

// newLog returns a logger that writes to standard error.
func newLog(verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	l := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	quiet(l)
	return l
}
