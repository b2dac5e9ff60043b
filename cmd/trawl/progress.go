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
		rates: []sample{{now, c.Pages(), c.Settled()}},
	}
}

// run shows the counters until ctx ends, and what the crawl waits for. look reads them.
func (p *progress) run(ctx context.Context, look func(context.Context) (crawler.Counters, crawler.Waiting, error)) {
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
		c, waiting, err := look(ctx)
		if err != nil {
			continue // the scheduler says so
		}
		line := p.line(c, time.Now())
		if waiting.For != "" {
			line = fmt.Sprintf("%d pages  %d waiting  %s", c.Pages(), c.Waiting+c.Flight, waiting.Text)
		}
		if p.terminal {
			p.w.rewrite(line)
		} else {
			fmt.Fprintln(p.w, line)
		}
	}
}

// line puts the counters into words.
func (p *progress) line(c crawler.Counters, now time.Time) string {
	p.rates = append(p.rates, sample{now, c.Pages(), c.Settled()})
	for len(p.rates) > 2 && now.Sub(p.rates[0].at) > rateSpan {
		p.rates = p.rates[1:]
	}
	first := p.rates[0]
	seconds := now.Sub(first.at).Seconds()
	pageRate, settleRate := 0.0, 0.0
	if seconds > 0 {
		pageRate = float64(c.Pages()-first.pages) / seconds
		settleRate = float64(c.Settled()-first.settled) / seconds
	}
	return fmt.Sprintf("%d pages  %s/s  %d waiting  %d hosts  %d errors  %s  %s",
		c.Pages(), short(pageRate), c.Waiting+c.Flight, c.Hosts, errorsOf(c),
		now.Sub(p.began).Round(time.Second), remaining(c.Waiting+c.Flight, settleRate))
}

// errorsOf counts what was asked for and not had.
func errorsOf(c crawler.Counters) int64 {
	return c.Outcomes[crawler.OutcomeFailed] + c.Outcomes[crawler.OutcomeGone]
}

// remaining is for how long the known URLs suffice. More may be found, so it
// says "at least".
func remaining(waiting int64, rate float64) string {
	switch {
	case waiting == 0:
		return "nothing waits"
	case rate <= 0:
		return "time left unknown"
	}
	left := time.Duration(float64(waiting) / rate * float64(time.Second))
	if left > 10*time.Minute {
		left = left.Round(time.Minute)
	}
	return "at least " + left.Round(time.Second).String() + " left"
}

func short(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
