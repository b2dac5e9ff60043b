package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/tasks"
)

// watchCommand returns the command that shows a job until it has ended.
func (d *desk) watchCommand() *cobra.Command {
	cmd := d.command("watch JOB", "Show the progress of a job until it has ended", 1, d.watch)
	cmd.Long = `Watch shows a job until it has ended. On a terminal it fills the screen with what "trawl job show"
prints, the speed of the job and its hosts: ? lists the keys. Elsewhere it prints a line every ten
seconds, or with --json an object every second.

` + exitHelp
	return cmd
}

func (d *desk) watch(ctx context.Context, c *tasks.Client, name string) error {
	status, err := c.Status(ctx, name)
	if err != nil {
		return err
	}
	switch {
	case d.json:
		return d.watchJSON(ctx, c, name)
	case status.Job.Schedule != "":
		return d.watchPeriodic(ctx, c, name)
	case status.State.Ended():
	case fullScreen():
		status, err = watchScreen(ctx, c, name)
	default:
		status, err = watchLines(ctx, c, name)
	}
	if errors.Is(err, errQuit) {
		fmt.Fprintf(stderr, "trawl: job %s goes on\n", name)
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.show(ctx, c, name); err != nil {
		return err
	}
	numbers, err := c.Counters(ctx, name)
	if err != nil {
		return err
	}
	return watched(status, numbers)
}

// watchScreen shows a job on the whole terminal until it has ended. It returns errQuit if the
// user quits before.
func watchScreen(ctx context.Context, c *tasks.Client, name string) (status crawler.Status, err error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	waited := make(chan error, 1)
	go func() {
		var err error
		status, err = c.Wait(watching, name)
		waited <- err
		stop()
	}()
	shown := onScreen(watching, c, name, screenEvery)
	stop()
	switch why := <-waited; {
	case why == nil:
		return status, nil
	case shown == nil:
		return status, errQuit
	case !errors.Is(why, context.Canceled):
		return status, why
	}
	return status, shown
}

// watchLines prints the progress of a job until it has ended. A terminal without keys shows it
// in one line.
func watchLines(ctx context.Context, c *tasks.Client, name string) (status crawler.Status, err error) {
	numbers, err := c.Counters(ctx, name)
	if err != nil {
		return status, err
	}
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		troubles := newTroubleWatch(stderr)
		newProgress(stderr, numbers).run(watching, func(ctx context.Context) (snapshot, error) {
			status, err := c.Status(ctx, name)
			if err != nil {
				return snapshot{}, err
			}
			troubles.see(status)
			return glance(ctx, c, status)
		})
	}()
	status, err = c.Wait(ctx, name)
	stop()
	<-done
	return status, err
}

// watchJSON prints a job every second, one object to a line, until it has ended.
func (d *desk) watchJSON(ctx context.Context, c *tasks.Client, name string) error {
	tick := time.NewTicker(screenEvery)
	defer tick.Stop()
	for {
		status, err := c.Status(ctx, name)
		if err != nil {
			return err
		}
		j, err := glanceAtJob(ctx, c, status)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(stdout).Encode(j); err != nil {
			return err
		}
		if status.State.Ended() && status.Job.Schedule != "" {
			return nil
		}
		if status.State.Ended() {
			return watched(status, j.Counters)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// glance reads the counters of a job, and what it waits for.
func glance(ctx context.Context, c *tasks.Client, status crawler.Status) (snapshot, error) {
	numbers, err := c.Counters(ctx, status.Job.Name)
	if err != nil {
		return snapshot{}, err
	}
	waiting, err := c.Waiting(ctx, status, numbers)
	return snapshot{status, numbers, waiting}, err
}

// watched returns the exit status for a job that has ended.
func watched(status crawler.Status, numbers crawler.Counters) error {
	switch {
	case status.State != crawler.StateDone:
		return failed("job %s is %s: %s", status.Job.Name, status.State, status.Reason)
	case nothingFetched(numbers):
		return &exitError{exitNothing, "nothing could be fetched: " + outcomesText(numbers)}
	}
	return nil
}
