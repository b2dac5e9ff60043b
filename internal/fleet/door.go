package fleet

import (
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
	return &Door{
		Store: store, Asynq: b.Endpoint, Log: log, Registry: NewRegistry(), Ready: NewReadiness(store),
		complained: make(map[string]time.Time),
	}
}

// complainEvery is how often the same trouble is logged.
const complainEvery = 10 * time.Second

// complain logs trouble that lasts, and is met again and again, now and then.
func (d *Door) complain(message string, err error, attributes ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.complained[message]) < complainEvery {
		return
	}
	d.complained[message] = time.Now()
	d.Log.Error(message, append(attributes, "error", err)...)
}
