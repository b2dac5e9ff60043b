package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/output"
)

// campaign runs a crawl into a folder, with progress while it runs and a
// summary at its end, and decides the exit status.
func (l *laptop) campaign(ctx context.Context, dir *folder, seeds iter.Seq[seed]) error {
	before, err := l.frontier.Counters(ctx)
	if err != nil {
		return failed("%v", err)
	}
	if err := dir.write(l.note(crawler.Status{State: crawler.StateRunning}, before)); err != nil {
		return err
	}
	began := time.Now()
	status, runErr := l.runWatched(ctx, seeds, before)
	counters, err := l.frontier.Counters(context.WithoutCancel(ctx))
	if err != nil {
		return errors.Join(runErr, failed("%v", err))
	}
	elsewhere := l.elsewhere(ctx, counters.Pages())
	last := l.note(status, counters)
	last.Elsewhere = elsewhere
	noted := dir.write(last) // else what was noted at the start holds: the same command goes on
	summary{
		status: status, counters: counters, tally: l.tally, where: l.settings.Out,
		took: time.Since(began), pages: counters.Pages() - before.Pages(),
	}.print(stderr)
	sayElsewhere(stderr, l.settings.Name, elsewhere)
	return errors.Join(l.verdict(ctx, runErr, counters, "the same command goes on where it stopped"), noted)
}

// runWatched runs the crawl with its progress on standard error.
func (l *laptop) runWatched(ctx context.Context, seeds iter.Seq[seed], before crawler.Counters) (crawler.Status, error) {
	watching, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { newProgress(stderr, before).run(watching, l.glance) })
	wg.Go(func() {
		<-watching.Done()
		if ctx.Err() != nil {
			fmt.Fprintln(stderr, "\ntrawl: stopping: what is under way is kept (once more to stop now)")
		}
	})
	status, err := l.run(ctx, seeds)
	stop()
	wg.Wait()
	return status, err
}

// glance reads how far the crawl is, and what it waits for.
func (l *laptop) glance(ctx context.Context) (snapshot, error) {
	status, err := l.client.Status(ctx, l.settings.Name)
	if err != nil {
		return snapshot{}, err
	}
	return glance(ctx, l.client, status)
}

// note is what the folder is to say of the crawl.
func (l *laptop) note(status crawler.Status, c crawler.Counters) note {
	where := ""
	switch {
	case !l.backing.Private:
		where = l.backing.Endpoint.String()
	case l.backing.Durable:
		where = inPrivate
	default:
		where = inMemory
	}
	out := ""
	if output.IsBucket(l.settings.Out) {
		out = l.settings.Out
	}
	return note{
		Out: out, Job: l.settings.Name, State: string(status.State), Reason: status.Reason,
		Backing: where, Pages: c.Pages(), Ended: status.Ended, Settings: l.settings.Job,
	}
}

// nothingFetched says that a crawl had no page, nor heard that one is as it was.
func nothingFetched(c crawler.Counters) bool {
	return c.Pages()+c.Outcomes[crawler.OutcomeNotModified] == 0
}

// verdict is the exit status.
func (l *laptop) verdict(ctx context.Context, runErr error, c crawler.Counters, goOn string) error {
	switch {
	case ctx.Err() != nil:
		message := "interrupted"
		if l.backing.Durable {
			message += "; " + goOn
		}
		return &exitError{exitInterrupted, message}
	case runErr != nil:
		return runErr
	case nothingFetched(c):
		return &exitError{exitNothing, "nothing could be fetched: " + outcomesText(c)}
	}
	return nil
}
