package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/internal/frontier"
)

// Connection connects a process to its fleet. It is safe for concurrent use.
type Connection struct {
	Store    *frontier.Store
	Asynq    asynq.RedisConnOpt
	Log      *slog.Logger
	Registry *prometheus.Registry
	Ready    *Readiness

	watch      *watch
	lull       *lull
	changed    []func() // called when jobs were changed and signals may have been missed
	mu         sync.Mutex
	complained map[string]time.Time
}

// Join connects to the fleet in a Redis. The caller keeps ownership of the backend.
func Join(b *Backend, log *slog.Logger) *Connection {
	newStore := frontier.New
	if b.Private {
		newStore = frontier.NewPrivate
	}
	store := newStore(b.Client)
	store.OpenSpills(openSpillPlace)
	d := &Connection{
		Store: store, Asynq: b.Endpoint, Log: log, Registry: NewRegistry(), Ready: NewReadiness(store),
		complained: make(map[string]time.Time), lull: newLull(),
	}
	d.watch = newWatch(d)
	d.Ready.warning = d.watch.Warning
	return d
}

// Watch checks the Redis every second until stop is called, which waits for the last check
// to end. It logs if Redis was emptied, if its keys belong to another version of trawl, and
// if the clocks differ.
func (d *Connection) Watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { d.watch.run(ctx) })
	return func() { cancel(); watching.Wait() }
}

// onChange registers a function that is called whenever jobs were changed and signals may have been
// missed. It must not block.
func (d *Connection) onChange(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed = append(d.changed, do)
}

// noteChange records that jobs were changed.
func (d *Connection) noteChange() {
	d.lull.Stir()
	d.mu.Lock()
	all := d.changed
	d.mu.Unlock()
	for _, do := range all {
		do()
	}
}

// complainEvery is the shortest interval between log lines about the same trouble.
const complainEvery = 10 * time.Second

// complain logs an error that may occur again and again, at most once per complainEvery.
func (d *Connection) complain(message string, err error, attributes ...any) {
	if d.tooSoon(message) {
		return
	}
	d.Log.Error(message, append(attributes, "error", err)...)
}

// warn is complain for problems that do not stop the work.
func (d *Connection) warn(message string, attributes ...any) {
	if !d.tooSoon(message) {
		d.Log.Warn(message, attributes...)
	}
}

// tooSoon reports whether a message was logged a moment ago. Otherwise it counts the
// message as logged now.
func (d *Connection) tooSoon(message string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.complained[message]) < complainEvery {
		return true
	}
	d.complained[message] = time.Now()
	return false
}
