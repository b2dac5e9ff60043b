package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
)

const (
	// watchEvery is how often a process checks that its Redis is still the one that it began
	// with, and whether jobs were changed; watchLong is the same during a lull.
	watchEvery = time.Second
	watchLong  = 2 * time.Second
	// maxSkew is how far the clock of a process may differ from Redis's before it warns.
	maxSkew = 2 * time.Second
)

// watch checks the Redis of a process while the process runs: whether the layout of its
// keys is still the right one, whether it was emptied, and how far the clocks differ.
type watch struct {
	store   *frontier.Store
	conn    *Connection
	skew    prometheus.Gauge
	emptied prometheus.Counter
	foreign prometheus.Gauge
	garbage prometheus.Counter

	mu      sync.Mutex
	warning string // about the clock; "" if there isn't one
	closed  bool   // the layout belongs to another version
}

func newWatch(d *Connection) *watch {
	w := &watch{
		store: d.Store, conn: d,
		skew: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trawl_clock_skew_seconds",
			Help: "Seconds by which the clock of this process is ahead of Redis's; negative if it is behind."}),
		emptied: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trawl_redis_emptied_total",
			Help: "How often Redis was found to have lost its data, or to hold other data than before."}),
		foreign: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trawl_redis_other_version",
			Help: "1 while the keys in Redis are of another version of trawl, so that this process leaves them alone."}),
	}
	w.garbage = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "trawl_redis_garbage_total",
		Help: "Keys and entries in Redis that this process could not use, and set aside."})
	d.Registry.MustRegister(w.skew, w.emptied, w.foreign, w.garbage)
	return w
}

// run checks until ctx ends.
func (w *watch) run(ctx context.Context) {
	for {
		w.look(ctx)
		over, ended := w.conn.lull.Pause(watchEvery, watchLong)
		select {
		case <-over:
		case <-ended:
		case <-ctx.Done():
			return
		}
	}
}

func (w *watch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	found, err := w.store.Review(ctx)
	if found.Emptied {
		w.emptied.Inc()
		w.conn.Log.Error("Redis has lost its data: it was emptied (FLUSHALL), restarted without them, or replaced; " +
			"the jobs that it held are gone, and the results that were written stay")
	}
	for _, g := range w.store.Garbage() {
		w.garbage.Inc()
		w.conn.Log.Warn("garbage in Redis is set aside", "job", g.Job, "what", g.What)
	}
	if found.Changed || found.Emptied {
		w.conn.noteChange()
	}
	w.noteLayout(err)
	if err == nil || errors.Is(err, queue.ErrLayout) {
		w.noteSkew(found.Skew)
	}
}

// noteLayout logs when the layout becomes another version's, and when it is right again.
func (w *watch) noteLayout(err error) {
	w.mu.Lock()
	was := w.closed
	switch {
	case err == nil:
		w.closed = false
		w.foreign.Set(0)
	case errors.Is(err, queue.ErrLayout):
		w.closed = true
		w.foreign.Set(1)
	}
	is := w.closed
	w.mu.Unlock()
	switch {
	case is:
		w.conn.complain("this process leaves the jobs alone", err)
	case was:
		w.conn.Log.Info("the keys in Redis are of this version of trawl again: this process continues")
	}
}

// noteSkew warns if the clock is wrong.
func (w *watch) noteSkew(skew time.Duration) {
	w.skew.Set(skew.Seconds())
	w.mu.Lock()
	before := w.warning
	w.warning = ""
	if skew.Abs() > maxSkew {
		w.warning = skewText(skew)
	}
	now := w.warning
	w.mu.Unlock()
	switch {
	case now != "":
		w.conn.warn("the clock of this machine is wrong", "error", now)
	case before != "":
		w.conn.Log.Info("the clock of this machine is right again")
	}
}

// skewText says how far the clocks differ, and what to do.
func skewText(skew time.Duration) string {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("its clock is about %s %s Redis's: synchronize the clocks of both machines (NTP); times in records are wrong meanwhile",
		skew.Abs().Round(time.Second), direction)
}

// Warning returns what is wrong with the clock of this process; "" if nothing is.
func (w *watch) Warning() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.warning
}
