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
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// again tells the user that a crawl is not lost.
const again = "the same command resumes the crawl"

// runner returns the configuration of a crawl on this machine that the settings ask for.
// Reports of its visits go to hosts.
func (s *settings) runner(ctx context.Context, hosts *tally) (localcrawl.Config, error) {
	reach, err := s.reach()
	if err != nil {
		return localcrawl.Config{}, err
	}
	return localcrawl.Config{
		Job: s.Job, Restart: s.restart, Redis: s.Redis, Concurrency: s.Concurrency,
		Fetch: reach, Own: s.own(), Browser: s.Browser, Spill: s.spill(),
		Process: processName(), Kill: secondInterrupt(ctx), Log: newLog(s.verbose),
		Words: words, Hear: localcrawl.Hear{
			Visit: hosts.note, Waits: sayWaits, Rests: hosts.rest,
			LeftOut: func(why error) { fmt.Fprintf(stderr, "trawl: left out: %v\n", why) },
			Aside:   func(folder string) { fmt.Fprintf(stderr, "trawl: earlier results are now in %s\n", folder) },
		},
	}, nil
}

// words are the names of the settings in error messages.
var words = localcrawl.Words{
	Out: "--out", Restart: "--restart", Job: "--job", Redis: "--redis", Budget: "--redis-budget", Spill: "--spill",
	Again: again,
}

// own reports whether this process connects to hosts in ways that other processes cannot.
func (s *settings) own() bool {
	return s.Access != "" || s.Identity != "" || len(s.Header)+len(s.Proxy)+len(s.CA)+len(s.Insecure)+len(s.Resolvers)+
		len(s.Ports) > 0
}

// processName is the name of this process in the fleet, and in the jobs that only it runs.
func processName() string {
	return fmt.Sprintf("trawl crawl on %s, process %d", fleet.HostName(), os.Getpid())
}

// sayWaits says that pages cannot be kept now, or that they can be kept again.
func sayWaits(why error) {
	if why == nil {
		fmt.Fprintln(stderr, "trawl: there is room again: the crawl continues")
		return
	}
	reason, _, _ := strings.Cut(why.Error(), "\n") // a visit may have met more errors
	fmt.Fprintf(stderr, "trawl: %s: the crawl waits, and continues by itself when there is room\n", reason)
}

// sayElsewhere names the places outside its own folder that have pages of a crawl.
func sayElsewhere(w io.Writer, job string, places []queue.Kept) {
	for _, k := range places {
		fmt.Fprintf(w, "trawl: %s of %s in %q on machine %s, kept by worker %s: read them there, too\n",
			pagesText(k.Pages), job+isOrAre(k.Pages), k.Where, k.Machine, k.Worker)
	}
}

// runWatched runs a crawl and shows its progress on standard error.
func runWatched(ctx context.Context, r *localcrawl.Runner, job string, hosts *tally,
	seeds iter.Seq[seed]) (localcrawl.Result, error) {
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
	wg.Go(func() { hosts.sayRests(watching, look) })
	wg.Go(func() {
		<-watching.Done()
		if ctx.Err() != nil {
			fmt.Fprintln(stderr, "\ntrawl: stopping: finishing what is in progress (interrupt again to stop now)")
		}
	})
	result, err := r.Run(ctx, seeds)
	stop()
	wg.Wait()
	return result, err
}

// nothingFetched reports whether a crawl fetched no page and found none unmodified.
func nothingFetched(c crawler.Counters) bool {
	return c.Pages()+c.Outcomes[crawler.OutcomeNotModified] == 0
}

// verdict returns the exit status of a crawl.
func verdict(r *localcrawl.Runner, result localcrawl.Result, err error) error {
	switch {
	case result.Interrupted:
		message := "interrupted"
		if r.Resumable() {
			message += "; " + again
		}
		return errors.Join(&exitError{exitInterrupted, message}, err)
	case err != nil:
		return err
	case nothingFetched(result.Counters):
		return &exitError{exitNothing, "nothing could be fetched: " + outcomesText(result.Counters)}
	}
	return nil
}

// statusOf assigns an exit status to an error of a crawl that did not start.
func statusOf(err error) error {
	var refusal *localcrawl.Refusal
	if errors.As(err, &refusal) || errors.Is(err, output.ErrURL) {
		return usage("%v", err)
	}
	return failed("%v", err)
}
