package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/tasks"
)

// topCommand returns the command that shows a fleet as it works.
func topCommand() *cobra.Command {
	t := &top{desk: &desk{}}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show the jobs, workers and Redis of a fleet as they work",
		Long: `Top shows the jobs of a fleet, the fastest first, its workers and its Redis. On a terminal it fills
the screen, and keys open a job, pause it and sort the list: ? lists them. Elsewhere it prints
lines every ten seconds, or with --json one object at a time.

` + exitHelp,
		Example: `  trawl top
  trawl top --once
  trawl top --json --every 1s | jq -r '.jobs[] | [.name, .pages_per_second] | @tsv'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.every < 0 {
				return usage("every: %v is out of range: want more than 0, such as 5s", t.every)
			}
			return t.desk.with(cmd, t.run)
		},
	}
	flags := cmd.Flags()
	registerRedis(flags, &t.desk.redis)
	flags.BoolVar(&t.desk.json, "json", false, "print JSON, one object at a time")
	flags.DurationVar(&t.every, "every", 0, "time between two looks (default: 1s on a terminal and with --json, or else 10s)")
	flags.BoolVar(&t.once, "once", false, "look once, and print lines")
	return cmd
}

// top shows a fleet.
type top struct {
	desk  *desk
	every time.Duration
	once  bool
}

// screenEvery is the usual time between two looks of a person or a program.
const screenEvery = time.Second

func (t *top) run(ctx context.Context, c *tasks.Client) error {
	if t.once || t.desk.json || !fullScreen() {
		return t.print(ctx, c)
	}
	return onScreen(ctx, c, "", t.every)
}

// print prints the fleet line by line, or as JSON, until ctx ends.
func (t *top) print(ctx context.Context, c *tasks.Client) error {
	every := t.every
	switch {
	case every > 0:
	case t.desk.json:
		every = screenEvery
	default:
		every = plainEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		f, err := glanceAtFleet(ctx, c)
		if err != nil {
			return err
		}
		if t.desk.json {
			err = json.NewEncoder(stdout).Encode(f)
		} else {
			err = printFleet(stdout, f)
		}
		if t.once || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// printFleet prints a line about the fleet, and one about each of its jobs that has not ended.
func printFleet(w io.Writer, f fleetGlance) error {
	taken, places := f.places()
	at := f.At.Local().Format(time.TimeOnly)
	_, err := fmt.Fprintf(w, "%s  fleet  %d of %s running, %s pages/s, %s, %d of %s\n", at, f.running(),
		plain.Plural(int64(f.Total), "job", "jobs"), short(f.rate()),
		plain.Plural(int64(len(f.Workers)), "worker", "workers"), taken, plain.Plural(int64(places), "place", "places"))
	page := fleetPage{}
	page.see(f)
	for _, j := range page.glance.Jobs {
		if !j.State.Ended() && err == nil {
			_, err = fmt.Fprintln(w, j.line())
		}
	}
	return err
}

// line describes the job in one line.
func (j jobGlance) line() string {
	n := j.Counters
	text := fmt.Sprintf("%s  %s  %s", j.At.Local().Format(time.TimeOnly), j.Name, j.State)
	if j.State == crawler.StateRunning {
		text += "  " + short(j.PagesPerSecond) + " pages/s"
	}
	text += fmt.Sprintf("  %s  %d waiting  %d in flight  %s  %s", pagesText(n.Pages()), n.Waiting, n.Flight,
		hostCount(n.Hosts), plain.Plural(errorsOf(n), "error", "errors"))
	if says := j.says(); says != "" {
		text += "  " + says
	}
	return text
}
