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

// explanation adds to the explanation of a URL where the command looks for it, and how it prints
// it.
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
		return x.FromSettings(crawl.Settings, nil) // the frontier is gone, or the user named no Redis
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
	return explain.NotTheJobs(ctx, crawl, job, created)
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
	for _, line := range x.Lines() {
		fmt.Fprintf(t, "%s\t%s\n", line.Name, line.Text)
	}
	return t.Flush()
}
