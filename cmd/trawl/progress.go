package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/term"

	"github.com/trawlcrawler/trawl/crawler"
)

// progress tells a person how a crawl goes: a line that is written over while
// standard error is a terminal, and otherwise a new line now and then.
type progress struct {
	w        *terminal
	terminal bool
	began    time.Time
	rates    []sample
}

// sample is what was done at a moment.
type sample struct {
	at      time.Time
	pages   int64
	settled int64
	bytes   int64
}

func sampleOf(at time.Time, c crawler.Counters) sample {
	return sample{at, c.Pages(), c.Settled(), c.Bytes}
}

// snapshot is a job with its numbers at a moment.
type snapshot struct {
	status   crawler.Status
	counters crawler.Counters
	waiting  crawler.Waiting
}

const (
	liveEvery  = 500 * time.Millisecond
	plainEvery = 10 * time.Second
	rateSpan   = 15 * time.Second // over which pages a second are averaged
)

// newProgress begins with the counters as they are.
func newProgress(w *terminal, c crawler.Counters) *progress {
	now := time.Now()
	return &progress{
		w: w, terminal: term.IsTerminal(int(w.file.Fd())), began: now,
		rates: []sample{sampleOf(now, c)},
	}
}

// run shows the counters until ctx ends, and what the crawl waits for. look reads them.
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
			continue // the scheduler says so
		}
		line := p.line(r, time.Now())
		if r.waiting.For != "" {
			line = fmt.Sprintf("%d pages  %d waiting  %s", r.counters.Pages(), r.counters.Waiting+r.counters.Flight, r.waiting.Text)
		}
		if p.terminal {
			p.w.rewrite(line)
		} else {
			fmt.Fprintln(p.w, line)
		}
	}
}

// line puts the counters into words.
func (p *progress) line(r snapshot, now time.Time) string {
	c := r.counters
	p.rates = append(p.rates, sampleOf(now, c))
	for len(p.rates) > 2 && now.Sub(p.rates[0].at) > rateSpan {
		p.rates = p.rates[1:]
	}
	rate := paceOf(p.rates)
	return fmt.Sprintf("%d pages  %s/s  %d waiting  %d hosts  %d errors  %s  %s",
		c.Pages(), short(rate.pages), c.Waiting+c.Flight, c.Hosts, errorsOf(c),
		now.Sub(p.began).Round(time.Second), leftText(r.status, c, rate))
}

// errorsOf counts what was asked for and not had.
func errorsOf(c crawler.Counters) int64 {
	return c.Outcomes[crawler.OutcomeFailed] + c.Outcomes[crawler.OutcomeGone]
}

func short(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
