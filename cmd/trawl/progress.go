package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/term"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// progress shows the progress of a crawl: on a terminal as one line that it rewrites,
// otherwise as a new line now and then.
type progress struct {
	w        *terminal
	terminal bool
	began    time.Time
	rates    []sample
}

// sample is what had been done at a point in time.
type sample struct {
	at      time.Time
	pages   int64
	settled int64
	bytes   int64
}

func sampleOf(at time.Time, c crawler.Counters) sample {
	return sample{at, c.Pages(), c.Settled(), c.Bytes}
}

// snapshot is a job with its counters at a point in time.
type snapshot struct {
	status   crawler.Status
	counters crawler.Counters
	waiting  waiting.Waiting
}

const (
	liveEvery  = 500 * time.Millisecond
	plainEvery = 10 * time.Second
	rateSpan   = 15 * time.Second // the rate is averaged over this time
)

// newProgress starts from the current counters.
func newProgress(w *terminal, c crawler.Counters) *progress {
	now := time.Now()
	return &progress{
		w: w, terminal: term.IsTerminal(int(w.file.Fd())), began: now,
		rates: []sample{sampleOf(now, c)},
	}
}

// run shows the counters, and what the crawl waits for, until ctx ends. look reads them.
func (p *progress) run(ctx context.Context, look func(context.Context) (snapshot, error)) {
	every := plainEvery
	if p.terminal {
		every = liveEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if p.terminal {
				p.w.rewrite("")
			}
			return
		case <-tick.C:
		}
		r, err := look(ctx)
		if err != nil {
			continue // the scheduler reports it
		}
		line := p.line(r, time.Now())
		if r.waiting.For != "" {
			line = fmt.Sprintf("%s  %d waiting  %s", pagesText(r.counters.Pages()), r.counters.Waiting+r.counters.Flight, r.waiting.Text)
		}
		if p.terminal {
			p.w.rewrite(line)
		} else {
			fmt.Fprintln(p.w, line)
		}
	}
}

// line describes the counters in words.
func (p *progress) line(r snapshot, now time.Time) string {
	c := r.counters
	p.rates = append(p.rates, sampleOf(now, c))
	for len(p.rates) > 2 && now.Sub(p.rates[0].at) > rateSpan {
		p.rates = p.rates[1:]
	}
	rate := paceOf(p.rates)
	return fmt.Sprintf("%s  %s/s  %d waiting  %s  %s  %s  %s",
		pagesText(c.Pages()), short(rate.pages), c.Waiting+c.Flight, hostCount(c.Hosts), plain.Plural(errorsOf(c), "error", "errors"),
		now.Sub(p.began).Round(time.Second), leftText(r.status, c, rate))
}

// errorsOf counts the URLs that could not be fetched.
func errorsOf(c crawler.Counters) int64 {
	return c.Outcomes[crawler.OutcomeFailed] + c.Outcomes[crawler.OutcomeGone]
}

func short(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
