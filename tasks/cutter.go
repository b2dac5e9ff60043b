package tasks

import (
	"context"
	"sync"
	"time"
)

// cutter collects the lines of a list into batches of seedBatch, or smaller ones after a
// while. Only one goroutine adds lines.
type cutter struct {
	batches chan<- []line

	mu    sync.Mutex
	batch []line
}

// add reports whether the line was accepted. It is not if ctx has ended.
func (c *cutter) add(ctx context.Context, l line) bool {
	c.mu.Lock()
	c.batch = append(c.batch, l)
	full := len(c.batch) == seedBatch
	c.mu.Unlock()
	return !full || c.flush(ctx)
}

// flush sends the current batch.
func (c *cutter) flush(ctx context.Context) bool {
	c.mu.Lock()
	batch := c.batch
	c.batch = nil
	c.mu.Unlock()
	if len(batch) == 0 {
		return true
	}
	select {
	case c.batches <- batch:
		return true
	case <-ctx.Done():
		return false
	}
}

// flushEvery flushes at intervals until reading ends. A batch that it has started to send
// is still sent.
func (c *cutter) flushEvery(ctx, reading context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.flush(ctx)
		case <-reading.Done():
			return
		}
	}
}
