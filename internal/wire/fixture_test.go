package wire_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// queueTest is a Redis with a job's queue in it, and a client.
type queueTest struct {
	*wire.Dispatcher
	t         *testing.T
	redis     asynq.RedisClientOpt
	inspector *asynq.Inspector
	job       crawler.Status
	queue     string
}

func newQueueTest(t *testing.T, url string) *queueTest {
	t.Helper()
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	w := &queueTest{
		t: t, queue: redistest.Name(t),
		redis: asynq.RedisClientOpt{
			Network: opt.Network, Addr: opt.Addr, Username: opt.Username, Password: opt.Password, DB: opt.DB,
		},
	}
	w.job = crawler.Status{Job: crawler.DefaultJob(), Created: time.UnixMilli(1_700_000_000_000)}
	w.job.Job.Name = w.queue
	w.Dispatcher = w.client(time.Minute)
	w.inspector = asynq.NewInspector(w.redis)
	t.Cleanup(func() { w.inspector.Close() })
	return w
}

// client returns another client.
func (w *queueTest) client(timeout time.Duration) *wire.Dispatcher {
	c := wire.NewDispatcher(w.redis, timeout)
	w.t.Cleanup(func() { c.Close() })
	return c
}

// serve starts a worker, and returns a function that closes it. It is closed with the test at the
// latest.
func (w *queueTest) serve(handle wire.Handler, cfg wire.ServerConfig) (shut func()) {
	w.t.Helper()
	return w.serveUnder(w.t.Context(), handle, cfg)
}

func (w *queueTest) serveUnder(ctx context.Context, handle wire.Handler, cfg wire.ServerConfig) (shut func()) {
	w.t.Helper()
	if cfg.Job == "" {
		cfg.Job = w.queue
	}
	s, err := wire.Serve(ctx, w.redis, handle, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	shut = sync.OnceFunc(s.Close)
	w.t.Cleanup(shut)
	return shut
}

// enqueue enqueues visits.
func (w *queueTest) enqueue(orders ...queue.VisitRef) {
	w.t.Helper()
	if n, err := w.Enqueue(w.t.Context(), w.job, orders); n != len(orders) || err != nil {
		w.t.Fatalf("%d of %d visits are enqueued: %v", n, len(orders), err)
	}
}

// task returns a task of the queue as asynq reports it.
func (w *queueTest) task(id string) *asynq.TaskInfo {
	w.t.Helper()
	info, err := w.inspector.GetTaskInfo(w.queue, id)
	if err != nil {
		w.t.Fatalf("task %s: %v", id, err)
	}
	return info
}

// wantState checks that a task is in a state.
func (w *queueTest) wantState(id string, want asynq.TaskState) *asynq.TaskInfo {
	w.t.Helper()
	info := w.task(id)
	if info.State != want {
		w.t.Fatalf("task %s is %v (error %q), want %v", id, info.State, info.LastErr, want)
	}
	return info
}

// forget forgets the queue, and checks whether it is gone.
func (w *queueTest) forget(gone bool) {
	w.t.Helper()
	if got, err := w.Forget(w.queue); got != gone || err != nil {
		w.t.Fatalf("the forgotten queue is gone: %v (%v), want %v", got, err, gone)
	}
}

func ref(n int) queue.VisitRef {
	return queue.VisitRef{Host: crawler.Host(fmt.Sprintf("site%d.example", n)), Epoch: 1}
}

// received is a visit that a worker received, with its task's ID.
type received struct {
	wire.Visit
	id string
}

// visitChannel is a worker's handler that sends each visit on a channel.
type visitChannel chan received

func newVisitChannel() visitChannel { return make(visitChannel, 1000) }

func (d visitChannel) handle(ctx context.Context, v wire.Visit, _ <-chan struct{}) (queue.Report, error) {
	id, _ := asynq.GetTaskID(ctx)
	d <- received{v, id}
	return queue.Report{Host: v.Host, Ending: queue.EndDry}, nil
}

// rest lists the hosts of the visits that were not received from the channel.
func (d visitChannel) rest() []crawler.Host {
	var hosts []crawler.Host
	for len(d) > 0 {
		hosts = append(hosts, (<-d).Host)
	}
	return hosts
}

// waitCapacity waits until the workers that serve the queue report this many places in Redis.
func (w *queueTest) waitCapacity(places int) {
	w.t.Helper()
	for said := -1; said != places; {
		servers, err := w.inspector.Servers()
		if err != nil {
			w.t.Fatal(err)
		}
		said = 0
		for _, s := range servers {
			if s.Queues[w.queue] > 0 {
				said += s.Concurrency
			}
		}
	}
}
