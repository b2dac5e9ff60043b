package robots

import (
	"container/list"
	"sync"
	"time"
)

// memory keeps parsed rules in this process, so that a URL costs neither a request to the
// shared cache nor a parse. It is bounded in bytes, because a robots.txt may be large,
// and evicts the least recently used rules. It is safe for concurrent use.
type memory struct {
	limit int // bytes, by Rules.weight

	mu     sync.Mutex
	weight int
	kept   map[subject]*list.Element // of *recollection
	recent *list.List                // most recently used first
}

// subject is the origin and the product token that rules are for.
type subject struct{ origin, token string }

type recollection struct {
	subject
	rules *Rules
	until time.Time
}

func (r *recollection) weight() int {
	return len(r.origin) + len(r.token) + r.rules.weight()
}

func newMemory(limit int) *memory {
	return &memory{limit: limit, kept: map[subject]*list.Element{}, recent: list.New()}
}

// recall returns the rules for s, or nil if they are not in memory or have expired.
func (m *memory) recall(s subject, now time.Time) *Rules {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.kept[s]
	if e == nil {
		return nil
	}
	r := e.Value.(*recollection)
	if !now.Before(r.until) {
		m.forget(e)
		return nil
	}
	m.recent.MoveToFront(e)
	return r.rules
}

// keep stores the rules for s.
func (m *memory) keep(s subject, rules *Rules, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.kept[s]; e != nil {
		m.forget(e)
	}
	r := &recollection{s, rules, until}
	m.kept[s] = m.recent.PushFront(r)
	m.weight += r.weight()
	for m.weight > m.limit {
		m.forget(m.recent.Back())
	}
}

func (m *memory) forget(e *list.Element) {
	r := m.recent.Remove(e).(*recollection)
	delete(m.kept, r.subject)
	m.weight -= r.weight()
}
