package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Redis slows the fleet down before it is full.
const (
	slowFrom   = 0.9         // fewer visits begin above this part of its maxmemory, or of the budget
	memoryAsks = time.Second // between two looks at its memory
)

// headroom watches how full Redis is; of a Cluster, all masters together. Links of pages take
// memory. So a crawl with many visits under way when Redis becomes full would make requests whose
// results it cannot store for now. It is safe for concurrent use.
type headroom struct {
	vitals func(context.Context) (redisconn.Vitals, error)
	budget func(context.Context) (int64, error) // of the fleet's memory in Redis; 0: none
	log    *slog.Logger

	mu     sync.Mutex
	asked  time.Time
	room   float64 // when it last looked
	slowed bool
}

func newHeadroom(vitals func(context.Context) (redisconn.Vitals, error),
	budget func(context.Context) (int64, error), log *slog.Logger) *headroom {
	return &headroom{vitals: vitals, budget: budget, log: log, room: 1}
}

// Room returns which share of the workers' places may be in use, from 0 to 1; see roomIn. While
// Redis does not answer, it returns the last value.
func (h *headroom) Room(ctx context.Context) float64 {
	h.mu.Lock()
	room, due := h.room, time.Since(h.asked) >= memoryAsks
	if due {
		h.asked = time.Now()
	}
	h.mu.Unlock()
	if !due {
		return room
	}
	v, err := h.vitals(ctx)
	budget, budgetErr := h.budget(ctx)
	if err != nil || budgetErr != nil {
		return room // the scheduler's other calls meet the error as well
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.room = min(roomIn(v.Memory, v.MaxMemory), roomIn(v.Memory, budget))
	if slowed := h.room < 1; slowed != h.slowed {
		h.slowed = slowed
		h.say(v, budget)
	}
	return h.room
}

// roomIn returns 1 while Redis uses less than nine tenths of a limit: its maxmemory, or the budget.
// Above that, it returns less and less, down to 0. most is 0 if there is no limit.
func roomIn(used, most int64) float64 {
	if most <= 0 {
		return 1
	}
	return max(0, min(1, (1-float64(used)/float64(most))/(1-slowFrom)))
}

// say logs that Redis became nearly full, or has room again.
func (h *headroom) say(v redisconn.Vitals, budget int64) {
	used, most := plain.Bytes(v.Memory), plain.Bytes(v.MaxMemory)
	switch {
	case !h.slowed:
		h.log.Info("Redis has room again: as many visits begin as before", "used", used, "maxmemory", most)
	case roomIn(v.Memory, budget) < roomIn(v.Memory, v.MaxMemory):
		h.log.Warn("Redis has nearly used its budget of memory: fewer visits begin, down to one for each job; "+
			"raise --redis-budget of the workers, or remove jobs that you no longer need (trawl job rm)",
			"used", used, "budget", plain.Bytes(budget))
	default:
		h.log.Warn("Redis is nearly full: fewer visits begin, and crawls wait when it is full; "+
			"raise its maxmemory, or remove jobs that you no longer need (trawl job rm)",
			"used", used, "maxmemory", most)
	}
}
