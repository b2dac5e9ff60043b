package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/tasks"
)

// zonedTime is the format of planned times, with the time zone.
const zonedTime = "2006-01-02 15:04:05 MST"

// ticksPass says why no run starts at the next tick.
const ticksPass = "paused: ticks are skipped until it is resumed"

// nextText says when the next run of a periodic job starts.
func nextText(p periodic.Job, now time.Time) string {
	switch {
	case p.NextTick.IsZero():
		return "none"
	case p.TicksPass:
		return ticksPass
	}
	return fmt.Sprintf("%s, in %s", p.NextTick.Local().Format(zonedTime), p.NextTick.Sub(now).Round(time.Second))
}

// periodicRemark returns what a list says about a periodic job.
func periodicRemark(p periodic.Job) string {
	switch {
	case p.NextTick.IsZero():
		return p.Schedule
	case p.TicksPass:
		return p.Schedule + ", " + ticksPass
	}
	return fmt.Sprintf("%s, next run %s", p.Schedule, p.NextTick.Local().Format(zonedTime))
}

// printPeriodic shows when the runs of a job start, and lists its runs.
func printPeriodic(w io.Writer, p periodic.Job, now time.Time) {
	fmt.Fprintf(w, "schedule\t%s\nnext run\t%s\n", p.Schedule, nextText(p, now))
	last := "none yet"
	if !p.LastTick.IsZero() {
		last = p.LastTick.Local().Format(zonedTime)
	}
	fmt.Fprintf(w, "last tick\t%s\n", last)
	if len(p.Runs) == 0 {
		fmt.Fprintf(w, "runs\tnone\n")
	}
	for _, run := range p.Runs {
		fmt.Fprintf(w, "run\t%s %s %s %s\n", run.Name, run.State, pagesText(run.Pages), run.Reason)
	}
}

// watchPeriodic shows the progress of a job's runs until the job has ended.
func (d *desk) watchPeriodic(ctx context.Context, c *tasks.Client, name string) error {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for said := ""; ; {
		status, err := c.Status(ctx, name)
		if err != nil {
			return err
		}
		p, err := c.Periodic(ctx, status, nil)
		if err != nil {
			return err
		}
		if p == nil || status.State.Ended() {
			if stderr.live() {
				stderr.clear()
			}
			return d.show(ctx, c, name)
		}
		if line := watchText(*p, status.Now); stderr.live() {
			stderr.rewrite(span{text: line})
		} else if line = periodicRemark(*p) + runText(*p, false); line != said {
			said = line
			fmt.Fprintln(stderr, line)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchText returns the line that a terminal shows.
func watchText(p periodic.Job, now time.Time) string {
	return "next run " + nextText(p, now) + runText(p, true)
}

// runText describes the last run, if there is one.
func runText(p periodic.Job, pages bool) string {
	if len(p.Runs) == 0 {
		return ""
	}
	run := p.Runs[len(p.Runs)-1]
	text := fmt.Sprintf("  %s %s", run.Name, run.State)
	if pages {
		text += ", " + pagesText(run.Pages)
	}
	return text
}
