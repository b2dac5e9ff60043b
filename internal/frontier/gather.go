package frontier

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Bounds of gathering.
const (
	// gatherPace is the shortest time between two batches of a busy verb.
	gatherPace = 10 * time.Millisecond
	// busyCalls is how many calls within gatherSpan make a verb busy. Below that, no call waits
	// for others, except while a batch is under way.
	busyCalls  = 20
	gatherSpan = 100 * time.Millisecond
	// gatherMost is the most calls of a batch.
	gatherMost = 64
)

// gatherer lets many visits share one call of the same script, because most of a script's cost
// arises once a call: running its definitions, reading the clock and the counters. While a batch is
// under way, calls gather for the next one. If there are many calls, a batch begins only a moment
// after the last one. The zero value is not usable: see newGatherer. It is safe for concurrent use.
type gatherer[T any] struct {
	run  func(ctx context.Context, calls []T) // carries out a batch; the results are in the calls
	pace time.Duration                        // 0: each call is carried out by itself, at once

	mu       sync.Mutex
	waiting  []*gathered[T]
	led      bool // a call leads: it carries out batches, or is about to
	full     chan struct{}
	began    time.Time // when the last batch began
	counting time.Time // since when calls are counted
	calls    int       // since then
	before   int       // in the span before
}

// gathered is a call that waits. wake receives false when it was carried out, and true when it has
// to lead.
type gathered[T any] struct {
	call     T
	deadline time.Time // valid if bounded
	bounded  bool
	wake     chan bool
}

func newGatherer[T any](pace time.Duration, run func(ctx context.Context, calls []T)) *gatherer[T] {
	return &gatherer[T]{run: run, pace: pace, full: make(chan struct{}, 1)}
}

// do carries out a call, perhaps together with others. If ctx ends before that, it returns the
// error of ctx; if that is a deadline, Redis counts as unavailable, as in a call to Redis itself.
func (g *gatherer[T]) do(ctx context.Context, call T) error {
	if g.pace == 0 {
		g.run(ctx, []T{call})
		return nil
	}
	c := &gathered[T]{call: call, wake: make(chan bool, 1)}
	c.deadline, c.bounded = ctx.Deadline()
	if g.join(c) {
		g.lead(ctx)
		return nil
	}
	select {
	case leads := <-c.wake:
		if leads {
			g.lead(ctx)
		}
		return nil
	case <-ctx.Done():
	}
	if g.leave(c) {
		return fmt.Errorf("frontier: waiting for a call that is under way: %w", redisconn.Passing(ctx.Err()))
	}
	if <-c.wake { // it was just chosen to lead; otherwise its batch was under way
		g.lead(ctx)
	}
	return nil
}

// join adds a call to those that wait, and reports whether it leads.
func (g *gatherer[T]) join(c *gathered[T]) (leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count(time.Now())
	g.waiting = append(g.waiting, c)
	if len(g.waiting) == gatherMost {
		select {
		case g.full <- struct{}{}:
		default:
		}
	}
	leads, g.led = !g.led, true
	return leads
}

// leave removes a call from those that wait. It returns false if it is not among them.
func (g *gatherer[T]) leave(c *gathered[T]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == c && len(c.wake) == 0 {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// count counts a call. g.mu is held.
func (g *gatherer[T]) count(now time.Time) {
	switch since := now.Sub(g.counting); {
	case since >= 2*gatherSpan:
		g.before, g.calls, g.counting = 0, 0, now
	case since >= gatherSpan:
		g.before, g.calls, g.counting = g.calls, 0, now
	}
	g.calls++
}

// pause returns how long the next batch waits for more calls. g.mu is held.
func (g *gatherer[T]) pause() time.Duration {
	if max(g.before, g.calls) < busyCalls {
		return 0
	}
	return g.pace - time.Since(g.began)
}

// lead carries out a batch, and lets another call lead if more wait by then. ctx gives the batch
// its values.
func (g *gatherer[T]) lead(ctx context.Context) {
	g.mu.Lock()
	pause := g.pause()
	g.mu.Unlock()
	if pause > 0 {
		select {
		case <-g.full:
		case <-time.After(pause):
		}
	}
	batch := g.take()
	ctx, cancel := forBatch(ctx, batch)
	defer cancel()
	calls := make([]T, len(batch))
	for i, c := range batch {
		calls[i] = c.call
	}
	g.run(ctx, calls)
	g.pass()
	for _, c := range batch {
		c.wake <- false
	}
}

// forBatch returns the context of a batch. It does not end with that of one of its calls, but with
// the last deadline that they have.
func forBatch[T any](ctx context.Context, batch []*gathered[T]) (context.Context, context.CancelFunc) {
	ctx = context.WithoutCancel(ctx)
	var last time.Time
	for _, c := range batch {
		if !c.bounded {
			return ctx, func() {}
		}
		if c.deadline.After(last) {
			last = c.deadline
		}
	}
	return context.WithDeadline(ctx, last)
}

// take takes the next batch.
func (g *gatherer[T]) take() []*gathered[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), gatherMost)
	batch := g.waiting[:n:n]
	g.waiting, g.began = g.waiting[n:], time.Now()
	return batch
}

// pass lets the first call that waits lead.
func (g *gatherer[T]) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.led = len(g.waiting) > 0; g.led {
		g.waiting[0].wake <- true
	}
}

// gatherers are the gatherers of a verb, one for each shard. It is safe for concurrent use.
type gatherers[T any] struct {
	pace time.Duration
	run  func(ctx context.Context, base string, calls []T)

	mu     sync.Mutex
	shards map[string]*gatherer[T] // by base
}

// at returns the gatherer of the shard with the given base.
func (g *gatherers[T]) at(base string) *gatherer[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.shards[base]
	if one == nil {
		if g.shards == nil {
			g.shards = make(map[string]*gatherer[T], 1)
		}
		one = newGatherer(g.pace, func(ctx context.Context, calls []T) { g.run(ctx, base, calls) })
		g.shards[base] = one
	}
	return one
}
