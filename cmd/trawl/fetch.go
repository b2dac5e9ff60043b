package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// fetchCommand fetches a list of URLs.
func fetchCommand() *cobra.Command {
	s := defaultSettings()
	s.Follow, s.Scope = false, crawler.ScopeAny
	cmd := &cobra.Command{
		Use:   "fetch [URL…|FILE|-]",
		Short: "Fetch a list of URLs, following no links",
		Long: `Fetch gets the URLs given, or those of a file or of standard input, one a line, many
at once, and follows no links. It writes a JSON line for each to standard output, or
results of any format to the folder of --out.

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

// fetchAll carries out the command.
func fetchAll(ctx context.Context, s settings, args []string) error {
	if len(args)+len(s.Seeds) == 0 {
		return usage("nothing to fetch: name URLs, a file of URLs, or - for standard input")
	}
	list, err := fromArguments(args, os.Stdin)
	if err != nil {
		return err
	}
	if err := s.name(append(urlsOf(args), s.Seeds...)); err != nil {
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

// urlsOf are the arguments that are URLs, and not lists of them.
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

// fetchTo fetches into a sink. It keeps nothing else, so it can not go on. tell is
// told what came of it.
func fetchTo(ctx context.Context, s settings, seeds iter.Seq[seed], into sink.Sink, tell func(summary)) (err error) {
	temp, err := os.MkdirTemp("", "trawl-fetch-")
	if err != nil {
		return failed("%v", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if s.Redis != "" { // others may be there
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
	result, err := runWatched(ctx, r, s.Name, seeds)
	if result.Status.Job.Name == "" { // it did not begin
		return err
	}
	tell(summary{status: result.Status, counters: result.Counters, tally: hosts, took: result.Took, pages: result.Pages})
	return verdict(r, result, err)
}
