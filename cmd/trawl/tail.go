package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recordstream"
	"github.com/trawlcrawler/trawl/tasks"
)

// tailCommand returns the command that prints records of a job as workers write them.
func tailCommand() *cobra.Command {
	t := &tail{desk: &desk{}}
	cmd := &cobra.Command{
		Use:   "tail JOB",
		Short: "Print the records of a job as its workers write them",
		Long: `Tail prints the records that workers write from now on, one line each: the time, the outcome,
the status, how long the request took, the size and the URL, with the error if there is one.
--json prints whole records. It ends when the job has ended and all of its records are printed.

The records are read where the workers say that they keep them: in folders on this machine, or
in a bucket, where they arrive with their segments. The conditions of --where are those of
"trawl export". Of a periodic job, the last run is read.

` + exitHelp,
		Example: `  trawl tail news
  trawl tail news --errors
  trawl tail news --all --where 'status>=500 and host=example.org' --json | jq -r .url`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			t.where, err = t.reading.condition()
			if err != nil {
				return err
			}
			return t.desk.with(cmd, func(ctx context.Context, c *tasks.Client) error { return t.run(ctx, c, args[0]) })
		},
	}
	flags := cmd.Flags()
	registerRedis(flags, &t.desk.redis)
	flags.BoolVar(&t.desk.json, "json", false, "print whole records, as JSON")
	flags.BoolVar(&t.all, "all", false, "begin with the records that exist already")
	flags.BoolVar(&t.errors, "errors", false, "only URLs that could not be fetched or not be read properly")
	flags.BoolVar(&t.follow, "follow", false, "continue when the job has ended, in case it is resumed")
	t.reading.register(flags)
	return cmd
}

// tail prints records of a job.
type tail struct {
	desk                *desk
	reading             reading
	where               export.Condition
	all, errors, follow bool
}

// Pauses between two looks at the output. They grow while no record comes.
const (
	tailSoonest = 200 * time.Millisecond
	tailLatest  = 2 * time.Second
)

// run prints records until the job has ended.
func (t *tail) run(ctx context.Context, c *tasks.Client, name string) error {
	status, err := tailed(ctx, c, name)
	if err != nil {
		return err
	}
	name = status.Job.Name
	stream := recordstream.New(c, recordstream.Config{Out: t.reading.out, Machine: fleet.HostName(),
		Damaged: func(err error) { fmt.Fprintf(stderr, "trawl: damaged: %v\n", err) }})
	cursor := ""
	if !t.all && !status.State.Ended() {
		if cursor, err = stream.Latest(ctx, status); err != nil {
			return tailError(err)
		}
	}
	return follow(ctx, func() (printed int, done bool, err error) {
		status, err := c.Status(ctx, name) // first, because only an ended job has all its records
		if err != nil {
			return 0, false, err
		}
		cursor, _, err = stream.Read(ctx, status, cursor, func(line []byte) (bool, error) {
			printed++
			return true, t.print(line)
		})
		if done = status.State.Ended() && len(status.Awaited) == 0 && !t.follow; done && err == nil {
			fmt.Fprintf(stderr, "trawl: job %s is %s: %s\n", name, status.State, status.Reason)
		}
		return printed, done, err
	})
}

// follow calls next, which prints what is new, until it is done, ctx ends, or the reader of a pipe has
// enough. It pauses in between.
func follow(ctx context.Context, next func() (printed int, done bool, err error)) error {
	for pause := tailSoonest; ; {
		printed, done, err := next()
		switch {
		case errors.Is(err, syscall.EPIPE):
			return nil
		case err != nil || done:
			return tailError(err)
		}
		if pause = min(2*pause, tailLatest); printed > 0 {
			pause = tailSoonest
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tailed returns the job whose records are printed, or the last run of a periodic job.
func tailed(ctx context.Context, c *tasks.Client, name string) (crawler.Status, error) {
	status, err := c.Status(ctx, name)
	if err != nil || status.Job.Schedule == "" {
		return status, err
	}
	if status.Run == "" {
		return status, usage("job %s is periodic and has not run yet: it has no records", name)
	}
	return c.Status(ctx, status.Run)
}

func tailError(err error) error {
	if errors.Is(err, queue.ErrOutput) {
		return usage("%v", err)
	}
	return err
}

// print prints a record if it is wanted. Lines that are not records are left out.
func (t *tail) print(line []byte) error {
	record := export.Record{Line: line}
	rec, err := record.Read()
	if err != nil {
		return nil
	}
	if t.errors && rec.Error == "" && !rec.Outcome.Failure() {
		return nil
	}
	if ok, err := t.where.Match(&record); !ok || err != nil {
		return err
	}
	if t.desk.json {
		_, err := stdout.data().Write(append(line[:len(line):len(line)], '\n'))
		return err
	}
	parts := recordLine(rec)
	if stdout.shown() {
		parts = cut(parts, stdout.width())
	}
	for _, part := range append(parts, span{text: "\n"}) {
		if err := paint(stdout, part); err != nil {
			return err
		}
	}
	return nil
}

// recordLine describes a record in one line: 80 columns hold the beginning of its URL.
func recordLine(rec crawler.Record) []span {
	at := "--:--:--"
	if t, err := time.Parse(time.RFC3339, rec.FetchedAt); err == nil {
		at = t.Local().Format(time.TimeOnly)
	}
	status := "-"
	if rec.Status > 0 {
		status = fmt.Sprint(rec.Status)
	}
	line := []span{{text: at + " "}, {fmt.Sprintf("%-10s", rec.Outcome), outcomeStyle(rec.Outcome)},
		{text: fmt.Sprintf(" %3s %8s %8s  %s", status, tookText(rec.DurationMS), sizeText(rec.Bytes), rec.URL)}}
	if rec.Error != "" {
		line = append(line, span{"  " + plain.Printable(rec.Error), styleWrong})
	}
	return line
}

func outcomeStyle(o crawler.Outcome) style {
	switch {
	case o.Failure():
		return styleWrong
	case o == crawler.OutcomeFetched, o == crawler.OutcomeNotModified:
		return styleGood
	}
	return styleWarn
}

// tookText formats milliseconds in at most eight columns.
func tookText(ms int64) string {
	if ms < 10_000 {
		return fmt.Sprintf("%d ms", ms)
	}
	return fmt.Sprintf("%.0f s", float64(ms)/1000)
}

// sizeText formats bytes in at most eight columns.
func sizeText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	return plain.Bytes(n)
}
