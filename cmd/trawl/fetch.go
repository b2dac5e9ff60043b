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
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/internal/fleet"
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
		return crawlInto(ctx, s, nil, seeds)
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
	log := newLog(s.verbose)
	back, err := connect(ctx, s.Redis, temp, false, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	if s.Redis != "" { // others may be there
		s.Name = fmt.Sprintf("%s-%d-%d", s.Name[:min(len(s.Name), 30)], os.Getpid(), time.Now().UnixMilli())
	}
	back.Durable = false
	store := frontier.New(back.Client)
	with, err := besides(s, back, nil, true)
	if err != nil {
		return err
	}
	if _, err := settleNew(ctx, s, nil, back, store, with); err != nil {
		return err
	}
	l, err := newLaptop(ctx, s, back, store, nil, &fleet.Output{Sink: into}, temp, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	l.beside = with
	began := time.Now()
	status, runErr := l.runWatched(ctx, opened(ctx, seeds, l), crawler.Counters{})
	counters, err := l.frontier.Counters(context.WithoutCancel(ctx))
	if err != nil {
		return errors.Join(runErr, failed("%v", err))
	}
	tell(summary{status: status, counters: counters, tally: l.tally, took: time.Since(began), pages: counters.Pages()})
	if s.Redis != "" {
		err = forget(context.WithoutCancel(ctx), s.Name, back, store)
	}
	return errors.Join(l.verdict(ctx, runErr, counters, ""), err)
}

// opened opens the hosts of a list that the operator can only mean to be
// private: those written as addresses, and localhost. A name that a list has
// from elsewhere opens its port alone, whatever it resolves to. Logins that are
// written in the list are sent to their hosts.
func opened(ctx context.Context, seeds iter.Seq[seed], l *laptop) iter.Seq[seed] {
	return func(yield func(seed) bool) {
		for s := range seeds {
			if h := s.url.Host(); s.err == nil {
				if _, ok := h.Address(); ok || h.Name() == "localhost" {
					l.workshop.Fetcher.Allow(h)
					l.lend(ctx, s)
				} else if !s.login.IsZero() {
					l.lend(ctx, s)
				}
				if !s.login.IsZero() {
					l.workshop.Fetcher.Login(s.url, s.login)
				}
				l.berth.extend(h)
			}
			if !yield(s) {
				return
			}
		}
	}
}
