package robots

import (
	"context"
	"sync"
)

// turns lets callers for the same key in one after the other. Unlike a flight
// that callers share, it ties nobody to another's context: when the first one
// is cancelled the next takes its turn. The zero turns are ready for use.
type turns struct {
	mu    sync.Mutex
	doors map[string]*door
}

type door struct {
	inside chan struct{} // holds a token while somebody is inside
	guests int           // inside or waiting
}

// take waits for the caller's turn, which ends when it calls leave. It fails
// only when ctx is done.
func (t *turns) take(ctx context.Context, key string) (leave func(), err error) {
	d := t.enter(key)
	select {
	case d.inside <- struct{}{}:
		return func() { <-d.inside; t.exit(key, d) }, nil
	case <-ctx.Done():
		t.exit(key, d)
		return nil, ctx.Err()
	}
}

func (t *turns) enter(key string) *door {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.doors[key]
	if d == nil {
		d = &door{inside: make(chan struct{}, 1)}
		if t.doors == nil {
			t.doors = map[string]*door{}
		}
		t.doors[key] = d
	}
	d.guests++
	return d
}

func (t *turns) exit(key string, d *door) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.guests--; d.guests == 0 {
		delete(t.doors, key)
	}
}
