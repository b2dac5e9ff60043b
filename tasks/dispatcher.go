package tasks

import (
	"context"
	"errors"
	"fmt"
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
	client    *asynq.Client
	inspector *asynq.Inspector
	timeout   time.Duration

	mu       sync.Mutex
	rates    map[string]*rate
	servers  []*asynq.ServerInfo
	askedAt  time.Time
	askedErr error
}

// NewDispatcher returns a dispatcher on a Redis. timeout bounds each visit: asynq
// ends the context of one that lasts longer. 0 is two minutes and two requests of
// the job, because a visit takes no URLs after half a minute and each request has
// a bound of its own.
func NewDispatcher(redis asynq.RedisConnOpt, timeout time.Duration) *Dispatcher {
	return &Dispatcher{
		client: asynq.NewClient(redis), inspector: asynq.NewInspector(redis),
		timeout: timeout, rates: make(map[string]*rate),
	}
}

// Close ends the dispatcher's connections.
func (d *Dispatcher) Close() error {
	return errors.Join(d.client.Close(), d.inspector.Close())
}

// Enqueue enqueues a visit into the queue of its job. Enqueueing it again does
// nothing.
func (d *Dispatcher) Enqueue(ctx context.Context, job crawler.Status, o crawler.Order) error {
	visit := Visit{Job: job.Job.Name, Run: job.Created.UnixMilli(), Host: o.Host, Epoch: o.Epoch}
	task, err := visit.task(d.timeoutOf(job.Job), d.retention(visit.Job))
	if err != nil {
		return err
	}
	_, err = d.client.EnqueueContext(ctx, task)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue the visit of %s: %w", o.Host, err)
	}
	return nil
}

func (d *Dispatcher) timeoutOf(job crawler.Job) time.Duration {
	if d.timeout > 0 {
		return d.timeout
	}
	return 2*time.Minute + 2*time.Duration(job.Timeout)
}

// retention keeps about keptVisits of a job visible.
func (d *Dispatcher) retention(job string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rates[job] == nil {
		d.rates[job] = &rate{}
	}
	return retentionAt(d.rates[job].note(time.Now()))
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

// Capacity is how many visits of a job the workers that serve its queue can
// carry out at once.
func (d *Dispatcher) Capacity(job string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.askedAt) > capacityAge {
		d.servers, d.askedErr = d.inspector.Servers()
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

// Paused reports whether the job's queue is paused, in asynq's web UI or by
// SetPaused.
func (d *Dispatcher) Paused(job string) (bool, error) {
	info, err := d.inspector.GetQueueInfo(job)
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("queue %s: %w", job, err)
	}
	return info.Paused, nil
}

// SetPaused pauses the job's queue, or lets it go on: no worker receives a visit
// from a queue that is paused. A queue that does not exist yet is not paused.
func (d *Dispatcher) SetPaused(job string, paused bool) error {
	now, err := d.Paused(job)
	if err != nil || now == paused {
		return err
	}
	do := d.inspector.UnpauseQueue
	if paused {
		do = d.inspector.PauseQueue
	}
	if err := do(job); err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
		return fmt.Errorf("queue %s: %w", job, err)
	}
	return nil
}

// Forget deletes the queue of a job with its tasks. asynq deletes no task that
// is active: visits that are under way, or whose worker died, leave theirs
// behind until they end or are recovered, and their queue with them.
func (d *Dispatcher) Forget(job string) error {
	active, err := d.inspector.ListActiveTasks(job, asynq.PageSize(1))
	if errors.Is(err, asynq.ErrQueueNotFound) {
		return nil
	}
	if err == nil {
		err = d.empty(job)
	}
	if err == nil && len(active) == 0 {
		err = d.inspector.DeleteQueue(job, true)
	}
	if err != nil {
		return fmt.Errorf("delete queue %s: %w", job, err)
	}
	return nil
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
