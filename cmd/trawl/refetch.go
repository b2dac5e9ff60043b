package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/tasks"
)

// refetchCommand returns the command that fetches pages again whose records were lost.
func (d *desk) refetchCommand() *cobra.Command {
	r := refetch{desk: d}
	cmd := &cobra.Command{
		Use:   "refetch JOB|DIR",
		Short: "Fetch pages again whose records were lost",
		Long: `Refetch fetches pages again that are settled but whose records were lost.

For a job that has ended, it compares what is settled with the records in the output. If records
are missing, it reopens the job and fetches their URLs again: first those that seeds or other
records name. If that does not cover all, it also fetches pages that may link to the others: pages
whose records do not list their links (with --links they do). For a crawl on this machine, name its
folder; the command that started it then resumes it.

Refetch looks for the output where the workers say that they write it, if that is a bucket or a
folder on this machine. Otherwise name the output with --out, and repeat --out for each place.

For a job that is running, it requeues the URLs that were not shipped to the bucket before their
worker was lost. The schedulers do this by themselves when a worker has not been heard of for
--lost-after. If you know that a worker does not come back, name it with --lost to requeue its
pages at once.

` + exitHelp,
		Example: `  trawl job refetch news
  trawl job refetch news --out s3://crawls/of-2026
  trawl job refetch news --lost worker-3`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(filepath.Join(args[0], localcrawl.StateDir)); err == nil {
				return jobError(r.ofFolder(cmd.Context(), args[0]))
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error { return r.ofJob(ctx, c, args[0]) })
		},
	}
	cmd.Flags().StringVar(&r.lost, "lost", "", "name of a worker that will not come back")
	cmd.Flags().StringArrayVar(&r.out, "out", nil,
		"the workers' output (a folder or the URL of a bucket); may be repeated (default: where the workers say)")
	return cmd
}

// refetch holds the options of the command.
type refetch struct {
	desk *desk
	lost string
	out  []string
}

// ofJob fetches lost pages of a job of a fleet again.
func (r refetch) ofJob(ctx context.Context, c *tasks.Client, job string) (err error) {
	status, err := c.Status(ctx, job)
	if err != nil {
		return err
	}
	if !status.State.Ended() && status.Job.Schedule == "" {
		return r.reclaim(ctx, c, job, status.State)
	}
	places, err := r.places(ctx, c, job)
	if err != nil {
		return err
	}
	back, err := connectShared(ctx, r.desk.redis, newLog(false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	return r.compare(ctx, c, frontier.New(back.Client), job, job, places)
}

// reclaim requeues the URLs of lost workers that Redis still has. It does not look at the
// output: what a running job has settled may be on its way there.
func (r refetch) reclaim(ctx context.Context, c *tasks.Client, job string, state crawler.State) error {
	urls, err := c.Refetch(ctx, job, r.lost)
	if err != nil {
		return err
	}
	if r.desk.json {
		return printJSON(stdout, map[string]int64{"urls": urls})
	}
	fmt.Fprintf(stdout, "requeued: %s of job %s\n", urlsText(urls), job)
	fmt.Fprintf(stderr, "trawl: job %s is %s: to compare its output, run this again when it has ended\n", job, state)
	return nil
}

// ofFolder fetches lost pages of a crawl on this machine again.
func (r refetch) ofFolder(ctx context.Context, path string) (err error) {
	dir, err := localcrawl.OpenFolder(path, words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	crawl, err := localcrawl.ReadNote(path)
	switch {
	case err != nil:
		return err
	case crawl == nil:
		return usage("%q contains no crawl", path)
	case crawl.Backend == localcrawl.InMemory:
		return usage("the frontier of the crawl in %q was in memory and is gone: crawl it again with --restart", path)
	case !crawl.Own():
		return usage("the frontier of the crawl in %q is in %s: name its job (trawl job refetch %s --redis …)", path,
			crawl.Backend, crawl.Job)
	}
	back, err := connectAgain(ctx, "", dir.State(), crawl.Backend, newLog(false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	store := frontier.New(back.Client)
	client := tasks.NewClient(store, back.Endpoint)
	defer func() { err = errors.Join(err, client.Close()) }()
	return r.compare(ctx, client, store, crawl.Job, path, []place{{where: resultsOf("", path)}})
}

// places lists where the output of a job is.
func (r refetch) places(ctx context.Context, c *tasks.Client, job string) ([]place, error) {
	var all []place
	for _, out := range r.out {
		all = append(all, place{resultsOf(out, job), true})
	}
	if len(all) > 0 {
		return all, nil
	}
	kept, err := c.Kept(ctx, job)
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	for _, k := range kept {
		if !output.IsBucket(k.Where) && k.Machine != fleet.HostName() {
			return nil, usage("worker %s keeps pages of job %s in %q on machine %s: name each place of the output with --out", k.Worker, job, k.Where, k.Machine)
		}
		if !known[k.Where] {
			known[k.Where] = true
			all = append(all, place{where: k.Where})
		}
	}
	if len(all) == 0 {
		return nil, usage("no worker has reported where the output of job %s is: name it with --out", job)
	}
	return all, nil
}

// compare compares a job with its output and requeues what is missing. called is the name
// by which the user knows the job.
func (r refetch) compare(ctx context.Context, c *tasks.Client, store *frontier.Store, job, called string,
	places []place) (err error) {
	status, err := store.Status(ctx, job)
	if err != nil {
		return err
	}
	if formats := status.Job.Format; !keepsRecords(formats) && !slices.ContainsFunc(formats, keepsExchanges) {
		return usage("job %s keeps no records (format: %s): there is no way to tell what is missing", job,
			strings.Join(formats, ","))
	}
	with, err := c.Compare(ctx, job, r.lost)
	if errors.Is(err, queue.ErrNotComparable) {
		return usage("%v", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, with.Close(ctx)) }()
	records, err := openRecords(ctx, places)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.close()) }()
	if err := records.keepOf(ctx, status); err != nil {
		return err
	}
	if err := records.each(ctx, func(rec crawler.Record) error { return with.Record(ctx, rec) }); err != nil {
		return failed("%v", err)
	}
	sum := with.Sum(records.whole())
	if !with.Due() {
		return r.say(called, sum, queue.Refetch{}, 0)
	}
	if err := r.offer(ctx, with, store, records); err != nil {
		return failed("%v", err)
	}
	unnamed := with.Unnamed()
	if unnamed > 0 {
		if err := records.each(ctx, func(rec crawler.Record) error { return with.Reread(ctx, rec) }); err != nil {
			return failed("%v", err)
		}
	}
	brought, err := with.Reopen(ctx)
	if err != nil {
		return err
	}
	return r.say(called, sum, brought, unnamed)
}

// offer looks for the missing URLs among the seeds, the sitemaps, and the URLs that records
// name.
func (r refetch) offer(ctx context.Context, with *tasks.Comparing, store *frontier.Store, records *records) error {
	if err := with.OfferSeeds(ctx); err != nil {
		return err
	}
	if with.Job().Sitemaps {
		if err := leadFromSitemaps(ctx, with, store); err != nil {
			return err
		}
	}
	if err := records.each(ctx, func(rec crawler.Record) error { return with.OfferLinksOf(ctx, rec) }); err != nil {
		return err
	}
	return records.eachLink(ctx, func(link fetched.LinkRecord) error { return with.OfferLink(ctx, link) })
}

// leadFromSitemaps looks in the sitemaps that robots.txt names, if the fleet still has it
// cached, and in the usual places.
func leadFromSitemaps(ctx context.Context, with *tasks.Comparing, store *frontier.Store) error {
	cache := robots.New(store.RobotsCache(), robots.Config{})
	for _, origin := range with.Origins() {
		at, err := crawler.ParseURL(origin + "/robots.txt")
		if err != nil {
			continue
		}
		named := []string{origin + "/sitemap.xml"}
		known, err := cache.Recall(ctx, with.Job().ProductToken(), at)
		if err != nil {
			return err
		}
		if known.Rules != nil {
			named = append(named, known.Rules.Sitemaps()...)
		}
		for _, text := range named {
			if u, err := crawler.ParseURL(text); err == nil {
				if err := with.Offer(ctx, queue.Entry{URL: u, Referrer: at, Sitemap: 1}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// say reports what is missing, and what is fetched again.
func (r refetch) say(job string, sum account.Comparison, brought queue.Refetch, unnamed int64) error {
	if r.desk.json {
		return printJSON(stdout, struct {
			URLs    int64 `json:"urls"`
			Missing int64 `json:"missing"`
			account.Comparison
			queue.Refetch
		}{brought.Named + brought.Reread, sum.Missing(), sum, brought})
	}
	fmt.Fprintf(stdout, "job %s: %v\n", job, sum)
	if brought.Named > 0 {
		fmt.Fprintf(stdout, "requeued: %s that seeds or records name\n", urlsText(brought.Named))
	}
	if brought.Reread > 0 {
		fmt.Fprintf(stdout, "requeued: %s that may link to %s that nothing names\n", pagesText(brought.Reread),
			urlsText(unnamed))
	}
	if unnamed > 0 && brought.Reread+brought.Named == 0 {
		fmt.Fprintf(stderr, "trawl: nothing on record leads to the missing URLs: if you added them as seeds, add them again (trawl seed %s LIST): only the missing ones are fetched\n", job)
	}
	return nil
}
