package wire

import (
	"context"
	"fmt"
	"time"
)

// triedEvery is the polling interval of TryEvents.
const triedEvery = 20 * time.Millisecond

// TryEvents waits until each event in [EventQueue] was tried once, or ctx ends, and returns the
// number of those that were not delivered. A server of the queue must run.
func (d *Dispatcher) TryEvents(ctx context.Context) (left int, err error) {
	tick := time.NewTicker(triedEvery)
	defer tick.Stop()
	for {
		info, err := d.inspector.GetQueueInfo(EventQueue)
		switch {
		case noQueue(err):
			return 0, nil
		case err != nil:
			return 0, fmt.Errorf("queue %s: %w", EventQueue, err)
		case info.Pending+info.Active == 0:
			return info.Retry + info.Archived, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return info.Size - info.Completed, nil
		}
	}
}
