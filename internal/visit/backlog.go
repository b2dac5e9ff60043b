package visit

import (
	"context"
	"sync"
)

// backlog bounds the bodies that a visit holds until they are committed. Lanes fetch faster than
// some sinks keep, and without a bound, all URLs that were taken ahead would wait in memory. It is
// safe for concurrent use.
type backlog struct {
	most int64 // bytes; 0: no bound

	mu    sync.Mutex
	held  int64
	freed chan struct{} // closed when held gets smaller; nil while no lane waits
}

// room waits until the bodies have fewer bytes than the bound, or ctx ends. The leader commits a
// batch before they reach the bound, so a lane always waits for a commit that is under way.
func (b *backlog) room(ctx context.Context) {
	for {
		freed := b.full()
		if freed == nil {
			return
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return
		}
	}
}

// full returns a channel that is closed when there may be room again; nil if there is room now.
func (b *backlog) full() <-chan struct{} {
	if b.most == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held < b.most {
		return nil
	}
	if b.freed == nil {
		b.freed = make(chan struct{})
	}
	return b.freed
}

// add counts the body of a URL task that is done.
func (b *backlog) add(e *urlTask) {
	if b.most == 0 {
		return
	}
	e.waiting = min(e.weight(), flushBodies) // a body that is a batch of its own counts as one
	b.mu.Lock()
	b.held += e.waiting
	b.mu.Unlock()
}

// remove no longer counts the body of a URL task.
func (b *backlog) remove(e *urlTask) {
	if e.waiting == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= e.waiting
	e.waiting = 0
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}
