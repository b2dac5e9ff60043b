package robots

import (
	"context"
	"sync"
)

// turns is a mutex for each key. Callers do not share the result of the first one, so
// none depends on another's context: if the first is canceled, the next takes its turn.
// The zero turns is ready for use.
type turns struct {
	mu    sync.Mutex
	turns map[string]*turn
}

type turn struct {
	taken   chan struct{} // holds a token during a turn
	callers int           // callers in or waiting for their turn
}

// take waits for the caller's turn, which ends when it calls leave. It fails only when
// ctx is done.
func (t *turns) take(ctx context.Context, key string) (leave func(), err error) {
	d := t.enter(key)
	select {
	case d.taken <- struct{}{}:
		return func() { <-d.taken; t.exit(key, d) }, nil
	case <-ctx.Done():
		t.exit(key, d)
		return nil, ctx.Err()
	}
}

func (t *turns) enter(key string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.turns[key]
	if d == nil {
		d = &turn{taken: make(chan struct{}, 1)}
		if t.turns == nil {
			t.turns = map[string]*turn{}
		}
		t.turns[key] = d
	}
	d.callers++
	return d
}

func (t *turns) exit(key string, d *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.callers--; d.callers == 0 {
		delete(t.turns, key)
	}
}
