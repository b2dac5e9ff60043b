package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/recordstream"
	"github.com/trawlcrawler/trawl/tasks"
)

// changesCommand returns the command that prints which pages of a job have changed.
func changesCommand() *cobra.Command {
	l := &changeList{desk: &desk{}}
	cmd := &cobra.Command{
		Use:   "changes JOB",
		Short: "Print which pages of a job have changed, as lines of JSON",
		Long: `Changes prints the pages that are new, changed, gone, moved or back. For a periodic job with
"changes: true", it compares each run with the run before, and for the name of a run, only that run.
For a continuous job, it prints what each fetch has found.

A line has the change, the url, where the page moved to, its status before and after, its title, when
the change was found (fetched_at), and the run (job). --short prints the lines of "trawl diff"
instead. The changes of a run are known soon after it is done. They are read where its workers keep
its output.

` + exitHelp,
		Example: `  trawl changes news
  trawl changes news --follow --only new,changed | jq -r .url
  trawl changes news-20261126t060000 --short`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := l.check(); err != nil {
				return err
			}
			return l.desk.with(cmd, func(ctx context.Context, c *tasks.Client) error { return l.run(ctx, c, args[0]) })
		},
	}
	flags := cmd.Flags()
	registerRedis(flags, &l.desk.redis)
	flags.StringVar(&l.out, "out", "", "the workers' output folder or bucket (default: where each worker says)")
	flags.BoolVar(&l.short, "short", false, "print a line for people instead of JSON")
	flags.BoolVar(&l.follow, "follow", false, "keep printing changes as they are found")
	flags.StringSliceVar(&l.only, "only", nil, "only these changes: new, changed, gone, moved, back")
	return cmd
}

// changeList prints changes.
type changeList struct {
	desk          *desk
	out           string
	short, follow bool
	only          []string
}

// check checks the flags.
func (l *changeList) check() error {
	all := strings.Fields(strings.Trim(fmt.Sprint(change.Classes), "[]"))
	for _, name := range l.only {
		if !slices.Contains(all, name) {
			return usage("only: %q is not a change%s: want any of %s", name, plain.Suggest(name, all),
				strings.Join(all, ", "))
		}
	}
	return nil
}

// run prints changes until there are no more, or with --follow until ctx ends.
func (l *changeList) run(ctx context.Context, c *tasks.Client, name string) error {
	stream := recordstream.New(c, recordstream.Config{Out: l.out, Machine: fleet.HostName(), Runs: c.Runs,
		Damaged: func(err error) { fmt.Fprintf(stderr, "trawl: damaged: %v\n", err) }})
	cursor := ""
	return follow(ctx, func() (printed int, done bool, err error) {
		status, err := c.Status(ctx, name) // first, because only an ended job has all its changes
		if err != nil {
			return 0, false, err
		}
		cursor, _, err = stream.Changes(ctx, status, cursor, func(p change.Page) (bool, error) {
			printed++
			return true, l.print(p)
		})
		return printed, !l.follow, err
	})
}

// print prints a change if it is wanted.
func (l *changeList) print(p change.Page) error {
	if len(l.only) > 0 && !slices.Contains(l.only, string(p.Class)) {
		return nil
	}
	return printChange(stdout.data(), p, !l.short)
}
