package redisd

import (
	"container/heap"
	"time"
)

// deadlines are the times at which keys expire. miniredis keeps only how long a key has, and
// would have to go through all keys to let time pass. The zero value has none.
//
// A deadline may be out of date: the key may be gone, or live without one by now. Whoever
// acts on a deadline asks miniredis first whether the key has one.
type deadlines struct {
	of    map[string]time.Time
	queue dueKeys
}

// set sets the deadline of a key.
func (d *deadlines) set(key string, at time.Time) {
	if d.of == nil {
		d.of = make(map[string]time.Time)
	}
	if was, ok := d.of[key]; ok && was.Equal(at) {
		return
	}
	d.of[key] = at
	heap.Push(&d.queue, dueKey{at, key})
	d.tidy()
}

// tidy removes deadlines that were replaced from the queue, once they are the larger part.
func (d *deadlines) tidy() {
	const few = 1000
	if len(d.queue) < 2*len(d.of)+few {
		return
	}
	d.queue = d.queue[:0]
	for key, at := range d.of {
		d.queue = append(d.queue, dueKey{at, key})
	}
	heap.Init(&d.queue)
}

// drop forgets the deadline of a key.
func (d *deadlines) drop(key string) { delete(d.of, key) }

// due removes and returns the keys whose deadlines have passed.
func (d *deadlines) due(now time.Time) (keys []string) {
	for len(d.queue) > 0 && !d.queue[0].at.After(now) {
		next := heap.Pop(&d.queue).(dueKey)
		if at, ok := d.of[next.key]; ok && at.Equal(next.at) {
			keys = append(keys, next.key)
			delete(d.of, next.key)
		}
	}
	return keys
}

type dueKey struct {
	at  time.Time
	key string
}

// dueKeys is a heap with the earliest deadline first; see [heap.Interface].
type dueKeys []dueKey

func (q dueKeys) Len() int           { return len(q) }
func (q dueKeys) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q dueKeys) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *dueKeys) Push(x any)        { *q = append(*q, x.(dueKey)) }

func (q *dueKeys) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	(*q)[last] = dueKey{} // let go of the key
	*q = (*q)[:last]
	return x
}
