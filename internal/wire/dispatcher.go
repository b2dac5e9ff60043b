package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
)

const (
	// keptVisits is approximately how many completed visits of a job stay visible with
	// their results. Each costs about 900 bytes of Redis memory.
	keptVisits   = 10_000
	minRetention = 10 * time.Second
	maxRetention = time.Hour
	// capacityAge is how long the fleet's capacity is cached.
	capacityAge = time.Second
)

// Dispatcher enqueues visits and reports how many the fleet can run. It is safe for
// concurrent use.
type Dispatcher struct {
	// Reported returns how many workers say themselves that they serve a job, whether or not their
	// asynq server is open. Set it before the first call. Default none.
	Reported func(job string) int
	// Lull reports whether nothing happens in the fleet. Default it never does.
	Lull func() bool

	connection any // a go-redis client; this package need not import its type
	inspector  *asynq.Inspector
	timeout    time.Duration

	mu        sync.Mutex
	client    *asynq.Client
	rows      map[string]*row      // by job name
	inspected map[string]time.Time // by job name: when all about its queue was last read
	servers   []*asynq.ServerInfo
	askedAt   time.Time
	askedErr  error
}

// row is a job's queue into which the dispatcher has enqueued visits.
type row struct {
	created time.Time // when the job was created; distinguishes jobs of the same name
	rate    rate
}

// NewDispatcher returns a dispatcher on a Redis. timeout limits each visit: asynq ends the
// context of one that lasts longer. It is at most [crawler.Job.VisitTerm], which 0 stands
// for.
func NewDispatcher(redis asynq.RedisConnOpt, timeout time.Duration) *Dispatcher {
	d := &Dispatcher{connection: redis.MakeRedisClient(), timeout: timeout, inspected: make(map[string]time.Time)}
	d.inspector = over(asynq.NewInspectorFromRedisClient, d.connection)
	d.renew()
	return d
}

// Client returns the client that enqueues tasks.
func (d *Dispatcher) Client() *asynq.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.client
}

// over makes a part of asynq that uses a connection.
func over[C, P any](part func(C) P, connection any) P { return part(connection.(C)) }

// renew forgets all rows. An asynq.Client adds a queue's name to the list of queues, which
// asynq's web UI shows, only before the first task, and then assumes that it stays there. A
// new client adds it again.
func (d *Dispatcher) renew() {
	d.client, d.rows = over(asynq.NewClientFromRedisClient, d.connection), make(map[string]*row)
}

// Close closes the dispatcher's connections.
func (d *Dispatcher) Close() error { return d.connection.(io.Closer).Close() }

// Enqueue enqueues visits into the queue of their job, and returns how many of them, from the
// first on, it has enqueued. If there are many, a task has several of them. Enqueueing the same
// visits again does nothing.
func (d *Dispatcher) Enqueue(ctx context.Context, job crawler.Status, orders []queue.VisitRef) (int, error) {
	n := tourOf(len(orders), d.serving(job.Job.Name))
	enqueued := 0
	for visits := range slices.Chunk(orders, n) {
		if err := d.enqueue(ctx, job, visits); err != nil {
			return enqueued, err
		}
		enqueued += len(visits)
	}
	return enqueued, nil
}

// enqueue enqueues a task.
func (d *Dispatcher) enqueue(ctx context.Context, job crawler.Status, visits []queue.VisitRef) error {
	client, retention := d.row(job, len(visits))
	task, err := newTour(job.Job.Name, job.Created.UnixMilli(), visits).task(
		d.timeoutOf(job.Job.RequestSettings), retention)
	if err != nil {
		return err
	}
	_, err = client.EnqueueContext(ctx, task)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue the visit of %s: %w", visits[0].Host, err)
	}
	return nil
}

func (d *Dispatcher) timeoutOf(s crawler.RequestSettings) time.Duration {
	if d.timeout > 0 {
		return d.timeout
	}
	return s.VisitTerm()
}

// row returns the client that enqueues visits of the job, and how long they are kept, so that
// about keptVisits of the job stay visible.
func (d *Dispatcher) row(job crawler.Status, visits int) (*asynq.Client, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.rows[job.Job.Name]
	if r != nil && !r.created.Equal(job.Created) {
		d.renew() // the previous job's queue was deleted
		r = nil
	}
	if r == nil {
		r = &row{created: job.Created}
		d.rows[job.Job.Name] = r
	}
	return d.client, retentionAt(r.rate.note(time.Now(), visits))
}

// retentionAt returns how long visits are kept, given how many end per second.
func retentionAt(perSecond float64) time.Duration {
	return min(max(time.Duration(keptVisits/perSecond)*time.Second, minRetention), maxRetention)
}

// rate counts events in intervals of ten seconds.
type rate struct {
	began time.Time
	count float64
	last  float64 // events per second in the previous interval
}

const rateSpan = 10 * time.Second

// note counts events, at least one, and returns the events per second, more than 0.
func (r *rate) note(now time.Time, events int) float64 {
	if since := now.Sub(r.began); since >= rateSpan {
		r.last = r.count / since.Seconds()
		r.began, r.count = now, 0
	}
	r.count += float64(events)
	return max(r.last, r.count/rateSpan.Seconds())
}

// Workers returns the processes that serve the job's queue, as of the last call of
// Capacity.
func (d *Dispatcher) Workers(job string) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.of(job) {
		names = append(names, fmt.Sprintf("%s:%d", s.Host, s.PID))
	}
	return names
}

// serving returns how many processes serve the job's queue, as of the last call of Capacity.
func (d *Dispatcher) serving(job string) int {
	reported := 0
	if d.Reported != nil {
		reported = d.Reported(job)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(reported, len(d.of(job)))
}

// of returns the servers that serve the job's queue. d.mu is held.
func (d *Dispatcher) of(job string) (all []*asynq.ServerInfo) {
	for _, s := range d.servers {
		if s.Queues[job] > 0 && s.Status == "active" {
			all = append(all, s)
		}
	}
	return all
}

// Capacity returns how many visits of a job the workers that serve its queue can run at
// once.
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
		return 0, fmt.Errorf("list the fleet's workers: %w", d.askedErr)
	}
	capacity := 0
	for _, s := range d.of(job) {
		capacity += s.Concurrency
	}
	return capacity, nil
}

// review checks whether queues that had visits were deleted: because their job was removed,
// or by hand in asynq's web UI.
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

// Paused reports whether the job's queue is paused, in asynq's web UI or by SetPaused.
// known is false if the queue does not exist, as before the first visit. Now and then it reads all
// about the queue, as asynq's web UI does, so that a key that is garbage is noticed.
func (d *Dispatcher) Paused(job string) (paused, known bool, err error) {
	if !d.inspects(job) {
		return frontier.QueuePaused(context.Background(), d.connection, job)
	}
	return d.inspect(job)
}

// inspectEvery is how often all about a queue is read, which takes some twenty commands.
const inspectEvery = 2 * time.Second

// inspects reports whether all about a queue is to be read now.
func (d *Dispatcher) inspects(job string) bool {
	if d.Lull != nil && d.Lull() {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.inspected[job]) < inspectEvery {
		return false
	}
	d.inspected[job] = time.Now()
	return true
}

// inspect is Paused by all that asynq has of the queue.
func (d *Dispatcher) inspect(job string) (paused, known bool, err error) {
	info, err := d.inspector.GetQueueInfo(job)
	if noQueue(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("queue %s: %w", job, err)
	}
	return info.Paused, true, nil
}

// noQueue reports whether the error says that asynq has no such queue. Some methods of its
// Inspector do not return asynq.ErrQueueNotFound but an error of an internal package, which
// can only be recognized by its text.
func noQueue(err error) bool {
	return errors.Is(err, asynq.ErrQueueNotFound) || err != nil && strings.HasPrefix(err.Error(), "NOT_FOUND: queue ")
}

// Pauses returns how many of these jobs' queues are paused, with one command; in a Cluster, with one
// for each.
func (d *Dispatcher) Pauses(ctx context.Context, jobs []string) (int, error) {
	return frontier.QueuePauses(ctx, d.connection, jobs)
}

// SetPaused pauses or unpauses the job's queue. No worker receives a visit from a paused
// queue. If the queue does not exist yet, nothing happens.
func (d *Dispatcher) SetPaused(job string, paused bool) error {
	now, known, err := d.inspect(job)
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

// Forget deletes the queue of a job with its tasks, and reports whether it is gone. asynq
// does not delete active tasks: the tasks of open visits, or of visits whose worker died,
// stay until they end or are recovered, and so does their queue. asynq's statistics of the
// queue stay, too: [frontier.Store.Remove] and Clear delete them.
func (d *Dispatcher) Forget(job string) (gone bool, err error) {
	d.mu.Lock()
	delete(d.inspected, job)
	d.mu.Unlock()
	active, err := d.active(job)
	if err == nil {
		err = d.empty(job)
	}
	if err == nil && !active {
		if err = d.inspector.DeleteQueue(job, true); err != nil {
			active, _ = d.active(job) // a task may have started in the meantime
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

// active reports whether asynq considers a task of the job active.
func (d *Dispatcher) active(job string) (bool, error) {
	active, err := d.inspector.ListActiveTasks(job, asynq.PageSize(1))
	return len(active) > 0, err
}

// empty deletes all tasks that are not active. DeleteQueue would forget where the completed
// tasks are, and leave them forever.
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
