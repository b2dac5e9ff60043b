package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

const (
	// watchEvery is how often a process looks whether its Redis is still the one that
	// it began with.
	watchEvery = time.Second
	// mostSkew is by how much the clock of a process may differ from Redis's before
	// it says so.
	mostSkew = 2 * time.Second
)

// watch looks at the Redis of a process for as long as the process runs: whether
// the layout of its keys is still ours, whether it was emptied, and how far the
// clocks are apart.
type watch struct {
	store   *frontier.Store
	door    *Door
	skew    prometheus.Gauge
	emptied prometheus.Counter
	foreign prometheus.Gauge
	garbage prometheus.Counter

	mu      sync.Mutex
	warning string // about the clock; "" for none
	closed  bool   // the layout is not ours
}

func newWatch(d *Door) *watch {
	w := &watch{
		store: d.Store, door: d,
		skew: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trawl_clock_skew_seconds", Help: "By how much the clock of this process is ahead of Redis's; negative is behind."}),
		emptied: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trawl_redis_emptied_total", Help: "How often Redis was found to have lost its data, or to hold other data than before."}),
		foreign: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trawl_redis_other_version", Help: "1 while the keys in Redis are of another version of trawl, so that this process leaves them alone."}),
	}
	w.garbage = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "trawl_redis_garbage_total", Help: "Keys and entries in Redis that this process found not to be what they should be, and set aside."})
	d.Registry.MustRegister(w.skew, w.emptied, w.foreign, w.garbage)
	return w
}

// run looks until ctx ends.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-tick.C:
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
		w.door.Log.Error("Redis has lost its data: it was emptied (FLUSHALL), restarted without them, or replaced; " +
			"the jobs that it held are gone, and the results that were written stay")
	}
	for _, g := range w.store.Garbage() {
		w.garbage.Inc()
		w.door.Log.Warn("garbage in Redis is set aside", "job", g.Job, "what", g.What)
	}
	w.noteLayout(err)
	if err == nil || errors.Is(err, crawler.ErrLayout) {
		w.noteSkew(found.Skew)
	}
}

// noteLayout logs when the layout stops being ours, and when it is ours again.
func (w *watch) noteLayout(err error) {
	w.mu.Lock()
	was := w.closed
	switch {
	case err == nil:
		w.closed = false
		w.foreign.Set(0)
	case errors.Is(err, crawler.ErrLayout):
		w.closed = true
		w.foreign.Set(1)
	}
	is := w.closed
	w.mu.Unlock()
	switch {
	case is:
		w.door.complain("this process leaves the jobs alone", err)
	case was:
		w.door.Log.Info("the keys in Redis are of this version of trawl again: this process goes on")
	}
}

// noteSkew warns of a clock that is wrong.
func (w *watch) noteSkew(skew time.Duration) {
	w.skew.Set(skew.Seconds())
	w.mu.Lock()
	before := w.warning
	w.warning = ""
	if skew.Abs() > mostSkew {
		w.warning = skewText(skew)
	}
	now := w.warning
	w.mu.Unlock()
	switch {
	case now != "":
		w.door.warn("the clock of this machine is wrong", "error", now)
	case before != "":
		w.door.Log.Info("the clock of this machine is right again")
	}
}

// skewText says how far the clocks are apart, and what to do.
func skewText(skew time.Duration) string {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("its clock is about %s %s Redis's: synchronize the clocks of both machines (NTP); times in records are wrong meanwhile",
		skew.Abs().Round(time.Second), direction)
}

// Warning returns what is wrong with the clock of this process; "" for nothing.
func (w *watch) Warning() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.warning
}
