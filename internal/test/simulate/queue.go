package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// taskQueue imitates asynq: it holds the tasks of all jobs, and delivers them to workers,
// late, twice, or never. Only the goroutine that the arbiter allows to run uses it.
type taskQueue struct {
	sim *sim
	queueState
}

// queueState is what asynq stores in Redis.
type queueState struct {
	tasks  map[string]task // waiting tasks, by ID
	known  map[string]bool // IDs that were ever enqueued; asynq rejects duplicates
	paused map[string]bool // by job, if it has a queue
}

// task is an enqueued visit.
type task struct {
	job   string
	run   int64
	order queue.VisitRef
}

func (t task) String() string { return fmt.Sprintf("%s %s@%d", t.job, t.order.Host, t.order.Epoch) }

func (t task) id() string { return fmt.Sprintf("%v %d", t, t.run) }

func newQueue(s *sim) *taskQueue {
	return &taskQueue{sim: s, queueState: queueState{tasks: make(map[string]task), known: make(map[string]bool),
		paused: make(map[string]bool)}}
}

// queues is a scheduler's view of asynq. It implements [scheduler.Queues].
type queues struct {
	queue   *taskQueue
	process *process
}

// Capacity returns how many visits of a job the workers can carry out.
func (q queues) Capacity(job string) (n int, err error) {
	err = q.process.interact(q.process.ctx, toQueue, "capacity "+job, func() error {
		n = q.queue.sim.capacity(job)
		return nil
	}, nil)
	return n, err
}

// Workers returns the names of the workers of a job. All workers serve all jobs.
func (q queues) Workers(string) []string { return []string{"all"} }

// Enqueue enqueues visits.
func (q queues) Enqueue(ctx context.Context, status crawler.Status, orders []queue.VisitRef) (int, error) {
	for i, o := range orders {
		if err := q.enqueue(ctx, task{job: status.Job.Name, run: status.Created.UnixMilli(), order: o}); err != nil {
			return i, err
		}
	}
	return len(orders), nil
}

// enqueue enqueues a task.
func (q queues) enqueue(ctx context.Context, t task) error {
	add := func() { q.queue.add(t) }
	return q.process.interact(ctx, toQueue, "enqueue "+t.String(), func() error {
		q.process.arbiter.trace.add("%s enqueues %v", q.process.name, t)
		add()
		return nil
	}, add)
}

// Paused reports whether a job's queue is paused, and whether it exists.
func (q queues) Paused(job string) (paused, known bool, err error) {
	err = q.process.interact(q.process.ctx, toQueue, "paused "+job, func() error {
		paused, known = q.queue.paused[job]
		return nil
	}, nil)
	return paused, known, err
}

// Pauses returns how many of the jobs' queues are paused.
func (q queues) Pauses(ctx context.Context, jobs []string) (n int, err error) {
	err = q.process.interact(ctx, toQueue, fmt.Sprintf("pauses %v", jobs), func() error {
		n = 0 // it may be sent twice
		for _, job := range jobs {
			if q.queue.paused[job] {
				n++
			}
		}
		return nil
	}, nil)
	return n, err
}

// SetPaused pauses or resumes a job's queue.
func (q queues) SetPaused(job string, paused bool) error {
	return q.process.interact(q.process.ctx, toQueue, fmt.Sprintf("set paused %s %v", job, paused), func() error {
		if _, known := q.queue.paused[job]; known {
			q.queue.paused[job] = paused
		}
		return nil
	}, nil)
}

// Forget deletes a job's queue.
func (q queues) Forget(job string) (gone bool, err error) {
	err = q.process.interact(q.process.ctx, toQueue, "forget "+job, func() error {
		q.queue.empty(job)
		delete(q.queue.paused, job)
		gone = true
		return nil
	}, nil)
	return gone, err
}

// add enqueues a task, and schedules its delivery.
func (q *taskQueue) add(t task) {
	if q.known[t.id()] {
		return
	}
	q.known[t.id()] = true
	if _, known := q.paused[t.job]; !known {
		q.paused[t.job] = false
	}
	q.tasks[t.id()] = t
	q.deliverIn(t, q.sim.arbiter.between(time.Millisecond, 80*time.Millisecond))
	if q.sim.arbiter.chance(q.sim.world.rates.twice) {
		q.sim.arbiter.in(q.sim.arbiter.between(time.Millisecond, 40*time.Second), func() {
			q.sim.arbiter.counts["task delivered twice"]++
			q.tasks[t.id()] = t
			q.deliver(t)
		})
	}
}

// pollEvery is roughly how long a task waits if no worker has room for it.
const pollEvery = 60 * time.Millisecond

func (q *taskQueue) deliverIn(t task, d time.Duration) {
	q.sim.arbiter.in(d, func() { q.deliver(t) })
}

// deliver gives a task to a worker with room, if the task is still waiting.
func (q *taskQueue) deliver(t task) {
	if _, waits := q.tasks[t.id()]; !waits {
		return
	}
	var free []*worker
	for _, w := range q.sim.workers {
		if w != nil && w.hasRoom(t.job) {
			free = append(free, w)
		}
	}
	if len(free) == 0 || q.paused[t.job] || q.sim.redis.away() {
		q.deliverIn(t, q.sim.arbiter.between(pollEvery/2, 2*pollEvery))
		return
	}
	w := free[q.sim.arbiter.rng.IntN(len(free))]
	delete(q.tasks, t.id())
	q.sim.arbiter.trace.add("%s gets %v", w.process.name, t)
	w.carryOut(t)
}

// recover returns a task whose worker died to the queue, as asynq does when its lease is
// over.
func (q *taskQueue) recover(t task) {
	q.sim.arbiter.in(q.sim.arbiter.between(30*time.Second, 90*time.Second), func() {
		q.tasks[t.id()] = t
		q.deliver(t)
	})
}

// empty deletes all tasks of a job.
func (q *taskQueue) empty(job string) {
	maps.DeleteFunc(q.tasks, func(_ string, t task) bool { return t.job == job })
}

// state returns a copy of what asynq stores.
func (q *taskQueue) state() queueState {
	return queueState{maps.Clone(q.tasks), maps.Clone(q.known), maps.Clone(q.paused)}
}

// restore restores an earlier state of asynq.
func (q *taskQueue) restore(was queueState) {
	q.queueState = was
	for _, id := range slices.Sorted(maps.Keys(was.tasks)) {
		q.deliverIn(was.tasks[id], q.sim.arbiter.between(time.Millisecond, time.Second))
	}
}
