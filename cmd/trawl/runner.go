package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// again says that a crawl is not lost.
const again = "the same command goes on"

// runner says how to crawl on this machine, as far as the settings do. The hosts of its
// visits are tallied.
func (s *settings) runner(ctx context.Context, hosts *tally) (localcrawl.Config, error) {
	reach, err := s.reach()
	if err != nil {
		return localcrawl.Config{}, err
	}
	return localcrawl.Config{
		Job: s.Job, Restart: s.restart, Redis: s.Redis, Concurrency: s.Concurrency,
		Fetch: reach, Own: s.own(), Process: processName(), Kill: secondInterrupt(ctx), Log: newLog(s.verbose),
		Words: words, Hear: localcrawl.Hear{
			Visit: hosts.note, Waits: sayWaits,
			LeftOut: func(why error) { fmt.Fprintf(stderr, "trawl: left out: %v\n", why) },
			Aside:   func(folder string) { fmt.Fprintf(stderr, "trawl: earlier results are now in %s\n", folder) },
		},
	}, nil
}

// words are the names of the settings in errors.
var words = localcrawl.Words{Out: "--out", Restart: "--restart", Job: "--job", Redis: "--redis", Again: again}

// own reports whether this process connects with what others do not have.
func (s *settings) own() bool {
	return s.Access != "" || len(s.Header)+len(s.Proxy)+len(s.CA)+len(s.Insecure)+len(s.Resolvers)+len(s.Ports) > 0
}

// processName names this process in the fleet, and in the jobs that it alone carries out.
func processName() string {
	return fmt.Sprintf("trawl crawl on %s, process %d", fleet.HostName(), os.Getpid())
}

// sayWaits tells that pages cannot be kept now, and when they can again.
func sayWaits(why error) {
	if why == nil {
		fmt.Fprintln(stderr, "trawl: there is room again: the crawl goes on")
		return
	}
	reason, _, _ := strings.Cut(why.Error(), "\n") // a visit may have met more
	fmt.Fprintf(stderr, "trawl: %s: the crawl waits, and goes on by itself when there is room\n", reason)
}

// sayElsewhere says where pages of a crawl are besides in its own folder.
func sayElsewhere(w io.Writer, job string, places []crawler.Kept) {
	for _, k := range places {
		fmt.Fprintf(w, "trawl: %d pages of %s are in %q on machine %s, where worker %s keeps them: read them there, too\n",
			k.Pages, job, k.Where, k.Machine, k.Worker)
	}
}

// runWatched runs a crawl with its progress on standard error.
func runWatched(ctx context.Context, r *localcrawl.Runner, job string, seeds iter.Seq[seed]) (localcrawl.Result, error) {
	before, err := r.Client.Counters(ctx, job)
	if err != nil {
		return localcrawl.Result{}, err
	}
	look := func(ctx context.Context) (snapshot, error) {
		status, err := r.Client.Status(ctx, job)
		if err != nil {
			return snapshot{}, err
		}
		return glance(ctx, r.Client, status)
	}
	watching, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { newProgress(stderr, before).run(watching, look) })
	wg.Go(func() {
		<-watching.Done()
		if ctx.Err() != nil {
			fmt.Fprintln(stderr, "\ntrawl: stopping: what is under way is kept (once more to stop now)")
		}
	})
	result, err := r.Run(ctx, seeds)
	stop()
	wg.Wait()
	return result, err
}

// nothingFetched says that a crawl had no page, nor heard that one is as it was.
func nothingFetched(c crawler.Counters) bool {
	return c.Pages()+c.Outcomes[crawler.OutcomeNotModified] == 0
}

// verdict is the exit status of a run.
func verdict(r *localcrawl.Runner, result localcrawl.Result, err error) error {
	switch {
	case result.Interrupted:
		message := "interrupted"
		if r.Resumable() {
			message += "; " + again + " where it stopped"
		}
		return errors.Join(&exitError{exitInterrupted, message}, err)
	case err != nil:
		return err
	case nothingFetched(result.Counters):
		return &exitError{exitNothing, "nothing could be fetched: " + outcomesText(result.Counters)}
	}
	return nil
}

// statusOf gives an error of a crawl that did not begin its exit status.
func statusOf(err error) error {
	var refusal *localcrawl.Refusal
	if errors.As(err, &refusal) {
		return usage("%v", err)
	}
	return failed("%v", err)
}
