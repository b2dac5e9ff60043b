package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// turn is the result of a contestant's crawl of the web.
type turn struct {
	name  string
	pages int64
	took  time.Duration
	cpu   map[string]time.Duration // by the role of processes
	peak  int64                    // bytes, of all processes together
	asked tally
	parts []part // where the workers' processor time goes; nil if that was not measured
}

// tally has the numbers of requests to the web.
type tally struct {
	again, robots, lost, connections, handshakes, resumed, http2, queries int64
}

// take has the contestant crawl the web.
func (c contestant) take(ctx context.Context, o options, w *web, dir string) (t *turn, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &stage{options: o, web: w, dir: dir, seeds: filepath.Join(dir, "seeds.txt")}
	if err := w.writeSeeds(s.seeds); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	over := w.reset()
	began := time.Now()
	err = c.start(ctx, s)
	if err == nil {
		err = s.await(ctx, over)
	}
	t = &turn{name: c.name, pages: w.count.pages.Load(), took: time.Since(began), cpu: make(map[string]time.Duration)}
	for _, p := range s.processes {
		cpu, peak := p.cpu()
		t.cpu[p.role] += cpu
		t.peak += peak
	}
	n := &w.count
	t.asked = tally{n.again.Load(), n.robots.Load(), n.lost.Load(), n.connections.Load(), n.handshakes.Load(),
		n.resumed.Load(), n.http2.Load(), w.names.queries.Load()}
	if err = errors.Join(err, s.end()); err == nil && o.profile != "" && c.name == "trawl" {
		t.parts, err = partsOf(o.profile)
	}
	return t, errors.Join(err, os.RemoveAll(dir))
}

// await waits until nearly all pages were served, or a process of the contestant has ended.
func (s *stage) await(ctx context.Context, over <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%d of %d pages: %w", s.web.count.pages.Load(), s.web.expects, ctx.Err())
		case <-tick.C:
		}
		for _, p := range s.processes {
			if over, err := p.ended(); over {
				return err
			}
		}
	}
}

func (t *turn) all() (sum time.Duration) {
	for _, cpu := range t.cpu {
		sum += cpu
	}
	return sum
}

func (t *turn) rate() float64 { return float64(t.pages) / t.took.Seconds() }

// perPage returns a duration divided by the number of pages, in microseconds.
func (t *turn) perPage(d time.Duration) float64 { return float64(d.Microseconds()) / float64(t.pages) }

func (t *turn) String() string {
	return fmt.Sprintf("%s: %d pages in %.1f s, %.0f a second, %.0f µs each: %v; %d MB; %+v", t.name, t.pages,
		t.took.Seconds(), t.rate(), t.perPage(t.all()), t.cpu, t.peak>>20, t.asked)
}
