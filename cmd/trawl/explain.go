package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/explain"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// explainCommand returns the command that says what happened to a URL.
func explainCommand() *cobra.Command {
	var redisURL, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain JOB|DIR URL",
		Short: "Say what happened to a URL of a crawl, and why",
		Long: `Explain says what happened to a URL, and why: its normalised form, which page linked to it, which
rule of scope, line of robots.txt, trap or budget decided, where it waits and for how long, how it
ended, and which requests were made for it. It makes no requests itself.

Name either the folder of a crawl that ran on this machine and is not running now, or a job of a
fleet. Such a folder comes from trawl crawl, or from a Go program: a program's jobs each have a
folder in the one that --out names. For a job of a fleet, --out adds what its results say.

` + exitHelp,
		Example: `  trawl explain python-docs http://127.0.0.1:8000/library/
  trawl explain news https://example.org/a --out /data/crawls`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			u, err := crawler.ParseURL(args[1])
			if err != nil {
				return usage("%v", err)
			}
			x := explanation{explain.New(args[1], u)}
			if folder, ok := crawlFolder(out, args[0]); ok {
				err = x.ofFolder(cmd.Context(), folder, redisURL, cmd.Flags().Changed("redis"))
				if err != nil {
					return err
				}
			} else if err := x.ofFleet(cmd.Context(), redisURL, args[0], out); err != nil {
				return err
			}
			x.Compare()
			if asJSON {
				return printJSON(stdout, x.Explanation)
			}
			return x.print(stdout)
		},
	}
	registerRedis(cmd.Flags(), &redisURL)
	cmd.Flags().StringVar(&out, "out", "",
		"the workers' output (a folder or the URL of a bucket), for a job of a fleet")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// crawlFolder finds the folder of a crawl on this machine: the named folder itself or,
// since each job of a program has a folder of its own, the job's folder in the output
// folder.
func crawlFolder(out, named string) (folder string, ok bool) {
	folders := []string{named}
	if out != "" && !output.IsBucket(out) {
		folders = append(folders, filepath.Join(out, named))
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, localcrawl.StateDir)); err == nil {
			return folder, true
		}
	}
	return "", false
}

// explanation adds to what happened to a URL where the command looks, and how it prints it.
type explanation struct{ *explain.Explanation }

// ofFolder explains the URL from a crawl on this machine.
func (x explanation) ofFolder(ctx context.Context, path, redisURL string, named bool) (err error) {
	dir, err := localcrawl.OpenFolder(path, words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	crawl, err := localcrawl.ReadNote(path)
	if err != nil {
		return err
	}
	if crawl == nil {
		return usage("%q contains no crawl", path)
	}
	x.Own = true
	if err := x.ofResults(ctx, resultsOf("", path)); err != nil {
		return err
	}
	x.Job, x.State, x.Why, x.Called = crawl.Job, crawler.State(crawl.State), crawl.Reason, path
	x.Scattered = len(crawl.Elsewhere) > 0
	if crawl.Backend == localcrawl.InMemory || !crawl.Own() && !named {
		return x.FromSettings(crawl.Settings, nil) // its frontier is gone, or the user named no Redis
	}
	if crawl.Own() {
		redisURL = ""
	}
	back, err := connectAgain(ctx, redisURL, dir.State(), crawl.Backend, newLog(false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	_, err = x.FromFrontier(ctx, frontier.New(back.Client), crawl.Job)
	return err
}

// ofFleet explains the URL from a job of a fleet.
func (x explanation) ofFleet(ctx context.Context, redisURL, job, out string) (err error) {
	back, err := connectShared(ctx, redisURL, newLog(false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	status, err := x.FromFrontier(ctx, frontier.New(back.Client), job)
	if err != nil || out == "" {
		return jobError(err)
	}
	where := resultsOf(out, job)
	if x.OfAnother = ofAnother(ctx, where, job, status.Created); x.OfAnother != "" {
		return nil
	}
	return x.ofResults(ctx, where)
}

// ofAnother says why the results in an output do not belong to the job; "" if they do.
func ofAnother(ctx context.Context, where, job string, created time.Time) string {
	crawl, err := export.Open(ctx, where)
	if err != nil {
		return "" // reading the results reports the error
	}
	defer crawl.Close()
	return notTheJobs(ctx, crawl, job, created)
}

// ofResults explains the URL from the records and journals in the output.
func (x explanation) ofResults(ctx context.Context, dir string) error {
	if err := x.FromRecords(ctx, dir); err != nil {
		return failed("explain: %v", err)
	}
	journals, err := filesOf(ctx, dir, sink.JournalPrefix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := x.FromJournals(ctx, journals); err != nil {
		return failed("explain: %v", err)
	}
	return nil
}

func (x explanation) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	line("URL", "%s", x.URL)
	if x.Given != x.URL.String() {
		line("", "normalised from %q", x.Given)
	}
	if x.Why == "" {
		line("job", "%s, %s", x.Job, x.State)
	} else {
		line("job", "%s, %s: %s", x.Job, x.State, x.Why)
	}
	x.printScope(line)
	if x.Trap != "" {
		line("trap", "%s", x.Trap)
	}
	if x.Robots != "" {
		line("robots.txt", "%s", x.Robots)
	}
	x.printPlace(line)
	x.printHost(line)
	x.printRecord(line)
	for _, damaged := range x.Damaged {
		line("damaged", "%s", damaged)
	}
	for _, r := range x.Requests {
		line("request", "at %s by %s: %s", r.Start, r.Worker, answerOf(r))
	}
	return t.Flush()
}

func answerOf(r sink.Request) string {
	if r.Error != "" {
		return r.Error
	}
	return fmt.Sprintf("%d in %dms", r.Status, r.DurationMS)
}

func (x explanation) printPlace(line func(string, string, ...any)) {
	switch x.Place {
	case "":
		return
	case queue.PlaceUnseen:
		line("frontier", "it was never seen: no page that was read links to it, or links to it are not followed")
		return
	case queue.PlaceQueue:
		line("frontier", "it waits behind %s of its host", plain.Plural(x.Before, "other", "others"))
	case queue.PlaceLater:
		line("frontier", "it will be tried again in %v", time.Duration(x.DueMS)*time.Millisecond)
	case queue.PlaceFlight:
		line("frontier", "it is in flight in a visit")
	case queue.PlaceSettled:
		line("frontier", "%s", x.Settled())
		return
	}
	found := "a seed"
	if !x.Via.IsZero() {
		found = fmt.Sprintf("found on %s", x.Via)
	}
	line("", "%s, depth %d, priority %s, tried %s", found, x.Depth, x.Priority,
		plain.Plural(int64(x.Tries), "time", "times"))
}

// waitText returns the number of URLs that wait, in words.
func waitText(n int64) string { return plain.Plural(n, "URL waits", "URLs wait") }

func (x explanation) printHost(line func(string, string, ...any)) {
	h := x.Host
	if h == nil {
		return
	}
	switch {
	case h.Rules.Paused:
		line("host", "paused by an operator")
	case h.State == queue.HostDue:
		line("host", "a visit is due in %v; %s", h.Due, waitText(h.Waiting))
	case h.State == queue.HostOpen:
		line("host", "%s visits it; %s", h.Worker, waitText(h.Waiting))
	default:
		line("host", "%s; %s", h.State, waitText(h.Waiting))
	}
	if h.ConsecutiveFailures > 0 {
		line("", "it refused or could not be reached %s in a row: %s",
			plain.Plural(h.ConsecutiveFailures, "time", "times"), h.Trouble)
	}
}

func (x explanation) printRecord(line func(string, string, ...any)) {
	rec := x.Record
	if x.Records != nil && x.Records.Missing() > 0 {
		line("records", "%s", x.Records.Alarm(x.Called))
	}
	if rec == nil {
		if x.OfAnother != "" {
			line("record", "none: %s", x.OfAnother)
		}
		if x.Results != "" {
			line("record", "none in %s", x.Results)
		}
		return
	}
	line("record", "%s at %s by %s: status %d, %s", rec.Outcome, rec.FetchedAt, rec.Worker, rec.Status,
		bytesText(rec.Bytes))
	if rec.Error != "" {
		line("", "%s", rec.Error)
	}
	if rec.Checked {
		line("", "only checked: it was requested, but not read for its content or links")
	}
	if rec.FinalURL != rec.URL {
		line("", "redirected to %s", rec.FinalURL)
	}
	if rec.MovedTo != "" {
		line("", "moved permanently to %s", rec.MovedTo)
	}
	if rec.Referrer != "" {
		line("", "found on %s, depth %d", rec.Referrer, rec.Depth)
	}
}

func (x explanation) printScope(line func(string, string, ...any)) {
	follows, not := "links to it are followed", "links to it are not followed: %s"
	switch x.As {
	case explain.AsSitemap:
		follows, not = "it is in scope as a sitemap", "it is out of scope as a sitemap: %s"
	case explain.AsResource:
		follows, not = "it is in scope as a resource of a page", "it is out of scope as a resource of a page: %s"
	}
	switch {
	case x.Record != nil && x.Record.Checked:
		line("scope", "it is out of scope: links to it are only checked")
	case x.Scope == "":
		line("scope", "%s", follows)
	default:
		line("scope", not, x.Scope)
	}
	switch x.Else {
	case explain.AsSitemap:
		line("", "it is read if robots.txt or a sitemap names it as a sitemap")
	case explain.AsResource:
		line("", "it is fetched if a page embeds it")
	}
}
