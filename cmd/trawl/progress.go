package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// progress shows the progress of a crawl: on a terminal as one line that it rewrites,
// otherwise as a new line now and then.
type progress struct {
	w        *terminal
	terminal bool
	began    time.Time
	samples  []forecast.Sample
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
		w: w, terminal: w.live(), began: now,
		samples: []forecast.Sample{forecast.SampleOf(now, c)},
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
				p.w.clear()
			}
			return
		case <-tick.C:
		}
		r, err := look(ctx)
		if err != nil {
			continue // the scheduler reports it
		}
		parts := p.parts(r, time.Now())
		if p.terminal {
			p.w.rewrite(fitting(parts, p.w.width()-1)...)
		} else {
			fmt.Fprintln(p.w, textOf(joined(parts)))
		}
	}
}

// part is one thing that the line says.
type part struct {
	span
	rank int // where there is no room, the part with the highest rank is left out first
}

// parts describes the counters in words, or what the crawl waits for.
func (p *progress) parts(r snapshot, now time.Time) []part {
	c := r.counters
	p.samples = append(p.samples, forecast.SampleOf(now, c))
	p.samples = p.samples[max(0, len(p.samples)-forecast.EstimateSamples):]
	rate := forecast.PaceOf(since(p.samples, now.Add(-rateSpan)))
	pages := part{span{text: pagesText(c.Pages())}, 0}
	waiting := part{span{text: fmt.Sprintf("%d waiting", c.Waiting+c.Flight)}, 2}
	if r.waiting.For != "" {
		return []part{pages, waiting, {span{r.waiting.Text, styleWarn}, 1}}
	}
	errors := span{text: plain.Plural(errorsOf(c), "error", "errors")}
	if errorsOf(c) > 0 {
		errors.style = styleWarn
	}
	return []part{
		pages, {span{text: short(rate.Pages) + "/s"}, 3}, waiting, {span{text: hostCount(c.Hosts)}, 5}, {errors, 4},
		{span{text: now.Sub(p.began).Round(time.Second).String()}, 6},
		{span{text: forecast.Left(r.status, c, forecast.EstimateOf(r.status, c, p.samples, nil))}, 1},
	}
}

// since returns the samples from a time on: at least the last two.
func since(samples []forecast.Sample, begin time.Time) []forecast.Sample {
	for len(samples) > 2 && samples[0].At.Before(begin) {
		samples = samples[1:]
	}
	return samples
}

// fitting joins as many parts as fit into a number of columns, those of low ranks first. At
// least one part is left, even if it does not fit.
func fitting(parts []part, columns int) []span {
	parts = slices.Clone(parts)
	for len(parts) > 1 && columnsOf(joined(parts)...) > columns {
		last := 0
		for i := range parts {
			if parts[i].rank > parts[last].rank {
				last = i
			}
		}
		if parts[last].rank < 2 { // the parts left are cut rather than left out
			break
		}
		parts = slices.Delete(parts, last, last+1)
	}
	return joined(parts)
}

// joined returns the parts with room between them.
func joined(parts []part) []span {
	var line []span
	for i, p := range parts {
		if i > 0 {
			line = append(line, span{text: "  "})
		}
		line = append(line, p.span)
	}
	return line
}

// textOf returns a line without its styles.
func textOf(line []span) string {
	var b strings.Builder
	for _, s := range line {
		b.WriteString(s.text)
	}
	return b.String()
}

// errorsOf counts the URLs that could not be fetched.
func errorsOf(c crawler.Counters) int64 { return c.Failed() }

func short(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
