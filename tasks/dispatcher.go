package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

const (
	// keptVisits is about how many completed visits of a job stay visible with
	// their results; each costs some 900 bytes of Redis.
	keptVisits   = 10_000
	minRetention = 10 * time.Second
	maxRetention = time.Hour
	// capacityAge is for how long the fleet's capacity is taken to be the same.
	capacityAge = time.Second
)

// Dispatcher enqueues visits and tells how many the fleet can take. It is safe for
// concurrent use.
type Dispatcher struct {
	connection any // a go-redis client, which only asynq needs to know
	inspector  *asynq.Inspector
	timeout    time.Duration

	mu       sync.Mutex
	client   *asynq.Client
	rows     map[string]*row // by job
	servers  []*asynq.ServerInfo
	askedAt  time.Time
	askedErr error
}

// row is a job's queue that the dispatcher has enqueued visits into.
type row struct {
	created time.Time // of the job: another of its name is another job
	rate    rate
}

// NewDispatcher returns a dispatcher on a Redis. timeout bounds each visit: asynq
// ends the context of one that lasts longer. It is at most [crawler.Job.VisitTerm],
// which is what 0 stands for.
func NewDispatcher(redis asynq.RedisConnOpt, timeout time.Duration) *Dispatcher {
	d := &Dispatcher{connection: redis.MakeRedisClient(), timeout: timeout}
	d.inspector = over(asynq.NewInspectorFromRedisClient, d.connection)
	d.renew()
	return d
}

// over makes a part of asynq over a connection.
func over[C, P any](part func(C) P, connection any) P { return part(connection.(C)) }

// renew forgets all rows. An asynq.Client writes a queue's name into the list of
// queues, which asynq's web UI shows, only before the first task, and holds it to be
// there ever after; a new one does it again.
func (d *Dispatcher) renew() {
	d.client, d.rows = over(asynq.NewClientFromRedisClient, d.connection), make(map[string]*row)
}

// Close ends the dispatcher's connections.
func (d *Dispatcher) Close() error { return d.connection.(io.Closer).Close() }

// Enqueue enqueues a visit into the queue of its job. Enqueueing it again does
// nothing.
func (d *Dispatcher) Enqueue(ctx context.Context, job crawler.Status, o crawler.Order) error {
	visit := Visit{Job: job.Job.Name, Run: job.Created.UnixMilli(), Host: o.Host, Epoch: o.Epoch}
	client, retention := d.row(job)
	task, err := visit.task(d.timeoutOf(job.Job), retention)
	if err != nil {
		return err
	}
	_, err = client.EnqueueContext(ctx, task)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue the visit of %s: %w", o.Host, err)
	}
	return nil
}

func (d *Dispatcher) timeoutOf(job crawler.Job) time.Duration {
	if d.timeout > 0 {
		return d.timeout
	}
	return job.VisitTerm()
}

// row returns the client that enqueues a visit of the job, and for how long the
// visit is kept, so that about keptVisits of the job stay visible.
func (d *Dispatcher) row(job crawler.Status) (*asynq.Client, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rows[job.Job.Name]
	if r != nil && !r.created.Equal(job.Created) {
		d.renew() // the queue of the job before was deleted
		r = nil
	}
	if r == nil {
		r = &row{created: job.Created}
		d.rows[job.Job.Name] = r
	}
	return d.client, retentionAt(r.rate.note(time.Now()))
}

// retentionAt is for how long visits are kept of which so many end a second.
func retentionAt(perSecond float64) time.Duration {
	return min(max(time.Duration(keptVisits/perSecond)*time.Second, minRetention), maxRetention)
}

// rate counts events in spans of ten seconds.
type rate struct {
	began time.Time
	count float64
	last  float64 // a second, in the span before
}

const rateSpan = 10 * time.Second

// note counts one event and returns the events a second, more than 0.
func (r *rate) note(now time.Time) float64 {
	if since := now.Sub(r.began); since >= rateSpan {
		r.last = r.count / since.Seconds()
		r.began, r.count = now, 0
	}
	r.count++
	return max(r.last, r.count/rateSpan.Seconds())
}

// Workers names the processes that serve the job's queue, as of when Capacity was last
// asked.
func (d *Dispatcher) Workers(job string) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		if s.Queues[job] > 0 && s.Status == "active" {
			names = append(names, fmt.Sprintf("%s:%d", s.Host, s.PID))
		}
	}
	return names
}

// Capacity is how many visits of a job the workers that serve its queue can
// carry out at once.
func (d *Dispatcher) Capacity(job string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.askedAt) > capacityAge {
		d.servers, d.askedErr = d.inspector.Servers()
		if d.askedErr == nil {
			d.askedErr = d.review()
		}
		d.askedAt = time.Now()
	}
	if d.askedErr != nil {
		return 0, fmt.Errorf("ask for the fleet's workers: %w", d.askedErr)
	}
	capacity := 0
	for _, s := range d.servers {
		if s.Queues[job] > 0 && s.Status == "active" {
			capacity += s.Concurrency
		}
	}
	return capacity, nil
}

// review finds out whether queues were deleted that had visits: of jobs that were
// removed, or by hand in asynq's web UI.
func (d *Dispatcher) review() error {
	queues, err := d.inspector.Queues()
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(queues))
	for _, q := range queues {
		there[q] = true
	}
	for job := range d.rows {
		if !there[job] {
			d.renew()
			return nil
		}
	}
	return nil
}

// Paused reports whether the job's queue is paused, in asynq's web UI or by
// SetPaused, and whether it is known: there is none before the first visit.
func (d *Dispatcher) Paused(job string) (paused, known bool, err error) {
	info, err := d.inspector.GetQueueInfo(job)
	if noQueue(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("queue %s: %w", job, err)
	}
	return info.Paused, true, nil
}

// noQueue reports whether asynq has no such queue. Not every method of its
// Inspector says so with the error that is meant for it: some return that of an
// internal package, which only its text tells.
func noQueue(err error) bool {
	return errors.Is(err, asynq.ErrQueueNotFound) || err != nil && strings.HasPrefix(err.Error(), "NOT_FOUND: queue ")
}

// SetPaused pauses the job's queue, or lets it go on: no worker receives a visit
// from a queue that is paused. A queue that does not exist yet stays as it is.
func (d *Dispatcher) SetPaused(job string, paused bool) error {
	now, known, err := d.Paused(job)
	if err != nil || !known || now == paused {
		return err
	}
	do := d.inspector.UnpauseQueue
	if paused {
		do = d.inspector.PauseQueue
	}
	if err := do(job); err != nil && !noQueue(err) {
		return fmt.Errorf("queue %s: %w", job, err)
	}
	return nil
}

// Forget deletes the queue of a job with its tasks, and reports whether it is gone.
// asynq deletes no task that is active: visits that are under way, or whose worker
// died, leave theirs behind until they end or are recovered, and their queue with
// them. What asynq counted of the queue stays, too: [frontier.Store.Remove] and
// Clear delete it.
func (d *Dispatcher) Forget(job string) (gone bool, err error) {
	active, err := d.active(job)
	if err == nil {
		err = d.empty(job)
	}
	if err == nil && !active {
		if err = d.inspector.DeleteQueue(job, true); err != nil {
			active, _ = d.active(job) // one may have begun meanwhile
		}
	}
	switch {
	case active:
		return false, nil
	case err == nil || errors.Is(err, asynq.ErrQueueNotFound):
		return true, nil
	}
	return false, fmt.Errorf("delete queue %s: %w", job, err)
}

// active reports whether asynq holds a task of the job to be active.
func (d *Dispatcher) active(job string) (bool, error) {
	active, err := d.inspector.ListActiveTasks(job, asynq.PageSize(1))
	return len(active) > 0, err
}

// empty deletes all tasks that are not active. DeleteQueue would forget where
// the completed ones are, and leave them for ever.
func (d *Dispatcher) empty(job string) error {
	for _, deleteAll := range []func(queue string) (int, error){
		d.inspector.DeleteAllPendingTasks, d.inspector.DeleteAllScheduledTasks, d.inspector.DeleteAllRetryTasks,
		d.inspector.DeleteAllCompletedTasks, d.inspector.DeleteAllArchivedTasks,
	} {
		if _, err := deleteAll(job); err != nil {
			return err
		}
	}
	return nil
}
