package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// Door is a process's way into its fleet. It is safe for concurrent use.
type Door struct {
	Store    *frontier.Store
	Asynq    asynq.RedisConnOpt
	Log      *slog.Logger
	Registry *prometheus.Registry
	Ready    *Readiness

	watch      *watch
	mu         sync.Mutex
	complained map[string]time.Time
}

// NewDoor opens the door to the fleet of a Redis, which stays the caller's.
func NewDoor(b *Backing, log *slog.Logger) *Door {
	newStore := frontier.New
	if b.Private {
		newStore = frontier.NewPrivate
	}
	store := newStore(b.Client)
	d := &Door{
		Store: store, Asynq: b.Endpoint, Log: log, Registry: NewRegistry(), Ready: NewReadiness(store),
		complained: make(map[string]time.Time),
	}
	d.watch = newWatch(d)
	d.Ready.warning = d.watch.Warning
	return d
}

// Watch looks at the Redis every second until the function that it returns is
// called, which waits for the last look to end. It logs when the Redis was emptied,
// when its keys are of another version of trawl, and when the clocks differ.
func (d *Door) Watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { d.watch.run(ctx) })
	return func() { cancel(); watching.Wait() }
}

// complainEvery is how often the same trouble is logged.
const complainEvery = 10 * time.Second

// complain logs trouble that lasts, and is met again and again, now and then.
func (d *Door) complain(message string, err error, attributes ...any) {
	if d.tooSoon(message) {
		return
	}
	d.Log.Error(message, append(attributes, "error", err)...)
}

// warn logs as complain does what does not stop the work.
func (d *Door) warn(message string, attributes ...any) {
	if !d.tooSoon(message) {
		d.Log.Warn(message, attributes...)
	}
}

// tooSoon reports whether a message was logged a moment ago; otherwise it counts
// as logged now.
func (d *Door) tooSoon(message string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.complained[message]) < complainEvery {
		return true
	}
	d.complained[message] = time.Now()
	return false
}
