package redisd

import (
	"container/heap"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// miniredis keeps how long a key may live, and would have to go through all keys to let time
// pass. So its time stands still, and once a command has set how long a key may live, that is
// replaced by the time from the origin to the deadline. It goes with the key when that is
// renamed or copied. The origin is so early that the two are not mistaken for one another.
var origin = time.Unix(0, 0).AddDate(-100, 0, 0)

// maxLife is how long a key may live, at most.
const maxLife = 100 * 365 * 24 * time.Hour

// deadlineOf returns the deadline of a key; zero if it has none.
func deadlineOf(db *miniredis.RedisDB, key string) time.Time {
	left := db.TTL(key)
	if left == 0 {
		return time.Time{}
	}
	return origin.Add(left)
}

// learn replaces how long keys may live by their deadlines, after a unit that may have set
// them. at is the clock of the unit.
func (b *Builtin) learn(at time.Time, keys []string) {
	db := b.redis.DB(0)
	for _, key := range keys {
		left := db.TTL(key)
		if left == 0 {
			continue
		}
		deadline := origin.Add(left)
		if left <= maxLife {
			deadline = at.Add(left)
			db.SetTTL(key, deadline.Sub(origin))
		}
		b.deadlines.add(db, key, deadline)
	}
}

// untilDeadline corrects an answer about the deadline of a key.
func untilDeadline(now time.Time, name, answer string) string {
	milliseconds, err := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(answer, ":")), 10, 64)
	if err != nil || milliseconds < 0 {
		return answer
	}
	deadline := now.Add(time.Duration(milliseconds) * time.Millisecond)
	if milliseconds > maxLife.Milliseconds() {
		deadline = origin.Add(time.Duration(milliseconds) * time.Millisecond)
	}
	left := max(0, deadline.Sub(now))
	n := left.Milliseconds()
	switch name {
	case "TTL":
		n = int64(left.Round(time.Second) / time.Second)
	case "EXPIRETIME":
		n = deadline.Unix()
	case "PEXPIRETIME":
		n = deadline.UnixMilli()
	}
	return ":" + strconv.FormatInt(n, 10) + "\r\n"
}

// deadlines are the keys that may expire, the earliest first. A key may be gone by then, or
// have another deadline, in which case it is there twice. The zero value is empty.
type deadlines struct {
	queue dueKeys
	tidy  int // length at which outdated ones are removed next
}

// add adds a key.
func (d *deadlines) add(db *miniredis.RedisDB, key string, at time.Time) {
	const few = 1000
	heap.Push(&d.queue, dueKey{at, key})
	if len(d.queue) < max(few, d.tidy) {
		return
	}
	seen, kept := make(map[string]bool), d.queue[:0]
	for _, k := range d.queue {
		if !seen[k.key] && deadlineOf(db, k.key).Equal(k.at) {
			seen[k.key] = true
			kept = append(kept, k)
		}
	}
	clear(d.queue[len(kept):])
	d.queue, d.tidy = kept, 2*len(kept)
	heap.Init(&d.queue)
}

// due removes and returns the next key whose deadline has passed.
func (d *deadlines) due(db *miniredis.RedisDB, now time.Time) (key string, ok bool) {
	for len(d.queue) > 0 && !d.queue[0].at.After(now) {
		next := heap.Pop(&d.queue).(dueKey)
		if deadlineOf(db, next.key).Equal(next.at) {
			return next.key, true
		}
	}
	return "", false
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
