package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// fetchCommand returns the command that fetches a list of URLs.
func fetchCommand() *cobra.Command {
	s := defaultSettings()
	s.Follow, s.Scope = false, crawler.ScopeAny
	cmd := &cobra.Command{
		Use:   "fetch [URL…|FILE|-]",
		Short: "Fetch a list of URLs, following no links",
		Long: `Fetch fetches the URLs given as arguments, in a file or on standard input (one per line),
many at once, and follows no links. It writes one line of JSON per URL to standard output. With
--out it writes results in any format to a folder instead.

` + exitHelp,
		Example: `  trawl fetch urls.txt --out downloads --format files
  cat urls.txt | trawl fetch - --select title=title
  trawl fetch https://example.com/ https://example.org/`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			s.Follow, s.Scope = false, crawler.ScopeAny
			return fetchAll(cmd.Context(), s, args)
		},
	}
	s.register(cmd.Flags())
	return cmd
}

// fetchAll runs the command.
func fetchAll(ctx context.Context, s settings, args []string) error {
	if len(args)+len(s.Seeds) == 0 {
		return usage("nothing to fetch: name URLs, a file of URLs, or - for standard input")
	}
	if err := s.sharesStdin(args); err != nil {
		return err
	}
	args, err := s.schemed(ctx, args, true)
	if err != nil {
		return err
	}
	list, err := fromArguments(args, os.Stdin)
	if err != nil {
		return err
	}
	if err := s.name(append(urlsOf(args), s.Seeds...)); err != nil {
		return err
	}
	if err := s.sayLost(ctx, append(urlsOf(args), s.Seeds...)); err != nil {
		return err
	}
	seeds := concat(list, literal(s.Seeds))
	s.Seeds = nil // the list is not a setting
	if s.Name == "" {
		s.Name = "fetch"
	}
	if err := checkJob(s); err != nil {
		return err
	}
	if err := noHandlers(s); err != nil {
		return err
	}
	if s.Out != "" {
		return crawlInto(ctx, s, seeds)
	}
	return fetchOut(ctx, s, seeds)
}

// sayLost warns about hosts without an address among the URLs that the user named. These URLs are
// fetched anyway, so that each gets a record.
func (s *settings) sayLost(ctx context.Context, urls []string) error {
	cfg, err := s.reach()
	if err != nil {
		return err
	}
	gone, unsure := unresolved(ctx, cfg.Resolver, slices.DeleteFunc(hostsOf(literal(urls)), cfg.RemoteDNS))
	sayUnresolved(gone)
	sayUnresolved(unsure)
	return nil
}

// urlsOf returns the arguments that are URLs, as opposed to lists of URLs.
func urlsOf(args []string) []string {
	var urls []string
	for _, arg := range args {
		if strings.Contains(arg, "://") {
			urls = append(urls, arg)
		}
	}
	return urls
}

func concat(parts ...iter.Seq[seed]) iter.Seq[seed] {
	return func(yield func(seed) bool) {
		for _, part := range parts {
			for s := range part {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// fetchOut fetches to standard output.
func fetchOut(ctx context.Context, s settings, seeds iter.Seq[seed]) error {
	for _, format := range s.Format {
		if format != "jsonl" {
			return usage("format: %s needs a folder: name one with --out", format)
		}
	}
	return fetchTo(ctx, s, seeds, sink.NewStream(stdout, s.Links), func(sum summary) { sum.print(stderr) })
}

// fetchTo fetches into a sink. It keeps no other state, so it cannot be resumed. It calls
// tell with the result.
func fetchTo(ctx context.Context, s settings, seeds iter.Seq[seed], into sink.Sink, tell func(summary)) (err error) {
	temp, err := os.MkdirTemp("", "trawl-fetch-")
	if err != nil {
		return failed("%v", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if s.Redis != "" { // other processes may be using it
		s.Name = fmt.Sprintf("%s-%d-%d", s.Name[:min(len(s.Name), 30)], os.Getpid(), time.Now().UnixMilli())
	}
	hosts := newTally()
	cfg, err := s.runner(ctx, hosts)
	if err != nil {
		return err
	}
	cfg.Temp, cfg.Out.Sink, cfg.Restart = temp, into, false
	r, err := localcrawl.Open(ctx, cfg)
	if err != nil {
		return statusOf(err)
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	result, err := runWatched(ctx, r, s.Name, hosts, seeds)
	if result.Status.Job.Name == "" { // the crawl did not start
		return err
	}
	tell(summary{status: result.Status, counters: result.Counters, tally: hosts, took: result.Took,
		pages: result.Pages})
	return verdict(r, result, err)
}
