package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/tasks"
)

// seedCommand returns the command that adds URLs to a job of a fleet.
func seedCommand() *cobra.Command {
	d := &desk{}
	var create bool
	s := defaultSettings()
	var sitemaps []string
	var priority crawler.Priority
	var changed bool
	cmd := &cobra.Command{
		Use:   "seed JOB [URL…|FILE|-]",
		Short: "Add URLs to a job, from arguments, files (plain, .gz, .zst), a pipe, or sitemaps",
		Long: `Seed adds URLs to a job that has not ended. Adding a URL again changes nothing.
A line of a list is a URL, or a JSON object such as
{"url": "https://example.com/", "priority": "urgent"}.
With --create it creates the job with the default settings if it does not exist. For other
settings, write a job file for "trawl job create".

A sitemap is read for the pages that it lists, and an index for the sitemaps that it lists.
--sitemap names one, whatever its name. An argument counts as a sitemap if its name is like
sitemap.xml, sitemap_index.xml or news-sitemap.xml.gz. Pages from a sitemap at a URL are added
if they are in the job's scope, to which the sitemap's host is added. Pages from a sitemap in a
file are all added. The job's user agent, timeout, retries and delay apply to its sitemaps, too.

--changed says that the pages may have changed since a continuous job (recrawl) fetched them: they
are fetched again as soon as its settings allow. In a list, {"url": "…", "changed": true} does so.

` + exitHelp,
		Example: `  trawl seed --create news https://example.com/ https://example.org/
  trawl seed news urls.txt.zst
  trawl seed news --priority urgent https://example.com/breaking
  trawl seed news --sitemap https://example.com/sitemap.php
  trawl seed news --changed https://example.com/prices
  psql -Atc 'select url from sites' | trawl seed news -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			if err := s.check(); err != nil {
				return err
			}
			seeds, err := s.schemed(cmd.Context(), args[1:], true)
			if err != nil {
				return err
			}
			lists, named := partSitemaps(seeds)
			maps, err := newSitemapList(append(sitemaps, named...))
			if err != nil {
				return err
			}
			if len(args) == 1 && maps.empty() {
				return usage("no seeds: name URLs, files of URLs, - for standard input, or sitemaps")
			}
			list, err := newSeedList(lists, os.Stdin)
			if err != nil {
				return err
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				if create {
					if err := createPlain(ctx, cmd, c, args[0]); err != nil {
						return err
					}
				}
				return d.seed(ctx, c, args[0], list, maps, s, seedMarks{priority, changed})
			})
		},
	}
	flags := cmd.Flags()
	registerRedis(flags, &d.redis)
	flags.BoolVar(&d.json, "json", false, "print JSON")
	flags.BoolVar(&create, "create", false, "create the job with the default settings if it does not exist")
	flags.StringArrayVar(&sitemaps, "sitemap", nil,
		"URL or file of a sitemap, an index of sitemaps, or a feed; may be repeated")
	flags.Var(&priority, "priority",
		"urgent, high, normal or low: decides which URLs of a host are fetched first; urgent also puts the host before others (default: the job's priorities, else high)")
	flags.BoolVar(&changed, "changed", false,
		"the pages may have changed: a continuous job fetches them again")
	s.registerIn(flags, setting.InSeed)
	return cmd
}

// createPlain creates a job with the default settings, unless it exists.
func createPlain(ctx context.Context, cmd *cobra.Command, c *tasks.Client, name string) error {
	s, err := usual(cmd)
	if err != nil {
		return err
	}
	s.Name = name
	if err := checkJob(s); err != nil {
		return err
	}
	err = c.Create(ctx, s.Job)
	if errors.Is(err, queue.ErrJobExists) {
		return nil
	}
	if err == nil {
		fmt.Fprintf(stderr, "trawl: created job %s\n", name)
	}
	return err
}

// seedMarks are the properties of all URLs that flags set.
type seedMarks struct {
	priority crawler.Priority
	changed  bool
}

// mark applies the marks to the lines of a list.
func (m seedMarks) mark(lines iter.Seq2[string, error]) iter.Seq2[string, error] {
	if m.changed {
		lines = seedfile.Changed(lines)
	}
	return seedfile.Prioritized(lines, m.priority)
}

// seed adds the URLs of the lists and the sitemaps.
func (d *desk) seed(ctx context.Context, c *tasks.Client, job string, list *seedList, maps sitemapList, s settings,
	marks seedMarks) error {
	reader, err := newSitemapReader(ctx, c, job, maps, s)
	if err != nil {
		return err
	}
	defer reader.close()
	began := time.Now()
	shown := newSeedProgress(stderr, began)
	sum, err := c.Seed(ctx, job, marks.mark(chained(list.urls(ctx), reader.pages(ctx))),
		func(s crawler.Seeding) {
			shown.show(reader.report().with(s).text(time.Since(began)))
		})
	shown.clear()
	if errors.Is(err, queue.ErrNoJob) || errors.Is(err, queue.ErrJobEnded) {
		return err // nothing was added, or the job does not fetch it
	}
	report := reader.report().with(sum)
	if d.json {
		err = joinPrint(err, printJSON(stdout, report.view(list)))
	} else {
		report.print(stderr, list)
		fmt.Fprintf(stderr, "trawl: %s: %s\n", job, report.text(time.Since(began)))
	}
	if err != nil {
		return err
	}
	return report.verdict()
}

// chained yields what each list yields, one list after the other.
func chained(lists ...iter.Seq2[string, error]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, list := range lists {
			for url, err := range list {
				if !yield(url, err) {
					return
				}
			}
		}
	}
}

func joinPrint(err, printed error) error {
	if err != nil {
		return err
	}
	return printed
}
